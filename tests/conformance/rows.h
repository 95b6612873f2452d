/* SPDX-License-Identifier: BSD-3-Clause */
/* The promises: one row each, and the check that holds the kernel to it. */
#ifndef CONFORMANCE_ROWS_H
#define CONFORMANCE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/conformance/device.h"
#include "tests/conformance/report.h"

/*
 * A check returns true where the promise holds, or cannot be asked; else it has called
 * result_fail(). Exactly one of the three is set; the runner opens and closes the devices.
 */
struct row {
	const char *id;
	/* Asks for the explicit control: not offered where the kernel has none. */
	bool explicit_only;
	/* One open function; called for each that was named. */
	bool (*each)(struct device *device, struct result *result);
	/* Two open functions of one slot. */
	bool (*pair)(struct device *first, struct device *second, struct result *result);
	/* A function by its address, closed. */
	bool (*closed)(struct group_list *groups, const char *bdf, struct result *result);
};

extern const struct row rows[];
extern const size_t row_count;

/* base.c: what the RFC of 2022 promised, and mainline has kept */
bool runtime_pm_holds(struct group_list *groups, const char *bdf, struct result *result);
bool pme_is_virtual(struct device *device, struct result *result);
bool d3hot_leaks_nothing(struct device *device, struct result *result);
bool d3hot_blocks_memory(struct device *device, struct result *result);
bool low_power_reaches_d3cold(struct device *device, struct result *result);
bool d3hot_blocks_io(struct device *device, struct result *result);

/* enter.c */
bool enter_is_synchronous(struct device *device, struct result *result);
bool enter_names_refusal(struct device *device, struct result *result);
bool enter_signals_wakes(struct device *device, struct result *result);
bool enter_takes_port_last(struct device *first, struct device *second, struct result *result);

/* exit.c */
bool exit_proves_life(struct device *device, struct result *result);
bool mainline_mixes(struct device *device, struct result *result);

/* query.c */
bool query_wakes_nothing(struct device *device, struct result *result);
bool counters_tell_causes(struct device *device, struct result *result);
bool counters_tell_kernel_wakes(struct device *first, struct device *second, struct result *result);
bool counters_start_at_open(struct group_list *groups, const char *bdf, struct result *result);
bool residency_is_true(struct device *device, struct result *result);

/* seal.c */
bool seal_answers_config(struct device *device, struct result *result);
bool seal_blocks_regions(struct device *device, struct result *result);
bool seal_outlasts_wakes(struct device *device, struct result *result);

/* malformed.c */
bool malformed_is_refused(struct device *device, struct result *result);

/* trace.c */
bool tracepoints_fire(struct device *device, struct result *result);

#endif
