/* SPDX-License-Identifier: BSD-3-Clause */
/* What is drawn: data and scripts. No text of the run gets into a script but by gnuplot_quote(). */
#include "vmm/bench/plots.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/finding.h"
#include "vmm/bench/gnuplot.h"
#include "vmm/bench/samples.h"
#include "vmm/bench/timeline.h"
#include "vmm/bench/timeline_read.h"
#include "vmm/bench/value_text.h"
#include "vmm/bits.h"

#define S(ns)	    ((double)(ns) / 1e9)
#define MAX_CHANGES 1000 /* more cannot be told apart */
#define BINS	    1000

static const char *simulated_mark(const json_t *result)
{
	return json_is_true(json_at(result, "simulated")) ? " (simulated)" : "";
}

/* --- the timeline -------------------------------------------------------------------------------
 */

static const double depths[BENCH_NR_STATES] = {
	[BENCH_UNKNOWN] = 0,
	[BENCH_D0] = 0,
	[BENCH_D3HOT] = 0.5,
	[BENCH_D3COLD] = 1,
};

static void write_changes(FILE *script, const struct timeline *timeline, uint64_t begin,
			  uint64_t end)
{
	fprintf(script, "0 %g\n", depths[timeline_at(timeline, begin)]);
	for (size_t i = 0; i < timeline->nr; i++) {
		const struct timeline_change *change = &timeline->changes[i];

		if (change->t_ns > begin && change->t_ns < end)
			fprintf(script, "%.6f %g\n", S(change->t_ns - begin),
				depths[change->state]);
	}
	fprintf(script, "%.6f %g\n", S(end - begin), depths[timeline_at(timeline, end)]);
}

/* How deep it was in the mean, in parts of the time. */
static void write_means(FILE *script, const struct timeline *timeline, uint64_t begin, uint64_t end)
{
	double part = (double)(end - begin) / BINS, mean = 0;

	for (unsigned bin = 0; bin < BINS; bin++) {
		uint64_t from = begin + (uint64_t)(part * bin);
		uint64_t to = begin + (uint64_t)(part * (bin + 1)), ns[BENCH_NR_STATES];

		timeline_residency(timeline, from, to, ns);
		mean = 0;
		for (unsigned i = 0; to > from && i < BENCH_NR_STATES; i++)
			mean += depths[i] * (double)ns[i] / (double)(to - from);
		fprintf(script, "%.6f %.4g\n", S(from - begin), mean);
	}
	fprintf(script, "%.6f %.4g\n", S(end - begin), mean);
}

/* What the height of the states' area stands for. */
static const char *write_states(FILE *script, const json_t *result, uint64_t begin, uint64_t end)
{
	struct timeline timeline = { 0 };
	bool many;

	timeline_read(result, &timeline);
	many = timeline.nr > MAX_CHANGES;
	fputs("$states << EOD\n", script);
	(many ? write_means : write_changes)(script, &timeline, begin, end);
	fputs("EOD\n", script);
	timeline_free(&timeline);
	return many ? "share of time in D3cold (D3hot: half)" : "D3cold (half as high: D3hot)";
}

static void write_power(FILE *script, const struct samples_series *series, unsigned number,
			uint64_t begin)
{
	fprintf(script, "$power%u << EOD\n", number);
	for (size_t i = 0; i < series->nr; i++)
		fprintf(script, "%.6f %.6g\n", S((int64_t)(series->points[i].t_ns - begin)),
			series->points[i].w);
	fputs("EOD\n", script);
}

int plot_timeline(const char *dir, const json_t *result, char **ret)
{
	uint64_t begin = (uint64_t)json_number_at(result, "timeline.begin_ns", 0);
	uint64_t end = (uint64_t)json_number_at(result, "timeline.end_ns", 0);
	struct samples samples;
	struct gnuplot plot;
	const char *height;
	int r;

	if (end <= begin)
		return -ENODATA;
	r = gnuplot_begin(&plot, 300);
	if (r < 0)
		return r;
	samples_read(dir, begin, end, &samples);
	height = write_states(plot.script, result, begin, end);
	for (unsigned i = 0; i < samples.nr; i++)
		write_power(plot.script, &samples.series[i], i, begin);
	fprintf(plot.script,
		"set xlabel 'seconds'\nset xrange [0:%.6f]\n"
		"set y2range [0:1.0]\nunset y2tics\nset yrange [0:*]\n%s%s%s"
		"set style fill solid 0.35 noborder\n"
		"plot $states using 1:2 axes x1y2 with fillsteps lc rgb '#8ab4f8' "
		"title '%s'",
		S(end - begin), samples.nr ? "set ylabel 'watts" : "unset ytics\n",
		samples.nr ? simulated_mark(result) : "", samples.nr ? "'\n" : "", height);
	for (unsigned i = 0; i < samples.nr; i++) {
		fprintf(plot.script, ", $power%u using 1:2 with lines ls %u title ", i, i % 4 + 1);
		gnuplot_quote(plot.script, samples.series[i].name);
	}
	fputc('\n', plot.script);
	samples_free(&samples);
	return gnuplot_end(&plot, ret);
}

/* --- latencies ----------------------------------------------------------------------------------
 */

static const struct drawn {
	const char *from, *to, *words;
} drawn[] = {
	{ "off", "d3cold", "_OFF to D3cold" },
	{ "on", "alive", "_ON to alive" },
	{ "on", "ready", "_ON to driver ready" },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* False if there is none. */
static bool write_distribution(FILE *script, const json_t *cycles, const struct drawn *way,
			       unsigned number)
{
	size_t all = json_array_size(cycles), nr = 0, i;
	double *ms = calloc(all + 1, sizeof(*ms));
	const json_t *cycle;

	if (!ms)
		return false;
	json_array_foreach((json_t *)cycles, i, cycle)
	{
		double from = json_number_at(cycle, way->from, 0);
		double to = json_number_at(cycle, way->to, 0);

		if (from > 0 && to > 0)
			ms[nr++] = (to - from) / 1e6;
	}
	qsort(ms, nr, sizeof(*ms), by_value);
	if (nr) {
		fprintf(script, "$way%u << EOD\n%.6f 0\n", number, ms[0]);
		for (i = 0; i < nr; i++)
			fprintf(script, "%.6f %.6g\n", ms[i], 100.0 * (double)(i + 1) / (double)nr);
		fputs("EOD\n", script);
	}
	free(ms);
	return nr > 0;
}

int plot_latencies(const json_t *result, char **ret)
{
	const json_t *cycles = json_at(result, "transitions.cycles_ns");
	bool has[ARRAY_SIZE(drawn)], any = false;
	struct gnuplot plot;
	int r = gnuplot_begin(&plot, 300);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < ARRAY_SIZE(drawn); i++) {
		has[i] = write_distribution(plot.script, cycles, &drawn[i], i);
		any |= has[i];
	}
	if (!any) {
		gnuplot_cancel(&plot);
		return -ENODATA;
	}
	fputs("set xlabel 'milliseconds'\nset ylabel 'cycles, %'\nset yrange [0:100]\n"
	      "set xrange [0:*]\nplot ",
	      plot.script);
	any = false;
	for (unsigned i = 0; i < ARRAY_SIZE(drawn); i++) {
		if (!has[i])
			continue;
		fprintf(plot.script, "%s$way%u using 1:2 with steps ls %u title '%s'",
			any ? ", " : "", i, i + 1, drawn[i].words);
		any = true;
	}
	fputc('\n', plot.script);
	return gnuplot_end(&plot, ret);
}

/* --- energy -------------------------------------------------------------------------------------
 */

/* The share of work at which what is left of a period is just long enough. */
static double break_even_duty(const json_t *result, const json_t *meter)
{
	double period = json_number_at(result, "energy.per_hour_period_ns", 0) / 1e9;
	double seconds = json_number_at(meter, "break_even.seconds.median", -1);

	return seconds >= 0 && period > 0 ? 100 * (1 - seconds / period) : -1;
}

int plot_energy(const json_t *result, char **ret)
{
	const json_t *meter = finding_meter(result), *points = json_at(meter, "per_hour"), *point;
	double duty = break_even_duty(result, meter);
	struct gnuplot plot;
	size_t i;
	int r;

	if (!json_array_size(points))
		return -ENODATA;
	r = gnuplot_begin(&plot, 320);
	if (r < 0)
		return r;
	fputs("$hour << EOD\n", plot.script);
	json_array_foreach((json_t *)points, i, point)
	{
		fprintf(plot.script, "%.6g %.9g %.9g\n", 100 * json_number_at(point, "duty", 0),
			json_number_at(point, "with_j", 0) / 3600,
			json_number_at(point, "without_j", 0) / 3600);
	}
	fprintf(plot.script,
		"EOD\nset xlabel 'time with work, %%, in periods of %.3g s'\n"
		"set ylabel 'watt hours in an hour%s'\nset xrange [0:100]\nset yrange [0:*]\n",
		json_number_at(result, "energy.per_hour_period_ns", 0) / 1e9,
		simulated_mark(result));
	if (duty > 0 && duty < 100)
		fprintf(plot.script,
			"set arrow from %.6g, graph 0 to %.6g, graph 1 nohead dt 2 lc rgb "
			"'#555555'\n"
			"set label 'pays below %.0f %%' at %.6g, graph 0.06 right offset -0.5,0\n",
			duty, duty, duty, duty);
	fputs("plot $hour using 1:3 with lines ls 2 title 'without D3cold', "
	      "$hour using 1:2 with lines ls 1 title 'with D3cold'\n",
	      plot.script);
	return gnuplot_end(&plot, ret);
}
