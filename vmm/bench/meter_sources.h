/* SPDX-License-Identifier: BSD-3-Clause */
/* Where meters_find() looks; each adds what there is, and a note for what there is and cannot be
 * read. -ENOMEM. */
#ifndef COLDVM_VMM_BENCH_METER_SOURCES_H
#define COLDVM_VMM_BENCH_METER_SOURCES_H

#include "vmm/bench/meter.h"

/* <sysfs>/class/powercap (Documentation/power/powercap/powercap.rst). */
int meters_find_powercap(struct meter_set *set, const struct meter_search *search);
/* What libsensors knows. */
int meters_find_hwmon(struct meter_set *set, const struct meter_search *search);
/* The GPU of @search by @library, "libnvidia-ml.so.1" or a test's. */
int meters_find_nvml(struct meter_set *set, const struct meter_search *search, const char *library);

#endif
