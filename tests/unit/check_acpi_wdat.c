/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table WDAT, used as a driver does (Linux: drivers/watchdog/wdat_wdt.c): the suite finds an
 * action in the table, does what its instruction says at the port that it names, and looks at what
 * the watchdog makes of it.
 */
#include "vmm/x86/acpi_wdat.h"

#include "devices/watchdog.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/loop.h"
#include "vmm/x86/acpi_tables.h"
#include "vmm/x86/layout.h"

/* The numbers of the specification (include/acpi/actbl3.h). */
enum {
	RESET = 1,
	QUERY_CURRENT_COUNTDOWN = 4,
	QUERY_COUNTDOWN = 5,
	SET_COUNTDOWN = 6,
	QUERY_RUNNING = 8,
	SET_RUNNING = 9,
	QUERY_STOPPED = 10,
	SET_STOPPED = 11,
	QUERY_REBOOT = 16,
	SET_REBOOT = 17,
	QUERY_STATUS = 32,
	SET_STATUS = 33,
};

static struct acpi_wdat wdat;
static struct bus pio;
static struct loop loop;
static struct watchdog *watchdog;

static void expired(void *opaque)
{
	(void)opaque;
}

static void setup(void)
{
	const struct watchdog_config config = {
		.loop = &loop,
		.pio = &pio,
		.fired = true,
		.expired = expired,
	};

	acpi_wdat_fill(&wdat);
	bus_init(&pio);
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(watchdog_create(&config, &watchdog), 0);
}

static void teardown(void)
{
	watchdog_destroy(watchdog);
	loop_exit(&loop);
	bus_exit(&pio);
}

static const struct acpi_wdat_entry *entry_of(unsigned action)
{
	for (unsigned i = 0; i < ACPI_WDAT_ENTRIES; i++)
		if (wdat.entries[i].action == action)
			return &wdat.entries[i];
	ck_abort_msg("no action %u", action);
}

/* Does @action with @param; what a query says. */
static uint32_t act(unsigned action, uint32_t param)
{
	const struct acpi_wdat_entry *entry = entry_of(action);
	uint64_t port = entry->reg.address;
	bool preserve = entry->instruction & 0x80;
	uint32_t now, write;

	switch (entry->instruction & 0x7f) {
	case 0:
		return ((uint32_t)bus_read(&pio, port, 4) & entry->mask) == entry->value;
	case 1:
		return (uint32_t)bus_read(&pio, port, 4) & entry->mask;
	case 2:
		write = entry->value & entry->mask;
		break;
	case 3:
		write = param & entry->mask;
		break;
	default:
		ck_abort_msg("instruction 0x%x", entry->instruction);
	}
	now = preserve ? (uint32_t)bus_read(&pio, port, 4) & ~entry->mask : 0;
	bus_write(&pio, port, write | now, 4);
	return 0;
}

START_TEST(its_clock_can_be_set_and_read)
{
	act(SET_COUNTDOWN, 1200);
	ck_assert_uint_eq(act(QUERY_COUNTDOWN, 0), 1200);
	ck_assert_uint_eq(act(QUERY_CURRENT_COUNTDOWN, 0), 1200);
}
END_TEST

START_TEST(it_can_be_started_and_stopped)
{
	ck_assert(!act(QUERY_RUNNING, 0));
	ck_assert(act(QUERY_STOPPED, 0));
	act(SET_RUNNING, 0);
	ck_assert(act(QUERY_RUNNING, 0));
	ck_assert(!act(QUERY_STOPPED, 0));
	act(SET_REBOOT, 0); /* must not stop it */
	ck_assert(act(QUERY_RUNNING, 0));
	act(SET_STOPPED, 0);
	ck_assert(!act(QUERY_RUNNING, 0));
}
END_TEST

START_TEST(it_can_be_pinged)
{
	struct timespec more_than_a_unit = { .tv_nsec = 250000000 };
	uint32_t left;

	act(SET_COUNTDOWN, 1000);
	act(SET_RUNNING, 0);
	nanosleep(&more_than_a_unit, NULL);
	left = act(QUERY_CURRENT_COUNTDOWN, 0);
	ck_assert_uint_le(left, 998);
	do
		act(RESET, 0);
	while (act(QUERY_CURRENT_COUNTDOWN, 0) <= left);
	ck_assert(act(QUERY_RUNNING, 0));
}
END_TEST

START_TEST(it_says_that_it_reboots)
{
	ck_assert(act(QUERY_REBOOT, 0));
}
END_TEST

START_TEST(its_status_can_be_read_and_cleared)
{
	ck_assert(act(QUERY_STATUS, 0));
	act(SET_STATUS, 0);
	ck_assert(!act(QUERY_STATUS, 0));
}
END_TEST

START_TEST(linux_takes_it)
{
	const struct acpi_wdat_header *head = &wdat.head;

	ck_assert_uint_eq(head->length, 32);
	ck_assert_uint_eq(head->flags, 1);
	ck_assert_uint_eq(head->segment, 0xff);
	ck_assert_uint_eq(head->bus, 0xff);
	ck_assert_uint_eq(head->device, 0xff);
	ck_assert_uint_eq(head->function, 0xff);
	ck_assert_uint_eq(head->period_ms, WATCHDOG_UNIT_MS);
	ck_assert_uint_eq(head->max_count, WATCHDOG_MAX_COUNT);
	ck_assert_uint_ge(head->min_count, 1);
	/* Its period in seconds at least: a ping earlier than that is held back. */
	ck_assert_uint_le(head->min_count * head->period_ms, 1000);
	ck_assert_uint_eq(head->nr_entries, ACPI_WDAT_ENTRIES);
}
END_TEST

START_TEST(every_register_is_a_dword_of_the_watchdogs_ports)
{
	for (unsigned i = 0; i < ACPI_WDAT_ENTRIES; i++) {
		const struct acpi_gas *reg = &wdat.entries[i].reg;

		ck_assert_uint_eq(reg->space, 1);
		ck_assert_uint_eq(reg->bit_width, 32);
		ck_assert_uint_eq(reg->bit_offset, 0);
		ck_assert_uint_eq(reg->access_size, 3);
		ck_assert_uint_eq(reg->address % 4, 0);
		ck_assert(range_inside(reg->address, 4, LAYOUT_PIO_WATCHDOG, 16));
	}
}
END_TEST

static bool has_wdat(bool watchdog_wanted)
{
	const struct acpi_config config = {
		.nr_cpus = 1,
		.watchdog = watchdog_wanted,
		.mmio32 = LAYOUT_MMIO32,
		.mmio32_size = LAYOUT_MMIO32_SIZE,
	};
	struct acpi_tables tables;
	bool found = false;

	ck_assert_int_eq(acpi_tables_build(&tables, &config, LAYOUT_ACPI, LAYOUT_ACPI_SIZE), 0);
	for (unsigned i = 0; i < tables.nr_tables; i++)
		found |= !memcmp(tables.data + tables.table[i].off, "WDAT", 4);
	acpi_tables_free(&tables);
	return found;
}

START_TEST(guest_finds_it_where_there_is_a_watchdog)
{
	ck_assert(has_wdat(true));
	ck_assert(!has_wdat(false));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acpi_wdat");
	TCase *driver = suite_case(suite, "driver", setup, teardown);

	tcase_add_test(driver, its_clock_can_be_set_and_read);
	tcase_add_test(driver, it_can_be_started_and_stopped);
	tcase_add_test(driver, it_can_be_pinged);
	tcase_add_test(driver, it_says_that_it_reboots);
	tcase_add_test(driver, its_status_can_be_read_and_cleared);
	tcase_add_test(driver, linux_takes_it);
	tcase_add_test(driver, every_register_is_a_dword_of_the_watchdogs_ports);
	tcase_add_test(driver, guest_finds_it_where_there_is_a_watchdog);
	return suite_run(suite);
}
