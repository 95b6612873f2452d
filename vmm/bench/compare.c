/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two runs beside each other. A difference counts only if it is larger than what the runs differ by
 * in themselves: spreads must not overlap; of latencies, whose cycles are all there, the
 * Mann-Whitney test has to say so (two-sided, 1 %, by its normal approximation with a correction
 * for ties: H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18, 1947), and the medians
 * have to differ by a hundredth, since with many cycles it finds what nobody would notice.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/figures.h"
#include "vmm/bench/report.h"
#include "vmm/bench/value_text.h"
#include "vmm/bench/ways.h"
#include "vmm/bits.h"

#define Z_LIMIT	   2.5758 /* of the normal distribution, two-sided 1 % */
#define MIN_CHANGE 0.01
#define MIN_CYCLES 8 /* fewer are too few for the approximation */

enum verdict { SAME, BETTER, WORSE, UNKNOWN, NR_VERDICTS };

static const char *const verdict_words[] = {
	[SAME] = "same",
	[BETTER] = "better",
	[WORSE] = "worse",
	[UNKNOWN] = "unknown",
};

struct comparison {
	FILE *out;
	const json_t *a, *b;
	unsigned counts[NR_VERDICTS];
};

static void print_line(struct comparison *c, const char *label, const char *a, const char *b,
		       const char *change, enum verdict verdict)
{
	fprintf(c->out, "%-22.22s %11s %11s %8s %s\n", label, a, b, change, verdict_words[verdict]);
	c->counts[verdict]++;
}

static void change_text(double a, double b, char *ret, size_t len)
{
	if (a == 0)
		snprintf(ret, len, "-");
	else
		snprintf(ret, len, "%+.1f %%", 100 * (b - a) / fabs(a));
}

/* --- latencies ----------------------------------------------------------------------------------
 */

struct value {
	double v;
	bool of_b;
};

static int by_value(const void *x, const void *y)
{
	const struct value *a = x, *b = y;

	return (a->v > b->v) - (a->v < b->v);
}

static size_t collect(const json_t *result, const char *from, const char *to, bool of_b,
		      struct value *values)
{
	const json_t *cycle;
	size_t i, nr = 0;

	json_array_foreach((json_t *)json_at(result, "transitions.cycles_ns"), i, cycle)
	{
		double begin = json_number_at(cycle, from, 0), end = json_number_at(cycle, to, 0);

		if (begin > 0 && end > 0)
			values[nr++] = (struct value){ end - begin, of_b };
	}
	return nr;
}

/* The test's z: how far the sum of ranks lies from what chance makes of it. 0 if all are equal. */
static double mann_whitney(struct value *values, size_t nr_a, size_t nr_b)
{
	size_t nr = nr_a + nr_b;
	double ranks_a = 0, ties = 0, mean, variance;

	qsort(values, nr, sizeof(*values), by_value);
	for (size_t i = 0; i < nr;) {
		size_t end = i;
		double same;

		while (end < nr && values[end].v == values[i].v)
			end++;
		same = (double)(end - i);
		ties += same * same * same - same;
		for (size_t k = i; k < end; k++)
			if (!values[k].of_b)
				ranks_a += ((double)i + 1 + (double)end) / 2;
		i = end;
	}
	mean = (double)nr_a * (double)(nr + 1) / 2;
	variance = (double)nr_a * (double)nr_b / 12 *
		   ((double)nr + 1 - ties / ((double)nr * (double)(nr - 1)));
	return variance > 0 ? (ranks_a - mean) / sqrt(variance) : 0;
}

static enum verdict judge_latency(const struct comparison *c, const char *from, const char *to,
				  double median_a, double median_b)
{
	size_t room = json_array_size(json_at(c->a, "transitions.cycles_ns")) +
		      json_array_size(json_at(c->b, "transitions.cycles_ns"));
	struct value *values = calloc(room + 1, sizeof(*values));
	enum verdict verdict = UNKNOWN;
	size_t nr_a, nr_b;

	if (!values)
		return UNKNOWN;
	nr_a = collect(c->a, from, to, false, values);
	nr_b = collect(c->b, from, to, true, values + nr_a);
	if (nr_a >= MIN_CYCLES && nr_b >= MIN_CYCLES) {
		double z = mann_whitney(values, nr_a, nr_b);

		verdict = SAME;
		if (fabs(z) > Z_LIMIT && fabs(median_b - median_a) > MIN_CHANGE * median_a)
			verdict = median_b < median_a ? BETTER : WORSE;
	}
	free(values);
	return verdict;
}

static void compare_latencies(struct comparison *c)
{
	for (size_t i = 0; i < NR_WAYS; i++) {
		char path[96], a_text[VALUE_TEXT], b_text[VALUE_TEXT], change[24];
		double a, b;

		snprintf(path, sizeof(path), "transitions.figures.%s.p50", ways[i].key);
		a = json_number_at(c->a, path, -1);
		b = json_number_at(c->b, path, -1);
		if (a < 0 || b < 0 || ways[i].detail || !ways[i].from)
			continue;
		value_text(a, "ns", a_text);
		value_text(b, "ns", b_text);
		change_text(a, b, change, sizeof(change));
		print_line(c, ways[i].words, a_text, b_text, change,
			   judge_latency(c, ways[i].from, ways[i].to, a, b));
	}
}

/* --- spreads ------------------------------------------------------------------------------------
 */

static void compare_spread(struct comparison *c, const char *label, const json_t *a,
			   const json_t *b, const char *unit, bool more_is_better)
{
	char a_text[VALUE_TEXT], b_text[VALUE_TEXT], change[24];
	enum verdict verdict = SAME;
	struct spread x, y;

	if (spread_from_json(a, &x) < 0 || spread_from_json(b, &y) < 0)
		return;
	value_text(x.median, unit, a_text);
	value_text(y.median, unit, b_text);
	change_text(x.median, y.median, change, sizeof(change));
	/* One run says nothing of how far they lie apart. */
	if (x.nr < 2 || y.nr < 2)
		verdict = UNKNOWN;
	else if (y.min > x.max)
		verdict = more_is_better ? BETTER : WORSE;
	else if (y.max < x.min)
		verdict = more_is_better ? WORSE : BETTER;
	print_line(c, label, a_text, b_text, change, verdict);
}

/* Shares of different workloads have nothing to do with each other. */
static void compare_residency(struct comparison *c)
{
	const json_t *a = json_at(c->a, "residency.workload"),
		     *b = json_at(c->b, "residency.workload");

	if (!json_is_object(a) || !json_is_object(b))
		return;
	if (!json_equal((json_t *)a, (json_t *)b)) {
		fprintf(c->out, "%-22.22s not comparable: the workloads differ\n",
			"share of D3cold");
		return;
	}
	compare_spread(c, "share of D3cold", json_at(c->a, "residency.share.d3cold"),
		       json_at(c->b, "residency.share.d3cold"), "1", true);
	compare_spread(c, "score", json_at(c->a, "residency.score"),
		       json_at(c->b, "residency.score"), "", true);
}

static const struct {
	const char *key, *words, *unit;
	bool more_is_better;
} powers[] = {
	{ "on_w", "  on, without work", "W", false },
	{ "forbidden_w", "  idle, no D3cold", "W", false },
	{ "d3cold_w", "  idle, D3cold", "W", false },
	{ "saving_w", "  D3cold saves", "W", true },
	{ "transition_j", "  entry and exit", "J", false },
	{ "break_even.seconds", "  pays after", "s", false },
};

static const json_t *meter_named(const json_t *result, const char *name)
{
	const json_t *meter;
	size_t i;

	json_array_foreach((json_t *)json_at(result, "energy.meters"), i, meter)
	{
		if (!strcmp(json_text(meter, "name", ""), name))
			return meter;
	}
	return NULL;
}

static void compare_energy(struct comparison *c)
{
	const json_t *meter, *other;
	size_t i;

	json_array_foreach((json_t *)json_at(c->a, "energy.meters"), i, meter)
	{
		const char *name = json_text(meter, "name", "?");

		other = meter_named(c->b, name);
		fprintf(c->out, "%.60s%s\n", name, other ? "" : ": only in the first run");
		for (size_t p = 0; other && p < ARRAY_SIZE(powers); p++)
			compare_spread(c, powers[p].words, json_at(meter, powers[p].key),
				       json_at(other, powers[p].key), powers[p].unit,
				       powers[p].more_is_better);
	}
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* What else has changed between the two: a reader has to know before the figures. */
static void print_differences(const struct comparison *c)
{
	static const char *const paths[] = { "device.bdf",  "device.vendor", "device.device",
					     "host.kernel", "host.cpu",	     "target",
					     "backend",	    "coldvm" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *a = json_text(c->a, paths[i], "?"), *b = json_text(c->b, paths[i], "?");

		if (strcmp(a, b))
			fprintf(c->out, "%s: %.60s, %.60s\n", paths[i], a, b);
	}
	for (unsigned i = 0; i < 2; i++)
		if (!json_is_true(json_at(i ? c->b : c->a, "complete")))
			fprintf(c->out, "the %s run was stopped early\n", i ? "second" : "first");
}

static void print_verdict(const struct comparison *c)
{
	unsigned better = c->counts[BETTER], worse = c->counts[WORSE];

	fprintf(c->out, "%s: %u better, %u worse, %u the same, %u unknown\n",
		better && !worse   ? "the second run is better"
		: worse && !better ? "the second run is worse"
		: better	   ? "the second run is better in some, worse in others"
				   : "no difference that the spread allows to tell",
		better, worse, c->counts[SAME], c->counts[UNKNOWN]);
}

static int compare_results(struct comparison *c, char *why, size_t why_len)
{
	bool simulated_a = json_is_true(json_at(c->a, "simulated"));
	bool simulated_b = json_is_true(json_at(c->b, "simulated"));

	if (simulated_a != simulated_b) {
		snprintf(why, why_len,
			 "the %s run has a simulated meter, the other has none: there is nothing "
			 "to compare",
			 simulated_a ? "first" : "second");
		return -EINVAL;
	}
	if (simulated_a)
		fputs("SIMULATED: meters of both are made up; no figure in watts or joules is "
		      "real.\n",
		      c->out);
	print_differences(c);
	fprintf(c->out, "%-22s %11s %11s %8s\n", "", "first", "second", "change");
	compare_latencies(c);
	compare_residency(c);
	compare_energy(c);
	print_verdict(c);
	return 0;
}

int compare_print(FILE *out, const char *dir_a, const char *dir_b, char *why, size_t why_len)
{
	struct comparison comparison = { .out = out };
	json_t *a = NULL, *b = NULL;
	int r = report_load(dir_a, &a, why, why_len);

	if (r == 0)
		r = report_load(dir_b, &b, why, why_len);
	comparison.a = a;
	comparison.b = b;
	if (r == 0)
		r = compare_results(&comparison, why, why_len);
	json_decref(a);
	json_decref(b);
	return r;
}
