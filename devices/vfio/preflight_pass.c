/* SPDX-License-Identifier: BSD-3-Clause */
/* Links that decide whether a VM can have the device: IOMMU, group, driver, vfio-pci's option. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/iommu_choice.h"
#include "devices/vfio/preflight_walk.h"

/* What switches the IOMMU on: firmware that has none to offer lacks its ACPI table. */
static const char *iommu_fix(const struct survey *s)
{
	if (host_exists("%s/firmware/acpi/tables/DMAR", s->root))
		return "# boot the host with intel_iommu=on on the kernel's command line";
	if (host_exists("%s/firmware/acpi/tables/IVRS", s->root))
		return "# boot the host without amd_iommu=off and iommu=off";
	return "# switch on VT-d or AMD-Vi in the firmware; with VT-d boot with intel_iommu=on";
}

/* The number of the device's group, -1 without one. */
static int check_iommu(struct survey *s)
{
	char group[32], *end;
	long number;

	if (host_link(group, sizeof(group), "%s/iommu_group", s->path)) {
		survey_block(s, PREFLIGHT_IOMMU, iommu_fix(s), "%s has no IOMMU group: %s", s->bdf,
			     host_exists("%s/kernel/iommu_groups/0", s->root)
				     ? "no IOMMU translates for it"
				     : "the IOMMU is off");
		return -1;
	}
	number = strtol(group, &end, 10);
	if (*end || end == group || number < 0 || number > INT_MAX) {
		survey_block(s, PREFLIGHT_IOMMU, NULL, "unknown IOMMU group '%s'", group);
		return -1;
	}
	survey_ok(s, PREFLIGHT_IOMMU, "on: %s is in IOMMU group %ld", s->bdf, number);
	return (int)number;
}

static void check_group(struct survey *s, int number)
{
	struct host_holders holders;
	char fix[PREFLIGHT_FIX];
	unsigned nr;

	if (number < 0) {
		survey_block(s, PREFLIGHT_GROUP, NULL, "no IOMMU group, so nothing isolates %s",
			     s->bdf);
		return;
	}
	nr = host_group_holders(s->root, number, s->bdf, &holders);
	if (!nr) {
		survey_ok(s, PREFLIGHT_GROUP,
			  "viable: no driver of the host holds another device "
			  "of group %d",
			  number);
		return;
	}
	snprintf(fix, sizeof(fix),
		 "for d in %s; do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; "
		 "echo $d > /sys/bus/pci/devices/$d/driver/unbind; "
		 "echo $d > /sys/bus/pci/drivers_probe; done",
		 holders.names);
	survey_block(s, PREFLIGHT_GROUP, fix,
		     "group %d is not viable: %.*s must go to vfio-pci too", number, 180,
		     holders.held);
}

/* Which way a VM would take to the device, and whether this process may. Who opens the file of a
 * group needs both directions; the check itself opens nothing. */
static void check_access(struct survey *s, int group)
{
	char path[PATH_MAX], fix[64], why[PREFLIGHT_LINE];
	int n = snprintf(path, sizeof(path), "%s/../dev/vfio/%d", s->root, group);

	if (iommu_may_use_iommufd(s->root, s->bdf, why, sizeof(why))) {
		survey_ok(s, PREFLIGHT_DRIVER, "a VM opens it through iommufd");
		return;
	}
	if (group < 0 || n >= (int)sizeof(path))
		return;
	if (access(path, R_OK | W_OK) && errno == EACCES) {
		snprintf(fix, sizeof(fix), "chown %u /dev/vfio/%d", (unsigned)getuid(), group);
		survey_block(s, PREFLIGHT_DRIVER, fix, "/dev/vfio/%d is not yours to open", group);
		return;
	}
	survey_ok(s, PREFLIGHT_DRIVER, "a VM opens it by its group, /dev/vfio/%d: %s", group, why);
}

static void check_driver(struct survey *s, int group)
{
	const char *driver = s->out->driver;
	char fix[HOST_COMMANDS];

	if (*driver && host_driver_is_vfio(driver)) {
		survey_ok(s, PREFLIGHT_DRIVER, "%s is bound to %s", s->bdf, driver);
		check_access(s, group);
		return;
	}
	host_bind_commands(s->bdf, *driver, fix, sizeof(fix));
	if (*driver)
		survey_block(s, PREFLIGHT_DRIVER, fix, "%s is bound to %s, not to vfio-pci", s->bdf,
			     driver);
	else
		survey_block(s, PREFLIGHT_DRIVER, fix, "%s is not bound to vfio-pci", s->bdf);
}

static void check_idle(struct survey *s)
{
	char value[16];

	if (host_read(value, sizeof(value), "%s/module/vfio_pci/parameters/disable_idle_d3",
		      s->root))
		survey_ok(s, PREFLIGHT_IDLE,
			  "vfio-pci is not loaded yet; its default lets idle "
			  "devices sleep");
	else if (!strcmp(value, "Y"))
		survey_note(s, PREFLIGHT_IDLE,
			    "modprobe -r vfio-pci; modprobe vfio-pci disable_idle_d3=0",
			    "vfio-pci has disable_idle_d3=Y: devices that no VM has open stay in "
			    "D0; a VM's own devices still sleep, so give it all functions of the "
			    "slot");
	else
		survey_ok(s, PREFLIGHT_IDLE,
			  "vfio-pci lets devices sleep that no VM has open "
			  "(disable_idle_d3=%s)",
			  value);
}

void survey_passthrough(struct survey *s)
{
	int group = check_iommu(s);

	check_group(s, group);
	check_driver(s, group);
	check_idle(s);
}
