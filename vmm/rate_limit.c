/* SPDX-License-Identifier: BSD-3-Clause */
/* A bucket of tokens, kept as the time at which it is full: each taken token moves that a period
 * away. */
#include "vmm/rate_limit.h"

#include "vmm/bits.h"

bool rate_limit_take(struct rate_limit *limit, uint64_t t_ns, uint64_t *ret_suppressed)
{
	uint64_t period_ns = limit->period_ns ? limit->period_ns : RATE_LIMIT_PERIOD_NS;
	unsigned burst = limit->burst ? limit->burst : RATE_LIMIT_BURST;
	uint64_t full_ns = max_u64(limit->full_ns, t_ns) + period_ns;

	if (full_ns - t_ns > burst * period_ns) {
		limit->suppressed++;
		return false;
	}
	limit->full_ns = full_ns;
	*ret_suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
