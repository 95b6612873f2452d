/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes from the host or from nobody's command: wakes, REQ, D3hot alone, other back ends,
 * the end of a slot, and commands from many threads. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/power_slot.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define PMCSR (FAKE_VFIO_PM + PCI_PM_CTRL)

static struct fake_vfio *fn(unsigned i)
{
	return host.functions[i].fake;
}

static void one_function(void)
{
	slot_rig_start_default(1);
}

static void two_functions(void)
{
	slot_rig_start_default(2);
}

/* --- wakes --------------------------------------------------------------------------------------
 */

START_TEST(a_foreign_wake_is_said_and_notified)
{
	go_cold();
	foreign_wake(0);
	ck_assert_str_eq(event_text(expect_event("power-wake"), "id"), "fn0");
	wait_wake();
	ck_assert_uint_eq(host.wakes, 1);
	ck_assert_uint_eq(host.wake_index, 0);
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 1 << 0);
}
END_TEST

START_TEST(wake_bits_are_function_numbers_and_cleared_by_reading)
{
	go_cold();
	foreign_wake(1);
	ck_assert_str_eq(event_text(expect_event("power-wake"), "id"), "fn1");
	wait_wake();
	ck_assert_uint_eq(power_slot_take_wakes(host.slot),
			  1 << PCI_FN_OF(fn(1)->device.function.devfn));
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 0);
}
END_TEST

START_TEST(wakes_of_two_functions_add_up)
{
	go_cold();
	foreign_wake(0);
	expect_event("power-wake");
	foreign_wake(1);
	expect_event("power-wake");
	for (uint32_t seen = 0; seen != (1 << 0 | 1 << 3);)
		seen |= power_slot_take_wakes(host.slot);
}
END_TEST

START_TEST(a_wake_leaves_the_slot_off_and_sealed)
{
	go_cold();
	fake_vfio_clear(fn(0));
	foreign_wake(0);
	wait_wake();
	ck_assert_uint_eq(power_slot_status(host.slot), 0);
	ck_assert(guest_sees_nothing(0));
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
}
END_TEST

START_TEST(on_after_a_wake_brings_the_slot_back)
{
	go_cold();
	foreign_wake(0);
	wait_wake();
	go_on();
	ck_assert(guest_sees(0));
	go_cold();
}
END_TEST

/* The worker hears of both commands at once: it is held in the notification. */
START_TEST(on_and_off_in_a_row_after_a_wake_enter_again)
{
	go_cold();
	hold(&host.hold_wake);
	foreign_wake(0);
	expect_event("power-wake");
	wait_held();
	power_slot_command(host.slot, CVM_CMD_ON);
	power_slot_command(host.slot, CVM_CMD_OFF);
	release();
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert_str_eq(host.order, "e0 e0 ");
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D3COLD);
	ck_assert(guest_sees_nothing(0));
	go_on();
}
END_TEST

START_TEST(a_wake_ends_the_observation)
{
	host.functions[0].sleeps = HOST_POWER_D0;
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	foreign_wake(0);
	expect_event("power-wake");
	go_on();
	expect_no_event();
}
END_TEST

START_TEST(signals_while_on_are_no_wakes)
{
	go_cold();
	go_on();
	eventfd_write(host.functions[0].wakeup_fd, 1);
	go_cold();
	go_on();
	expect_no_event();
	ck_assert_uint_eq(host.wakes, 0);
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 0);
}
END_TEST

START_TEST(a_signal_during_the_exit_is_no_wake)
{
	go_cold();
	hold(&host.hold_exit);
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_held();
	eventfd_write(host.functions[0].wakeup_fd, 1);
	release();
	wait_event("power-alive");
	go_cold();
	expect_no_event();
	ck_assert_uint_eq(host.wakes, 0);
}
END_TEST

/* --- the host asks for a device back ------------------------------------------------------------
 */

static void check_released(unsigned i)
{
	ck_assert(guest_sees_nothing(i));
	ck_assert_uint_eq(fake_vfio_count(fn(i), "close"), 1);
}

START_TEST(a_request_while_on_releases_the_device)
{
	power_slot_request(host.slot, &fn(0)->device);
	ck_assert_str_eq(event_text(expect_event("device-request"), "id"), "fn0");
	ck_assert_str_eq(event_text(expect_event("device-released"), "id"), "fn0");
	wait_phase(POWER_FAILED);
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_FAILED);
	check_released(0);
}
END_TEST

START_TEST(a_request_while_cold_releases_the_device)
{
	go_cold();
	fake_vfio_clear(fn(0));
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_FAILED);
	check_released(0);
	/* A device without power cannot be reset. */
	ck_assert_uint_eq(fake_vfio_count(fn(0), "reset"), 0);
}
END_TEST

START_TEST(the_device_is_sealed_before_it_is_closed)
{
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	int unmap = fake_vfio_find(fn(0), "dma_unmap", 0);
	int close = fake_vfio_find(fn(0), "close", 0);

	ck_assert_int_ge(unmap, 0);
	ck_assert_int_lt(unmap, close);
	/* Nothing but the way out after the seal: rules of slot_rig.c, and no config access. */
	ck_assert_int_eq(fake_vfio_find(fn(0), "region_", (unsigned)close), -1);
}
END_TEST

START_TEST(requests_that_repeat_release_once)
{
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	power_slot_request(host.slot, &fn(0)->device);
	power_slot_request(host.slot, &fn(0)->device);
	wait_phase(POWER_FAILED);
	expect_event("device-request");
	expect_event("device-request");
	expect_no_event();
	check_released(0);
}
END_TEST

START_TEST(on_of_a_released_slot_fails_at_once)
{
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	fake_vfio_clear(fn(0));
	for (unsigned i = 0; i < 3; i++) {
		power_slot_command(host.slot, CVM_CMD_ON);
		json_t *p = wait_event("power-failed");
		ck_assert_str_eq(event_text(p, "device_state"), "unknown");
		ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	}
	ck_assert(guest_sees_nothing(0));
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
}
END_TEST

START_TEST(off_of_a_released_slot_asks_the_host_nothing)
{
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	fake_vfio_clear(fn(0));
	power_slot_command(host.slot, CVM_CMD_OFF);
	expect_event("power-off-asked");
	ck_assert_uint_eq(settle_status(), 0);
	expect_no_event();
	power_slot_command(host.slot, CVM_CMD_ON);
	expect_event("power-on-asked");
	expect_event("power-failed");
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
}
END_TEST

START_TEST(a_request_ends_the_tries_of_an_exit)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	hold(&host.hold_exit);
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_held();
	power_slot_request(host.slot, &fn(0)->device);
	release();
	wait_event("power-failed");
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	ck_assert_str_eq(host.order, "e0 x0 ");
	check_released(0);
}
END_TEST

START_TEST(the_other_function_of_a_released_one_goes_on)
{
	power_slot_request(host.slot, &fn(1)->device);
	wait_event("device-released");
	ck_assert(guest_sees_nothing(1));
	ck_assert(guest_sees(0));
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	go_cold();
	ck_assert(guest_sees_nothing(0));
	go_on();
	ck_assert(guest_sees(0));
	ck_assert(guest_sees_nothing(1));
	ck_assert_str_eq(host.order, "r1 e0 x0 ");
}
END_TEST

START_TEST(a_slot_is_failed_when_its_last_function_is_released)
{
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	power_slot_request(host.slot, &fn(1)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_FAILED);
}
END_TEST

/* --- D3hot alone --------------------------------------------------------------------------------
 */

static void guest_pmcsr(unsigned state)
{
	host.guest_hides = true;
	fake_vfio_config_write(fn(0), PMCSR, state, 2);
}

/* Makes a D3hot that waits due now, instead of in 1.5 s. */
static void make_due(void)
{
	pthread_mutex_lock(&host.slot->lock);
	ck_assert_uint_ne(host.slot->d3hot_due[0], 0);
	host.slot->d3hot_due[0] = 1;
	pthread_mutex_unlock(&host.slot->lock);
	eventfd_write(host.slot->kick_fd, 1);
}

static uint64_t due(void)
{
	pthread_mutex_lock(&host.slot->lock);
	uint64_t ns = host.slot->d3hot_due[0];
	pthread_mutex_unlock(&host.slot->lock);
	return ns;
}

START_TEST(d3hot_is_forwarded_after_a_second_and_a_half)
{
	uint64_t from = now_ns();

	guest_pmcsr(3);
	wait_state(0, HOST_POWER_D3HOT);
	ck_assert_uint_ge(now_ns() - from, 1500000000);
	ck_assert_str_eq(host.order, "30 ");
	expect_no_event();
}
END_TEST

START_TEST(d0_undoes_a_forwarded_d3hot_before_the_write_returns)
{
	guest_pmcsr(3);
	make_due();
	wait_state(0, HOST_POWER_D3HOT);
	guest_pmcsr(0);
	ck_assert_str_eq(host.order, "30 00 ");
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(d0_before_it_is_due_asks_the_host_nothing)
{
	guest_pmcsr(3);
	ck_assert_uint_gt(due(), now_ns());
	guest_pmcsr(0);
	ck_assert_uint_eq(due(), 0);
	ck_assert_str_eq(host.order, "");
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(off_forgets_a_d3hot_that_waits)
{
	guest_pmcsr(3);
	go_cold();
	ck_assert_uint_eq(due(), 0);
	go_on();
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

START_TEST(a_d3hot_that_was_noted_while_off_is_forgotten)
{
	go_cold();
	/* A vCPU that wrote PMCSR just before another one ran _OFF. */
	power_slot_pmcsr(host.slot, &fn(0)->device, 3);
	go_on();
	ck_assert_uint_eq(due(), 0);
}
END_TEST

START_TEST(a_slot_in_forwarded_d3hot_goes_cold_and_comes_back_in_d0)
{
	guest_pmcsr(3);
	make_due();
	wait_state(0, HOST_POWER_D3HOT);
	go_cold();
	go_on();
	ck_assert_uint_eq(fake_vfio_config_read(fn(0), PMCSR, 2) & 3, 0);
	ck_assert(guest_sees(0));
	/* And nothing is left to be undone. */
	guest_pmcsr(0);
	ck_assert_str_eq(host.order, "30 e0 x0 ");
}
END_TEST

START_TEST(a_d3hot_that_another_vcpu_has_undone_is_not_forwarded)
{
	/* Its note comes late: PMCSR says D0 already. */
	power_slot_pmcsr(host.slot, &fn(0)->device, 3);
	make_due();
	while (due())
		usleep(1000);
	guest_pmcsr(3);
	ck_assert_uint_ne(due(), 0);
	ck_assert_str_eq(host.order, "");
}
END_TEST

START_TEST(a_d3hot_is_forwarded_once)
{
	guest_pmcsr(3);
	make_due();
	wait_state(0, HOST_POWER_D3HOT);
	power_slot_pmcsr(host.slot, &fn(0)->device, 3);
	ck_assert_uint_eq(due(), 0);
}
END_TEST

/* --- other back ends ----------------------------------------------------------------------------
 */

static void start_policy(unsigned nr, enum power_policy policy)
{
	slot_rig_make(nr);
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = policy } });
}

static void off_and_reached(const char *backend, const char *state)
{
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert_str_eq(event_text(wait_event("power-entry-issued"), "backend"), backend);
	ck_assert_str_eq(event_text(wait_event("power-reached"), "device_state"), state);
	ck_assert_uint_eq(settle_status(), 0);
}

START_TEST(power_on_seals_and_asks_the_host_nothing)
{
	start_policy(1, POWER_POLICY_ON);
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_NONE);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_probe"), 0);
	off_and_reached("none", "D0");
	ck_assert(guest_sees_nothing(0));
	go_on();
	ck_assert(guest_sees(0));
	ck_assert_str_eq(host.order, "");
}
END_TEST

START_TEST(power_d3hot_writes_pmcsr_last_function_first)
{
	start_policy(2, POWER_POLICY_D3HOT);
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_D3HOT);
	off_and_reached("d3hot", "D3hot");
	ck_assert(guest_sees_nothing(0));
	go_on();
	ck_assert(guest_sees(0));
	ck_assert(guest_sees(1));
	ck_assert_str_eq(host.order, "31 30 00 01 ");
}
END_TEST

START_TEST(an_old_host_kernel_gets_the_d3hot_back_end)
{
	slot_rig_make(2);
	fake_vfio_refuse(fn(1), "low_power_probe", ENOTTY, 1);
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_D3HOT);
	off_and_reached("d3hot", "D3hot");
	go_on();
}
END_TEST

START_TEST(without_pm_capability_d3hot_is_refused_and_the_slot_works)
{
	slot_rig_make(1);
	fn(0)->device.pm_cap = 0;
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3HOT } });
	off_and_reached("d3hot", "D0");
	ck_assert(guest_sees_nothing(0));
	power_slot_command(host.slot, CVM_CMD_OFF);
	fn(0)->device.pm_cap = FAKE_VFIO_PM;
	go_on();
}
END_TEST

START_TEST(a_pmcsr_that_does_not_go_back_is_no_success)
{
	start_policy(1, POWER_POLICY_D3HOT);
	off_and_reached("d3hot", "D3hot");
	fake_vfio_refuse(fn(0), "region_write", EIO, 0);
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_event("power-failed");
	ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	ck_assert(guest_sees_nothing(0));
	fake_vfio_refuse(fn(0), "region_write", 0, 0);
}
END_TEST

START_TEST(back_ends_have_names)
{
	ck_assert_str_eq(power_backend_name(POWER_BACKEND_AUTO), "auto");
	ck_assert_str_eq(power_backend_name(POWER_BACKEND_EXPLICIT), "explicit");
	ck_assert_str_eq(power_backend_name(POWER_BACKEND_LOWPOWER), "lowpower");
	ck_assert_str_eq(power_backend_name(POWER_BACKEND_D3HOT), "d3hot");
	ck_assert_str_eq(power_backend_name(POWER_BACKEND_NONE), "none");
}
END_TEST

/* --- beginning and end --------------------------------------------------------------------------
 */

START_TEST(a_slot_has_1_to_8_functions)
{
	const struct power_slot_config config = { .policy = { .deepest = POWER_POLICY_ON } };
	struct vfio_device *none[POWER_MAX_FUNCTIONS + 1] = { NULL };
	struct power_slot *slot = NULL;

	char why[64] = "";

	ck_assert_int_eq(power_slot_create(&config, none, 0, &slot, why, sizeof(why)), -EINVAL);
	ck_assert_int_eq(
		power_slot_create(&config, none, POWER_MAX_FUNCTIONS + 1, &slot, why, sizeof(why)),
		-EINVAL);
	ck_assert_str_eq(why, "");
	ck_assert_ptr_null(slot);
	power_slot_destroy(NULL);
}
END_TEST

static void destroy(void)
{
	power_slot_destroy(host.slot);
	host.slot = NULL;
}

START_TEST(the_end_of_a_cold_slot_brings_its_device_back)
{
	go_cold();
	destroy();
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D0);
	ck_assert_str_eq(host.order, "e0 x0 ");
	ck_assert_ptr_null(fn(0)->device.slot);
}
END_TEST

START_TEST(the_end_of_a_slot_that_is_on_asks_the_host_nothing)
{
	destroy();
	ck_assert_uint_eq(fake_vfio_count(fn(0), "d3cold_probe"), 1);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_probe"), 1);
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 2);
}
END_TEST

START_TEST(the_end_comes_during_an_entry_too)
{
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	release();
	destroy();
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D0);
}
END_TEST

START_TEST(the_end_of_a_dead_slot_comes_all_the_same)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	destroy();
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D3COLD);
}
END_TEST

/* --- many threads -------------------------------------------------------------------------------
 */

#define ROUNDS 1000
#define HANDS  3

struct hand {
	pthread_t thread;
	unsigned seed;
};

static void *hammer(void *opaque)
{
	struct hand *hand = opaque;

	for (unsigned i = 0; i < ROUNDS; i++) {
		switch (rand_r(&hand->seed) % 6) {
		case 0:
		case 1:
			power_slot_command(host.slot, CVM_CMD_OFF);
			break;
		case 2:
		case 3:
			power_slot_command(host.slot, CVM_CMD_ON);
			break;
		case 4:
			(void)power_slot_status(host.slot);
			(void)power_slot_hint(host.slot);
			(void)power_slot_take_wakes(host.slot);
			break;
		default:
			fake_vfio_config_write(fn(0), PMCSR, rand_r(&hand->seed) % 2 ? 3 : 0, 2);
			(void)bus_read(fn(0)->device.mmio, FAKE_VFIO_BAR0, 4);
		}
	}
	return NULL;
}

static void hammer_from_threads(void)
{
	struct hand hands[HANDS];

	event_monitor_exit(&host.monitor);
	event_monitor_init(&host.monitor, -1); /* nobody reads */
	host.guest_hides = true;
	for (unsigned i = 0; i < HANDS; i++) {
		hands[i].seed = i + 1;
		ck_assert_int_eq(pthread_create(&hands[i].thread, NULL, hammer, &hands[i]), 0);
	}
	for (unsigned i = 0; i < HANDS; i++)
		pthread_join(hands[i].thread, NULL);
}

START_TEST(commands_from_many_threads_end_as_the_last_one_says)
{
	hammer_from_threads();
	power_slot_command(host.slot, CVM_CMD_ON);
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	guest_pmcsr(0);
	ck_assert(guest_sees(0));
	ck_assert(guest_sees(1));
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert(guest_sees_nothing(0));
	ck_assert(guest_sees_nothing(1));
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D3COLD);
	ck_assert_int_eq(host.functions[1].state, HOST_POWER_D3COLD);
}
END_TEST

START_TEST(a_slot_may_end_after_the_hammer_in_any_state)
{
	hammer_from_threads();
	destroy();
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("power: wake, request, d3hot");
	TCase *t = suite_case(s, "wakes", one_function, slot_rig_free);

	tcase_add_test(t, a_foreign_wake_is_said_and_notified);
	tcase_add_test(t, a_wake_leaves_the_slot_off_and_sealed);
	tcase_add_test(t, on_after_a_wake_brings_the_slot_back);
	tcase_add_test(t, on_and_off_in_a_row_after_a_wake_enter_again);
	tcase_add_test(t, a_wake_ends_the_observation);
	tcase_add_test(t, signals_while_on_are_no_wakes);
	tcase_add_test(t, a_signal_during_the_exit_is_no_wake);

	t = suite_case(s, "request", one_function, slot_rig_free);
	tcase_add_test(t, a_request_while_on_releases_the_device);
	tcase_add_test(t, a_request_while_cold_releases_the_device);
	tcase_add_test(t, the_device_is_sealed_before_it_is_closed);
	tcase_add_test(t, requests_that_repeat_release_once);
	tcase_add_test(t, on_of_a_released_slot_fails_at_once);
	tcase_add_test(t, off_of_a_released_slot_asks_the_host_nothing);
	tcase_add_test(t, a_request_ends_the_tries_of_an_exit);

	t = suite_case(s, "two functions", two_functions, slot_rig_free);
	tcase_add_test(t, wake_bits_are_function_numbers_and_cleared_by_reading);
	tcase_add_test(t, wakes_of_two_functions_add_up);
	tcase_add_test(t, the_other_function_of_a_released_one_goes_on);
	tcase_add_test(t, a_slot_is_failed_when_its_last_function_is_released);
	tcase_add_test(t, commands_from_many_threads_end_as_the_last_one_says);
	tcase_add_test(t, a_slot_may_end_after_the_hammer_in_any_state);

	t = suite_case(s, "D3hot alone", one_function, slot_rig_free);
	tcase_add_test(t, d3hot_is_forwarded_after_a_second_and_a_half);
	tcase_add_test(t, d0_undoes_a_forwarded_d3hot_before_the_write_returns);
	tcase_add_test(t, d0_before_it_is_due_asks_the_host_nothing);
	tcase_add_test(t, off_forgets_a_d3hot_that_waits);
	tcase_add_test(t, a_d3hot_that_was_noted_while_off_is_forgotten);
	tcase_add_test(t, a_slot_in_forwarded_d3hot_goes_cold_and_comes_back_in_d0);
	tcase_add_test(t, a_d3hot_that_another_vcpu_has_undone_is_not_forwarded);
	tcase_add_test(t, a_d3hot_is_forwarded_once);

	t = suite_case(s, "other back ends", NULL, slot_rig_free);
	tcase_add_test(t, power_on_seals_and_asks_the_host_nothing);
	tcase_add_test(t, power_d3hot_writes_pmcsr_last_function_first);
	tcase_add_test(t, an_old_host_kernel_gets_the_d3hot_back_end);
	tcase_add_test(t, without_pm_capability_d3hot_is_refused_and_the_slot_works);
	tcase_add_test(t, a_pmcsr_that_does_not_go_back_is_no_success);

	t = suite_case(s, "end", one_function, slot_rig_free);
	tcase_add_test(t, the_end_of_a_cold_slot_brings_its_device_back);
	tcase_add_test(t, the_end_of_a_slot_that_is_on_asks_the_host_nothing);
	tcase_add_test(t, the_end_comes_during_an_entry_too);
	tcase_add_test(t, the_end_of_a_dead_slot_comes_all_the_same);

	t = suite_case(s, "alone", NULL, NULL);
	tcase_add_test(t, a_slot_has_1_to_8_functions);
	tcase_add_test(t, back_ends_have_names);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
