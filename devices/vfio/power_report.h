/* SPDX-License-Identifier: BSD-3-Clause */
/* A slot's power as JSON, for those who ask a running VM. docs/api.md names every field. */
#ifndef COLDVM_DEVICES_VFIO_POWER_REPORT_H
#define COLDVM_DEVICES_VFIO_POWER_REPORT_H

#include <jansson.h>

#include "devices/vfio/power.h"

/*
 * What the guest asked, what the host is in, the reason if these differ, time in each state, counts
 * and durations. Reads sysfs below @sysfs_root ("/sys") and asks the driver of back end explicit;
 * neither wakes the device. Any thread, no lock held; takes a few ms at most. Returns a new
 * reference, or NULL without memory.
 */
json_t *power_report(struct power_slot *slot, const char *sysfs_root);

/* The counts alone, flat: {"entries": 3, ...}. Touches neither host nor device. */
json_t *power_report_counters(struct power_slot *slot);

/* Name of the slot's first function, which outlives the slot. */
const char *power_report_id(const struct power_slot *slot);

#endif
