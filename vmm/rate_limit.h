/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How often a guest can make us say something: at most so many times at once, then once a period.
 * What is held back is counted, so that the next one can tell.
 */
#ifndef COLDVM_VMM_RATE_LIMIT_H
#define COLDVM_VMM_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Where nothing else is said. */
#define RATE_LIMIT_BURST     8
#define RATE_LIMIT_PERIOD_NS UINT64_C(1000000000)

/* All zeroes is one of these that has its whole burst. */
struct rate_limit {
	unsigned burst;	     /* 0: RATE_LIMIT_BURST */
	uint64_t period_ns;  /* 0: RATE_LIMIT_PERIOD_NS */
	uint64_t full_ns;    /* CLOCK_MONOTONIC: when the burst is whole again */
	uint64_t suppressed; /* since the last one that was let through */
};

/* True: say it, and that *@ret_suppressed were held back before it. The caller's lock. */
bool rate_limit_take(struct rate_limit *limit, uint64_t t_ns, uint64_t *ret_suppressed);

#endif
