/* SPDX-License-Identifier: BSD-3-Clause */
/* The watchdog's registers and its clock. Where a test waits for a time to pass, more of it never
 * makes the test fail. */
#include "devices/watchdog.h"

#include <errno.h>
#include <poll.h>

#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/loop.h"
#include "vmm/x86/layout.h"

static struct bus pio;
static struct loop loop;
static struct watchdog *watchdog;
static unsigned expirations;

static void expired(void *opaque)
{
	(void)opaque;
	expirations++;
	loop_quit(&loop);
}

static void create(bool fired)
{
	const struct watchdog_config config = {
		.loop = &loop,
		.pio = &pio,
		.fired = fired,
		.expired = expired,
	};

	ck_assert_int_eq(watchdog_create(&config, &watchdog), 0);
}

static void setup(void)
{
	bus_init(&pio);
	ck_assert_int_eq(loop_init(&loop), 0);
	expirations = 0;
	create(false);
}

static void teardown(void)
{
	watchdog_destroy(watchdog);
	loop_exit(&loop);
	bus_exit(&pio);
}

static uint32_t get(unsigned reg)
{
	return (uint32_t)bus_read(&pio, LAYOUT_PIO_WATCHDOG + reg, 4);
}

static void put(unsigned reg, uint32_t value)
{
	bus_write(&pio, LAYOUT_PIO_WATCHDOG + reg, value, 4);
}

static void start(uint32_t count)
{
	put(CVM_WDT_COUNT, count);
	put(CVM_WDT_CTL, CVM_WDT_RUN);
}

/* Runs the loop until the watchdog has expired. */
static void wait_for_end(void)
{
	unsigned before = expirations;

	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(expirations, before + 1);
}

START_TEST(machine_starts_with_the_watchdog_off)
{
	ck_assert_uint_eq(get(CVM_WDT_CTL), CVM_WDT_REBOOT);
	ck_assert_uint_eq(get(CVM_WDT_STS), 0);
	ck_assert_uint_eq(get(CVM_WDT_COUNT), WATCHDOG_MAX_COUNT);
}
END_TEST

START_TEST(guest_that_does_not_ping_is_reset)
{
	uint64_t before = now_ns();

	start(2);
	wait_for_end();
	ck_assert_uint_ge(now_ns() - before, 200000000);
}
END_TEST

START_TEST(it_ends_once_and_stands_still)
{
	start(1);
	wait_for_end();
	ck_assert_uint_eq(get(CVM_WDT_CTL) & CVM_WDT_RUN, 0);
	virtio_rig_loop_run(&loop, 300);
	ck_assert_uint_eq(expirations, 1);
}
END_TEST

START_TEST(it_can_be_started_again_after_its_end)
{
	start(1);
	wait_for_end();
	start(1);
	wait_for_end();
}
END_TEST

START_TEST(ping_begins_the_countdown_anew)
{
	uint32_t before;

	start(10000);
	virtio_rig_loop_run(&loop, 300);
	before = get(CVM_WDT_LEFT);
	ck_assert_uint_le(before, 9997);
	do
		put(CVM_WDT_LEFT, 1);
	while (get(CVM_WDT_LEFT) <= before);
}
END_TEST

START_TEST(ping_counts_even_when_the_time_is_over_and_nobody_knows)
{
	struct timespec more_than_a_unit = { .tv_nsec = 150000000 };

	start(1);
	nanosleep(&more_than_a_unit, NULL);
	put(CVM_WDT_COUNT, WATCHDOG_MAX_COUNT);
	virtio_rig_loop_run(&loop, 50);
	ck_assert_uint_eq(expirations, 0);
	ck_assert_uint_eq(get(CVM_WDT_CTL) & CVM_WDT_RUN, CVM_WDT_RUN);
}
END_TEST

START_TEST(new_count_takes_the_place_of_the_old)
{
	start(WATCHDOG_MAX_COUNT);
	put(CVM_WDT_COUNT, 1);
	wait_for_end();
}
END_TEST

START_TEST(stopped_watchdog_resets_nobody)
{
	start(1);
	put(CVM_WDT_CTL, 0);
	virtio_rig_loop_run(&loop, 300);
	ck_assert_uint_eq(expirations, 0);
	put(CVM_WDT_LEFT, 1); /* a ping does not start it */
	virtio_rig_loop_run(&loop, 300);
	ck_assert_uint_eq(expirations, 0);
	ck_assert_uint_eq(get(CVM_WDT_CTL), CVM_WDT_REBOOT);
}
END_TEST

START_TEST(starting_a_running_watchdog_is_no_ping)
{
	start(10000);
	virtio_rig_loop_run(&loop, 300);
	put(CVM_WDT_CTL, CVM_WDT_RUN);
	ck_assert_uint_le(get(CVM_WDT_LEFT), 9997);
}
END_TEST

START_TEST(clock_stands_while_the_vm_is_paused)
{
	uint32_t left;

	start(3);
	watchdog_pause(watchdog, true);
	left = get(CVM_WDT_LEFT);
	virtio_rig_loop_run(&loop, 500);
	ck_assert_uint_eq(expirations, 0);
	ck_assert_uint_eq(get(CVM_WDT_LEFT), left);
	watchdog_pause(watchdog, false);
	wait_for_end();
}
END_TEST

START_TEST(pause_gives_no_time_away)
{
	uint32_t left;

	start(10000);
	virtio_rig_loop_run(&loop, 300);
	watchdog_pause(watchdog, true);
	left = get(CVM_WDT_LEFT);
	watchdog_pause(watchdog, true);
	watchdog_pause(watchdog, false);
	watchdog_pause(watchdog, false);
	ck_assert_uint_le(get(CVM_WDT_LEFT), left);
}
END_TEST

START_TEST(watchdog_started_in_a_pause_waits_for_its_end)
{
	watchdog_pause(watchdog, true);
	start(1);
	virtio_rig_loop_run(&loop, 300);
	ck_assert_uint_eq(expirations, 0);
	ck_assert_uint_eq(get(CVM_WDT_LEFT), 1);
	watchdog_pause(watchdog, false);
	wait_for_end();
}
END_TEST

START_TEST(count_is_kept_within_its_limits)
{
	put(CVM_WDT_COUNT, 0);
	ck_assert_uint_eq(get(CVM_WDT_COUNT), 1);
	put(CVM_WDT_COUNT, WATCHDOG_MAX_COUNT + 1);
	ck_assert_uint_eq(get(CVM_WDT_COUNT), WATCHDOG_MAX_COUNT);
	put(CVM_WDT_COUNT, UINT32_MAX);
	ck_assert_uint_eq(get(CVM_WDT_COUNT), WATCHDOG_MAX_COUNT);
	ck_assert_uint_eq(get(CVM_WDT_LEFT), WATCHDOG_MAX_COUNT);
}
END_TEST

START_TEST(status_says_who_reset_until_it_is_cleared)
{
	start(1);
	wait_for_end();
	ck_assert_uint_eq(get(CVM_WDT_STS), CVM_WDT_FIRED);
	ck_assert(watchdog_fired(watchdog));
	put(CVM_WDT_STS, 0);
	ck_assert_uint_eq(get(CVM_WDT_STS), CVM_WDT_FIRED);
	put(CVM_WDT_STS, CVM_WDT_FIRED);
	ck_assert_uint_eq(get(CVM_WDT_STS), 0);
	ck_assert(!watchdog_fired(watchdog));
}
END_TEST

START_TEST(next_machine_can_know_who_reset)
{
	watchdog_destroy(watchdog);
	create(true);
	ck_assert_uint_eq(get(CVM_WDT_STS), CVM_WDT_FIRED);
	ck_assert_uint_eq(get(CVM_WDT_CTL), CVM_WDT_REBOOT);
}
END_TEST

START_TEST(accesses_of_another_width_reach_nothing)
{
	bus_write(&pio, LAYOUT_PIO_WATCHDOG + CVM_WDT_CTL, CVM_WDT_RUN, 1);
	bus_write(&pio, LAYOUT_PIO_WATCHDOG + CVM_WDT_CTL, CVM_WDT_RUN, 2);
	bus_write(&pio, LAYOUT_PIO_WATCHDOG + CVM_WDT_CTL - 2, UINT32_MAX, 4);
	ck_assert_uint_eq(get(CVM_WDT_CTL), CVM_WDT_REBOOT);
	ck_assert_uint_eq(bus_read(&pio, LAYOUT_PIO_WATCHDOG, 2), 0xffff);
	ck_assert_uint_eq(bus_read(&pio, LAYOUT_PIO_WATCHDOG + 1, 1), 0xff);
	ck_assert_uint_eq(bus_read(&pio, LAYOUT_PIO_WATCHDOG + 2, 4), UINT32_MAX);
}
END_TEST

START_TEST(destroyed_watchdog_leaves_its_ports)
{
	watchdog_destroy(watchdog);
	watchdog = NULL;
	ck_assert_uint_eq(get(CVM_WDT_CTL), UINT32_MAX);
	watchdog_destroy(NULL);
}
END_TEST

START_TEST(ports_that_are_taken_are_an_error)
{
	const struct watchdog_config config = { .loop = &loop, .pio = &pio, .expired = expired };
	struct watchdog *other = NULL;

	ck_assert_int_eq(watchdog_create(&config, &other), -EEXIST);
	ck_assert_ptr_null(other);
	ck_assert_uint_eq(get(CVM_WDT_CTL), CVM_WDT_REBOOT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watchdog");
	TCase *clock = suite_case(suite, "clock", setup, teardown);
	TCase *registers = suite_case(suite, "registers", setup, teardown);

	tcase_add_test(clock, guest_that_does_not_ping_is_reset);
	tcase_add_test(clock, it_ends_once_and_stands_still);
	tcase_add_test(clock, it_can_be_started_again_after_its_end);
	tcase_add_test(clock, ping_begins_the_countdown_anew);
	tcase_add_test(clock, ping_counts_even_when_the_time_is_over_and_nobody_knows);
	tcase_add_test(clock, new_count_takes_the_place_of_the_old);
	tcase_add_test(clock, stopped_watchdog_resets_nobody);
	tcase_add_test(clock, starting_a_running_watchdog_is_no_ping);
	tcase_add_test(clock, clock_stands_while_the_vm_is_paused);
	tcase_add_test(clock, pause_gives_no_time_away);
	tcase_add_test(clock, watchdog_started_in_a_pause_waits_for_its_end);
	tcase_add_test(registers, machine_starts_with_the_watchdog_off);
	tcase_add_test(registers, count_is_kept_within_its_limits);
	tcase_add_test(registers, status_says_who_reset_until_it_is_cleared);
	tcase_add_test(registers, next_machine_can_know_who_reset);
	tcase_add_test(registers, accesses_of_another_width_reach_nothing);
	tcase_add_test(registers, destroyed_watchdog_leaves_its_ports);
	tcase_add_test(registers, ports_that_are_taken_are_an_error);
	return suite_run(suite);
}
