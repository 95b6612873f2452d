/* SPDX-License-Identifier: BSD-3-Clause */
/* The first signal presses the power button, the second one or 10 s stop the VM. */
#include "vmm/stop_signals.h"

#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/unit/suite.h"

static struct loop loop;
static struct stop_signals signals;
static unsigned presses, stops;

static void press(void *opaque)
{
	ck_assert_ptr_eq(opaque, &presses);
	presses++;
	loop_quit(&loop);
}

static void stop(void *opaque)
{
	ck_assert_ptr_eq(opaque, &presses);
	stops++;
	loop_quit(&loop);
}

static void setup(void)
{
	presses = stops = 0;
	signals = (struct stop_signals){ .press = press, .stop = stop, .opaque = &presses };
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(stop_signals_init(&signals, &loop), 0);
}

static void teardown(void)
{
	stop_signals_exit(&signals);
	loop_exit(&loop);
}

static uint64_t grace_left(void)
{
	struct itimerspec left;

	ck_assert_int_eq(timerfd_gettime(signals.timer.fd, &left), 0);
	return (uint64_t)left.it_value.tv_sec * 1000000000 + (uint64_t)left.it_value.tv_nsec;
}

static const int each[] = { SIGTERM, SIGINT, SIGHUP };

START_TEST(the_first_signal_presses_the_button_and_starts_10_s)
{
	ck_assert_uint_eq(grace_left(), 0);
	kill(getpid(), each[_i]);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(presses, 1);
	ck_assert_uint_eq(stops, 0);
	ck_assert_uint_gt(grace_left(), 0);
	ck_assert_uint_le(grace_left(), 10000000000);
}
END_TEST

START_TEST(the_second_signal_stops)
{
	kill(getpid(), SIGTERM);
	ck_assert_int_eq(loop_run(&loop), 0);
	kill(getpid(), each[_i]);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(presses, 1);
	ck_assert_uint_eq(stops, 1);
}
END_TEST

START_TEST(the_end_of_the_grace_stops)
{
	const struct itimerspec now = { .it_value = { .tv_nsec = 1 } };

	kill(getpid(), SIGTERM);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_int_eq(timerfd_settime(signals.timer.fd, 0, &now, NULL), 0);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(stops, 1);
}
END_TEST

START_TEST(asking_is_as_good_as_a_signal)
{
	loop_quit(&loop);
	stop_signals_ask(&signals);
	ck_assert_uint_eq(presses, 1);
	ck_assert_uint_eq(stops, 0);
	ck_assert_uint_gt(grace_left(), 0);
	stop_signals_ask(&signals);
	ck_assert_uint_eq(presses, 1);
	ck_assert_uint_eq(stops, 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("stop_signals");
	TCase *t = suite_case(s, "signals", setup, teardown);

	tcase_add_loop_test(t, the_first_signal_presses_the_button_and_starts_10_s, 0, 3);
	tcase_add_loop_test(t, the_second_signal_stops, 0, 3);
	tcase_add_test(t, the_end_of_the_grace_stops);
	tcase_add_test(t, asking_is_as_good_as_a_signal);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
