/* SPDX-License-Identifier: BSD-3-Clause */
/* The states that a device was in, one after the other. No lock: one thread's. */
#ifndef COLDVM_VMM_BENCH_TIMELINE_H
#define COLDVM_VMM_BENCH_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

enum bench_state {
	BENCH_UNKNOWN,
	BENCH_D0,
	BENCH_D3HOT,
	BENCH_D3COLD,
	BENCH_NR_STATES,
};

struct timeline {
	struct timeline_change {
		uint64_t t_ns; /* CLOCK_MONOTONIC */
		enum bench_state state;
	} * changes; /* in the order of time; no two neighbours of the same state */
	size_t nr, room;
};

/* "unknown", "d0", "d3hot", "d3cold". */
const char *bench_state_name(enum bench_state state);
/* By sysfs' power_state ("D0", "D3hot", "D3cold", with or without a newline) or the names above;
 * BENCH_UNKNOWN for anything else. */
enum bench_state bench_state_of(const char *text);

/* From @t_ns on it is in @state. A change that is late, before the last one known, takes the place
 * of what was thought from @t_ns on. -ENOMEM. */
int timeline_add(struct timeline *timeline, uint64_t t_ns, enum bench_state state);
void timeline_free(struct timeline *timeline);

/* BENCH_UNKNOWN before the first change. */
enum bench_state timeline_at(const struct timeline *timeline, uint64_t t_ns);
/* Time in each state between the two moments; the sum is their distance. */
void timeline_residency(const struct timeline *timeline, uint64_t begin_ns, uint64_t end_ns,
			uint64_t ns[BENCH_NR_STATES]);

#endif
