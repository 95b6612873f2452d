/* SPDX-License-Identifier: BSD-3-Clause */
/* The way up: _ON, the order of its steps, proof of life, and every way that it can fail. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/power_slot.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define FOR_EVER UINT32_MAX
#define PMCSR	 (FAKE_VFIO_PM + PCI_PM_CTRL)

static struct fake_vfio *fn(unsigned i)
{
	return host.functions[i].fake;
}

static void cold_function(void)
{
	slot_rig_start_default(1);
	go_cold();
}

static void two_cold_functions(void)
{
	slot_rig_start_default(2);
	go_cold();
}

static void start_bound(uint64_t bound_ns)
{
	slot_rig_make(1);
	slot_rig_start(&(struct power_slot_config){ .bound_ns = bound_ns });
	go_cold();
}

static void ask_on(void)
{
	power_slot_command(host.slot, CVM_CMD_ON);
}

/* The slot answers "failed" and is as empty as it was. */
static void check_failed(const char *event)
{
	wait_event(event);
	ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	for (unsigned i = 0; i < host.nr; i++)
		ck_assert(guest_sees_nothing(i));
}

/* --- order --------------------------------------------------------------------------------------
 */

START_TEST(on_does_not_wait_for_the_host)
{
	hold(&host.hold_exit);
	ask_on();
	ck_assert(power_slot_status(host.slot) & CVM_STS_BUSY);
	wait_held();
}
END_TEST

START_TEST(the_slot_is_off_and_sealed_until_life_is_proven)
{
	hold(&host.hold_exit);
	ask_on();
	wait_held();
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_BUSY);
	ck_assert(guest_sees_nothing(0));
	release();
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(the_device_is_seen_when_busy_ends)
{
	for (unsigned i = 0; i < 20; i++) {
		ask_on();
		ck_assert_uint_eq(settle_status(), CVM_STS_ON);
		ck_assert(guest_sees(0));
		go_cold();
	}
}
END_TEST

START_TEST(life_is_proven_before_bars_come_back)
{
	fake_vfio_clear(fn(0));
	go_on();
	int exit = fake_vfio_find(fn(0), "low_power_exit", 0);
	int state = fake_vfio_find(fn(0), "power_state", (unsigned)exit);
	int status = fake_vfio_find(fn(0), "region_read 7 0x4+4", (unsigned)exit);
	int map = fake_vfio_find(fn(0), "dma_map", 0);

	ck_assert_int_ge(exit, 0);
	ck_assert_int_gt(state, exit);
	ck_assert_int_gt(status, exit);
	ck_assert_int_gt(map, state);
	ck_assert_int_gt(map, status);
}
END_TEST

START_TEST(function_0_exits_first)
{
	go_on();
	ck_assert_str_eq(host.order, "e1 e0 x0 x1 ");
	ck_assert(guest_sees(0));
	ck_assert(guest_sees(1));
}
END_TEST

START_TEST(pmcsr_reads_d0_and_bars_are_back)
{
	go_on();
	host.guest_hides = true;
	fake_vfio_config_write(fn(0), PMCSR, 3, 2);
	ck_assert_uint_eq(fake_vfio_config_read(fn(0), PMCSR, 2) & 3, 3);
	go_cold();
	go_on();
	ck_assert_uint_eq(fake_vfio_config_read(fn(0), PMCSR, 2) & 3, 0);
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(events_say_asked_exit_alive)
{
	ask_on();
	expect_event("power-on-asked");
	json_t *p = expect_event("power-exit-returned");
	ck_assert_str_eq(event_text(p, "backend"), "lowpower");
	json_int_t took = json_integer_value(json_object_get(p, "took_ns"));
	p = expect_event("power-alive");
	ck_assert_int_eq(json_integer_value(json_object_get(p, "exit_ns")), took);
	ck_assert_int_ge(json_integer_value(json_object_get(p, "since_ns")), took);
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	expect_no_event();
}
END_TEST

START_TEST(the_signals_of_our_own_exits_are_no_wakes)
{
	for (unsigned i = 0; i < 5; i++) {
		go_on();
		go_cold();
	}
	go_on();
	ck_assert_uint_eq(host.wakes, 0);
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 0);
	expect_no_event();
}
END_TEST

START_TEST(the_hint_is_a_little_less_than_the_last_exit_took)
{
	hold(&host.hold_exit);
	ask_on();
	wait_held();
	uint64_t from = now_ns();
	while (now_ns() - from < 30000000)
		;
	release();
	json_t *p = wait_event("power-alive");
	uint64_t ms = (uint64_t)json_integer_value(json_object_get(p, "exit_ns")) / 1000000;

	ck_assert_uint_ge(ms, 30);
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	ck_assert_uint_eq(power_slot_hint(host.slot), min_u64(ms - 8, 2000));
}
END_TEST

START_TEST(on_twice_is_on_once)
{
	go_on();
	ask_on();
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_ON);
	expect_no_event();
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

START_TEST(on_while_on_is_under_way_is_on_once)
{
	hold(&host.hold_exit);
	ask_on();
	wait_held();
	ask_on();
	release();
	wait_event("power-alive");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	expect_no_event();
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

START_TEST(on_right_after_off_ends_on)
{
	go_on();
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	ask_on();
	ck_assert(power_slot_status(host.slot) & CVM_STS_BUSY);
	release();
	wait_event("power-alive");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	ck_assert_str_eq(host.order, "e0 x0 e0 x0 ");
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(off_right_after_on_ends_cold)
{
	hold(&host.hold_exit);
	ask_on();
	wait_held();
	power_slot_command(host.slot, CVM_CMD_OFF);
	release();
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert_str_eq(host.order, "e0 x0 e0 ");
	ck_assert(guest_sees_nothing(0));
}
END_TEST

START_TEST(once_off_has_returned_an_exit_under_way_shows_nothing)
{
	hold(&host.hold_exit);
	ask_on();
	wait_held();
	power_slot_command(host.slot, CVM_CMD_OFF);
	fake_vfio_clear(fn(0));
	release();
	wait_event("power-d3cold");
	ck_assert_uint_eq(fake_vfio_count(fn(0), "dma_map"), 0);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_entry"), 1);
}
END_TEST

static void *ask_off(void *opaque)
{
	(void)opaque;
	power_slot_command(host.slot, CVM_CMD_OFF);
	return NULL;
}

static bool off_is_asked(void)
{
	if (pthread_mutex_trylock(&host.slot->lock))
		return true; /* it waits for the device that is being shown */
	pthread_mutex_unlock(&host.slot->lock);
	return false;
}

/* _OFF comes while the worker shows function 0: it must not go on with function 1. */
START_TEST(off_while_the_slot_is_shown_shows_no_more_of_it)
{
	pthread_t thread;

	hold(&host.hold_show);
	ask_on();
	wait_held();
	ck_assert_uint_eq(fake_vfio_count(fn(0), "dma_map"), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_off, NULL), 0);
	while (!off_is_asked())
		usleep(1000);
	fake_vfio_clear(fn(0));
	release();
	pthread_join(thread, NULL);
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert_uint_gt(fake_vfio_count(fn(0), "dma_map"), 0);
	ck_assert_uint_eq(fake_vfio_count(fn(1), "dma_map"), 0);
	ck_assert_str_eq(host.order, "e1 e0 x0 x1 e1 e0 ");
}
END_TEST

/* The worker is held in an entry; what comes meanwhile it finds in a row. */
START_TEST(on_and_off_in_a_row_leave_a_cold_slot_alone)
{
	go_on();
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	ask_on();
	power_slot_command(host.slot, CVM_CMD_OFF);
	release();
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
	/* Again without an entry under way, as often as it takes to be faster than the worker. */
	for (unsigned i = 0; i < 100; i++) {
		ask_on();
		power_slot_command(host.slot, CVM_CMD_OFF);
		ck_assert_uint_eq(settle_status(), 0);
		ck_assert(guest_sees_nothing(0));
	}
}
END_TEST

START_TEST(a_blocking_on_returns_when_the_slot_is_on)
{
	slot_rig_make(1);
	slot_rig_start(&(struct power_slot_config){ .blocking_on = true });
	go_cold();
	ask_on();
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_ON);
	ck_assert(guest_sees(0));
	/* And when it is on already. */
	ask_on();
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_ON);
}
END_TEST

/* --- a device that does not come back -----------------------------------------------------------
 */

static const int refusals[] = { EINVAL, EIO, ENODEV };

START_TEST(an_exit_that_always_fails_ends_in_failed)
{
	fake_vfio_refuse(fn(0), "low_power_exit", refusals[_i], 0);
	ask_on();
	check_failed("power-failed");
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_exit"), 3);
}
END_TEST

START_TEST(an_exit_that_fails_once_is_tried_again)
{
	fake_vfio_refuse(fn(0), "low_power_exit", refusals[_i], 1);
	go_on();
	ck_assert(guest_sees(0));
	ck_assert_str_eq(host.order, "e0 x0 x0 ");
}
END_TEST

START_TEST(an_exit_event_carries_its_errno)
{
	fake_vfio_refuse(fn(0), "low_power_exit", EBUSY, 0);
	ask_on();
	for (unsigned i = 0; i < 3; i++) {
		json_t *p = wait_event("power-exit-returned");
		json_t *f = json_array_get(json_object_get(p, "functions"), 0);

		ck_assert_int_eq(json_integer_value(json_object_get(f, "rc")), -EBUSY);
	}
	check_failed("power-failed");
}
END_TEST

START_TEST(an_exit_of_0_that_leaves_d3cold_is_no_success)
{
	host.functions[0].dead_exits = FOR_EVER;
	ask_on();
	json_t *p = wait_event("power-failed");
	ck_assert_str_eq(event_text(p, "device_state"), "D3cold");
	ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	ck_assert(guest_sees_nothing(0));
}
END_TEST

START_TEST(d0_with_a_status_of_all_ones_is_no_success)
{
	host.functions[0].deaf = true;
	ask_on();
	json_t *p = wait_event("power-failed");
	ck_assert_str_eq(event_text(p, "device_state"), "D0");
	ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	ck_assert(guest_sees_nothing(0));
}
END_TEST

START_TEST(d0_with_a_status_that_cannot_be_read_is_no_success)
{
	fake_vfio_refuse(fn(0), "region_read", EIO, 0);
	ask_on();
	check_failed("power-failed");
	fake_vfio_refuse(fn(0), "region_read", 0, 0);
}
END_TEST

START_TEST(the_first_try_makes_no_reset_and_the_next_only_if_needed)
{
	host.functions[0].dead_exits = 1;
	go_on();
	ck_assert_str_eq(host.order, "e0 x0 x0 ");
}
END_TEST

START_TEST(a_device_that_a_reset_revives_comes_back)
{
	host.functions[0].deaf = true;
	host.functions[0].reset_revives = true;
	go_on();
	ck_assert_str_eq(host.order, "e0 x0 x0 r0 ");
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(a_refused_reset_is_no_success)
{
	host.functions[0].deaf = true;
	host.functions[0].reset_revives = true;
	fake_vfio_refuse(fn(0), "reset", EIO, 0);
	ask_on();
	check_failed("power-failed");
	ck_assert_str_eq(host.order, "e0 x0 x0 r0 h0 e0 x0 ");
}
END_TEST

START_TEST(one_dead_function_fails_the_slot)
{
	host.functions[1].dead_exits = FOR_EVER;
	ask_on();
	check_failed("power-failed");
	/* Only the one that is dead is reset. */
	ck_assert_uint_eq(fake_vfio_count(fn(0), "reset"), 0);
	ck_assert_uint_eq(fake_vfio_count(fn(1), "reset"), 1);
}
END_TEST

START_TEST(a_failed_slot_stays_off_its_descriptor)
{
	host.functions[0].deaf = true;
	ask_on();
	check_failed("power-failed");
	fake_vfio_clear(fn(0));
	ck_assert(guest_sees_nothing(0));
	fake_vfio_config_write(fn(0), PCI_COMMAND, 0, 2);
	bus_write(fn(0)->device.mmio, FAKE_VFIO_BAR0, 0, 4);
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
}
END_TEST

START_TEST(the_next_on_after_a_failure_tries_again)
{
	host.functions[0].dead_exits = 3;
	ask_on();
	check_failed("power-failed");
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(off_after_a_failure_is_off_and_on_tries_again)
{
	host.functions[0].dead_exits = 3;
	ask_on();
	check_failed("power-failed");
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(a_blocking_on_returns_when_the_slot_has_failed)
{
	slot_rig_make(1);
	slot_rig_start(&(struct power_slot_config){ .blocking_on = true });
	go_cold();
	host.functions[0].dead_exits = FOR_EVER;
	ask_on();
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_FAILED);
}
END_TEST

/* --- the bound ----------------------------------------------------------------------------------
 */

#define BOUND_NS 20000000

static void exit_past_the_bound(void)
{
	hold(&host.hold_exit);
	uint64_t from = now_ns();
	ask_on();
	wait_held();
	while (now_ns() - from <= BOUND_NS * 2)
		;
	release();
}

START_TEST(a_late_success_stays_sealed_and_is_one_event)
{
	start_bound(BOUND_NS);
	exit_past_the_bound();
	check_failed("power-late");
	expect_no_event();
	ck_assert_str_eq(host.order, "e0 x0 ");
	fake_vfio_clear(fn(0));
	ck_assert(guest_sees_nothing(0));
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
}
END_TEST

START_TEST(the_next_on_after_a_late_success_shows_the_device)
{
	start_bound(BOUND_NS);
	exit_past_the_bound();
	check_failed("power-late");
	/* Whatever a busy machine makes of 20 ms: late again, or alive; in the end it is there. */
	do
		ask_on();
	while (settle_status() != CVM_STS_ON);
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(past_the_bound_there_is_no_other_try)
{
	start_bound(BOUND_NS);
	fake_vfio_refuse(fn(0), "low_power_exit", EIO, 0);
	exit_past_the_bound();
	check_failed("power-failed");
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("power: on");
	TCase *t = suite_case(s, "order", cold_function, slot_rig_free);

	tcase_add_test(t, on_does_not_wait_for_the_host);
	tcase_add_test(t, the_slot_is_off_and_sealed_until_life_is_proven);
	tcase_add_test(t, the_device_is_seen_when_busy_ends);
	tcase_add_test(t, life_is_proven_before_bars_come_back);
	tcase_add_test(t, pmcsr_reads_d0_and_bars_are_back);
	tcase_add_test(t, events_say_asked_exit_alive);
	tcase_add_test(t, the_signals_of_our_own_exits_are_no_wakes);
	tcase_add_test(t, the_hint_is_a_little_less_than_the_last_exit_took);
	tcase_add_test(t, on_twice_is_on_once);
	tcase_add_test(t, on_while_on_is_under_way_is_on_once);
	tcase_add_test(t, on_right_after_off_ends_on);
	tcase_add_test(t, off_right_after_on_ends_cold);
	tcase_add_test(t, on_and_off_in_a_row_leave_a_cold_slot_alone);
	tcase_add_test(t, once_off_has_returned_an_exit_under_way_shows_nothing);

	t = suite_case(s, "blocking", NULL, slot_rig_free);
	tcase_add_test(t, a_blocking_on_returns_when_the_slot_is_on);
	tcase_add_test(t, a_blocking_on_returns_when_the_slot_has_failed);

	t = suite_case(s, "failures", cold_function, slot_rig_free);
	tcase_add_loop_test(t, an_exit_that_always_fails_ends_in_failed, 0, ARRAY_SIZE(refusals));
	tcase_add_loop_test(t, an_exit_that_fails_once_is_tried_again, 0, ARRAY_SIZE(refusals));
	tcase_add_test(t, an_exit_event_carries_its_errno);
	tcase_add_test(t, an_exit_of_0_that_leaves_d3cold_is_no_success);
	tcase_add_test(t, d0_with_a_status_of_all_ones_is_no_success);
	tcase_add_test(t, d0_with_a_status_that_cannot_be_read_is_no_success);
	tcase_add_test(t, the_first_try_makes_no_reset_and_the_next_only_if_needed);
	tcase_add_test(t, a_device_that_a_reset_revives_comes_back);
	tcase_add_test(t, a_refused_reset_is_no_success);
	tcase_add_test(t, a_failed_slot_stays_off_its_descriptor);
	tcase_add_test(t, the_next_on_after_a_failure_tries_again);
	tcase_add_test(t, off_after_a_failure_is_off_and_on_tries_again);

	t = suite_case(s, "two functions", two_cold_functions, slot_rig_free);
	tcase_add_test(t, function_0_exits_first);
	tcase_add_test(t, one_dead_function_fails_the_slot);
	tcase_add_test(t, off_while_the_slot_is_shown_shows_no_more_of_it);

	t = suite_case(s, "bound", NULL, slot_rig_free);
	tcase_add_test(t, a_late_success_stays_sealed_and_is_one_event);
	tcase_add_test(t, the_next_on_after_a_late_success_shows_the_device);
	tcase_add_test(t, past_the_bound_there_is_no_other_try);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
