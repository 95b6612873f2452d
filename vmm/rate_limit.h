/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest can make us say: at most RATE_LIMIT_BURST times at once, then once a second. What is
 * held back is counted, so that the next one can tell.
 */
#ifndef COLDVM_VMM_RATE_LIMIT_H
#define COLDVM_VMM_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_LIMIT_BURST     8
#define RATE_LIMIT_PERIOD_NS UINT64_C(1000000000)

/* All zeroes is one that has its whole burst. */
struct rate_limit {
	uint64_t full_ns;    /* CLOCK_MONOTONIC: when the burst is whole again */
	uint64_t suppressed; /* since the last one that was let through */
};

/* True: say it, and that *@ret_suppressed were held back before it. The caller's lock. */
bool rate_limit_take(struct rate_limit *limit, uint64_t t_ns, uint64_t *ret_suppressed);

#endif
