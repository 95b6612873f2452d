/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bench hears of a guest: events of its VM, and its own program on the serial port. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bench/agent.h"
#include "vmm/bench/vm_events.h"
#include "vmm/bits.h"

#define AT(name) offsetof(struct cycle, name)
#define MS	 UINT64_C(1000000)

static struct watch watch;
static char backend[16];
static char why[256];

static void set_up(void)
{
	ck_assert_int_eq(watch_init(&watch), 0);
}

static void tear_down(void)
{
	watch_exit(&watch);
}

/* --- events -------------------------------------------------------------------------------------
 */

static void event(const char *name, uint64_t t_ns, const char *more)
{
	char line[512];
	int n = snprintf(line, sizeof(line),
			 "{\"source\":\"device\",\"event\":\"%s\",\"properties\":{\"id\":\"bench\","
			 "\"t_ns\":%llu%s}}\n",
			 name, (unsigned long long)t_ns, more);

	vm_event_take(&watch, line, (size_t)n, backend, sizeof(backend));
}

START_TEST(a_cycle_is_told_by_its_events)
{
	struct cycle cycle;

	event("power-off-asked", 1000, "");
	event("power-entry-issued", 1500, ",\"backend\":\"explicit\",\"took_ns\":300");
	ck_assert_int_eq(watch_now(&watch), BENCH_UNKNOWN);
	event("power-d3cold", 2000, ",\"device_state\":\"D3cold\"");
	ck_assert_int_eq(watch_now(&watch), BENCH_D3COLD);
	event("power-on-asked", 5000, "");
	ck_assert_int_eq(watch_now(&watch), BENCH_D0);
	event("power-exit-returned", 7000, ",\"took_ns\":1900");
	event("power-alive", 7100, "");
	watch_cycle(&watch, &cycle);
	ck_assert_uint_eq(cycle.off, 1000);
	ck_assert_uint_eq(cycle.entry_issued, 1200);
	ck_assert_uint_eq(cycle.entry_returned, 1500);
	ck_assert_uint_eq(cycle.d3cold, 2000);
	ck_assert_uint_eq(cycle.on, 5000);
	ck_assert_uint_eq(cycle.exit_issued, 5100);
	ck_assert_uint_eq(cycle.exit_returned, 7000);
	ck_assert_uint_eq(cycle.alive, 7100);
	ck_assert_uint_eq(cycle.ready, 0);
	ck_assert_str_eq(backend, "explicit");
}
END_TEST

START_TEST(a_state_that_is_not_d3cold_is_told_as_it_is)
{
	event("power-reached", 2000, ",\"device_state\":\"D3hot\"");
	ck_assert_int_eq(watch_now(&watch), BENCH_D3HOT);
	event("power-deadline", 3000, ",\"device_state\":\"D0\"");
	ck_assert_int_eq(watch_now(&watch), BENCH_D0);
	event("power-d3cold", 4000, "");
	event("power-wake", 5000, "");
	ck_assert_int_eq(watch_now(&watch), BENCH_D0);
}
END_TEST

START_TEST(a_device_that_does_not_come_back_ends_the_waiting)
{
	event("power-failed", 2000, "");
	ck_assert_int_eq(watch_wait_state(&watch, BENCH_D0, now_ns() + 60000 * MS), -EIO);
	ck_assert_str_eq(watch.failure, "the device did not come back (event power-failed)");
}
END_TEST

START_TEST(lines_that_are_no_events_are_passed_over)
{
	vm_event_take(&watch, "{", 1, backend, sizeof(backend));
	vm_event_take(&watch, "[]\n", 3, backend, sizeof(backend));
	event("power-something-new", 1, "");
	ck_assert_uint_eq(watch.timeline.nr, 0);
}
END_TEST

/* --- waiting ------------------------------------------------------------------------------------
 */

START_TEST(waiting_ends_with_what_was_waited_for)
{
	watch_state(&watch, 1, BENCH_D3COLD);
	ck_assert_int_eq(watch_wait_state(&watch, BENCH_D3COLD, 0), 0);
	ck_assert_int_eq(watch_wait_state(&watch, BENCH_D0, now_ns() + MS), -ETIMEDOUT);
	watch_moment(&watch, AT(alive), 5);
	ck_assert_int_eq(watch_wait_moment(&watch, AT(alive), 0), 0);
	watch_begin(&watch);
	ck_assert_int_eq(watch_wait_moment(&watch, AT(alive), now_ns() + MS), -ETIMEDOUT);
	ck_assert_int_eq(watch_sleep(&watch, now_ns() + MS), 0);
}
END_TEST

START_TEST(a_device_that_nobody_wants_is_not_touched)
{
	watch_state(&watch, 1, BENCH_D0);
	ck_assert(!watch_may_touch(&watch));
	watch_want(&watch, true);
	ck_assert(watch_may_touch(&watch));
	watch_state(&watch, 2, BENCH_D3COLD);
	ck_assert(!watch_may_touch(&watch));
	watch_state(&watch, 3, BENCH_D0);
	watch_want(&watch, false);
	ck_assert(!watch_may_touch(&watch));
}
END_TEST

START_TEST(a_stop_ends_every_wait_from_then_on)
{
	watch_stop(&watch);
	ck_assert_int_eq(watch_sleep(&watch, now_ns() + 60000 * MS), -ECANCELED);
	ck_assert_int_eq(watch_wait_state(&watch, BENCH_D0, now_ns() + 60000 * MS), -ECANCELED);
}
END_TEST

/* --- the guest's program ------------------------------------------------------------------------
 */

static int to_host[2], to_guest[2];
static struct agent agent;
static struct agent_answer answer;

static void open_line(void)
{
	set_up();
	ck_assert_int_eq(pipe(to_host), 0);
	ck_assert_int_eq(pipe(to_guest), 0);
	agent_init(&agent, to_host[0], to_guest[1]);
}

static void close_line(void)
{
	tear_down();
	close_fd(&to_host[0]);
	close_fd(&to_host[1]);
	close_fd(&to_guest[0]);
	close_fd(&to_guest[1]);
}

static void guest_says(const char *text)
{
	ck_assert_int_eq(write(to_host[1], text, strlen(text)), (ssize_t)strlen(text));
}

static int ask(const char *request)
{
	return agent_ask(&agent, request, watch.stop_fds[0], 5000, &answer, why, sizeof(why));
}

START_TEST(an_answer_is_timed_by_its_first_byte)
{
	uint64_t before = now_ns();
	char sent[16] = "";

	guest_says("!ok 1000 4000 6.12.0 1\n");
	ck_assert_int_eq(ask("hello"), 0);
	ck_assert_uint_eq(answer.guest_ns, 3000);
	ck_assert_str_eq(answer.text, "6.12.0 1");
	ck_assert_uint_ge(answer.done_ns, before);
	ck_assert_int_eq(read(to_guest[0], sent, sizeof(sent)), 6);
	ck_assert_str_eq(sent, "hello\n");
}
END_TEST

START_TEST(lines_of_the_kernel_are_passed_over)
{
	guest_says("[    1.0] what a kernel says!\r\n\n[   1.1] more!ok\n!ok 5 6 \n");
	ck_assert_int_eq(ask("idle"), 0);
	ck_assert_uint_eq(answer.guest_ns, 1);
}
END_TEST

START_TEST(an_error_of_the_guest_is_told)
{
	guest_says("!error 0000:01:00.0: the device does not answer\n");
	ck_assert_int_eq(ask("busy"), -EREMOTEIO);
	ck_assert_str_eq(why, "the guest: 0000:01:00.0: the device does not answer");
}
END_TEST

START_TEST(a_guest_that_ends_is_told_with_its_last_words)
{
	guest_says("Kernel panic - not syncing\n");
	close_fd(&to_host[1]);
	ck_assert_int_eq(ask("busy"), -EPIPE);
	ck_assert_str_eq(why, "the guest has ended; its last line: Kernel panic - not syncing");
}
END_TEST

START_TEST(a_guest_that_is_silent_is_not_waited_for_for_ever)
{
	ck_assert_int_eq(agent_wait(&agent, watch.stop_fds[0], 20, why, sizeof(why)), -ETIMEDOUT);
	ck_assert_str_eq(why, "the guest does not answer");
	watch_stop(&watch);
	ck_assert_int_eq(agent_wait(&agent, watch.stop_fds[0], 60000, why, sizeof(why)),
			 -ECANCELED);
}
END_TEST

START_TEST(a_line_without_end_does_no_harm)
{
	for (unsigned i = 0; i < 100; i++)
		guest_says("0123456789!0123456789!0123456789");
	guest_says("\n!ok 1 2 done\n");
	ck_assert_int_eq(ask("clock"), 0);
	ck_assert_str_eq(answer.text, "done");
}
END_TEST

START_TEST(the_greeting_is_found_among_other_lines)
{
	guest_says("boot...\n[ 1.0] coldvm-bench-guest\r\n");
	ck_assert_int_eq(agent_wait(&agent, watch.stop_fds[0], 5000, why, sizeof(why)), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("bench_guest");
	TCase *t = suite_case(s, "events", set_up, tear_down);

	tcase_add_test(t, a_cycle_is_told_by_its_events);
	tcase_add_test(t, a_state_that_is_not_d3cold_is_told_as_it_is);
	tcase_add_test(t, a_device_that_does_not_come_back_ends_the_waiting);
	tcase_add_test(t, lines_that_are_no_events_are_passed_over);

	t = suite_case(s, "waiting", set_up, tear_down);
	tcase_add_test(t, waiting_ends_with_what_was_waited_for);
	tcase_add_test(t, a_device_that_nobody_wants_is_not_touched);
	tcase_add_test(t, a_stop_ends_every_wait_from_then_on);

	t = suite_case(s, "the guest's program", open_line, close_line);
	tcase_add_test(t, an_answer_is_timed_by_its_first_byte);
	tcase_add_test(t, lines_of_the_kernel_are_passed_over);
	tcase_add_test(t, an_error_of_the_guest_is_told);
	tcase_add_test(t, a_guest_that_ends_is_told_with_its_last_words);
	tcase_add_test(t, a_guest_that_is_silent_is_not_waited_for_for_ever);
	tcase_add_test(t, a_line_without_end_does_no_harm);
	tcase_add_test(t, the_greeting_is_found_among_other_lines);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
