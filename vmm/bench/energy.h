/* SPDX-License-Identifier: BSD-3-Clause */
/* From the readings of a meter to joules, and to when D3cold pays. */
#ifndef COLDVM_VMM_BENCH_ENERGY_H
#define COLDVM_VMM_BENCH_ENERGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/bench/timeline.h"

enum meter_quantity {
	METER_ENERGY, /* joules since some moment; may wrap */
	METER_POWER,  /* watts */
};

struct energy_sample {
	uint64_t t_ns; /* CLOCK_MONOTONIC */
	double value;
	enum bench_state state; /* of the device, when it was taken */
};

/* A meter's readings, in the order of time. */
struct energy_trace {
	enum meter_quantity quantity;
	double range_j;	     /* ENERGY: where the counter wraps to 0; 0: it does not */
	uint64_t max_gap_ns; /* neighbours that lie further apart have a gap between them */
	const struct energy_sample *samples;
	size_t nr;
};

struct energy_span {
	double joules;		      /* of the time covered */
	uint64_t covered_ns;	      /* by readings */
	uint64_t gap_ns;	      /* the rest */
	unsigned wraps, gaps, resets; /* a reset: a counter that fell and cannot have wrapped */
};

/*
 * What a meter says of the time between two moments. Power is integrated by trapezoids, a counter
 * by differences, and both are interpolated linearly at the two ends. A counter that has no range
 * and falls was reset: that stretch counts as a gap. One with a range wraps, at most once between
 * two readings; where the mean power over the wrap would be more than @max_w (0: any), it is taken
 * for a reset. A counter counts on through a gap, so its gaps are covered; power is not known
 * there. -ENODATA if nothing is covered; *ret is then all 0 but for gap_ns.
 */
int energy_between(const struct energy_trace *trace, uint64_t begin_ns, uint64_t end_ns,
		   double max_w, struct energy_span *ret);
/* Watts; 0 if nothing is covered. */
double energy_mean_w(const struct energy_span *span);

/*
 * Energy of the transitions alone: what is left of a stretch with @cycles cycles when the time
 * before and between them, in the two idle states, is taken away at the powers of these. Joules a
 * cycle; negative where noise is larger than they are.
 */
double energy_of_transitions(double joules, uint64_t idle_ns, double idle_w, uint64_t low_ns,
			     double low_w, unsigned cycles);

enum break_even_verdict {
	BREAK_EVEN_PAYS,
	BREAK_EVEN_NEVER,      /* D3cold takes as much as or more than idling without it */
	BREAK_EVEN_UNRESOLVED, /* the runs lie too far apart to tell */
};

/*
 * How long a device must be idle for D3cold to pay:
 *   t = (transition_j - low_w * transition_s) / (idle_w - low_w)
 * where transition_s is what entry and exit take together. Seconds in *ret_s, 0 if that is
 * negative; NEVER leaves it alone.
 */
enum break_even_verdict break_even(double transition_j, double transition_s, double idle_w,
				   double low_w, double *ret_s);

/* Joules in an hour of periods with @busy_s of work at @busy_w and @idle_s without, where idle time
 * is spent at @idle_w; with @low_w and @transition_j a period if it is long enough for
 * @transition_s. */
double energy_hour_without(double busy_s, double busy_w, double idle_s, double idle_w);
double energy_hour_with(double busy_s, double busy_w, double idle_s, double idle_w, double low_w,
			double transition_j, double transition_s);

#endif
