/* SPDX-License-Identifier: BSD-3-Clause */
/* How often the same thing is said. */
#include "vmm/rate_limit.h"

#include "tests/unit/suite.h"

#define START UINT64_C(5000000000)
#define MS    UINT64_C(1000000)

static struct rate_limit limit;
static uint64_t suppressed;

static void setup(void)
{
	limit = (struct rate_limit){ 0 };
	suppressed = 99;
}

/* How many of @nr at @t_ns are let through. */
static unsigned take(unsigned nr, uint64_t t_ns)
{
	unsigned through = 0;

	for (unsigned i = 0; i < nr; i++)
		through += rate_limit_take(&limit, t_ns, &suppressed);
	return through;
}

START_TEST(the_first_ones_come_at_once)
{
	ck_assert_uint_eq(take(1, START), 1);
	ck_assert_uint_eq(suppressed, 0);
	ck_assert_uint_eq(take(1000, START), RATE_LIMIT_BURST - 1);
}
END_TEST

START_TEST(then_one_a_second)
{
	take(100, START);
	ck_assert_uint_eq(take(100, START + 999 * MS), 0);
	ck_assert_uint_eq(take(100, START + 1000 * MS), 1);
	ck_assert_uint_eq(take(100, START + 1999 * MS), 0);
	ck_assert_uint_eq(take(100, START + 4000 * MS), 3);
}
END_TEST

START_TEST(what_was_held_back_is_told_once)
{
	take(RATE_LIMIT_BURST + 7, START);
	ck_assert_uint_eq(take(1, START + 1000 * MS), 1);
	ck_assert_uint_eq(suppressed, 7);
	ck_assert_uint_eq(take(1, START + 2000 * MS), 1);
	ck_assert_uint_eq(suppressed, 0);
}
END_TEST

START_TEST(a_pause_gives_the_burst_back_and_no_more)
{
	take(100, START);
	ck_assert_uint_eq(take(100, START + 3600 * 1000 * MS), RATE_LIMIT_BURST);
}
END_TEST

START_TEST(another_burst_and_period_hold)
{
	limit.burst = 100;
	limit.period_ns = 10 * MS;
	ck_assert_uint_eq(take(1000, START), 100);
	ck_assert_uint_eq(take(1000, START + 1000 * MS), 100);
	ck_assert_uint_eq(take(1000, START + 1095 * MS), 9);
}
END_TEST

/* Threads read the clock before they have the lock. */
START_TEST(a_time_in_the_past_is_harmless)
{
	take(3, START);
	ck_assert_uint_eq(take(100, START - 2 * 1000 * MS), RATE_LIMIT_BURST - 5);
	ck_assert_uint_eq(take(100, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rate_limit");
	TCase *tcase = suite_case(suite, "rate limit", setup, NULL);

	tcase_add_test(tcase, the_first_ones_come_at_once);
	tcase_add_test(tcase, then_one_a_second);
	tcase_add_test(tcase, what_was_held_back_is_told_once);
	tcase_add_test(tcase, a_pause_gives_the_burst_back_and_no_more);
	tcase_add_test(tcase, another_burst_and_period_hold);
	tcase_add_test(tcase, a_time_in_the_past_is_harmless);
	return suite_run(suite);
}
