/* SPDX-License-Identifier: BSD-3-Clause */
/* How deep the host can let a device sleep, and which settings stand in the way. */
#ifndef COLDVM_DEVICES_VFIO_PREFLIGHT_H
#define COLDVM_DEVICES_VFIO_PREFLIGHT_H

#include <stdbool.h>

#include "devices/vfio/vfio.h"

#define PREFLIGHT_MAX_ITEMS 16
#define PREFLIGHT_LINE	    256

struct preflight_item {
	/* The deepest state that this leaves possible; HOST_POWER_D3COLD: worth knowing only. */
	enum host_power limit;
	char text[PREFLIGHT_LINE]; /* what, its value, and what to do */
};

struct preflight {
	enum host_power deepest;
	unsigned nr;
	struct preflight_item items[PREFLIGHT_MAX_ITEMS];
};

/*
 * Reads attributes of @sysfs_root ("/sys") that everybody may read and that wake nothing, and the
 * kernel command line beside it ("/sys/../proc/cmdline"). Writes nothing. -ENODEV if the device
 * is not there. What the kernel keeps to itself (a driver's pci_d3cold_disable(), PME support)
 * is not in the report: only the observed state proves D3cold.
 */
int preflight_report(const char *sysfs_root, const char *bdf, struct preflight *ret);
/* One line for the state that can be reached and one for each setting, in the name of @id. */
void preflight_log(const struct preflight *report, const char *id);

#endif
