/* SPDX-License-Identifier: BSD-3-Clause */
/* Workloads, and the command line that names them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bench/options.h"
#include "vmm/bench/workload.h"

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static struct workload workload;
static struct bench_options options;
static char why[512];
static char path[] = "/tmp/coldvm-trace.XXXXXX";

static void tear_down(void)
{
	workload_free(&workload);
}

static void plan(const char *words)
{
	workload_free(&workload);
	ck_assert_msg(workload_parse(&workload, words, why, sizeof(why)) == 0, "%s", why);
	ck_assert_msg(workload_plan(&workload, why, sizeof(why)) == 0, "%s", why);
}

static void refused(const char *words, const char *complaint)
{
	int r;

	workload_free(&workload);
	r = workload_parse(&workload, words, why, sizeof(why));
	if (r == 0)
		r = workload_plan(&workload, why, sizeof(why));
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_str_eq(why, complaint);
}

static void check_order(void)
{
	uint64_t free_ns = 0;

	for (size_t i = 0; i < workload.nr; i++) {
		ck_assert_uint_gt(workload.busy[i].busy_ns, 0);
		if (i)
			ck_assert_uint_gt(workload.busy[i].start_ns, free_ns);
		free_ns = workload.busy[i].start_ns + workload.busy[i].busy_ns;
	}
	ck_assert_uint_le(free_ns, workload.duration_ns);
}

/* --- plans --------------------------------------------------------------------------------------
 */

START_TEST(a_period_is_busy_from_its_start)
{
	plan("periodic,period_ms=2000,duty=25,duration_s=7");
	ck_assert_uint_eq(workload.nr, 3);
	ck_assert_uint_eq(workload.busy[2].start_ns, 4 * S);
	ck_assert_uint_eq(workload.busy[2].busy_ns, 500 * MS);
	check_order();
}
END_TEST

START_TEST(the_same_seed_is_the_same_workload)
{
	struct workload_busy first;
	size_t nr;

	plan("poisson,rate_hz=2,busy_ms=100,duration_s=600,seed=5");
	nr = workload.nr;
	first = workload.busy[0];
	plan("poisson,rate_hz=2,busy_ms=100,duration_s=600,seed=5");
	ck_assert_uint_eq(workload.nr, nr);
	ck_assert_uint_eq(workload.busy[0].start_ns, first.start_ns);
	plan("poisson,rate_hz=2,busy_ms=100,duration_s=600,seed=6");
	ck_assert_uint_ne(workload.busy[0].start_ns, first.start_ns);
}
END_TEST

/* A figure that any other machine has to come to as well. */
START_TEST(a_seed_means_the_same_on_every_machine)
{
	plan("poisson,rate_hz=1,busy_ms=1,duration_s=10,seed=1");
	ck_assert_uint_eq(workload.busy[0].start_ns / MS, 836);
}
END_TEST

START_TEST(jobs_arrive_as_often_as_asked)
{
	plan("poisson,rate_hz=2,busy_ms=1,duration_s=10000");
	ck_assert_uint_gt(workload.nr, 19500);
	ck_assert_uint_lt(workload.nr, 20500);
	check_order();
}
END_TEST

START_TEST(jobs_that_overlap_are_one)
{
	plan("poisson,rate_hz=100,busy_ms=1000,duration_s=10");
	ck_assert_uint_lt(workload.nr, 5);
	check_order();
}
END_TEST

START_TEST(idle_and_guest_have_no_jobs)
{
	plan("idle,duration_s=5");
	ck_assert_uint_eq(workload.nr, 0);
	ck_assert_uint_eq(workload.duration_ns, 5 * S);
	plan("guest");
	ck_assert_uint_eq(workload.nr, 0);
	ck_assert_uint_eq(workload.duration_ns, 60 * S);
}
END_TEST

/* --- traces -------------------------------------------------------------------------------------
 */

static void write_trace(const char *text)
{
	int fd;

	strcpy(strrchr(path, '.') + 1, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void remove_trace(void)
{
	unlink(path);
	workload_free(&workload);
}

static void refused_trace(const char *text, unsigned line, const char *complaint)
{
	char words[128], expected[256];

	write_trace(text);
	snprintf(words, sizeof(words), "trace,path=%s", path);
	snprintf(expected, sizeof(expected), "--workload %s, line %u: %s", path, line, complaint);
	refused(words, expected);
	unlink(path);
}

START_TEST(a_trace_is_played_as_it_was_written)
{
	struct workload_busy busy[] = { { 0, 5 * MS }, { 100 * MS, MS }, { 2 * S, S } };
	char words[128];
	FILE *out;

	write_trace("");
	out = fopen(path, "w");
	ck_assert_int_eq(workload_write_trace(busy, 3, out), 0);
	fclose(out);
	snprintf(words, sizeof(words), "trace,path=%s", path);
	plan(words);
	ck_assert_uint_eq(workload.nr, 3);
	ck_assert_mem_eq(workload.busy, busy, sizeof(busy));
	ck_assert_uint_eq(workload.duration_ns, 3 * S);
	snprintf(words, sizeof(words), "trace,path=%s,duration_s=2.5", path);
	plan(words);
	ck_assert_uint_eq(workload.busy[2].busy_ns, 500 * MS);
	snprintf(words, sizeof(words), "trace,path=%s,duration_s=1", path);
	plan(words);
	ck_assert_uint_eq(workload.nr, 2);
}
END_TEST

START_TEST(a_trace_that_makes_no_sense_is_refused_by_its_line)
{
	refused_trace("", 0, "it is empty; want start_ns,busy_ns");
	refused_trace("a,b\n", 1, "want start_ns,busy_ns");
	refused_trace("start_ns,busy_ns\n1,2\n3,x\n", 3,
		      "want two whole numbers, the second one not 0");
	refused_trace("start_ns,busy_ns\n-1,2\n", 2,
		      "want two whole numbers, the second one not 0");
	refused_trace("start_ns,busy_ns\n1,0\n", 2, "want two whole numbers, the second one not 0");
	refused_trace("start_ns,busy_ns\n10,5\n12,5\n", 3,
		      "it begins before the one above has ended");
	refused_trace("start_ns,busy_ns\n18446744073709551615,2\n", 2, "that is more than 7 days");
	refused_trace("start_ns,busy_ns\n99999999999999999999999,2\n", 2,
		      "want two whole numbers, the second one not 0");
}
END_TEST

/* --- words --------------------------------------------------------------------------------------
 */

START_TEST(a_word_that_is_wrong_is_named_with_what_would_be_right)
{
	refused("periodik",
		"--workload 'periodik': want periodic, poisson, trace, idle, guest or none; do you "
		"mean periodic?");
	refused("periodic,duty=120", "--workload duty='120': want a number from 0.001 to 99.999");
	refused("periodic,duty=nan", "--workload duty='nan': want a number from 0.001 to 99.999");
	refused("periodic,dutty=20", "--workload periodic has no 'dutty': do you mean duty?");
	refused("idle,duty=20", "--workload idle has no 'duty'");
	refused("periodic,duty", "--workload 'duty': want KEY=VALUE");
	refused("trace", "--workload trace: say path=FILE");
	refused("poisson,rate_hz=0", "--workload rate_hz='0': want a number from 1e-05 to 1000");
	refused("periodic,period_ms=5000,duration_s=1",
		"--workload: there is no job in it; say a longer duration_s");
	refused("periodic,period_ms=1,duration_s=86400",
		"--workload: more than 1000000 jobs; say a shorter duration_s");
}
END_TEST

/* --- the command line ---------------------------------------------------------------------------
 */

static enum bench_options_result parse(const char *line)
{
	static char copy[1024];
	static char *args[64];
	char *rest = copy;
	int n = 1;

	strcpy(copy, line);
	args[0] = (char *)"power";
	for (char *arg; (arg = strsep(&rest, " "));)
		if (*arg)
			args[n++] = arg;
	args[n] = NULL;
	return bench_options_parse(&options, n, args, why, sizeof(why));
}

static void free_options(void)
{
	bench_options_free(&options);
}

static void bad(const char *line, const char *complaint)
{
	ck_assert_int_eq(parse(line), BENCH_OPTIONS_ERROR);
	ck_assert_str_eq(why, complaint);
	bench_options_free(&options);
}

START_TEST(a_device_is_enough)
{
	ck_assert_msg(parse("01:00.0") == BENCH_OPTIONS_RUN, "%s", why);
	ck_assert_str_eq(options.device, "01:00.0");
	ck_assert_int_eq(options.target, BENCH_VM);
	ck_assert_uint_eq(options.cycles, 50);
	ck_assert_uint_eq(options.runs, 3);
	ck_assert(options.has_workload && options.beside_host);
	ck_assert_int_eq(options.workload.kind, WORKLOAD_PERIODIC);
}
END_TEST

START_TEST(what_follows_two_dashes_is_for_the_vm)
{
	ck_assert_msg(parse("--cycles 7 01:00.0 -- --kernel x --cpus boot=2") == BENCH_OPTIONS_RUN,
		      "%s", why);
	ck_assert_uint_eq(options.cycles, 7);
	ck_assert_int_eq(options.run_argc, 4);
	ck_assert_str_eq(options.run_argv[0], "--kernel");
}
END_TEST

START_TEST(a_workload_can_be_none)
{
	ck_assert_int_eq(parse("01:00.0 --workload none"), BENCH_OPTIONS_RUN);
	ck_assert(!options.has_workload);
}
END_TEST

START_TEST(bad_options_are_one_line)
{
	bad("", "say which device: coldvm bench power [options] 01:00.0");
	bad("01:00.0 02:00.0", "'02:00.0': one device at a time; 01:00.0 is the first");
	bad("01:00.0 --cycles", "--cycles: want a value behind it");
	bad("01:00.0 --cycles -3", "--cycles '-3': want a number from 0 to 100000");
	bad("01:00.0 --runs 0", "--runs '0': want a number from 1 to 100");
	bad("01:00.0 --driver maybe", "--driver 'maybe': want none or keep");
	bad("01:00.0 --raw --host", "--raw and --host exclude each other: choose one");
	bad("01:00.0 --raw --kernel x", "--kernel is about a guest: --raw and --host have none");
	bad("01:00.0 --raw -- --cpus boot=2", "-- is about a guest: --raw and --host have none");
	bad("01:00.0 --host --device-keys a=b",
	    "--device-keys 'a=b' is about vfio: --host uses none");
	bad("01:00.0 --raw --workload guest", "--workload guest: --raw and --host have no guest");
	bad("01:00.0 --runs 2 --meter x",
	    "--runs 2: want 3 or more, to know how far they lie apart");
	bad("01:00.0 --frobnicate", "unknown option '--frobnicate': see coldvm bench --help");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("bench_workload");
	TCase *t = suite_case(s, "plans", NULL, tear_down);

	tcase_add_test(t, a_period_is_busy_from_its_start);
	tcase_add_test(t, the_same_seed_is_the_same_workload);
	tcase_add_test(t, a_seed_means_the_same_on_every_machine);
	tcase_add_test(t, jobs_arrive_as_often_as_asked);
	tcase_add_test(t, jobs_that_overlap_are_one);
	tcase_add_test(t, idle_and_guest_have_no_jobs);

	t = suite_case(s, "traces", NULL, remove_trace);
	tcase_add_test(t, a_trace_is_played_as_it_was_written);
	tcase_add_test(t, a_trace_that_makes_no_sense_is_refused_by_its_line);

	t = suite_case(s, "words", NULL, tear_down);
	tcase_add_test(t, a_word_that_is_wrong_is_named_with_what_would_be_right);

	t = suite_case(s, "command line", NULL, free_options);
	tcase_add_test(t, a_device_is_enough);
	tcase_add_test(t, what_follows_two_dashes_is_for_the_vm);
	tcase_add_test(t, a_workload_can_be_none);
	tcase_add_test(t, bad_options_are_one_line);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
