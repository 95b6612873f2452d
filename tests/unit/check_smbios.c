/* SPDX-License-Identifier: BSD-3-Clause */
/* SMBIOS read back as an operating system does: from the entry point, structure by structure. */
#include "vmm/x86/smbios.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/x86/layout.h"

#define BASE LAYOUT_SMBIOS

static uint8_t *buf;
static int size;

static void build(uint64_t memory, unsigned nr_cpus, bool laptop)
{
	const struct smbios_config config = {
		.laptop = laptop,
		.memory = memory,
		.nr_cpus = nr_cpus,
	};

	free(buf);
	buf = calloc(1, LAYOUT_SMBIOS_SIZE);
	size = smbios_build(&config, BASE, buf, LAYOUT_SMBIOS_SIZE);
	ck_assert_int_gt(size, 0);
}

static void teardown(void)
{
	free(buf);
	buf = NULL;
}

static uint64_t get(const uint8_t *data, size_t off, unsigned len)
{
	uint64_t value = 0;

	memcpy(&value, data + off, len);
	return value;
}

/* The structure after @at: its strings end with two NULs (DSP0134, 6.1.3). */
static const uint8_t *next(const uint8_t *at)
{
	at += at[1];
	while (at[0] || at[1])
		at++;
	return at + 2;
}

/* The first structure, or the next one after @at, of @type. NULL if there is none. */
static const uint8_t *find(const uint8_t *at, uint8_t type)
{
	at = at ? next(at) : buf + (get(buf, 0x10, 8) - BASE);
	for (; at[0] != 127; at = next(at)) {
		if (at[0] == type)
			return at;
	}
	return NULL;
}

static const char *string(const uint8_t *at, unsigned n)
{
	const char *s = (const char *)at + at[1];

	while (--n)
		s += strlen(s) + 1;
	return s;
}

START_TEST(entry_point_is_at_the_base_and_sums_to_zero)
{
	uint8_t sum = 0;

	build(MIB(512), 1, true);
	ck_assert_mem_eq(buf, "_SM3_", 5);
	ck_assert_uint_eq(buf[6], 0x18);
	for (unsigned i = 0; i < buf[6]; i++)
		sum = (uint8_t)(sum + buf[i]);
	ck_assert_uint_eq(sum, 0);
	ck_assert_uint_eq(buf[7], 3);
}
END_TEST

START_TEST(entry_point_says_where_the_structures_are_and_how_long)
{
	const uint8_t *at;

	build(MIB(512), 1, true);
	ck_assert_uint_eq(get(buf, 0x10, 8) + get(buf, 0x0c, 4), BASE + (unsigned)size);
	at = buf + (get(buf, 0x10, 8) - BASE);
	while (at[0] != 127)
		at = next(at);
	ck_assert_ptr_eq(next(at), buf + size);
}
END_TEST

START_TEST(structures_are_those_that_the_standard_demands)
{
	static const uint8_t types[] = { 0, 1, 3, 4, 16, 17, 19, 32 };

	build(MIB(512), 1, true);
	for (unsigned i = 0; i < sizeof(types); i++)
		ck_assert_msg(find(NULL, types[i]), "no type %u", types[i]);
}
END_TEST

START_TEST(handles_are_different)
{
	uint64_t seen = 0;
	const uint8_t *at;

	build(GIB(6), 1, true);
	for (at = buf + 32; at < buf + size; at = next(at)) {
		ck_assert_uint_lt(get(at, 2, 2), 64);
		ck_assert(!(seen & 1ull << get(at, 2, 2)));
		seen |= 1ull << get(at, 2, 2);
	}
}
END_TEST

/* pci_bridge_d3_possible() of Linux lets ports sleep from 2015 on. */
START_TEST(bios_date_is_2015_or_later)
{
	int month, day, year, len = 0;

	build(MIB(512), 1, true);
	const char *date = string(find(NULL, 0), find(NULL, 0)[8]);
	ck_assert_int_eq(sscanf(date, "%2d/%2d/%4d%n", &month, &day, &year, &len), 3);
	ck_assert_int_eq(len, 10);
	ck_assert_uint_eq(strlen(date), 10);
	ck_assert_int_ge(year, 2015);
	ck_assert(month >= 1 && month <= 12 && day >= 1 && day <= 31);
}
END_TEST

START_TEST(bios_and_system_say_coldvm_and_its_version)
{
	build(MIB(512), 1, true);
	const uint8_t *bios = find(NULL, 0), *system = find(NULL, 1);
	ck_assert_str_eq(string(bios, bios[4]), "coldvm");
	ck_assert_str_eq(string(bios, bios[5]), COLDVM_VERSION);
	ck_assert_str_eq(string(system, system[4]), "coldvm");
	ck_assert_str_eq(string(system, system[5]), "coldvm");
	ck_assert_str_eq(string(system, system[6]), COLDVM_VERSION);
}
END_TEST

START_TEST(chassis_is_notebook_or_desktop)
{
	build(MIB(512), 1, true);
	ck_assert_uint_eq(find(NULL, 3)[5], 10);
	build(MIB(512), 1, false);
	ck_assert_uint_eq(find(NULL, 3)[5], 3);
}
END_TEST

START_TEST(cpus_beyond_255_are_in_the_wide_fields)
{
	const uint8_t *cpu;

	build(MIB(512), 4, true);
	cpu = find(NULL, 4);
	ck_assert_uint_eq(cpu[0x23], 4);
	ck_assert_uint_eq(get(cpu, 0x2a, 2), 4);
	build(MIB(512), 300, true);
	cpu = find(NULL, 4);
	ck_assert_uint_eq(cpu[0x23], 255);
	ck_assert_uint_eq(get(cpu, 0x2a, 2), 300);
}
END_TEST

START_TEST(memory_below_the_hole_is_one_range)
{
	build(MIB(512), 1, true);
	const uint8_t *range = find(NULL, 19);
	ck_assert_uint_eq(get(range, 4, 4), 0);
	ck_assert_uint_eq(get(range, 8, 4), 512 * 1024 - 1);
	ck_assert_ptr_null(find(range, 19));
	ck_assert_uint_eq(get(find(NULL, 17), 0x0c, 2), 512);
	ck_assert_uint_eq(get(find(NULL, 16), 7, 4), 512 * 1024);
	ck_assert_uint_eq(get(range, 12, 2), get(find(NULL, 16), 2, 2));
}
END_TEST

START_TEST(memory_above_the_hole_is_a_second_range_from_4_gib)
{
	build(GIB(6), 1, true);
	const uint8_t *low = find(NULL, 19), *high = find(low, 19);
	ck_assert_uint_eq(get(low, 8, 4), (LAYOUT_RAM_LOW_LIMIT >> 10) - 1);
	ck_assert_uint_eq(get(high, 4, 4), GIB(4) >> 10);
	ck_assert_uint_eq(get(high, 8, 4), ((GIB(6) + GIB(1)) >> 10) - 1);
	ck_assert_uint_eq(get(find(NULL, 17), 0x0c, 2), 6 * 1024);
}
END_TEST

START_TEST(memory_of_32_gib_is_in_the_wide_field)
{
	build(GIB(32) - MIB(2), 1, true);
	ck_assert_uint_eq(get(find(NULL, 17), 0x0c, 2), 0x7ffe);
	build(GIB(32), 1, true);
	ck_assert_uint_eq(get(find(NULL, 17), 0x0c, 2), 0x7fff);
	ck_assert_uint_eq(get(find(NULL, 17), 0x1c, 4), 32 * 1024);
}
END_TEST

START_TEST(memory_of_terabytes_is_in_the_wide_fields)
{
	build(GIB(1024) * 5, 1, true);
	const uint8_t *array = find(NULL, 16), *high = find(find(NULL, 19), 19);
	ck_assert_uint_eq(get(array, 7, 4), 0x80000000);
	ck_assert_uint_eq(get(array, 0x0f, 8), GIB(1024) * 5);
	ck_assert_uint_eq(get(high, 4, 4), UINT32_MAX);
	ck_assert_uint_eq(get(high, 8, 4), UINT32_MAX);
	ck_assert_uint_eq(get(high, 0x0f, 8), GIB(4));
	ck_assert_uint_eq(get(high, 0x17, 8), GIB(1024) * 5 + GIB(1) - 1);
}
END_TEST

START_TEST(any_buffer_that_is_too_small_is_enospc)
{
	const struct smbios_config config = { .memory = GIB(6), .nr_cpus = 1 };

	build(GIB(6), 1, false);
	for (size_t len = 0; len < (size_t)size; len++) {
		uint8_t *small = malloc(len ? len : 1);

		ck_assert_int_eq(smbios_build(&config, BASE, small, len), -ENOSPC);
		free(small);
	}
	ck_assert_int_eq(smbios_build(&config, BASE, buf, (size_t)size), size);
}
END_TEST

START_TEST(machine_without_memory_or_cpus_is_einval)
{
	const struct smbios_config no_memory = { .nr_cpus = 1 };
	const struct smbios_config no_cpus = { .memory = GIB(1) };
	uint8_t out[4096];

	ck_assert_int_eq(smbios_build(&no_memory, BASE, out, sizeof(out)), -EINVAL);
	ck_assert_int_eq(smbios_build(&no_cpus, BASE, out, sizeof(out)), -EINVAL);
}
END_TEST

START_TEST(base_where_no_one_looks_is_einval)
{
	const struct smbios_config config = { .memory = GIB(1), .nr_cpus = 1 };
	uint8_t out[4096];

	ck_assert_int_eq(smbios_build(&config, BASE + 8, out, sizeof(out)), -EINVAL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("smbios");
	TCase *t = suite_case(s, "structures", NULL, teardown);

	tcase_add_test(t, entry_point_is_at_the_base_and_sums_to_zero);
	tcase_add_test(t, entry_point_says_where_the_structures_are_and_how_long);
	tcase_add_test(t, structures_are_those_that_the_standard_demands);
	tcase_add_test(t, handles_are_different);
	tcase_add_test(t, bios_date_is_2015_or_later);
	tcase_add_test(t, bios_and_system_say_coldvm_and_its_version);
	tcase_add_test(t, chassis_is_notebook_or_desktop);
	tcase_add_test(t, cpus_beyond_255_are_in_the_wide_fields);
	tcase_add_test(t, memory_below_the_hole_is_one_range);
	tcase_add_test(t, memory_above_the_hole_is_a_second_range_from_4_gib);
	tcase_add_test(t, memory_of_32_gib_is_in_the_wide_field);
	tcase_add_test(t, memory_of_terabytes_is_in_the_wide_fields);

	t = suite_case(s, "what is refused", NULL, teardown);
	tcase_add_test(t, any_buffer_that_is_too_small_is_enospc);
	tcase_add_test(t, machine_without_memory_or_cpus_is_einval);
	tcase_add_test(t, base_where_no_one_looks_is_einval);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
