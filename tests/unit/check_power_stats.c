/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums over a slot's events: time in each state, counts, percentiles. */
#include "devices/vfio/power_stats.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define MS(n) ((uint64_t)(n)*1000000u)

static struct power_stats stats;

static void setup(void)
{
	power_stats_init(&stats, MS(1000));
}

static void add(enum power_mark mark, uint64_t at_ms, uint64_t took_ms)
{
	power_stats_add(&stats, &(struct power_sample){
					.mark = mark,
					.t_ns = MS(at_ms),
					.took_ns = MS(took_ms),
				});
}

static uint64_t span_ms(enum power_span span, uint64_t at_ms)
{
	return power_stats_span_ns(&stats, span, MS(at_ms)) / 1000000;
}

/* The spans add up to the time since the start, whatever happened. */
static void expect_whole(uint64_t at_ms)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < POWER_NR_SPANS; i++)
		sum += power_stats_span_ns(&stats, (enum power_span)i, MS(at_ms));
	ck_assert_uint_eq(sum, MS(at_ms) - stats.start_ns);
}

static void go_d3cold(void)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	add(POWER_MARK_ENTRY_ISSUED, 2005, 1);
	add(POWER_MARK_D3COLD, 2020, 16);
}

START_TEST(every_event_name_is_known_and_nothing_else)
{
	for (unsigned i = 0; i < POWER_NR_MARKS; i++)
		ck_assert_uint_eq(power_mark_parse(power_mark_name((enum power_mark)i)), i);
	ck_assert_uint_eq(power_mark_parse("device-error"), POWER_NR_MARKS);
	ck_assert_uint_eq(power_mark_parse(""), POWER_NR_MARKS);
}
END_TEST

START_TEST(good_cycle_is_split_into_its_spans)
{
	go_d3cold();
	add(POWER_MARK_ON_ASKED, 5000, 0);
	add(POWER_MARK_EXIT_RETURNED, 5120, 119);
	add(POWER_MARK_ALIVE, 5121, 121);
	ck_assert_uint_eq(span_ms(POWER_SPAN_ON, 6000), 1000 + 879);
	ck_assert_uint_eq(span_ms(POWER_SPAN_ENTERING, 6000), 5);
	ck_assert_uint_eq(span_ms(POWER_SPAN_WARM, 6000), 15);
	ck_assert_uint_eq(span_ms(POWER_SPAN_D3COLD, 6000), 2980);
	ck_assert_uint_eq(span_ms(POWER_SPAN_EXITING, 6000), 121);
	ck_assert_uint_eq(span_ms(POWER_SPAN_FAILED, 6000), 0);
	expect_whole(6000);
	ck_assert_uint_eq(stats.marks[POWER_MARK_ENTRY_ISSUED], 1);
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_OFF_TO_ENTRY].last_ns, MS(5));
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_ENTRY_TO_D3COLD].last_ns, MS(16));
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_HOST_EXIT].last_ns, MS(119));
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_ON_TO_ALIVE].last_ns, MS(121));
}
END_TEST

START_TEST(entry_without_d3cold_is_warm)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	add(POWER_MARK_ENTRY_ISSUED, 2005, 1);
	add(POWER_MARK_DEADLINE, 3005, 1001);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
	ck_assert_uint_eq(span_ms(POWER_SPAN_D3COLD, 9000), 0);
	power_stats_observe(&stats, MS(4000));
	ck_assert_uint_eq(stats.span, POWER_SPAN_D3COLD);
	expect_whole(9000);
}
END_TEST

START_TEST(observation_counts_only_while_off)
{
	power_stats_observe(&stats, MS(1500));
	ck_assert_uint_eq(stats.span, POWER_SPAN_ON);
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	power_stats_observe(&stats, MS(2001));
	ck_assert_uint_eq(stats.span, POWER_SPAN_ENTERING);
}
END_TEST

START_TEST(refused_entry_is_counted_and_warm)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	power_stats_add(&stats, &(struct power_sample){ .mark = POWER_MARK_ENTRY_ISSUED,
							.t_ns = MS(2005),
							.refused = true });
	ck_assert_uint_eq(stats.refused, 1);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
}
END_TEST

START_TEST(wake_by_the_host_ends_d3cold)
{
	go_d3cold();
	add(POWER_MARK_WAKE, 3000, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
	ck_assert_uint_eq(span_ms(POWER_SPAN_D3COLD, 9000), 980);
	ck_assert_uint_eq(stats.marks[POWER_MARK_WAKE], 1);
}
END_TEST

START_TEST(cancelled_entry_is_on_again)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	add(POWER_MARK_ON_ASKED, 2001, 0);
	add(POWER_MARK_ENTRY_CANCELLED, 2002, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_ON);
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_OFF_TO_ENTRY].count, 0);
	expect_whole(3000);
}
END_TEST

START_TEST(exit_that_was_never_made_leaves_the_slot_as_it_was)
{
	go_d3cold();
	add(POWER_MARK_ON_ASKED, 3000, 0);
	add(POWER_MARK_OFF_ASKED, 3001, 0);
	add(POWER_MARK_EXIT_CANCELLED, 3002, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_D3COLD);
	add(POWER_MARK_ON_ASKED, 4000, 0);
	ck_assert_uint_eq(span_ms(POWER_SPAN_D3COLD, 4000), 980 + 998);
}
END_TEST

START_TEST(commands_in_a_row_leave_the_slot_as_it_was)
{
	go_d3cold();
	for (unsigned i = 0; i < 3; i++) {
		add(POWER_MARK_ON_ASKED, 3000 + i, 0);
		add(POWER_MARK_OFF_ASKED, 3000 + i, 0);
	}
	add(POWER_MARK_EXIT_CANCELLED, 3005, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_D3COLD);
}
END_TEST

START_TEST(exit_of_an_earlier_cycle_counts_no_more)
{
	go_d3cold();
	add(POWER_MARK_ON_ASKED, 3000, 0);
	add(POWER_MARK_EXIT_RETURNED, 3100, 100);
	add(POWER_MARK_ALIVE, 3101, 101);
	add(POWER_MARK_OFF_ASKED, 4000, 0);
	add(POWER_MARK_ENTRY_ISSUED, 4005, 1);
	add(POWER_MARK_D3COLD, 4020, 16);
	add(POWER_MARK_ON_ASKED, 5000, 0);
	add(POWER_MARK_OFF_ASKED, 5001, 0);
	add(POWER_MARK_EXIT_CANCELLED, 5002, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_D3COLD);
}
END_TEST

START_TEST(exit_that_was_made_is_followed_by_an_entry)
{
	go_d3cold();
	add(POWER_MARK_ON_ASKED, 3000, 0);
	add(POWER_MARK_OFF_ASKED, 3001, 0);
	add(POWER_MARK_EXIT_RETURNED, 3100, 100);
	add(POWER_MARK_EXIT_CANCELLED, 3101, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_ENTERING);
	add(POWER_MARK_ENTRY_ISSUED, 3105, 2);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_OFF_TO_ENTRY].last_ns, MS(104));
}
END_TEST

START_TEST(on_that_overtakes_the_news_of_the_entry_stays_on_its_way)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	add(POWER_MARK_ON_ASKED, 2006, 0);
	add(POWER_MARK_ENTRY_ISSUED, 2005, 1);
	ck_assert_uint_eq(stats.span, POWER_SPAN_EXITING);
	add(POWER_MARK_ALIVE, 2100, 94);
	ck_assert_uint_eq(stats.span, POWER_SPAN_ON);
	expect_whole(3000);
}
END_TEST

START_TEST(entry_that_was_told_late_is_what_an_unmade_exit_leaves)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	add(POWER_MARK_ON_ASKED, 2006, 0);
	add(POWER_MARK_ENTRY_ISSUED, 2005, 1);
	add(POWER_MARK_OFF_ASKED, 2007, 0);
	add(POWER_MARK_EXIT_CANCELLED, 2008, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
}
END_TEST

START_TEST(off_that_overtakes_the_news_of_life_stays_off)
{
	go_d3cold();
	add(POWER_MARK_ON_ASKED, 3000, 0);
	add(POWER_MARK_EXIT_RETURNED, 3100, 100);
	add(POWER_MARK_OFF_ASKED, 3102, 0);
	add(POWER_MARK_ALIVE, 3101, 101);
	ck_assert_uint_eq(stats.span, POWER_SPAN_ENTERING);
	add(POWER_MARK_ENTRY_ISSUED, 3105, 2);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
	expect_whole(4000);
}
END_TEST

START_TEST(exit_without_the_guest_ends_d3cold)
{
	go_d3cold();
	add(POWER_MARK_EXIT_RETURNED, 3000, 100);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
	add(POWER_MARK_ENTRY_ISSUED, 4000, 1);
	add(POWER_MARK_D3COLD, 4010, 10);
	ck_assert_uint_eq(stats.span, POWER_SPAN_D3COLD);
	ck_assert_uint_eq(span_ms(POWER_SPAN_D3COLD, 5000), 980 + 990);
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_OFF_TO_ENTRY].count, 1);
}
END_TEST

START_TEST(second_entry_is_observed_anew)
{
	go_d3cold();
	add(POWER_MARK_ENTRY_ISSUED, 3000, 1);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
}
END_TEST

START_TEST(entry_that_is_held_back_is_warm)
{
	add(POWER_MARK_OFF_ASKED, 2000, 0);
	add(POWER_MARK_HELD_BACK, 2001, 0);
	ck_assert_uint_eq(stats.span, POWER_SPAN_WARM);
	add(POWER_MARK_ENTRY_ISSUED, 9000, 1);
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_OFF_TO_ENTRY].last_ns, MS(7000));
	expect_whole(9000);
}
END_TEST

START_TEST(failed_slot_can_come_back)
{
	go_d3cold();
	add(POWER_MARK_ON_ASKED, 3000, 0);
	add(POWER_MARK_FAILED, 4000, 1000);
	ck_assert_uint_eq(stats.span, POWER_SPAN_FAILED);
	add(POWER_MARK_ON_ASKED, 5000, 0);
	add(POWER_MARK_ALIVE, 5100, 100);
	ck_assert_uint_eq(stats.span, POWER_SPAN_ON);
	ck_assert_uint_eq(span_ms(POWER_SPAN_FAILED, 9000), 1000);
	expect_whole(9000);
}
END_TEST

START_TEST(time_before_the_last_change_takes_nothing_away)
{
	go_d3cold();
	add(POWER_MARK_WAKE, 1, 0);
	expect_whole(3000);
	ck_assert_uint_eq(span_ms(POWER_SPAN_D3COLD, 3000), 0);
}
END_TEST

/* --- histogram ----------------------------------------------------------------------------------
 */

static uint64_t percentile(unsigned percent)
{
	return power_histogram_percentile(&stats.latency[POWER_LATENCY_HOST_EXIT], percent);
}

static void exit_took(uint64_t ns)
{
	power_stats_add(&stats, &(struct power_sample){ .mark = POWER_MARK_EXIT_RETURNED,
							.t_ns = MS(2000),
							.took_ns = ns });
}

static void expect_near(uint64_t value, uint64_t truth)
{
	uint64_t off = value > truth ? value - truth : truth - value;

	ck_assert_msg(off * 32 <= truth, "%llu is more than 1/32 off %llu",
		      (unsigned long long)value, (unsigned long long)truth);
}

START_TEST(no_value_has_no_percentile)
{
	ck_assert_uint_eq(percentile(50), 0);
	ck_assert_uint_eq(percentile(100), 0);
}
END_TEST

START_TEST(percentiles_of_a_ramp_are_near)
{
	for (unsigned ms = 1; ms <= 1000; ms++)
		exit_took(MS(ms));
	expect_near(percentile(50), MS(500));
	expect_near(percentile(95), MS(950));
	expect_near(percentile(99), MS(990));
	ck_assert_uint_le(percentile(100), MS(1000));
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_HOST_EXIT].max_ns, MS(1000));
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_HOST_EXIT].sum_ns, MS(500500));
}
END_TEST

/* Each single value from 1 us to 137 s comes back with the error that the header promises. */
START_TEST(error_is_at_most_one_part_in_32)
{
	for (uint64_t ns = 1024; ns < UINT64_C(137000000000); ns += ns / 61 + 1) {
		power_stats_init(&stats, MS(1000));
		exit_took(ns);
		exit_took(UINT64_C(1) << 50); /* so that the maximum is no help */
		expect_near(percentile(50), ns);
	}
}
END_TEST

START_TEST(percentile_is_a_value_that_enough_are_not_above)
{
	exit_took(MS(1));
	exit_took(MS(10));
	exit_took(MS(100));
	expect_near(percentile(33), MS(1));
	expect_near(percentile(50), MS(10));
	expect_near(percentile(67), MS(100));
}
END_TEST

START_TEST(percentile_is_never_above_the_largest_value)
{
	exit_took(UINT64_C(1) << 30);
	ck_assert_uint_eq(percentile(99), UINT64_C(1) << 30);
}
END_TEST

START_TEST(extremes_fall_into_the_outer_buckets)
{
	exit_took(0);
	exit_took(UINT64_MAX);
	ck_assert_uint_eq(stats.latency[POWER_LATENCY_HOST_EXIT].buckets[0], 1);
	ck_assert_uint_eq(
		stats.latency[POWER_LATENCY_HOST_EXIT].buckets[POWER_HISTOGRAM_BUCKETS - 1], 1);
	ck_assert_uint_lt(percentile(50), 1024);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("power: stats");
	TCase *spans = suite_case(suite, "spans", setup, NULL);
	TCase *histogram = suite_case(suite, "histogram", setup, NULL);

	tcase_add_test(spans, every_event_name_is_known_and_nothing_else);
	tcase_add_test(spans, good_cycle_is_split_into_its_spans);
	tcase_add_test(spans, entry_without_d3cold_is_warm);
	tcase_add_test(spans, observation_counts_only_while_off);
	tcase_add_test(spans, refused_entry_is_counted_and_warm);
	tcase_add_test(spans, wake_by_the_host_ends_d3cold);
	tcase_add_test(spans, cancelled_entry_is_on_again);
	tcase_add_test(spans, exit_that_was_never_made_leaves_the_slot_as_it_was);
	tcase_add_test(spans, commands_in_a_row_leave_the_slot_as_it_was);
	tcase_add_test(spans, exit_of_an_earlier_cycle_counts_no_more);
	tcase_add_test(spans, exit_that_was_made_is_followed_by_an_entry);
	tcase_add_test(spans, on_that_overtakes_the_news_of_the_entry_stays_on_its_way);
	tcase_add_test(spans, entry_that_was_told_late_is_what_an_unmade_exit_leaves);
	tcase_add_test(spans, off_that_overtakes_the_news_of_life_stays_off);
	tcase_add_test(spans, exit_without_the_guest_ends_d3cold);
	tcase_add_test(spans, second_entry_is_observed_anew);
	tcase_add_test(spans, entry_that_is_held_back_is_warm);
	tcase_add_test(spans, failed_slot_can_come_back);
	tcase_add_test(spans, time_before_the_last_change_takes_nothing_away);
	tcase_add_test(histogram, no_value_has_no_percentile);
	tcase_add_test(histogram, percentiles_of_a_ramp_are_near);
	tcase_add_test(histogram, error_is_at_most_one_part_in_32);
	tcase_add_test(histogram, percentile_is_a_value_that_enough_are_not_above);
	tcase_add_test(histogram, percentile_is_never_above_the_largest_value);
	tcase_add_test(histogram, extremes_fall_into_the_outer_buckets);
	return suite_run(suite);
}
