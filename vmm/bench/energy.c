/* SPDX-License-Identifier: BSD-3-Clause */
/* Stretches between neighbouring readings, cut at both ends. */
#include "vmm/bench/energy.h"

#include <errno.h>

#include "vmm/bits.h"

#define S(ns)	 ((double)(ns) / 1e9)
#define S_A_HOUR 3600.0

/* What a counter moved between two readings. False: it was reset. */
static bool counted(const struct energy_trace *trace, const struct energy_sample *a,
		    const struct energy_sample *b, double max_w, double *ret_j,
		    struct energy_span *span)
{
	double j = b->value - a->value;

	if (j < 0) {
		if (trace->range_j <= 0)
			return false;
		j += trace->range_j;
		/* Less than 0: the counter never had this range. */
		if (j < 0 || (max_w > 0 && j > max_w * S(b->t_ns - a->t_ns)))
			return false;
		span->wraps++;
	}
	*ret_j = j;
	return true;
}

/* The joules of the part from @begin to @end of the stretch from @a to @b. False: they are not
 * known. */
static bool stretch(const struct energy_trace *trace, const struct energy_sample *a,
		    const struct energy_sample *b, uint64_t begin, uint64_t end, double max_w,
		    struct energy_span *span)
{
	double whole = S(b->t_ns - a->t_ns), j;
	bool gap = trace->max_gap_ns && b->t_ns - a->t_ns > trace->max_gap_ns;

	span->gaps += gap;
	if (trace->quantity == METER_ENERGY) {
		if (!counted(trace, a, b, max_w, &j, span)) {
			span->resets++;
			return false;
		}
		span->joules += j * S(end - begin) / whole;
		return true;
	}
	if (gap)
		return false;
	/* Power is a straight line between the two. */
	double slope = (b->value - a->value) / whole;
	double w0 = a->value + slope * S(begin - a->t_ns);
	double w1 = a->value + slope * S(end - a->t_ns);

	span->joules += (w0 + w1) / 2 * S(end - begin);
	return true;
}

/* The last sample that is not after @t_ns; 0 if all are. */
static size_t first_sample(const struct energy_trace *trace, uint64_t t_ns)
{
	size_t low = 0, high = trace->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (trace->samples[middle].t_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

int energy_between(const struct energy_trace *trace, uint64_t begin_ns, uint64_t end_ns,
		   double max_w, struct energy_span *ret)
{
	struct energy_span span = { 0 };

	for (size_t i = first_sample(trace, begin_ns);
	     i + 1 < trace->nr && trace->samples[i].t_ns < end_ns; i++) {
		const struct energy_sample *a = &trace->samples[i], *b = a + 1;
		uint64_t begin = max_u64(a->t_ns, begin_ns), end = min_u64(b->t_ns, end_ns);

		if (end > begin && stretch(trace, a, b, begin, end, max_w, &span))
			span.covered_ns += end - begin;
	}
	span.gap_ns = end_ns > begin_ns ? end_ns - begin_ns - span.covered_ns : 0;
	*ret = span;
	if (span.covered_ns)
		return 0;
	*ret = (struct energy_span){ .gap_ns = span.gap_ns };
	return -ENODATA;
}

double energy_mean_w(const struct energy_span *span)
{
	return span->covered_ns ? span->joules / S(span->covered_ns) : 0;
}

double energy_of_transitions(double joules, uint64_t idle_ns, double idle_w, uint64_t low_ns,
			     double low_w, unsigned cycles)
{
	return cycles ? (joules - S(idle_ns) * idle_w - S(low_ns) * low_w) / cycles : 0;
}

enum break_even_verdict break_even(double transition_j, double transition_s, double idle_w,
				   double low_w, double *ret_s)
{
	double s;

	if (low_w >= idle_w)
		return BREAK_EVEN_NEVER;
	s = (transition_j - low_w * transition_s) / (idle_w - low_w);
	*ret_s = s > 0 ? s : 0;
	return BREAK_EVEN_PAYS;
}

double energy_hour_without(double busy_s, double busy_w, double idle_s, double idle_w)
{
	double period = busy_s + idle_s;

	return period > 0 ? (busy_s * busy_w + idle_s * idle_w) * S_A_HOUR / period : 0;
}

double energy_hour_with(double busy_s, double busy_w, double idle_s, double idle_w, double low_w,
			double transition_j, double transition_s)
{
	double period = busy_s + idle_s;

	/* No time to get there and back. */
	if (period <= 0 || idle_s < transition_s)
		return energy_hour_without(busy_s, busy_w, idle_s, idle_w);
	return (busy_s * busy_w + (idle_s - transition_s) * low_w + transition_j) * S_A_HOUR /
	       period;
}
