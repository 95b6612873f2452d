/* SPDX-License-Identifier: BSD-3-Clause */
/* Known watts in, known joules out. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tests/unit/suite.h"
#include "vmm/bench/energy.h"

#define S	UINT64_C(1000000000)
#define NEAR	1e-9
#define SAMPLES 2000

static struct energy_sample samples[SAMPLES];
static struct energy_trace trace;
static struct energy_span span;

static void set_up(void)
{
	trace = (struct energy_trace){ .samples = samples, .max_gap_ns = 4 * S };
}

static void add(double at_s, double value)
{
	samples[trace.nr++] = (struct energy_sample){
		.t_ns = (uint64_t)(at_s * 1e9 + 0.5),
		.value = value,
	};
}

static double joules(double from_s, double to_s)
{
	ck_assert_int_eq(energy_between(&trace, (uint64_t)(from_s * 1e9 + 0.5),
					(uint64_t)(to_s * 1e9 + 0.5), 100, &span),
			 0);
	return span.joules;
}

/* --- power --------------------------------------------------------------------------------------
 */

START_TEST(constant_power_is_watts_times_seconds)
{
	trace.quantity = METER_POWER;
	for (unsigned i = 0; i <= 10; i++)
		add(i, 7);
	ck_assert_double_eq_tol(joules(0, 10), 70, NEAR);
	ck_assert_double_eq_tol(joules(2.5, 3.25), 5.25, NEAR);
	ck_assert_double_eq_tol(energy_mean_w(&span), 7, NEAR);
}
END_TEST

START_TEST(a_ramp_is_integrated_by_trapezoids_to_any_moment)
{
	trace.quantity = METER_POWER;
	for (unsigned i = 0; i <= 10; i++)
		add(i, i);
	ck_assert_double_eq_tol(joules(0, 10), 50, NEAR);
	ck_assert_double_eq_tol(joules(1.5, 4.5), (4.5 * 4.5 - 1.5 * 1.5) / 2, NEAR);
}
END_TEST

START_TEST(power_in_a_gap_is_unknown)
{
	trace.quantity = METER_POWER;
	add(0, 10);
	add(1, 10);
	add(9, 10);
	add(10, 10);
	ck_assert_double_eq_tol(joules(0, 10), 20, NEAR);
	ck_assert_uint_eq(span.gaps, 1);
	ck_assert_uint_eq(span.covered_ns, 2 * S);
	ck_assert_uint_eq(span.gap_ns, 8 * S);
	ck_assert_double_eq_tol(energy_mean_w(&span), 10, NEAR);
}
END_TEST

START_TEST(outside_of_the_readings_nothing_is_known)
{
	trace.quantity = METER_POWER;
	add(5, 10);
	add(6, 10);
	ck_assert_double_eq_tol(joules(0, 10), 10, NEAR);
	ck_assert_uint_eq(span.gap_ns, 9 * S);
	ck_assert_int_eq(energy_between(&trace, 7 * S, 9 * S, 0, &span), -ENODATA);
	ck_assert_uint_eq(span.gap_ns, 2 * S);
	ck_assert_double_eq(energy_mean_w(&span), 0);
	trace.nr = 1;
	ck_assert_int_eq(energy_between(&trace, 0, 10 * S, 0, &span), -ENODATA);
}
END_TEST

/* --- counters -----------------------------------------------------------------------------------
 */

START_TEST(a_counter_is_differences)
{
	for (unsigned i = 0; i <= 10; i++)
		add(i, 1000 + 3 * i);
	ck_assert_double_eq_tol(joules(0, 10), 30, NEAR);
	ck_assert_double_eq_tol(joules(0.5, 0.75), 0.75, NEAR);
}
END_TEST

START_TEST(a_counter_that_wraps_counts_on)
{
	trace.range_j = 50;
	for (unsigned i = 0; i <= 100; i++)
		add(i, fmod(40 + 7.0 * i, 50));
	ck_assert_double_eq_tol(joules(0, 100), 700, 1e-6);
	ck_assert_uint_eq(span.wraps, 14);
	ck_assert_uint_eq(span.resets, 0);
	ck_assert_uint_eq(span.covered_ns, 100 * S);
}
END_TEST

START_TEST(a_wrap_that_no_device_can_have_made_is_a_reset)
{
	trace.range_j = 100000;
	add(0, 500);
	add(1, 520);
	add(2, 5);
	add(3, 25);
	ck_assert_double_eq_tol(joules(0, 3), 40, NEAR);
	ck_assert_uint_eq(span.resets, 1);
	ck_assert_uint_eq(span.wraps, 0);
	ck_assert_uint_eq(span.gap_ns, S);
}
END_TEST

START_TEST(a_counter_without_range_that_falls_was_reset)
{
	add(0, 500);
	add(1, 510);
	add(2, 3);
	add(3, 13);
	ck_assert_double_eq_tol(joules(0, 3), 20, NEAR);
	ck_assert_uint_eq(span.resets, 1);
}
END_TEST

START_TEST(a_counter_counts_through_a_gap)
{
	add(0, 0);
	add(1, 10);
	add(60, 600);
	ck_assert_double_eq_tol(joules(0, 60), 600, NEAR);
	ck_assert_uint_eq(span.gaps, 1);
	ck_assert_uint_eq(span.gap_ns, 0);
}
END_TEST

START_TEST(parts_add_up_to_the_whole)
{
	double sum = 0, whole;

	srand48(7);
	trace.range_j = 1000;
	for (unsigned i = 0; i < SAMPLES; i++)
		add(i * 0.1 + drand48() * 0.05, fmod(i * 0.7 + drand48() * 0.1, 1000));
	whole = joules(1, 190);
	for (double at = 1; at < 190; at += 0.5)
		sum += joules(at, at + 0.5);
	ck_assert_double_eq_tol(sum, whole, 1e-6);
}
END_TEST

/* --- break-even ---------------------------------------------------------------------------------
 */

START_TEST(what_transitions_take_is_what_is_left)
{
	/* 5 cycles: 10 s at 20 W, 20 s at 1 W, and 4 J each. */
	ck_assert_double_eq_tol(energy_of_transitions(200 + 20 + 20, 10 * S, 20, 20 * S, 1, 5), 4,
				NEAR);
	ck_assert_double_lt(energy_of_transitions(210, 10 * S, 20, 20 * S, 1, 5), 0);
	ck_assert_double_eq(energy_of_transitions(10, 0, 1, 0, 1, 0), 0);
}
END_TEST

START_TEST(break_even_follows_the_formula)
{
	double s = -1;

	ck_assert_int_eq(break_even(36, 1, 8, 1, &s), BREAK_EVEN_PAYS);
	ck_assert_double_eq_tol(s, 5, NEAR);
}
END_TEST

START_TEST(d3cold_that_takes_more_never_pays)
{
	double s = -1;

	ck_assert_int_eq(break_even(1, 1, 5, 5, &s), BREAK_EVEN_NEVER);
	ck_assert_int_eq(break_even(1, 1, 5, 45, &s), BREAK_EVEN_NEVER);
	ck_assert_double_eq(s, -1);
}
END_TEST

START_TEST(transitions_that_take_nothing_pay_at_once)
{
	double s = -1;

	ck_assert_int_eq(break_even(0.1, 1, 8, 1, &s), BREAK_EVEN_PAYS);
	ck_assert_double_eq(s, 0);
}
END_TEST

START_TEST(at_the_break_even_both_take_the_same)
{
	double busy_s = 0.5, on_w = 20, idle_w = 8, low_w = 1, j = 4.8, s = 0.18, idle_s;

	break_even(j, s, idle_w, low_w, &idle_s);
	ck_assert_double_eq_tol(energy_hour_with(busy_s, on_w, idle_s, idle_w, low_w, j, s),
				energy_hour_without(busy_s, on_w, idle_s, idle_w), 1e-6);
	ck_assert_double_lt(energy_hour_with(busy_s, on_w, idle_s + 1, idle_w, low_w, j, s),
			    energy_hour_without(busy_s, on_w, idle_s + 1, idle_w));
}
END_TEST

START_TEST(without_time_to_get_there_d3cold_changes_nothing)
{
	ck_assert_double_eq(energy_hour_with(1, 20, 0.1, 8, 1, 4, 0.2),
			    energy_hour_without(1, 20, 0.1, 8));
	ck_assert_double_eq(energy_hour_without(0, 20, 1, 8), 8 * 3600.0);
	ck_assert_double_eq(energy_hour_without(0, 20, 0, 8), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("bench_energy");
	TCase *t = suite_case(s, "power", set_up, NULL);

	tcase_add_test(t, constant_power_is_watts_times_seconds);
	tcase_add_test(t, a_ramp_is_integrated_by_trapezoids_to_any_moment);
	tcase_add_test(t, power_in_a_gap_is_unknown);
	tcase_add_test(t, outside_of_the_readings_nothing_is_known);

	t = suite_case(s, "counters", set_up, NULL);
	tcase_add_test(t, a_counter_is_differences);
	tcase_add_test(t, a_counter_that_wraps_counts_on);
	tcase_add_test(t, a_wrap_that_no_device_can_have_made_is_a_reset);
	tcase_add_test(t, a_counter_without_range_that_falls_was_reset);
	tcase_add_test(t, a_counter_counts_through_a_gap);
	tcase_add_test(t, parts_add_up_to_the_whole);

	t = suite_case(s, "break-even", NULL, NULL);
	tcase_add_test(t, what_transitions_take_is_what_is_left);
	tcase_add_test(t, break_even_follows_the_formula);
	tcase_add_test(t, d3cold_that_takes_more_never_pays);
	tcase_add_test(t, transitions_that_take_nothing_pay_at_once);
	tcase_add_test(t, at_the_break_even_both_take_the_same);
	tcase_add_test(t, without_time_to_get_there_d3cold_changes_nothing);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
