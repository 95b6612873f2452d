/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures, timelines, and what many cycles come to. */
#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bench/cycle.h"
#include "vmm/bench/figures.h"
#include "vmm/bench/timeline.h"
#include "vmm/bench/value_text.h"
#include "vmm/bits.h"

/* --- figures ------------------------------------------------------------------------------------
 */

START_TEST(percentiles_are_values_that_were_measured)
{
	double values[200];
	struct figures figures;

	for (unsigned i = 0; i < 200; i++)
		values[i] = 200 - i;
	figures_of(values, 200, &figures);
	ck_assert_double_eq(figures.min, 1);
	ck_assert_double_eq(figures.p50, 100);
	ck_assert_double_eq(figures.p95, 190);
	ck_assert_double_eq(figures.p99, 198);
	ck_assert_double_eq(figures.max, 200);
}
END_TEST

START_TEST(one_value_is_all_of_its_figures)
{
	double value = 7;
	struct figures figures;

	figures_of(&value, 1, &figures);
	ck_assert_double_eq(figures.min, 7);
	ck_assert_double_eq(figures.p99, 7);
}
END_TEST

START_TEST(the_median_of_an_even_number_lies_between_the_middle_two)
{
	double values[] = { 4, 1, 3, 2 };
	struct spread spread;

	spread_of(values, 4, &spread);
	ck_assert_double_eq(spread.median, 2.5);
	ck_assert_double_eq(spread.min, 1);
	ck_assert_double_eq(spread.max, 4);
}
END_TEST

START_TEST(nothing_measured_is_null)
{
	struct figures figures;
	struct spread spread;
	json_t *json;

	figures_of(NULL, 0, &figures);
	spread_of(NULL, 0, &spread);
	json = figures_json(&figures, "ns");
	ck_assert(json_is_null(json));
	json = spread_json(&spread, "W");
	ck_assert(json_is_null(json));
	ck_assert_int_eq(spread_from_json(json, &spread), -EINVAL);
}
END_TEST

START_TEST(a_spread_survives_json)
{
	double values[] = { 1, 2, 9 };
	struct spread spread, again;
	json_t *json;

	spread_of(values, 3, &spread);
	json = spread_json(&spread, "W");
	ck_assert_int_eq(spread_from_json(json, &again), 0);
	ck_assert_uint_eq(again.nr, 3);
	ck_assert_double_eq(again.median, 2);
	ck_assert_double_eq(again.max, 9);
	json_decref(json);
}
END_TEST

START_TEST(values_are_shown_with_three_digits_that_mean_something)
{
	static const struct {
		double value;
		const char *unit, *text;
	} rows[] = {
		{ 165123456, "ns", "165 ms" },
		{ 11745000, "ns", "11.7 ms" },
		{ 283000, "ns", "283 us" },
		{ 5e9, "ns", "5.00 s" },
		{ 7, "W", "7.00 W" },
		{ 0.25, "W", "250 mW" },
		{ -0.4, "W", "-400 mW" },
		{ 0.742, "1", "74.2 %" },
		{ 0.998, "", "0.998" },
		{ 0.99999, "W", "1.00 W" },
		{ 0, "W", "0 mW" },
		{ 90, "s", "1.50 min" },
		{ 4788, "J", "4.79 kJ" },
	};
	char text[VALUE_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		value_text(rows[i].value, rows[i].unit, text);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

/* --- timelines ----------------------------------------------------------------------------------
 */

static struct timeline timeline;

static void free_timeline(void)
{
	timeline_free(&timeline);
}

START_TEST(time_in_states_adds_up_to_the_stretch)
{
	uint64_t ns[BENCH_NR_STATES];

	timeline_add(&timeline, 100, BENCH_D0);
	timeline_add(&timeline, 130, BENCH_D3HOT);
	timeline_add(&timeline, 150, BENCH_D3COLD);
	timeline_residency(&timeline, 90, 200, ns);
	ck_assert_uint_eq(ns[BENCH_UNKNOWN], 10);
	ck_assert_uint_eq(ns[BENCH_D0], 30);
	ck_assert_uint_eq(ns[BENCH_D3HOT], 20);
	ck_assert_uint_eq(ns[BENCH_D3COLD], 50);
}
END_TEST

START_TEST(a_stretch_within_one_state_is_that_state)
{
	uint64_t ns[BENCH_NR_STATES];

	timeline_add(&timeline, 100, BENCH_D0);
	timeline_add(&timeline, 500, BENCH_D3COLD);
	timeline_residency(&timeline, 200, 300, ns);
	ck_assert_uint_eq(ns[BENCH_D0], 100);
	timeline_residency(&timeline, 300, 300, ns);
	ck_assert_uint_eq(ns[BENCH_D0], 0);
}
END_TEST

START_TEST(a_late_change_takes_the_place_of_what_was_thought)
{
	timeline_add(&timeline, 100, BENCH_D0);
	timeline_add(&timeline, 200, BENCH_D3COLD);
	timeline_add(&timeline, 150, BENCH_D3HOT);
	ck_assert_int_eq(timeline_at(&timeline, 149), BENCH_D0);
	ck_assert_int_eq(timeline_at(&timeline, 250), BENCH_D3HOT);
	ck_assert_uint_eq(timeline.nr, 2);
}
END_TEST

START_TEST(the_same_state_again_is_no_change)
{
	for (unsigned i = 0; i < 1000; i++)
		timeline_add(&timeline, 100 + i, BENCH_D0);
	ck_assert_uint_eq(timeline.nr, 1);
	ck_assert_uint_eq(timeline.changes[0].t_ns, 100);
}
END_TEST

START_TEST(states_are_read_as_sysfs_writes_them)
{
	ck_assert_int_eq(bench_state_of("D3cold\n"), BENCH_D3COLD);
	ck_assert_int_eq(bench_state_of("D3hot"), BENCH_D3HOT);
	ck_assert_int_eq(bench_state_of("d0"), BENCH_D0);
	ck_assert_int_eq(bench_state_of("D3"), BENCH_UNKNOWN);
	ck_assert_int_eq(bench_state_of("error"), BENCH_UNKNOWN);
}
END_TEST

/* --- cycles -------------------------------------------------------------------------------------
 */

static struct cycles cycles;

static void free_cycles(void)
{
	cycles_free(&cycles);
}

static void add_cycles(unsigned nr)
{
	for (unsigned i = 1; i <= nr; i++) {
		const struct cycle cycle = {
			.off = 1000,
			.entry_issued = 1000 + i,
			.entry_returned = 1100,
			.d3cold = 2000,
			.on = 5000,
			.exit_issued = 5010,
			.exit_returned = 6000,
			.alive = 6100,
			.ready = i == 1 ? 0 : 6200,
		};

		ck_assert_int_eq(cycles_add(&cycles, &cycle), 0);
	}
}

static double figure(const json_t *json, const char *name, const char *point)
{
	char path[96];

	snprintf(path, sizeof(path), "figures.%s.%s", name, point);
	return json_number_at(json, path, -1);
}

START_TEST(distances_are_those_between_the_moments)
{
	json_t *json;

	add_cycles(100);
	json = cycles_json(&cycles);
	ck_assert_double_eq(figure(json, "off_to_entry_issued", "p50"), 50);
	ck_assert_double_eq(figure(json, "off_to_d3cold", "max"), 1000);
	ck_assert_double_eq(figure(json, "exit", "min"), 990);
	ck_assert_double_eq(figure(json, "on_to_ready", "p50"), 1200);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "cycles_ns")), 100);
	json_decref(json);
}
END_TEST

START_TEST(a_moment_that_did_not_happen_is_null_and_counts_nowhere)
{
	json_t *json;

	add_cycles(2);
	json = cycles_json(&cycles);
	ck_assert_double_eq(figure(json, "on_to_ready", "n"), 1);
	ck_assert(json_is_null(json_at(json, "cycles_ns.0.ready")));
	ck_assert(json_is_null(json_at(json, "figures.guest_wake")));
	json_decref(json);
}
END_TEST

START_TEST(without_a_driver_a_way_back_ends_alive)
{
	add_cycles(1);
	ck_assert_uint_eq(cycles_transition_ns(&cycles), 1000 + 1100);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("bench_figures");
	TCase *t = suite_case(s, "figures", NULL, NULL);

	tcase_add_test(t, percentiles_are_values_that_were_measured);
	tcase_add_test(t, one_value_is_all_of_its_figures);
	tcase_add_test(t, the_median_of_an_even_number_lies_between_the_middle_two);
	tcase_add_test(t, nothing_measured_is_null);
	tcase_add_test(t, a_spread_survives_json);
	tcase_add_test(t, values_are_shown_with_three_digits_that_mean_something);

	t = suite_case(s, "timelines", NULL, free_timeline);
	tcase_add_test(t, time_in_states_adds_up_to_the_stretch);
	tcase_add_test(t, a_stretch_within_one_state_is_that_state);
	tcase_add_test(t, a_late_change_takes_the_place_of_what_was_thought);
	tcase_add_test(t, the_same_state_again_is_no_change);
	tcase_add_test(t, states_are_read_as_sysfs_writes_them);

	t = suite_case(s, "cycles", NULL, free_cycles);
	tcase_add_test(t, distances_are_those_between_the_moments);
	tcase_add_test(t, a_moment_that_did_not_happen_is_null_and_counts_nowhere);
	tcase_add_test(t, without_a_driver_a_way_back_ends_alive);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
