/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus: who answers where, and that nobody is asked under its lock. */
#include "vmm/bus.h"

#include <errno.h>

#include "tests/unit/suite.h"

static struct bus bus;

/* A device that remembers the last access. */
struct probe {
	uint64_t off;
	uint64_t value;
	unsigned size;
	unsigned reads, writes;
};

static uint64_t probe_read(void *dev, uint64_t off, unsigned size)
{
	struct probe *probe = dev;

	probe->off = off;
	probe->size = size;
	probe->reads++;
	return 0x1122334455667788;
}

static void probe_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct probe *probe = dev;

	probe->off = off;
	probe->value = value;
	probe->size = size;
	probe->writes++;
}

static const struct bus_ops probe_ops = { .read = probe_read, .write = probe_write };

static void setup(void)
{
	bus_init(&bus);
}

static void teardown(void)
{
	bus_exit(&bus);
}

START_TEST(handler_gets_the_offset_into_its_range)
{
	struct probe low = { 0 }, high = { 0 };

	ck_assert_int_eq(bus_add(&bus, 0x2000, 0x100, &probe_ops, &high), 0);
	ck_assert_int_eq(bus_add(&bus, 0x1000, 0x100, &probe_ops, &low), 0);
	ck_assert_uint_eq(bus_read(&bus, 0x1010, 4), 0x55667788);
	bus_write(&bus, 0x20fe, 0xabcd, 2);
	ck_assert_uint_eq(low.off, 0x10);
	ck_assert_uint_eq(low.size, 4);
	ck_assert_uint_eq(low.reads, 1);
	ck_assert_uint_eq(high.off, 0xfe);
	ck_assert_uint_eq(high.value, 0xabcd);
	ck_assert_uint_eq(high.writes, 1);
}
END_TEST

START_TEST(values_are_cut_to_the_size_of_the_access)
{
	struct probe probe = { 0 };

	bus_add(&bus, 0, 16, &probe_ops, &probe);
	ck_assert_uint_eq(bus_read(&bus, 0, 1), 0x88);
	bus_write(&bus, 0, 0x12345, 2);
	ck_assert_uint_eq(probe.value, 0x2345);
}
END_TEST

START_TEST(read_where_nobody_answers_gives_ones)
{
	struct probe probe = { 0 };

	bus_add(&bus, 0x1000, 0x10, &probe_ops, &probe);
	ck_assert_uint_eq(bus_read(&bus, 0x0fff, 1), 0xff);
	ck_assert_uint_eq(bus_read(&bus, 0x1010, 2), 0xffff);
	ck_assert_uint_eq(bus_read(&bus, UINT64_MAX, 1), 0xff);
	ck_assert_uint_eq(bus_read(&bus, 0x5000, 8), UINT64_MAX);
	ck_assert_uint_eq(probe.reads, 0);
}
END_TEST

START_TEST(access_across_the_end_of_a_range_reaches_nobody)
{
	struct probe first = { 0 }, second = { 0 };

	bus_add(&bus, 0x1000, 0x10, &probe_ops, &first);
	bus_add(&bus, 0x1010, 0x10, &probe_ops, &second);
	ck_assert_uint_eq(bus_read(&bus, 0x100e, 4), 0xffffffff);
	bus_write(&bus, 0x100f, 0, 2);
	bus_write(&bus, 0x0fff, 0, 2);
	ck_assert_uint_eq(first.reads + first.writes + second.reads + second.writes, 0);
}
END_TEST

START_TEST(last_byte_of_the_address_space_can_be_used)
{
	struct probe probe = { 0 };

	ck_assert_int_eq(bus_add(&bus, UINT64_MAX - 7, 8, &probe_ops, &probe), 0);
	ck_assert_uint_eq(bus_read(&bus, UINT64_MAX, 1), 0x88);
	ck_assert_uint_eq(probe.off, 7);
	ck_assert_uint_eq(bus_read(&bus, UINT64_MAX, 2), 0xffff);
}
END_TEST

START_TEST(overlap_is_refused)
{
	struct probe probe = { 0 };

	ck_assert_int_eq(bus_add(&bus, 0x1000, 0x100, &probe_ops, &probe), 0);
	ck_assert_int_eq(bus_add(&bus, 0x1000, 0x100, &probe_ops, &probe), -EEXIST);
	ck_assert_int_eq(bus_add(&bus, 0x10ff, 1, &probe_ops, &probe), -EEXIST);
	ck_assert_int_eq(bus_add(&bus, 0x0fff, 2, &probe_ops, &probe), -EEXIST);
	ck_assert_int_eq(bus_add(&bus, 0x0800, 0x1000, &probe_ops, &probe), -EEXIST);
	ck_assert_int_eq(bus_add(&bus, 0x0fff, 1, &probe_ops, &probe), 0);
	ck_assert_int_eq(bus_add(&bus, 0x1100, 1, &probe_ops, &probe), 0);
}
END_TEST

START_TEST(empty_and_wrapping_ranges_are_refused)
{
	ck_assert_int_eq(bus_add(&bus, 0x1000, 0, &probe_ops, NULL), -EINVAL);
	ck_assert_int_eq(bus_add(&bus, UINT64_MAX, 2, &probe_ops, NULL), -EINVAL);
	ck_assert_int_eq(bus_add(&bus, 2, UINT64_MAX, &probe_ops, NULL), -EINVAL);
}
END_TEST

START_TEST(full_table_is_refused_and_still_works)
{
	struct probe probe = { 0 };

	for (unsigned i = 0; i < BUS_MAX_RANGES; i++)
		ck_assert_int_eq(bus_add(&bus, (uint64_t)i * 16, 8, &probe_ops, &probe), 0);
	ck_assert_int_eq(bus_add(&bus, BUS_MAX_RANGES * 16, 8, &probe_ops, &probe), -ENOSPC);
	ck_assert_uint_eq(bus_read(&bus, (BUS_MAX_RANGES - 1) * 16, 1), 0x88);
	ck_assert_int_eq(bus_del(&bus, 512 * 16, &probe), 0);
	ck_assert_uint_eq(bus_read(&bus, 512 * 16, 1), 0xff);
	ck_assert_uint_eq(bus_read(&bus, 513 * 16, 1), 0x88);
}
END_TEST

START_TEST(only_the_owner_can_remove_a_range)
{
	struct probe mine = { 0 }, other = { 0 };

	bus_add(&bus, 0x1000, 0x100, &probe_ops, &mine);
	ck_assert_int_eq(bus_del(&bus, 0x1000, &other), -ENOENT);
	ck_assert_int_eq(bus_del(&bus, 0x1001, &mine), -ENOENT);
	ck_assert_int_eq(bus_del(&bus, 0x1000, &mine), 0);
	ck_assert_int_eq(bus_del(&bus, 0x1000, &mine), -ENOENT);
	ck_assert_uint_eq(bus_read(&bus, 0x1000, 1), 0xff);
}
END_TEST

/* A device that moves itself, as a BAR does. */
static void move_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	static const struct bus_ops move_ops = { .read = probe_read, .write = move_write };

	probe_write(dev, off, value, size);
	ck_assert_int_eq(bus_del(&bus, 0x1000, dev), 0);
	ck_assert_int_eq(bus_add(&bus, 0x3000, 0x100, &move_ops, dev), 0);
}

START_TEST(handler_may_change_the_bus)
{
	static const struct bus_ops move_ops = { .read = probe_read, .write = move_write };
	struct probe probe = { 0 };

	bus_add(&bus, 0x1000, 0x100, &move_ops, &probe);
	bus_write(&bus, 0x1000, 1, 4);
	ck_assert_uint_eq(bus_read(&bus, 0x1000, 1), 0xff);
	ck_assert_uint_eq(bus_read(&bus, 0x3000, 1), 0x88);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus");
	TCase *tcase = suite_case(suite, "bus", setup, teardown);

	tcase_add_test(tcase, handler_gets_the_offset_into_its_range);
	tcase_add_test(tcase, values_are_cut_to_the_size_of_the_access);
	tcase_add_test(tcase, read_where_nobody_answers_gives_ones);
	tcase_add_test(tcase, access_across_the_end_of_a_range_reaches_nobody);
	tcase_add_test(tcase, last_byte_of_the_address_space_can_be_used);
	tcase_add_test(tcase, overlap_is_refused);
	tcase_add_test(tcase, empty_and_wrapping_ranges_are_refused);
	tcase_add_test(tcase, full_table_is_refused_and_still_works);
	tcase_add_test(tcase, only_the_owner_can_remove_a_range);
	tcase_add_test(tcase, handler_may_change_the_bus);
	return suite_run(suite);
}
