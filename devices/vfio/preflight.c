/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judges a host in the order in which the kernel decides:
 *   the device may suspend at all  ->  something can cut its power: itself or a port above
 *   ->  each port up to that one may sleep (pci.c: pci_bridge_d3_possible())
 *   ->  each device below those ports sleeps too.
 */
#include "devices/vfio/preflight.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define MAX_PORTS 8

struct survey {
	const char *root;
	struct preflight *out;
	char path[PATH_MAX]; /* of the device */
	char bdf[HOST_BDF_LEN];
	/* Ports from the device's own up to the one that has the power resource. */
	unsigned nr_ports;
	struct {
		char path[PATH_MAX];
		char bdf[HOST_BDF_LEN];
	} ports[MAX_PORTS];
};

static void note(struct survey *s, enum host_power limit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(struct survey *s, enum host_power limit, const char *fmt, ...)
{
	struct preflight *out = s->out;
	va_list args;

	if (limit < out->deepest)
		out->deepest = limit;
	if (out->nr == PREFLIGHT_MAX_ITEMS)
		return;
	out->items[out->nr].limit = limit;
	va_start(args, fmt);
	vsnprintf(out->items[out->nr++].text, PREFLIGHT_LINE, fmt, args);
	va_end(args);
}

/* True if the attribute of the device at @path can be read and is @value. */
static bool attr_is(const char *path, const char *attr, const char *value)
{
	char text[64];

	return !host_read(text, sizeof(text), "%s/%s", path, attr) && !strcmp(text, value);
}

/* --- the device ----------------------------------------------------------------------------------
 */

static void check_device(struct survey *s)
{
	char text[64];

	if (attr_is(s->path, "power/control", "on"))
		note(s, HOST_POWER_D0,
		     "%s: power/control is 'on': echo auto > /sys/bus/pci/devices/%s/power/control",
		     s->bdf, s->bdf);
	/* vfio_pci_core.c: vfio_pci_set_power_state() refuses while VFs are on. */
	if (!host_read(text, sizeof(text), "%s/sriov_numvfs", s->path) && strcmp(text, "0"))
		note(s, HOST_POWER_D0,
		     "%s: sriov_numvfs is %s: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
		     s->bdf, text, s->bdf);
	if (attr_is(s->path, "d3cold_allowed", "0"))
		note(s, HOST_POWER_D3HOT,
		     "%s: d3cold_allowed is 0: echo 1 > /sys/bus/pci/devices/%s/d3cold_allowed",
		     s->bdf, s->bdf);
	if (attr_is(s->root, "module/vfio_pci/parameters/disable_idle_d3", "Y"))
		note(s, HOST_POWER_D3COLD,
		     "vfio-pci has disable_idle_d3=Y: it keeps in D0 the devices that no VM has "
		     "open, so give the VM all functions of the slot");
}

/* --- what can cut the power ---------------------------------------------------------------------
 */

static bool has_power_resource(const char *path)
{
	return host_exists("%s/firmware_node/power_resources_D3hot", path);
}

/* Fills the list of ports that have to sleep. True if the last of them has a power resource. */
static bool find_ports(struct survey *s)
{
	const char *below = s->path;

	for (unsigned i = 0; i < MAX_PORTS; i++) {
		if (host_parent(below, s->ports[i].bdf, s->ports[i].path, sizeof(s->ports[i].path)))
			return false;
		s->nr_ports = i + 1;
		if (has_power_resource(s->ports[i].path))
			return true;
		below = s->ports[i].path;
	}
	return false;
}

/* --- ports ---------------------------------------------------------------------------------------
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

/* Why pci_bridge_d3_possible() said no, in its order. */
static void explain_port(struct survey *s, const char *path, const char *bdf)
{
	int year = bios_year(s);

	if (cmdline_has(s, "pcie_port_pm=off"))
		note(s, HOST_POWER_D3HOT,
		     "port %s: the host runs with pcie_port_pm=off: boot it without", bdf);
	else if (cmdline_has(s, "pcie_port_pm=force"))
		note(s, HOST_POWER_D3HOT,
		     "port %s: stays on in spite of pcie_port_pm=force: its hot-plug belongs to "
		     "the firmware; switch it off there",
		     bdf);
	else if (is_native_hotplug(path, bdf))
		note(s, HOST_POWER_D3HOT,
		     "port %s: a hot-plug port that the firmware does not let sleep (_S0W): boot "
		     "the host with pcie_port_pm=force",
		     bdf);
	else if (year < 2015)
		note(s, HOST_POWER_D3HOT,
		     "port %s: the BIOS is of %d and Linux lets ports sleep from 2015 on: boot the "
		     "host with pcie_port_pm=force",
		     bdf, year);
	else
		note(s, HOST_POWER_D3HOT,
		     "port %s: Linux does not let this port sleep: boot the host with "
		     "pcie_port_pm=force",
		     bdf);
}

static void check_port(struct survey *s, const char *path, const char *bdf)
{
	char text[64];

	if (host_link(text, sizeof(text), "%s/driver", path) || strcmp(text, "pcieport")) {
		note(s, HOST_POWER_D3HOT,
		     "port %s: not bound to pcieport: echo %s > "
		     "/sys/bus/pci/drivers/pcieport/bind",
		     bdf, bdf);
		return;
	}
	/* The port's driver turns autosuspend on if, and only if, pci_bridge_d3_possible()
	 * (pcie/portdrv.c); without it reading the delay is an error (power/sysfs.c). */
	if (host_read(text, sizeof(text), "%s/power/autosuspend_delay_ms", path))
		explain_port(s, path, bdf);
	if (attr_is(path, "power/control", "on"))
		note(s, HOST_POWER_D3HOT,
		     "port %s: power/control is 'on': echo auto > "
		     "/sys/bus/pci/devices/%s/power/control",
		     bdf, bdf);
	if (attr_is(path, "d3cold_allowed", "0"))
		note(s, HOST_POWER_D3HOT,
		     "port %s: d3cold_allowed is 0: echo 1 > "
		     "/sys/bus/pci/devices/%s/d3cold_allowed",
		     bdf, bdf);
}

/* --- siblings ------------------------------------------------------------------------------------
 */

static void check_sibling(struct survey *s, const char *path, const char *bdf)
{
	char driver[64], status[32];

	if (attr_is(path, "d3cold_allowed", "0"))
		note(s, HOST_POWER_D3HOT,
		     "%s shares the power and has d3cold_allowed 0: echo 1 > "
		     "/sys/bus/pci/devices/%s/d3cold_allowed",
		     bdf, bdf);
	if (host_link(driver, sizeof(driver), "%s/driver", path))
		strcpy(driver, "no driver");
	/* vfio-pci lets devices sleep that nobody has open; ours are open just now. */
	if (strstr(driver, "vfio") ||
	    host_read(status, sizeof(status), "%s/power/runtime_status", path))
		return;
	if (strcmp(status, "suspended"))
		note(s, HOST_POWER_D3HOT,
		     "%s (%s) shares the power and is %s: bind it to vfio-pci, or echo auto > "
		     "/sys/bus/pci/devices/%s/power/control",
		     bdf, driver, status, bdf);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_function(const struct dirent *entry)
{
	return host_is_bdf(entry->d_name);
}

static void check_siblings(struct survey *s, const char *port, const char *own)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int n = scandir(port, &entries, is_function, by_name);

	for (int i = 0; i < n; i++) {
		if (strcmp(entries[i]->d_name, own) &&
		    snprintf(path, sizeof(path), "%s/%s", port, entries[i]->d_name) <
			    (int)sizeof(path))
			check_sibling(s, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

int preflight_report(const char *sysfs_root, const char *bdf, struct preflight *ret)
{
	struct preflight out = { .deepest = HOST_POWER_D3COLD };
	struct survey *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->root = sysfs_root;
	s->out = &out;
	snprintf(s->bdf, sizeof(s->bdf), "%s", bdf);
	err = host_device_path(sysfs_root, bdf, s->path, sizeof(s->path));
	if (err)
		goto free;
	check_device(s);
	if (has_power_resource(s->path))
		goto done; /* it needs no port */
	if (!find_ports(s)) {
		note(s, HOST_POWER_D3HOT,
		     s->nr_ports ? "%s: the firmware has no power resource (_PR3) for a port above "
				   "it: nothing on this board can cut its power"
				 : "%s: sits on the root bus without a power resource (_PR3): "
				   "nothing on this board can cut its power",
		     bdf);
		goto done;
	}
	for (unsigned i = 0; i < s->nr_ports; i++) {
		check_port(s, s->ports[i].path, s->ports[i].bdf);
		check_siblings(s, s->ports[i].path, i ? s->ports[i - 1].bdf : s->bdf);
	}
done:
	*ret = out;
free:
	free(s);
	return err;
}

static const char *const state_names[] = {
	[HOST_POWER_UNKNOWN] = "no known state",
	[HOST_POWER_D0] = "D0",
	[HOST_POWER_D3HOT] = "D3hot",
	[HOST_POWER_D3COLD] = "D3cold",
};

void preflight_log(const struct preflight *report, const char *id)
{
	bool cold = report->deepest == HOST_POWER_D3COLD;

	log_line(cold ? LOG_INFO : LOG_WARN, id, "the host can take the device to %s%s",
		 state_names[report->deepest], cold ? "" : " at most; in the way:");
	for (unsigned i = 0; i < report->nr; i++)
		log_warn(id, "%s", report->items[i].text);
}
