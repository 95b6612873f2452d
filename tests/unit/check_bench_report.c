/* SPDX-License-Identifier: BSD-3-Clause */
/* What people read of a run: sentence, summary, page, comparison. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bench/finding.h"
#include "vmm/bench/report.h"
#include "vmm/bench/samples.h"
#include "vmm/bench/value_text.h"
#include "vmm/bits.h"

#define SPREAD(unit, median, min, max) \
	"{\"unit\":\"" unit "\",\"n\":3,\"median\":" median ",\"min\":" min ",\"max\":" max "}"

static char root[64], dir[2][96];
static json_t *run[2];
static char why[512];
static char text[1 << 18]; /* a page with its plots */

/* @ms: of all ways; @watts: in D3cold. */
static json_t *make_run(double ms, double watts, const char *meter_kind)
{
	json_t *cycles = json_array(), *result;

	for (unsigned i = 0; i < 40; i++) {
		json_int_t end = (json_int_t)((ms + 0.01 * i) * 1e6);

		json_array_append_new(cycles,
				      json_pack("{s:I, s:I, s:I, s:I, s:I}", "off", (json_int_t)1,
						"d3cold", 1 + end / 10, "on", (json_int_t)1,
						"alive", 1 + end, "ready", 1 + end));
	}
	result = json_pack(
		"{s:s, s:i, s:b, s:n, s:b, s:{s:s, s:s, s:s, s:s}, s:{s:s}, s:s, s:s, s:n, s:[s]}",
		"format", "coldvm-bench-power", "format_version", 1, "complete", 1, "stopped_by",
		"simulated", !strcmp(meter_kind, "simulated"), "device", "bdf", "0000:01:00.0",
		"vendor", "0x10de", "device", "0x2684", "class", "0x030000", "host", "kernel",
		"6.12.0", "target", "vm", "backend", "lowpower", "guest", "command", "coldvm");
	json_object_set_new(
		result, "transitions",
		json_pack(
			"{s:i, s:i, s:i, s:{s:{s:f, s:f, s:f, s:f}, s:{s:f, s:f, s:f, s:f}}, s:o}",
			"asked", 40, "cycles", 40, "failed", 0, "figures", "off_to_d3cold", "p50",
			ms * 1e5, "p95", ms * 1e5, "p99", ms * 1e5, "max", ms * 1e5, "on_to_ready",
			"p50", ms * 1e6, "p95", ms * 1e6, "p99", ms * 1e6, "max", ms * 1e6,
			"cycles_ns", cycles));
	json_object_set_new(
		result, "energy",
		json_pack("{s:b, s:s, s:s, s:I, s:[{s:s, s:s, s:o, s:o, s:o, s:o, s:{s:s, s:o}}]}",
			  "known", 1, "why", "", "control", "d3hot", "per_hour_period_ns",
			  (json_int_t)2000000000, "meters", "name", "wall", "kind", meter_kind,
			  "forbidden_w", json_loads(SPREAD("W", "8", "7.9", "8.1"), 0, NULL),
			  "d3cold_w",
			  json_pack("{s:s, s:i, s:f, s:f, s:f}", "unit", "W", "n", 3, "median",
				    watts, "min", watts - 0.1, "max", watts + 0.1),
			  "saving_w",
			  json_pack("{s:s, s:i, s:f, s:f, s:f}", "unit", "W", "n", 3, "median",
				    8 - watts, "min", 7.8 - watts, "max", 8.2 - watts),
			  "transition_j", json_loads(SPREAD("J", "4", "3.9", "4.1"), 0, NULL),
			  "break_even", "verdict", watts < 8 ? "pays" : "never", "seconds",
			  json_loads(SPREAD("s", "3.1", "3", "3.2"), 0, NULL)));
	json_object_set_new(
		result, "timeline",
		json_loads("{\"begin_ns\":0,\"end_ns\":1000000000,\"changes\":[[0,\"d0\"],"
			   "[500000000,\"d3cold\"]]}",
			   0, NULL));
	return result;
}

static void store(unsigned i)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/result.json", dir[i]);
	ck_assert_int_eq(json_dump_file(run[i], path, 0), 0);
}

static void set_up(void)
{
	strcpy(root, "/tmp/coldvm-report.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (unsigned i = 0; i < 2; i++) {
		snprintf(dir[i], sizeof(dir[i]), "%s/%u", root, i);
		mkdir(dir[i], 0755);
		run[i] = make_run(165, 1, "external meter");
		ck_assert_ptr_nonnull(run[i]);
		store(i);
	}
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	json_decref(run[0]);
	json_decref(run[1]);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void replace(unsigned i, json_t *result)
{
	json_decref(run[i]);
	run[i] = result;
	store(i);
}

static void has(const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "no '%s' in:\n%.2000s", words, text);
}

static void has_not(const char *words)
{
	ck_assert_msg(strstr(text, words) == NULL, "'%s' in:\n%.2000s", words, text);
}

/* --- the sentence -------------------------------------------------------------------------------
 */

START_TEST(the_finding_is_saving_break_even_and_wake)
{
	char finding[FINDING_TEXT];

	finding_text(run[0], finding);
	ck_assert_str_eq(finding,
			 "D3cold saves 7.00 W (6.80 W to 7.20 W) and pays after 3.10 s without "
			 "work; it is reached after 16.5 ms, and a wake costs 165 ms.");
}
END_TEST

START_TEST(where_d3cold_costs_power_the_finding_says_so)
{
	char finding[FINDING_TEXT];

	replace(0, make_run(165, 48, "external meter"));
	finding_text(run[0], finding);
	ck_assert_ptr_nonnull(
		strstr(finding, "D3cold does not pay here: it takes 40.0 W more than"));
}
END_TEST

START_TEST(without_a_meter_energy_is_unknown)
{
	char finding[FINDING_TEXT];

	json_object_set_new(run[0], "energy",
			    json_pack("{s:b, s:s, s:[]}", "known", 0, "why", "no meter", "meters"));
	finding_text(run[0], finding);
	ck_assert_int_eq(strncmp(finding, "What D3cold saves is unknown, for want of a meter", 49),
			 0);
}
END_TEST

START_TEST(a_meter_that_saw_too_little_is_not_called_missing)
{
	char finding[FINDING_TEXT];

	json_object_set_new(run[0], "energy",
			    json_pack("{s:b, s:s, s:[{s:s, s:s, s:n}]}", "known", 0, "why",
				      "no meter gave readings of both idle states", "meters",
				      "name", "wall", "kind", "external meter", "saving_w"));
	finding_text(run[0], finding);
	ck_assert_ptr_nonnull(strstr(finding, "unknown: no meter gave readings of both idle"));
	ck_assert_ptr_null(strstr(finding, "for want of a meter"));
}
END_TEST

START_TEST(a_way_that_was_not_measured_is_not_in_the_finding)
{
	json_t *figures = json_object_get(json_object_get(run[0], "transitions"), "figures");
	char finding[FINDING_TEXT];

	json_object_set_new(figures, "off_to_d3cold", json_null());
	finding_text(run[0], finding);
	ck_assert_ptr_nonnull(strstr(finding, "; a wake costs 165 ms."));
	ck_assert_ptr_null(strstr(finding, "reached"));
}
END_TEST

START_TEST(an_external_meter_speaks_before_the_hosts_own)
{
	json_t *meters = json_object_get(json_object_get(run[0], "energy"), "meters");
	json_t *other = json_deep_copy(json_array_get(meters, 0));

	json_object_set_new(other, "kind", json_string("software counter"));
	json_array_insert_new(meters, 0, other);
	ck_assert_ptr_eq(finding_meter(run[0]), json_array_get(meters, 1));
}
END_TEST

/* --- the summary --------------------------------------------------------------------------------
 */

static void summarize(unsigned columns, bool utf8)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	summary_print(out, run[0], columns, utf8);
	fclose(out);
}

START_TEST(the_summary_has_latencies_energy_and_the_timeline)
{
	summarize(80, false);
	has("_OFF to D3cold             16.5 ms   16.5 ms   16.5 ms   16.5 ms");
	has("40 cycles of 40");
	has("wall (external meter)");
	has("D3cold saves           7.00 W (6.80 W to 7.20 W)");
	has("##############################______________________________ 1.00 s");
	has_not("SIMULATED");
	has_not("STOPPED");
	summarize(80, true);
	has("\u2588\u2581");
}
END_TEST

/* As the terminal counts: what goes on a character of UTF-8 takes no room. */
static unsigned width(const char *line)
{
	unsigned nr = 0;

	for (; *line; line++)
		nr += ((unsigned char)*line & 0xc0) != 0x80;
	return nr;
}

static void add_wide_parts(void)
{
	static const char *const states[] = { "d0", "d3hot", "d3cold", "unknown" };
	json_t *share = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		json_object_set_new(share, states[i],
				    json_loads(SPREAD("1", "0.2501", "0.2", "0.3"), 0, NULL));
	json_object_set_new(
		run[0], "residency",
		json_pack("{s:{s:s}, s:o, s:{s:O}, s:o}", "workload", "name",
			  "trace,path=/a/very/long/path/of/a/trace/that/was/recorded/before.csv",
			  "share", share, "host", "share", share, "score",
			  json_loads(SPREAD("1", "0.998", "0.99", "1"), 0, NULL)));
	json_object_set_new(json_object_get(json_object_get(run[0], "transitions"), "figures"),
			    "entry_issued_to_returned",
			    json_pack("{s:f, s:f, s:f, s:f}", "p50", 16.5e6, "p95", 16.5e6, "p99",
				      16.5e6, "max", 16.5e6));
}

START_TEST(no_line_of_the_summary_is_wider_than_it_may_be)
{
	static const unsigned columns[] = { 60, 80 };

	json_object_set_new(run[0], "backend", json_string("a very long name indeed for a thing"));
	add_wide_parts();
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(columns); i++) {
		summarize(columns[i / 2], i % 2);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_msg(width(line) <= columns[i / 2], "%u: %s", width(line), line);
	}
}
END_TEST

START_TEST(text_of_a_run_does_nothing_to_the_terminal)
{
	json_object_set_new(run[0], "complete", json_false());
	json_object_set_new(run[0], "stopped_by", json_string("\033]0;title\007\r"));
	summarize(80, true);
	has("STOPPED EARLY: ?]0;title??");
	has_not("\033");
}
END_TEST

START_TEST(a_break_even_that_cannot_be_told_is_called_so)
{
	json_t *meter =
		json_array_get(json_object_get(json_object_get(run[0], "energy"), "meters"), 0);

	json_object_set_new(json_object_get(meter, "break_even"), "verdict",
			    json_string("unresolved"));
	summarize(80, false);
	has("verdict                unresolved");
	has_not("pays after");
}
END_TEST

START_TEST(what_is_made_up_or_cut_short_is_marked)
{
	replace(0, make_run(165, 1, "simulated"));
	json_object_set_new(run[0], "complete", json_false());
	json_object_set_new(run[0], "stopped_by", json_string("SIGINT"));
	summarize(80, false);
	has("SIMULATED: a meter is made up");
	has("(simulated)");
	has("STOPPED EARLY: SIGINT");
}
END_TEST

START_TEST(a_run_without_any_part_is_told_without_harm)
{
	replace(0, json_pack("{s:s, s:i}", "format", "coldvm-bench-power", "format_version", 1));
	summarize(80, false);
	has("unknown");
	ck_assert_int_ge(report_write(dir[0], why, sizeof(why)), 0);
}
END_TEST

/* --- the page -----------------------------------------------------------------------------------
 */

static int write_page(void)
{
	char path[160];
	size_t n;
	FILE *in;
	int r;

	store(0);
	r = report_write(dir[0], why, sizeof(why));
	snprintf(path, sizeof(path), "%s/report.html", dir[0]);
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	fclose(in);
	return r;
}

START_TEST(the_page_has_each_value_as_it_is_and_as_it_is_read)
{
	write_page();
	has("<span data-path=\"transitions.figures.on_to_ready.p50\" data-value=\"165000000\">165 "
	    "ms"
	    "</span>");
	has("<span data-path=\"energy.meters.0.saving_w.median\" data-value=\"7\">7.00 W</span>");
	has_not("class=\"banner\"");
}
END_TEST

START_TEST(an_unresolved_break_even_has_no_seconds_on_the_page)
{
	json_t *meter =
		json_array_get(json_object_get(json_object_get(run[0], "energy"), "meters"), 0);

	json_object_set_new(json_object_get(meter, "break_even"), "verdict",
			    json_string("unresolved"));
	write_page();
	ck_assert_ptr_null(strstr(text, "pays after"));
	ck_assert_ptr_nonnull(strstr(text, "not to be told"));
}
END_TEST

START_TEST(text_of_a_run_is_escaped)
{
	json_t *meter =
		json_array_get(json_object_get(json_object_get(run[0], "energy"), "meters"), 0);

	json_object_set_new(meter, "name", json_string("<script>alert(\"1\")</script>&'"));
	json_object_set_new(run[0], "backend", json_string("\"><img src=x>"));
	write_page();
	has("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
	has("&quot;&gt;&lt;img src=x&gt;");
	has_not("<script");
	has_not("<img");
}
END_TEST

START_TEST(without_gnuplot_the_page_says_so)
{
	char *before = strdup(getenv("PATH"));

	setenv("PATH", "/nonexistent", 1);
	ck_assert_int_eq(write_page(), 1);
	setenv("PATH", before, 1);
	free(before);
	has("not drawn, for want of gnuplot");
	ck_assert_ptr_nonnull(strstr(why, "gnuplot-nox"));
}
END_TEST

/* Puts a program of that name first, which writes that. */
static int write_page_with(const char *script)
{
	char path[160], *before = strdup(getenv("PATH"));
	FILE *out;
	int r;

	snprintf(path, sizeof(path), "%s/gnuplot", root);
	out = fopen(path, "w");
	fprintf(out, "#!/bin/sh\n%s\n", script);
	fclose(out);
	chmod(path, 0755);
	setenv("PATH", root, 1);
	r = write_page();
	setenv("PATH", before, 1);
	free(before);
	return r;
}

START_TEST(a_gnuplot_that_fails_is_not_called_missing)
{
	ck_assert_int_eq(write_page_with("exit 1"), 1);
	has("not drawn, since gnuplot has failed");
	has_not("for want of gnuplot");
	ck_assert_ptr_nonnull(strstr(why, "gnuplot has failed"));
}
END_TEST

START_TEST(a_plot_without_an_end_is_given_up)
{
	ck_assert_int_eq(write_page_with("while :; do echo '<svg>"
					 "................................................"
					 "................................................"
					 "................................................"
					 "................................................"
					 "'; done"),
			 1);
	has("not drawn, since gnuplot has failed");
}
END_TEST

START_TEST(a_plot_without_data_is_missed_in_words)
{
	json_object_set_new(json_object_get(run[0], "transitions"), "cycles_ns", json_array());
	json_object_del(run[0], "timeline");
	write_page();
	has("No plot of latencies: no cycle has both ends of a way");
	has("No timeline: no state of the device was seen");
	has("No plot of energy: what the ways there and back take is unknown");
}
END_TEST

START_TEST(a_long_timeline_is_drawn_in_few_points)
{
	json_t *changes = json_array();

	for (unsigned i = 0; i < 100000; i++)
		json_array_append_new(changes, json_pack("[I, s]", (json_int_t)i * 1000000,
							 i % 2 ? "d3cold" : "d0"));
	json_object_set_new(run[0], "timeline",
			    json_pack("{s:I, s:I, s:o}", "begin_ns", (json_int_t)0, "end_ns",
				      (json_int_t)100000000000, "changes", changes));
	if (write_page() == 1)
		return; /* no gnuplot */
	has("States over the run");
	has("</html>");
}
END_TEST

START_TEST(captions_of_power_say_what_is_made_up)
{
	replace(0, make_run(165, 1, "simulated"));
	write_page();
	has("the power of each meter (simulated)");
}
END_TEST

/* Names reach gnuplot's script, where a back quote runs a command. */
START_TEST(a_meters_name_runs_nothing)
{
	char path[160], mark[160], name[256];
	FILE *out;

	snprintf(mark, sizeof(mark), "%s/mark", root);
	snprintf(path, sizeof(path), "%s/samples.csv", dir[0]);
	snprintf(name, sizeof(name), "`touch %.80s`';system('touch %.80s')", mark, mark);
	out = fopen(path, "w");
	fprintf(out, "t_ns,source,unit,value,state\n100000000,\"%s\",W,1,d0\n", name);
	fprintf(out, "200000000,\"%s\",W,1,d0\n", name);
	fclose(out);
	write_page();
	ck_assert_int_ne(access(mark, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_run_is_refused)
{
	json_t *result;

	ck_assert_int_eq(report_load("/nonexistent", &result, why, sizeof(why)), -ENOENT);
	ck_assert_str_eq(why, "/nonexistent/result.json: No such file or directory");
	replace(0, json_pack("{s:s}", "format", "something"));
	ck_assert_int_eq(report_load(dir[0], &result, why, sizeof(why)), -EINVAL);
	replace(0, json_pack("{s:s, s:i}", "format", "coldvm-bench-power", "format_version", 2));
	ck_assert_int_eq(report_load(dir[0], &result, why, sizeof(why)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "version 2"));
}
END_TEST

/* --- readings -----------------------------------------------------------------------------------
 */

static void put_samples(const char *lines)
{
	char path[160];
	FILE *out;

	snprintf(path, sizeof(path), "%s/samples.csv", dir[0]);
	out = fopen(path, "w");
	fputs(lines, out);
	fclose(out);
}

START_TEST(readings_are_power_whatever_the_meter_gives)
{
	struct samples samples;

	put_samples("t_ns,source,unit,value,state\n"
		    "0,device,state,,d0\n"
		    "1,\"a \"\"b\"\", c\",J,10,d0\n"
		    "500000001,\"a \"\"b\"\", c\",J,14,d0\n"
		    "1000000000,\"a \"\"b\"\", c\",J,2,d0\n"
		    "100000000,w,W,7,d0\nbroken\n,,,\n5,w\n");
	samples_read(dir[0], 0, 2000000000, &samples);
	ck_assert_uint_eq(samples.nr, 2);
	ck_assert_str_eq(samples.series[0].name, "a \"b\", c");
	ck_assert_uint_eq(samples.series[0].nr, 1);
	ck_assert_double_eq(samples.series[0].points[0].w, 8);
	ck_assert_double_eq(samples.series[1].points[0].w, 7);
	samples_free(&samples);
}
END_TEST

START_TEST(many_readings_are_as_many_points_as_can_be_drawn)
{
	struct samples samples;
	char path[160];
	double sum = 0;
	FILE *out;

	snprintf(path, sizeof(path), "%s/samples.csv", dir[0]);
	out = fopen(path, "w");
	for (unsigned i = 0; i < 50000; i++)
		fprintf(out, "%u,w,W,%u,d0\n", i * 10, i % 2 ? 4 : 6);
	fclose(out);
	samples_read(dir[0], 0, 500000, &samples);
	ck_assert_uint_eq(samples.series[0].nr, SAMPLES_MAX_POINTS);
	for (size_t i = 0; i < samples.series[0].nr; i++)
		sum += samples.series[0].points[i].w;
	ck_assert_double_eq_tol(sum / SAMPLES_MAX_POINTS, 5, 0.05);
	samples_free(&samples);
}
END_TEST

/* --- comparison ---------------------------------------------------------------------------------
 */

static int compare(void)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	int r = compare_print(out, dir[0], dir[1], why, sizeof(why));

	fclose(out);
	return r;
}

START_TEST(equal_runs_do_not_differ)
{
	ck_assert_int_eq(compare(), 0);
	has("_ON to driver ready         165 ms      165 ms   +0.0 % same");
	has("no difference that the spread allows to tell: 0 better, 0 worse");
}
END_TEST

START_TEST(a_difference_beyond_the_spread_is_told)
{
	replace(1, make_run(150, 3, "external meter"));
	ck_assert_int_eq(compare(), 0);
	has("_ON to driver ready         165 ms      150 ms   -9.1 % better");
	has("  idle, D3cold              1.00 W      3.00 W +200.0 % worse");
	has("  D3cold saves              7.00 W      5.00 W  -28.6 % worse");
	has("the second run is better in some, worse in others");
}
END_TEST

START_TEST(a_difference_within_the_spread_is_none)
{
	replace(1, make_run(165, 1.15, "external meter"));
	ck_assert_int_eq(compare(), 0);
	has("  idle, D3cold              1.00 W      1.15 W  +15.0 % same");
}
END_TEST

START_TEST(a_hundredth_of_a_latency_is_no_difference)
{
	replace(1, make_run(166, 1, "external meter"));
	ck_assert_int_eq(compare(), 0);
	has("+0.6 % same");
}
END_TEST

START_TEST(a_few_cycles_tell_nothing)
{
	json_t *cycles;

	replace(1, make_run(150, 1, "external meter"));
	cycles = json_object_get(json_object_get(run[1], "transitions"), "cycles_ns");
	while (json_array_size(cycles) > 5)
		json_array_remove(cycles, 0);
	store(1);
	ck_assert_int_eq(compare(), 0);
	has("-9.1 % unknown");
}
END_TEST

START_TEST(what_is_made_up_is_not_compared_with_what_is_real)
{
	replace(1, make_run(165, 1, "simulated"));
	ck_assert_int_eq(compare(), -EINVAL);
	ck_assert_str_eq(why, "the second run has a simulated meter, the other has none: there is "
			      "nothing to compare");
	replace(0, make_run(165, 1, "simulated"));
	ck_assert_int_eq(compare(), 0);
	has("SIMULATED: meters of both are made up");
}
END_TEST

START_TEST(what_else_differs_is_told_first)
{
	json_object_set_new(run[1], "backend", json_string("explicit"));
	json_object_set_new(run[1], "complete", json_false());
	json_object_set_new(run[0], "residency",
			    json_pack("{s:{s:s}}", "workload", "name", "idle"));
	json_object_set_new(run[1], "residency",
			    json_pack("{s:{s:s}}", "workload", "name", "poisson"));
	store(0);
	store(1);
	ck_assert_int_eq(compare(), 0);
	has("backend: lowpower, explicit");
	has("the second run was stopped early");
	has("not comparable: the workloads differ");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("bench_report");
	TCase *t = suite_case(s, "sentence", set_up, tear_down);

	tcase_add_test(t, the_finding_is_saving_break_even_and_wake);
	tcase_add_test(t, where_d3cold_costs_power_the_finding_says_so);
	tcase_add_test(t, without_a_meter_energy_is_unknown);
	tcase_add_test(t, a_meter_that_saw_too_little_is_not_called_missing);
	tcase_add_test(t, a_way_that_was_not_measured_is_not_in_the_finding);
	tcase_add_test(t, an_external_meter_speaks_before_the_hosts_own);

	t = suite_case(s, "summary", set_up, tear_down);
	tcase_add_test(t, the_summary_has_latencies_energy_and_the_timeline);
	tcase_add_test(t, no_line_of_the_summary_is_wider_than_it_may_be);
	tcase_add_test(t, text_of_a_run_does_nothing_to_the_terminal);
	tcase_add_test(t, a_break_even_that_cannot_be_told_is_called_so);
	tcase_add_test(t, what_is_made_up_or_cut_short_is_marked);
	tcase_add_test(t, a_run_without_any_part_is_told_without_harm);

	t = suite_case(s, "page", set_up, tear_down);
	tcase_add_test(t, the_page_has_each_value_as_it_is_and_as_it_is_read);
	tcase_add_test(t, an_unresolved_break_even_has_no_seconds_on_the_page);
	tcase_add_test(t, text_of_a_run_is_escaped);
	tcase_add_test(t, without_gnuplot_the_page_says_so);
	tcase_add_test(t, a_gnuplot_that_fails_is_not_called_missing);
	tcase_add_test(t, a_plot_without_an_end_is_given_up);
	tcase_add_test(t, a_plot_without_data_is_missed_in_words);
	tcase_add_test(t, a_long_timeline_is_drawn_in_few_points);
	tcase_add_test(t, captions_of_power_say_what_is_made_up);
	tcase_add_test(t, a_meters_name_runs_nothing);
	tcase_add_test(t, what_is_no_run_is_refused);

	t = suite_case(s, "readings", set_up, tear_down);
	tcase_add_test(t, readings_are_power_whatever_the_meter_gives);
	tcase_add_test(t, many_readings_are_as_many_points_as_can_be_drawn);

	t = suite_case(s, "comparison", set_up, tear_down);
	tcase_add_test(t, equal_runs_do_not_differ);
	tcase_add_test(t, a_difference_beyond_the_spread_is_told);
	tcase_add_test(t, a_difference_within_the_spread_is_none);
	tcase_add_test(t, a_hundredth_of_a_latency_is_no_difference);
	tcase_add_test(t, a_few_cycles_tell_nothing);
	tcase_add_test(t, what_is_made_up_is_not_compared_with_what_is_real);
	tcase_add_test(t, what_else_differs_is_told_first);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
