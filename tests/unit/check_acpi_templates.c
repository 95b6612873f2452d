/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What acpi_tables_build() does if iasl has made something else of acpi/ than it expects. The
 * arrays of acpi/aml.h are defined here, some good and some bad, and linked instead of the real.
 */
#include "acpi/aml.h"

#include <errno.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/x86/acpi_tables.h"
#include "vmm/x86/layout.h"

#define HEADER                                                                                   \
	'S', 'S', 'D', 'T', 36, 0, 0, 0, 2, 0, 'C', 'O', 'L', 'D', 'V', 'M', ' ', ' ', ' ', ' ', \
		' ', ' ', ' ', ' ', 1, 0, 0, 0, 'T', 'E', 'S', 'T', 0, 0, 0, 0
#define SLOT	   'S', 'L', 'X', 'X'
#define FUNCTION   'F', 'N', 'X', 'X'
#define WINDOW	   0, 0, 0xa5, 0xa5, 0xff, 0xff, 0xa5, 0xa5, 0, 0, 0, 0, 0, 0, 1, 0
#define BUSES	   0, 0, 0, 0, 0x1f, 0, 0, 0, 0x20, 0
#define PORT_ADR   '_', 'A', 'D', 'R', 0x0c, 0, 0, 0xa5, 0xa5
#define FN_ADR	   '_', 'A', 'D', 'R', 0x0a, 0xa5
#define BANK	   'S', 'R', 'E', 'G', 0x01, 0x0b, 0xa5, 0xa5
#define NINE_SLOTS SLOT, SLOT, SLOT, SLOT, SLOT, SLOT, SLOT, SLOT, SLOT

#define TEMPLATE(name, ...)                           \
	const uint8_t aml_##name[] = { __VA_ARGS__ }; \
	const size_t aml_##name##_size = sizeof(aml_##name)

TEMPLATE(dsdt, HEADER, BUSES, WINDOW);
TEMPLATE(com1, HEADER);
TEMPLATE(slot_pxm, HEADER);
TEMPLATE(bridge_pxm, HEADER);
TEMPLATE(slot, HEADER, NINE_SLOTS, SLOT, PORT_ADR, BANK);
TEMPLATE(function, HEADER, SLOT, FUNCTION, FN_ADR);
TEMPLATE(function_pr, HEADER, SLOT, FUNCTION, FN_ADR);

/* No 64-bit window, a name too few, a bank too many. */
TEMPLATE(dsdt_mmio64, HEADER, BUSES, WINDOW);
TEMPLATE(slot_pr, HEADER, NINE_SLOTS, PORT_ADR, BANK);
TEMPLATE(slot_resource, HEADER, NINE_SLOTS, SLOT, PORT_ADR, BANK, BANK);

static int build(bool mmio64, bool port_pr, bool function0_pr, uint8_t functions)
{
	struct acpi_tables tables = { 0 };
	const struct acpi_config config = {
		.nr_cpus = 1,
		.mmio32 = LAYOUT_MMIO32,
		.mmio32_size = LAYOUT_MMIO32_SIZE,
		.mmio64 = GIB(64),
		.mmio64_size = mmio64 ? GIB(1) : 0,
		.slots = { {
			.port_dev = 1,
			.functions = functions,
			.port_pr = port_pr,
			.function0_pr = function0_pr,
		} },
		.nr_slots = 1,
	};
	int ret = acpi_tables_build(&tables, &config, LAYOUT_ACPI, LAYOUT_ACPI_SIZE);

	acpi_tables_free(&tables);
	return ret;
}

START_TEST(templates_with_each_placeholder_once_are_taken)
{
	ck_assert_int_eq(build(false, false, false, 0x03), 0);
}
END_TEST

START_TEST(placeholder_that_is_missing_is_ebadmsg)
{
	ck_assert_int_eq(build(true, false, false, 0), -EBADMSG);
}
END_TEST

START_TEST(name_that_is_there_too_few_times_is_ebadmsg)
{
	ck_assert_int_eq(build(false, true, false, 0), -EBADMSG);
}
END_TEST

START_TEST(placeholder_that_is_there_twice_is_ebadmsg)
{
	ck_assert_int_eq(build(false, false, true, 0), -EBADMSG);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("acpi_templates");
	TCase *t = suite_case(s, "placeholders", NULL, NULL);

	tcase_add_test(t, templates_with_each_placeholder_once_are_taken);
	tcase_add_test(t, placeholder_that_is_missing_is_ebadmsg);
	tcase_add_test(t, name_that_is_there_too_few_times_is_ebadmsg);
	tcase_add_test(t, placeholder_that_is_there_twice_is_ebadmsg);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
