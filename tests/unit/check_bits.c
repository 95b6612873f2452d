/* SPDX-License-Identifier: BSD-3-Clause */
/* The small helpers, at the edges where a sum wraps. */
#include "vmm/bits.h"

#include <fcntl.h>

#include "tests/unit/suite.h"

START_TEST(range_of_length_0_is_inside_nothing)
{
	ck_assert(!range_inside(5, 0, 0, 10));
}
END_TEST

START_TEST(range_that_ends_with_its_container_is_inside)
{
	ck_assert(range_inside(8, 2, 0, 10));
	ck_assert(!range_inside(8, 3, 0, 10));
	ck_assert(range_inside(UINT64_MAX, 1, UINT64_MAX - 3, 4));
}
END_TEST

START_TEST(range_that_starts_before_its_container_is_not_inside)
{
	ck_assert(!range_inside(4, 2, 5, 10));
}
END_TEST

START_TEST(range_that_wraps_is_not_inside)
{
	ck_assert(!range_inside(UINT64_MAX, 2, 0, UINT64_MAX));
	ck_assert(!range_inside(5, UINT64_MAX, 0, 100));
}
END_TEST

START_TEST(ranges_that_touch_do_not_overlap)
{
	ck_assert(!ranges_overlap(0, 10, 10, 5));
	ck_assert(!ranges_overlap(10, 5, 0, 10));
	ck_assert(ranges_overlap(0, 11, 10, 5));
	ck_assert(ranges_overlap(12, 1, 10, 5));
}
END_TEST

START_TEST(empty_range_overlaps_nothing)
{
	ck_assert(!ranges_overlap(5, 0, 0, 10));
	ck_assert(!ranges_overlap(0, 10, 5, 0));
}
END_TEST

START_TEST(aligned_value_stays)
{
	ck_assert_uint_eq(align_up(8192, 4096), 8192);
	ck_assert_uint_eq(align_up(8193, 4096), 12288);
	ck_assert_uint_eq(align_down(8191, 4096), 4096);
	ck_assert_uint_eq(align_down(8192, 4096), 8192);
}
END_TEST

START_TEST(ones_fill_the_access)
{
	ck_assert_uint_eq(ones(1), 0xff);
	ck_assert_uint_eq(ones(2), 0xffff);
	ck_assert_uint_eq(ones(4), 0xffffffff);
	ck_assert_uint_eq(ones(8), UINT64_MAX);
}
END_TEST

START_TEST(closed_descriptor_is_not_closed_again)
{
	int fd = open("/dev/null", O_RDONLY), copy = fd;

	close_fd(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fcntl(copy, F_GETFD), -1);
	copy = open("/dev/null", O_RDONLY);
	close_fd(&fd);
	ck_assert_int_ne(fcntl(copy, F_GETFD), -1);
	close_fd(&copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bits");
	TCase *tcase = suite_case(suite, "bits", NULL, NULL);

	tcase_add_test(tcase, range_of_length_0_is_inside_nothing);
	tcase_add_test(tcase, range_that_ends_with_its_container_is_inside);
	tcase_add_test(tcase, range_that_starts_before_its_container_is_not_inside);
	tcase_add_test(tcase, range_that_wraps_is_not_inside);
	tcase_add_test(tcase, ranges_that_touch_do_not_overlap);
	tcase_add_test(tcase, empty_range_overlaps_nothing);
	tcase_add_test(tcase, aligned_value_stays);
	tcase_add_test(tcase, ones_fill_the_access);
	tcase_add_test(tcase, closed_descriptor_is_not_closed_again);
	return suite_run(suite);
}
