/* SPDX-License-Identifier: BSD-3-Clause */
/* Back end explicit: its choice, verdicts of entry and exit, sysfs as the second witness. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "acpi/abi.h"
#include "devices/vfio/power_events.h"
#include "devices/vfio/power_verdict.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct fake_vfio *fn(unsigned i)
{
	return host.functions[i].fake;
}

static void one_function(void)
{
	slot_rig_start_explicit(1);
}

static void two_functions(void)
{
	slot_rig_start_explicit(2);
}

static void ask_off(void)
{
	power_slot_command(host.slot, CVM_CMD_OFF);
}

static void ask_on(void)
{
	power_slot_command(host.slot, CVM_CMD_ON);
}

static json_t *function_in(json_t *properties, unsigned i)
{
	json_t *function = json_array_get(json_object_get(properties, "functions"), i);

	ck_assert_msg(function, "the event has no function %u", i);
	return function;
}

static json_int_t number(json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "no number %s", key);
	return json_integer_value(json_object_get(object, key));
}

static void check_depth(json_t *properties, const char *device, const char *port)
{
	ck_assert_str_eq(event_text(properties, "device_state"), device);
	ck_assert_str_eq(event_text(properties, "port_state"), port);
}

/* --- the choice ---------------------------------------------------------------------------------
 */

START_TEST(a_driver_with_d3cold_on_request_is_preferred)
{
	slot_rig_start_explicit(2);
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_EXPLICIT);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_probe"), 0);
}
END_TEST

START_TEST(every_function_must_have_it)
{
	slot_rig_make(2);
	fn(0)->d3cold = true;
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_LOWPOWER);
}
END_TEST

START_TEST(a_driver_that_has_neither_gets_d3hot)
{
	slot_rig_make(1);
	fake_vfio_refuse(fn(0), "low_power_probe", ENOTTY, 1);
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_D3HOT);
}
END_TEST

START_TEST(a_shallower_policy_asks_for_no_d3cold)
{
	slot_rig_make(1);
	slot_rig_explicit();
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3HOT } });
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_D3HOT);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "d3cold_probe"), 0);
}
END_TEST

static const enum power_backend forced[] = { POWER_BACKEND_EXPLICIT, POWER_BACKEND_LOWPOWER,
					     POWER_BACKEND_D3HOT };

START_TEST(a_wanted_back_end_is_taken)
{
	slot_rig_make(1);
	slot_rig_explicit();
	slot_rig_start(&(struct power_slot_config){ .backend = forced[_i] });
	ck_assert_int_eq(power_slot_backend(host.slot), forced[_i]);
	ask_off();
	ck_assert_str_eq(event_text(wait_event("power-entry-issued"), "backend"),
			 power_backend_name(forced[_i]));
	ck_assert_uint_eq(settle_status(), 0);
	go_on();
}
END_TEST

static void check_refused(enum power_backend wanted, const char *line)
{
	const struct power_slot_config config = { .backend = wanted };
	struct vfio_device *functions[] = { &fn(0)->device };
	struct power_slot *slot = NULL;
	char why[256] = "";

	ck_assert_int_eq(power_slot_create(&config, functions, 1, &slot, why, sizeof(why)),
			 -EOPNOTSUPP);
	ck_assert_ptr_null(slot);
	ck_assert_str_eq(why, line);
}

START_TEST(a_wanted_back_end_that_is_missing_is_one_line)
{
	slot_rig_make(1);
	check_refused(POWER_BACKEND_EXPLICIT,
		      "0000:01:00.0: backend=explicit cannot be had: the host's vfio-pci has no "
		      "D3cold on request (the driver of kernel/ has): Inappropriate ioctl for "
		      "device; use backend=auto");
	fake_vfio_refuse(fn(0), "low_power_probe", ENOTTY, 1);
	check_refused(POWER_BACKEND_LOWPOWER,
		      "0000:01:00.0: backend=lowpower cannot be had: the host's vfio-pci has no "
		      "low power feature (Linux 6.1 has): Inappropriate ioctl for device; use "
		      "backend=auto");
}
END_TEST

/* --- entry --------------------------------------------------------------------------------------
 */

START_TEST(a_verdict_of_d3cold_is_said_at_once)
{
	ask_off();
	expect_event("power-off-asked");
	json_t *p = expect_event("power-entry-issued");
	json_int_t issued = number(p, "t_ns"), took = number(p, "took_ns");
	json_t *f = function_in(p, 0);

	ck_assert_str_eq(event_text(p, "backend"), "explicit");
	ck_assert_int_eq(number(f, "rc"), 0);
	ck_assert_str_eq(event_text(f, "state"), "D3cold");
	ck_assert_int_eq(number(f, "elapsed_ns"), 14000000);
	ck_assert_ptr_null(json_object_get(f, "limit_rc"));
	f = json_array_get(json_object_get(f, "ports"), 0);
	ck_assert_str_eq(event_text(f, "bdf"), "0000:00:01.0");
	ck_assert_str_eq(event_text(f, "state"), "D3cold");
	p = expect_event("power-d3cold");
	check_depth(p, "D3cold", "D3cold");
	ck_assert_int_eq(number(p, "t_ns"), issued);
	ck_assert_int_eq(number(p, "since_ns"), took);
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert(guest_sees_nothing(0));
	expect_no_event();
}
END_TEST

/* The device's state is read once, as the second witness, and the port's not at all. */
START_TEST(a_good_entry_observes_nothing)
{
	fake_vfio_clear(fn(0));
	go_cold();
	ck_assert_uint_eq(fake_vfio_count(fn(0), "power_state"), 1);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "port_power_state"), 0);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "d3cold_status"), 0);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_entry"), 0);
}
END_TEST

START_TEST(the_last_function_enters_first_and_its_busy_port_is_no_refusal)
{
	ask_off();
	expect_event("power-off-asked");
	json_t *p = expect_event("power-entry-issued");
	json_t *first = function_in(p, 0), *second = function_in(p, 1);

	ck_assert_str_eq(host.order, "E1 E0 ");
	ck_assert_int_eq(number(second, "rc"), 0);
	ck_assert_str_eq(event_text(second, "state"), "D3hot");
	ck_assert_int_eq(number(second, "limit_rc"), -EBUSY);
	ck_assert_str_eq(event_text(second, "limit_bdf"), "0000:00:01.0");
	ck_assert_ptr_nonnull(strstr(event_text(second, "limit"), "a function below it is in use"));
	ck_assert_str_eq(event_text(first, "state"), "D3cold");
	check_depth(expect_event("power-d3cold"), "D3cold", "D3cold");
	ck_assert_uint_eq(settle_status(), 0);
}
END_TEST

START_TEST(the_other_functions_must_be_in_d3cold_too)
{
	host.functions[1].sleeps = HOST_POWER_D3HOT;
	ask_off();
	ck_assert_str_eq(event_text(function_in(wait_event("power-entry-issued"), 0), "state"),
			 "D3cold");
	check_depth(expect_event("power-deadline"), "D3hot", "D3cold");
	ck_assert_uint_eq(settle_status(), 0);
	go_on();
}
END_TEST

START_TEST(less_than_d3cold_is_observed_until_it_comes)
{
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	host.functions[0].limit_rc = -EAGAIN;
	ask_off();
	json_t *f = function_in(wait_event("power-entry-issued"), 0);

	ck_assert_str_eq(event_text(f, "state"), "D3hot");
	ck_assert_int_eq(number(f, "limit_rc"), -EAGAIN);
	ck_assert_str_eq(event_text(f, "limit_bdf"), "0000:01:00.0");
	ck_assert_ptr_nonnull(strstr(event_text(f, "limit"), "power/control is 'on'"));
	expect_no_event();
	pthread_mutex_lock(&host.lock);
	host.functions[0].state = host.port = HOST_POWER_D3COLD;
	pthread_mutex_unlock(&host.lock);
	check_depth(expect_event("power-d3cold"), "D3cold", "D3cold");
}
END_TEST

START_TEST(less_than_d3cold_to_the_end_is_a_deadline)
{
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	host.functions[0].limit_rc = -EBUSY;
	ask_off();
	check_depth(wait_event("power-deadline"), "D3hot", "D0");
	ck_assert_uint_eq(settle_status(), 0);
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

static const int refusals[] = { EINVAL, EBADF, EBUSY, ENOTTY, EFAULT };

START_TEST(a_refused_entry_is_off_for_the_guest_and_said)
{
	fake_vfio_refuse(fn(0), "d3cold_enter", refusals[_i], 1);
	ask_off();
	expect_event("power-off-asked");
	json_t *f = function_in(expect_event("power-entry-issued"), 0);

	ck_assert_int_eq(number(f, "rc"), -refusals[_i]);
	ck_assert_str_eq(event_text(f, "state"), "unknown");
	check_depth(expect_event("power-reached"), "D0", "D0");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert(guest_sees_nothing(0));
	go_on();
	ck_assert(guest_sees(0));
	go_cold();
}
END_TEST

START_TEST(one_refusal_does_not_keep_the_others_from_entering)
{
	fake_vfio_refuse(fn(1), "d3cold_enter", EINVAL, 1);
	ask_off();
	json_t *p = wait_event("power-entry-issued");

	ck_assert_int_eq(number(function_in(p, 0), "rc"), 0);
	ck_assert_int_eq(number(function_in(p, 1), "rc"), -EINVAL);
	check_depth(expect_event("power-reached"), "D0", "D0");
	go_on();
	ck_assert(guest_sees(0));
	ck_assert(guest_sees(1));
}
END_TEST

START_TEST(limits_have_words)
{
	static const struct {
		int rc;
		const char *words;
	} limits[] = {
		{ -EBUSY, "its driver is busy" },
		{ -EAGAIN, "its power/control is 'on', or somebody on the host holds it awake" },
		{ -EACCES, "its runtime power management is switched off" },
		{ -EPERM, "its power/pm_qos_resume_latency_us allows no sleep" },
		{ -EINVAL, "an earlier change of its power state failed" },
		{ -EINPROGRESS, "another change of its power state is under way" },
		{ -ENOMEM, "Cannot allocate memory" },
	};
	struct vfio_pci_d3cold_control said = { .rc_bdf = VFIO_PCI_D3COLD_BDF(0x1234, 0x81, 0xff) };
	char bdf[16];

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		said.rc = limits[i].rc;
		ck_assert_str_eq(power_verdict_limit(&said), limits[i].words);
	}
	/* More ports than there is room for are not read. */
	said.nr_ports = UINT32_MAX;
	said.rc = -EBUSY;
	ck_assert_str_eq(power_verdict_limit(&said), "its driver is busy");
	power_verdict_bdf(said.rc_bdf, bdf);
	ck_assert_str_eq(bdf, "1234:81:1f.7");
}
END_TEST

START_TEST(states_have_names)
{
	static const char *const names[] = { "D0",     "unknown", "unknown", "D3hot",
					     "D3cold", "unknown", "unknown" };

	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_str_eq(power_state_name(power_verdict_state(i)), names[i]);
}
END_TEST

/* --- the second witness -------------------------------------------------------------------------
 */

START_TEST(an_entry_that_sysfs_contradicts_is_said_and_not_believed)
{
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	host.functions[0].driver = HOST_POWER_D3COLD;
	ask_off();
	wait_event("power-entry-issued");
	json_t *p = expect_event("power-disagreement");

	ck_assert_str_eq(event_text(p, "id"), "fn0");
	ck_assert_str_eq(event_text(p, "driver_state"), "D3cold");
	ck_assert_str_eq(event_text(p, "sysfs_state"), "D3hot");
	ck_assert_str_eq(event_text(expect_event("power-deadline"), "device_state"), "D3hot");
	host.functions[0].driver = HOST_POWER_UNKNOWN;
	go_on();
}
END_TEST

START_TEST(sysfs_that_is_late_once_is_no_disagreement)
{
	host.functions[0].sysfs_lags = true;
	ask_off();
	wait_event("power-entry-issued");
	expect_event("power-d3cold");
	ask_on();
	expect_event("power-on-asked");
	expect_event("power-exit-returned");
	expect_event("power-alive");
	ck_assert_uint_ge(fake_vfio_count(fn(0), "d3cold_status"), 2);
}
END_TEST

static void *wake_in_between(void *opaque)
{
	(void)opaque;
	wait_held();
	foreign_wake(0);
	release();
	return NULL;
}

/* The verdict says D3cold, sysfs and the driver say D0 by the time they are asked: D3cold was
 * reached, and the wake comes after it. */
START_TEST(a_wake_between_the_witnesses_is_no_disagreement)
{
	pthread_t thread;

	hold(&host.hold_state);
	ck_assert_int_eq(pthread_create(&thread, NULL, wake_in_between, NULL), 0);
	ask_off();
	wait_event("power-entry-issued");
	expect_event("power-d3cold");
	expect_event("power-wake");
	pthread_join(thread, NULL);
	wait_wake();
	go_on();
}
END_TEST

START_TEST(a_witness_that_knows_nothing_contradicts_nobody)
{
	host.functions[0].sleeps = HOST_POWER_UNKNOWN;
	host.functions[0].driver = HOST_POWER_D3COLD;
	ask_off();
	wait_event("power-entry-issued");
	expect_event("power-d3cold");
	host.functions[0].driver = HOST_POWER_UNKNOWN;
	go_on();
}
END_TEST

START_TEST(a_good_exit_that_sysfs_contradicts_is_said_and_believed)
{
	go_cold();
	pthread_mutex_lock(&host.lock);
	host.functions[0].sysfs_stuck = true;
	pthread_mutex_unlock(&host.lock);
	ask_on();
	expect_event("power-on-asked");
	expect_event("power-exit-returned");
	json_t *p = expect_event("power-disagreement");

	ck_assert_str_eq(event_text(p, "driver_state"), "D0");
	ck_assert_str_eq(event_text(p, "sysfs_state"), "D3cold");
	expect_event("power-alive");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	ck_assert(guest_sees(0));
}
END_TEST

/* --- exit ---------------------------------------------------------------------------------------
 */

START_TEST(a_good_verdict_is_the_proof_of_life)
{
	go_cold();
	fake_vfio_clear(fn(0));
	go_on();
	ck_assert(guest_sees(0));
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_exit"), 0);
	int exit = fake_vfio_find(fn(0), "d3cold_exit", 0);
	int read = fake_vfio_find(fn(0), "region_read 7 0x4+4", 0);
	int map = fake_vfio_find(fn(0), "dma_map", 0);

	ck_assert_int_ge(exit, 0);
	ck_assert_int_gt(map, exit);
	ck_assert_int_eq(read, -1);
}
END_TEST

START_TEST(an_exit_event_carries_the_verdict)
{
	go_cold();
	host.functions[0].dead_exits = 1;
	ask_on();
	json_t *p = wait_event("power-exit-returned");

	ck_assert_str_eq(event_text(p, "backend"), "explicit");
	ck_assert_int_eq(number(function_in(p, 0), "rc"), -EIO);
	ck_assert_str_eq(event_text(function_in(p, 0), "state"), "D3cold");
	p = expect_event("power-exit-returned");
	ck_assert_int_eq(number(function_in(p, 0), "rc"), 0);
	ck_assert_str_eq(event_text(function_in(p, 0), "state"), "D0");
	ck_assert_str_eq(event_text(expect_event("power-recovered"), "by"), "exit");
	expect_event("power-alive");
	ck_assert_str_eq(host.order, "E0 X0 X0 ");
}
END_TEST

/* The slot answers "failed" and is as empty as it was. */
static void check_failed(const char *state)
{
	ck_assert_str_eq(event_text(wait_event("power-failed"), "device_state"), state);
	ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	for (unsigned i = 0; i < host.nr; i++)
		ck_assert(guest_sees_nothing(i));
}

START_TEST(a_device_that_is_not_resumed_is_tried_and_reset_and_fails)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	ask_on();
	check_failed("D3cold");
	/* After each reset one more verdict is asked for. */
	ck_assert_str_eq(host.order, "E0 X0 X0 r0 X0 h0 X0 E0 X0 ");
}
END_TEST

START_TEST(a_device_in_d0_that_does_not_answer_fails)
{
	go_cold();
	host.functions[0].deaf = true;
	ask_on();
	ck_assert_int_eq(number(function_in(wait_event("power-exit-returned"), 0), "rc"), -ENODEV);
	check_failed("D0");
}
END_TEST

START_TEST(a_device_that_a_reset_revives_comes_back)
{
	go_cold();
	host.functions[0].deaf = true;
	host.functions[0].reset_revives = true;
	go_on();
	ck_assert_str_eq(host.order, "E0 X0 X0 r0 X0 ");
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(a_slot_that_failed_goes_off_and_comes_back)
{
	go_cold();
	host.functions[0].dead_exits = 5;
	ask_on();
	check_failed("D3cold");
	ask_off();
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

/* An exit that gives no verdict leaves the request as it was: another entry would be refused. */
START_TEST(after_an_exit_without_a_verdict_off_enters_nothing)
{
	go_cold();
	fake_vfio_refuse(fn(0), "d3cold_exit", EFAULT, 5);
	ask_on();
	wait_event("power-failed");
	ask_off();
	wait_event("power-exit-cancelled");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "d3cold_enter"), 1);
	go_on();
}
END_TEST

START_TEST(function_0_exits_first_and_one_dead_function_fails_the_slot)
{
	go_cold();
	host.functions[1].dead_exits = UINT32_MAX;
	ask_on();
	check_failed("D0");
	ck_assert_str_eq(host.order, "E1 E0 X0 X1 X0 X1 r1 X1 h0 X0 X1 E1 E0 X0 X1 ");
}
END_TEST

/* --- wakes --------------------------------------------------------------------------------------
 */

START_TEST(a_foreign_wake_is_said_and_the_next_cycle_works)
{
	go_cold();
	foreign_wake(0);
	expect_event("power-wake");
	wait_wake();
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 1 << 0);
	ck_assert(guest_sees_nothing(0));
	go_on();
	go_cold();
	ck_assert_str_eq(host.order, "E0 X0 E0 ");
}
END_TEST

START_TEST(our_own_exits_are_no_wakes)
{
	for (unsigned i = 0; i < 5; i++) {
		go_cold();
		go_on();
	}
	ck_assert_uint_eq(host.wakes, 0);
	expect_no_event();
}
END_TEST

START_TEST(only_the_function_that_was_woken_enters_again)
{
	go_cold();
	hold(&host.hold_wake);
	foreign_wake(1);
	expect_event("power-wake");
	wait_held();
	ask_on();
	ask_off();
	release();
	json_t *p = wait_event("power-entry-issued");

	ck_assert_uint_eq(json_array_size(json_object_get(p, "functions")), 1);
	ck_assert_str_eq(event_text(function_in(p, 0), "id"), "fn1");
	check_depth(expect_event("power-d3cold"), "D3cold", "D3cold");
	ck_assert_str_eq(host.order, "E1 E0 E1 ");
}
END_TEST

/* --- counters -----------------------------------------------------------------------------------
 */

START_TEST(the_drivers_counters_can_be_read)
{
	struct vfio_pci_d3cold_status status = { 0 };

	fn(0)->status_says.entries = 7;
	fn(0)->status_says.last_exit_ns = 160000000;
	go_cold();
	ck_assert_int_eq(power_slot_driver_status(host.slot, &fn(0)->device, &status), 0);
	ck_assert_uint_eq(status.entries, 7);
	ck_assert_uint_eq(status.last_exit_ns, 160000000);
	ck_assert_uint_eq(status.state, VFIO_PCI_D3COLD_STATE_D3COLD);
	fake_vfio_refuse(fn(0), "d3cold_status", ENOTTY, 1);
	ck_assert_int_eq(power_slot_driver_status(host.slot, &fn(0)->device, &status), -ENOTTY);
}
END_TEST

START_TEST(a_released_device_has_no_counters)
{
	struct vfio_pci_d3cold_status status;

	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	ck_assert_int_eq(power_slot_driver_status(host.slot, &fn(0)->device, &status), -ENODEV);
}
END_TEST

START_TEST(other_back_ends_have_no_counters)
{
	struct vfio_pci_d3cold_status status;

	slot_rig_start_default(1);
	ck_assert_int_eq(power_slot_driver_status(host.slot, &fn(0)->device, &status), -EOPNOTSUPP);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "d3cold_status"), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("power: explicit");
	TCase *t = suite_case(s, "choice", NULL, slot_rig_free);

	tcase_add_test(t, a_driver_with_d3cold_on_request_is_preferred);
	tcase_add_test(t, every_function_must_have_it);
	tcase_add_test(t, a_driver_that_has_neither_gets_d3hot);
	tcase_add_test(t, a_shallower_policy_asks_for_no_d3cold);
	tcase_add_loop_test(t, a_wanted_back_end_is_taken, 0, ARRAY_SIZE(forced));
	tcase_add_test(t, a_wanted_back_end_that_is_missing_is_one_line);
	tcase_add_test(t, other_back_ends_have_no_counters);

	t = suite_case(s, "entry", one_function, slot_rig_free);
	tcase_add_test(t, a_verdict_of_d3cold_is_said_at_once);
	tcase_add_test(t, a_good_entry_observes_nothing);
	tcase_add_test(t, less_than_d3cold_is_observed_until_it_comes);
	tcase_add_test(t, less_than_d3cold_to_the_end_is_a_deadline);
	tcase_add_loop_test(t, a_refused_entry_is_off_for_the_guest_and_said, 0,
			    ARRAY_SIZE(refusals));

	t = suite_case(s, "second witness", one_function, slot_rig_free);
	tcase_add_test(t, an_entry_that_sysfs_contradicts_is_said_and_not_believed);
	tcase_add_test(t, sysfs_that_is_late_once_is_no_disagreement);
	tcase_add_test(t, a_wake_between_the_witnesses_is_no_disagreement);
	tcase_add_test(t, a_witness_that_knows_nothing_contradicts_nobody);
	tcase_add_test(t, a_good_exit_that_sysfs_contradicts_is_said_and_believed);

	t = suite_case(s, "exit", one_function, slot_rig_free);
	tcase_add_test(t, a_good_verdict_is_the_proof_of_life);
	tcase_add_test(t, an_exit_event_carries_the_verdict);
	tcase_add_test(t, a_device_that_is_not_resumed_is_tried_and_reset_and_fails);
	tcase_add_test(t, a_device_in_d0_that_does_not_answer_fails);
	tcase_add_test(t, a_device_that_a_reset_revives_comes_back);
	tcase_add_test(t, a_slot_that_failed_goes_off_and_comes_back);
	tcase_add_test(t, after_an_exit_without_a_verdict_off_enters_nothing);

	t = suite_case(s, "wakes and counters", one_function, slot_rig_free);
	tcase_add_test(t, a_foreign_wake_is_said_and_the_next_cycle_works);
	tcase_add_test(t, our_own_exits_are_no_wakes);
	tcase_add_test(t, the_drivers_counters_can_be_read);
	tcase_add_test(t, a_released_device_has_no_counters);

	t = suite_case(s, "two functions", two_functions, slot_rig_free);
	tcase_add_test(t, the_last_function_enters_first_and_its_busy_port_is_no_refusal);
	tcase_add_test(t, the_other_functions_must_be_in_d3cold_too);
	tcase_add_test(t, one_refusal_does_not_keep_the_others_from_entering);
	tcase_add_test(t, function_0_exits_first_and_one_dead_function_fails_the_slot);
	tcase_add_test(t, only_the_function_that_was_woken_enters_again);

	t = suite_case(s, "words", NULL, NULL);
	tcase_add_test(t, limits_have_words);
	tcase_add_test(t, states_have_names);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
