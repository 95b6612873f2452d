/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links that decide how deep a device that a VM lets go of can sleep. The rules of the ports are
 * those of the kernel's pci_bridge_d3_possible() and pci_dev_check_d3cold(), in their order
 * (drivers/pci/pci.c); whether the kernel said yes can be seen, the reason of a no is inferred.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/preflight_walk.h"

/* --- functions and ports beside the device -------------------------------------------------------
 */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_function(const struct dirent *entry)
{
	return host_is_bdf(entry->d_name);
}

/* Calls @each for what sits directly below the ports, but for the chain itself. Returns the
 * number. */
static unsigned each_sibling(struct survey *s,
			     void (*each)(struct survey *s, const char *path, const char *bdf))
{
	unsigned nr = 0;

	for (unsigned p = 0; p < s->nr_ports; p++) {
		const char *own = p ? s->ports[p - 1].bdf : s->bdf;
		struct dirent **entries = NULL;
		char path[PATH_MAX];
		int n = scandir(s->ports[p].path, &entries, is_function, by_name);

		for (int i = 0; i < n; i++) {
			if (strcmp(entries[i]->d_name, own) &&
			    snprintf(path, sizeof(path), "%s/%s", s->ports[p].path,
				     entries[i]->d_name) < (int)sizeof(path)) {
				each(s, path, entries[i]->d_name);
				nr++;
			}
			free(entries[i]);
		}
		free(entries);
	}
	return nr;
}

/* --- wake ----------------------------------------------------------------------------------------
 */

static void check_wake_of(struct survey *s, const char *path, const char *bdf)
{
	char fix[96];

	if (!survey_is(path, "power/wakeup", "enabled"))
		return;
	snprintf(fix, sizeof(fix), "echo disabled > /sys/bus/pci/devices/%s/power/wakeup", bdf);
	survey_note(s, PREFLIGHT_WAKE, fix,
		    "%s is armed to wake the host: then Linux grants D3cold only if the PME bits "
		    "of its PM capability have D3cold, which sysfs does not show",
		    bdf);
}

static void check_wake(struct survey *s)
{
	unsigned before = s->out->nr;
	char state[32], wakeup[32];

	check_wake_of(s, s->path, s->bdf);
	each_sibling(s, check_wake_of);
	if (s->out->nr != before)
		return;
	if (host_read(state, sizeof(state), "%s/power_state", s->path))
		strcpy(state, "an unknown state");
	if (host_read(wakeup, sizeof(wakeup), "%s/power/wakeup", s->path) || !*wakeup)
		strcpy(wakeup, "not offered");
	survey_ok(s, PREFLIGHT_WAKE, "in %s now; its wake signal (PME) is %s", state, wakeup);
}

/* --- d3cold_allowed ------------------------------------------------------------------------------
 */

static void check_allowed_of(struct survey *s, const char *path, const char *bdf, const char *who)
{
	char fix[96];

	if (!survey_is(path, "d3cold_allowed", "0"))
		return;
	snprintf(fix, sizeof(fix), "echo 1 > /sys/bus/pci/devices/%s/d3cold_allowed", bdf);
	survey_limit(s, PREFLIGHT_ALLOWED, HOST_POWER_D3HOT, fix, "%s%s: d3cold_allowed is 0", who,
		     bdf);
}

static void check_allowed_sibling(struct survey *s, const char *path, const char *bdf)
{
	char fix[96];

	if (!survey_is(path, "d3cold_allowed", "0"))
		return;
	snprintf(fix, sizeof(fix), "echo 1 > /sys/bus/pci/devices/%s/d3cold_allowed", bdf);
	survey_limit(s, PREFLIGHT_ALLOWED, HOST_POWER_D3HOT, fix,
		     "%s shares the power and has d3cold_allowed 0", bdf);
}

static void check_allowed(struct survey *s)
{
	unsigned before = s->out->nr;

	check_allowed_of(s, s->path, s->bdf, "");
	for (unsigned i = 0; i < s->nr_ports; i++)
		check_allowed_of(s, s->ports[i].path, s->ports[i].bdf, "port ");
	each_sibling(s, check_allowed_sibling);
	if (s->out->nr == before)
		survey_ok(s, PREFLIGHT_ALLOWED, "d3cold_allowed is 1 for the device%s",
			  s->nr_ports ? " and the ports above" : "");
}

/* --- power/control -------------------------------------------------------------------------------
 */

static void check_control(struct survey *s)
{
	unsigned before = s->out->nr;
	char text[32], fix[96];

	if (survey_is(s->path, "power/control", "on")) {
		snprintf(fix, sizeof(fix), "echo auto > /sys/bus/pci/devices/%s/power/control",
			 s->bdf);
		survey_limit(s, PREFLIGHT_CONTROL, HOST_POWER_D0, fix, "%s: power/control is 'on'",
			     s->bdf);
	}
	/* vfio_pci_core.c: vfio_pci_set_power_state() refuses while VFs are on. */
	if (!host_read(text, sizeof(text), "%s/sriov_numvfs", s->path) && strcmp(text, "0")) {
		snprintf(fix, sizeof(fix), "echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs", s->bdf);
		survey_limit(s, PREFLIGHT_CONTROL, HOST_POWER_D0, fix, "%s: sriov_numvfs is %s",
			     s->bdf, text);
	}
	for (unsigned i = 0; i < s->nr_ports; i++) {
		if (!survey_is(s->ports[i].path, "power/control", "on"))
			continue;
		snprintf(fix, sizeof(fix), "echo auto > /sys/bus/pci/devices/%s/power/control",
			 s->ports[i].bdf);
		survey_limit(s, PREFLIGHT_CONTROL, HOST_POWER_D3HOT, fix,
			     "port %s: power/control is 'on'", s->ports[i].bdf);
	}
	if (s->out->nr == before)
		survey_ok(s, PREFLIGHT_CONTROL, "power/control is 'auto' for the device%s",
			  s->nr_ports ? " and the ports above" : "");
}

/* --- siblings ------------------------------------------------------------------------------------
 */

static void check_sibling(struct survey *s, const char *path, const char *bdf)
{
	char driver[64], status[32], fix[PREFLIGHT_FIX], bind[HOST_COMMANDS];
	bool bound = !host_link(driver, sizeof(driver), "%s/driver", path);

	if (host_read(status, sizeof(status), "%s/power/runtime_status", path))
		strcpy(status, "of unknown state");
	/* vfio-pci lets devices sleep that nobody has open; ours are open just now. */
	if (bound && host_driver_is_vfio(driver)) {
		survey_ok(s, PREFLIGHT_SIBLINGS,
			  "%s (%s) shares the power and is %s: it sleeps "
			  "with the VM that has it",
			  bdf, driver, status);
		return;
	}
	if (!bound)
		strcpy(driver, "no driver");
	if (!strcmp(status, "suspended")) {
		survey_ok(s, PREFLIGHT_SIBLINGS, "%s (%s) shares the power and sleeps", bdf,
			  driver);
		return;
	}
	if (!strcmp(driver, "pcieport")) {
		survey_limit(s, PREFLIGHT_SIBLINGS, HOST_POWER_D3HOT, NULL,
			     "port %s beside it shares the power and is %s: something below it is "
			     "in use",
			     bdf, status);
		return;
	}
	host_bind_commands(bdf, bound, bind, sizeof(bind));
	snprintf(fix, sizeof(fix),
		 "%s\n# or, if its driver can let it sleep:\n"
		 "echo auto > /sys/bus/pci/devices/%s/power/control",
		 bind, bdf);
	survey_limit(s, PREFLIGHT_SIBLINGS, HOST_POWER_D3HOT, fix,
		     "%s (%s) shares the power and is %s", bdf, driver, status);
}

/* --- may the ports sleep -------------------------------------------------------------------------
 */

static bool cmdline_has(const struct survey *s, const char *word)
{
	char line[4096], *save = NULL;

	if (host_read(line, sizeof(line), "%s/../proc/cmdline", s->root))
		return false;
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strcmp(w, word))
			return true;
	return false;
}

/* pciehp's service device: the port's address, "pcie", its type less that of a root port, and 04
 * (pcie/portdrv.c: get_descriptor_id()). */
static bool is_native_hotplug(const char *path, const char *bdf)
{
	for (unsigned type = 0; type < 3; type++)
		if (host_exists("%s/%s:pcie%x04", path, bdf, type))
			return true;
	return false;
}

/* 0 if the host says nothing: what the kernel makes of that is "too old". */
static int bios_year(const struct survey *s)
{
	char date[32], *year;

	if (host_read(date, sizeof(date), "%s/class/dmi/id/bios_date", s->root))
		return 0;
	year = strrchr(date, '/');
	return year ? atoi(year + 1) : 0;
}

static void explain_yes(struct survey *s, const char *path, const char *bdf)
{
	int year = bios_year(s);

	if (cmdline_has(s, "pcie_port_pm=force"))
		survey_ok(s, PREFLIGHT_PORTS, "port %s may sleep: pcie_port_pm=force", bdf);
	else if (is_native_hotplug(path, bdf))
		survey_ok(s, PREFLIGHT_PORTS,
			  "port %s may sleep: a hot-plug port that the firmware lets sleep, or "
			  "Thunderbolt",
			  bdf);
	else if (year >= 2015)
		survey_ok(s, PREFLIGHT_PORTS, "port %s may sleep: the BIOS is of %d", bdf, year);
	else
		survey_ok(s, PREFLIGHT_PORTS,
			  "port %s may sleep: Thunderbolt, or the firmware "
			  "says so",
			  bdf);
}

#define FORCE "# boot the host with pcie_port_pm=force"

/* Why pci_bridge_d3_possible() said no, in its order. */
static void explain_no(struct survey *s, const char *path, const char *bdf)
{
	int year = bios_year(s);

	if (cmdline_has(s, "pcie_port_pm=off"))
		survey_limit(s, PREFLIGHT_PORTS, HOST_POWER_D3HOT,
			     "# boot the host without pcie_port_pm=off",
			     "port %s: the host runs with pcie_port_pm=off", bdf);
	else if (cmdline_has(s, "pcie_port_pm=force"))
		survey_limit(s, PREFLIGHT_PORTS, HOST_POWER_D3HOT,
			     "# switch off hot-plug for this slot in the firmware",
			     "port %s: stays on in spite of pcie_port_pm=force: its hot-plug "
			     "belongs to the firmware",
			     bdf);
	else if (is_native_hotplug(path, bdf))
		survey_limit(s, PREFLIGHT_PORTS, HOST_POWER_D3HOT, FORCE,
			     "port %s: a hot-plug port that the firmware does not let sleep (_S0W)",
			     bdf);
	else if (year < 2015)
		survey_limit(s, PREFLIGHT_PORTS, HOST_POWER_D3HOT, FORCE,
			     "port %s: the BIOS is of %d and Linux lets ports sleep from 2015 on",
			     bdf, year);
	else
		survey_limit(s, PREFLIGHT_PORTS, HOST_POWER_D3HOT, FORCE,
			     "port %s: Linux does not let this port sleep: hot-plug by the "
			     "firmware, a board on its list, or no PCIe port",
			     bdf);
}

static void check_port(struct survey *s, const char *path, const char *bdf)
{
	char text[64], fix[64];

	if (host_link(text, sizeof(text), "%s/driver", path) || strcmp(text, "pcieport")) {
		snprintf(fix, sizeof(fix), "echo %s > /sys/bus/pci/drivers/pcieport/bind", bdf);
		survey_limit(s, PREFLIGHT_PORTS, HOST_POWER_D3HOT, fix,
			     "port %s: not bound to pcieport", bdf);
		return;
	}
	/* The port's driver turns autosuspend on if, and only if, pci_bridge_d3_possible()
	 * (pcie/portdrv.c); without it reading the delay is an error (power/sysfs.c). */
	if (host_read(text, sizeof(text), "%s/power/autosuspend_delay_ms", path))
		explain_no(s, path, bdf);
	else
		explain_yes(s, path, bdf);
}

static void check_ports(struct survey *s)
{
	for (unsigned i = 0; i < s->nr_ports; i++)
		check_port(s, s->ports[i].path, s->ports[i].bdf);
	if (!s->nr_ports)
		survey_ok(s, PREFLIGHT_PORTS, "%s",
			  s->own_resource ? "the device needs no port: its power is its own"
					  : "there is no port above the device");
}

/* --- what cuts the power -------------------------------------------------------------------------
 */

/* acpi_pci_set_power_state() leaves objects with _EJ0 alone (pci-acpi.c); the file `eject` is
 * there if, and only if, the object has the method (acpi/device_sysfs.c). */
static void check_eject(struct survey *s, const char *path, const char *bdf)
{
	if (host_exists("%s/firmware_node/eject", path))
		survey_limit(s, PREFLIGHT_EJECT, HOST_POWER_D3HOT,
			     "# switch off ACPI hot-plug for this slot in the firmware",
			     "%s has _EJ0 beside its power resource: Linux does not use that one",
			     bdf);
	else
		survey_ok(s, PREFLIGHT_EJECT, "no _EJ0 beside the power resource");
}

static void check_resource(struct survey *s)
{
	unsigned top = s->nr_ports - 1; /* used if there is one */

	if (s->own_resource) {
		survey_ok(s, PREFLIGHT_RESOURCE, "%s has a power resource (_PR3) of its own",
			  s->bdf);
		check_eject(s, s->path, s->bdf);
	} else if (s->port_resource) {
		survey_ok(s, PREFLIGHT_RESOURCE, "port %s has the power resource (_PR3)",
			  s->ports[top].bdf);
		check_eject(s, s->ports[top].path, s->ports[top].bdf);
	} else {
		survey_limit(s, PREFLIGHT_RESOURCE, HOST_POWER_D3HOT,
			     s->nr_ports ? "# try another slot, or newer firmware" : NULL,
			     s->nr_ports ? "%s: the firmware has no power resource (_PR3) for a "
					   "port above it: nothing on this board can cut its power"
					 : "%s: sits on the root bus without a power resource "
					   "(_PR3): nothing on this board can cut its power",
			     s->bdf);
		survey_ok(s, PREFLIGHT_EJECT, "no power resource that _EJ0 could spoil");
	}
}

void survey_power(struct survey *s)
{
	check_wake(s);
	check_allowed(s);
	check_control(s);
	if (!each_sibling(s, check_sibling))
		survey_ok(s, PREFLIGHT_SIBLINGS, "nothing else shares its power");
	check_ports(s);
	check_resource(s);
}
