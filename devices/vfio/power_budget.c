/* SPDX-License-Identifier: BSD-3-Clause */
/* A sliding minute. */
#include "devices/vfio/power_budget.h"

uint64_t power_budget_next(const struct power_budget *budget, unsigned limit, uint64_t now)
{
	unsigned oldest;
	uint64_t free_at;

	if (!limit || budget->nr < limit)
		return now;
	/* The last but limit - 1: when it is a minute old there is room for another one. */
	oldest = (budget->next + POWER_MAX_WAKES_PER_MIN - limit) % POWER_MAX_WAKES_PER_MIN;
	free_at = budget->at[oldest] + POWER_BUDGET_SPAN_NS;
	return free_at > now ? free_at : now;
}

bool power_budget_take(struct power_budget *budget, unsigned limit, uint64_t now)
{
	if (power_budget_next(budget, limit, now) > now)
		return false;
	budget->at[budget->next] = now;
	budget->next = (budget->next + 1) % POWER_MAX_WAKES_PER_MIN;
	if (budget->nr < POWER_MAX_WAKES_PER_MIN)
		budget->nr++;
	return true;
}
