/* SPDX-License-Identifier: BSD-3-Clause */
/* So many times in any 60 seconds and no more. Pure: no clock, no lock. */
#ifndef COLDVM_DEVICES_VFIO_POWER_BUDGET_H
#define COLDVM_DEVICES_VFIO_POWER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power.h"

#define POWER_BUDGET_SPAN_NS UINT64_C(60000000000)

/* All 0: nothing was taken yet. */
struct power_budget {
	uint64_t at[POWER_MAX_WAKES_PER_MIN]; /* CLOCK_MONOTONIC, a ring */
	unsigned nr, next;
};

/* When one more may be taken: @now, or later. @limit 0: no limit, else at most
 * POWER_MAX_WAKES_PER_MIN; it may differ from call to call. */
uint64_t power_budget_next(const struct power_budget *budget, unsigned limit, uint64_t now);
/* Takes one at @now, not before the last one. False, and nothing taken, if that is too early. */
bool power_budget_take(struct power_budget *budget, unsigned limit, uint64_t now);

#endif
