/* SPDX-License-Identifier: BSD-3-Clause */
/* A slot's report: what was asked and what is, never mixed up, and the reason when they differ. */
#include "devices/vfio/power_report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "tests/fake/fake_sysfs.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"

static struct fake_sysfs sysfs; /* empty: nothing stands in the way, as far as it says */
static json_t *report;

static void setup(void)
{
	fake_sysfs_make(&sysfs);
}

static void teardown(void)
{
	json_decref(report);
	report = NULL;
	slot_rig_free();
	fake_sysfs_remove(&sysfs);
}

static void take(void)
{
	json_decref(report);
	report = power_report(host.slot, sysfs.root);
	ck_assert_ptr_nonnull(report);
}

static void expect_states(const char *guest, const char *observed, const char *state)
{
	take();
	ck_assert_str_eq(event_text(report, "guest_state"), guest);
	ck_assert_str_eq(event_text(report, "host_state"), observed);
	ck_assert_str_eq(event_text(report, "state"), state);
}

static const char *cause(void)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(report, "reason"), "cause"));

	return text ? text : "none";
}

static json_int_t count(const char *key)
{
	return json_integer_value(json_object_get(json_object_get(report, "counts"), key));
}

static void expect_times_add_up(void)
{
	json_int_t sum = 0;
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(report, "time_ns"), key, value) sum +=
		json_integer_value(value);
	ck_assert_int_eq(sum, json_integer_value(json_object_get(report, "total_ns")));
}

START_TEST(slot_that_is_on_has_no_reason)
{
	slot_rig_start_default(2);
	expect_states("on", "D0", "on");
	ck_assert_str_eq(cause(), "none");
	ck_assert_str_eq(event_text(report, "backend"), "lowpower");
	ck_assert_str_eq(event_text(report, "policy"), "d3cold");
	ck_assert_uint_eq(json_array_size(json_object_get(report, "devices")), 2);
	expect_times_add_up();
}
END_TEST

START_TEST(cold_slot_is_cold_by_both)
{
	slot_rig_start_default(2);
	go_cold();
	expect_states("off", "D3cold", "d3cold");
	ck_assert_str_eq(cause(), "none");
	ck_assert_int_eq(count("entries"), 1);
	ck_assert_int_eq(count("d3cold"), 1);
	go_on();
	expect_states("on", "D0", "on");
	ck_assert_int_eq(count("exits"), 1);
	expect_times_add_up();
}
END_TEST

/* No call of the host seam but those that read sysfs. */
START_TEST(asking_makes_no_call_to_the_device)
{
	char before[sizeof(host.order)];

	slot_rig_start_default(2);
	go_cold();
	strcpy(before, host.order);
	for (unsigned i = 0; i < 100; i++)
		expect_states("off", "D3cold", "d3cold");
	json_decref(power_report_counters(host.slot));
	ck_assert_str_eq(host.order, before);
	ck_assert_str_eq(host.broken, "");
	expect_no_event();
}
END_TEST

START_TEST(policy_is_the_reason)
{
	slot_rig_make(1);
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3HOT } });
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-reached");
	take();
	ck_assert_str_eq(cause(), "policy");
	ck_assert_str_eq(event_text(report, "state"), "warm");
}
END_TEST

START_TEST(refusal_is_the_reason_and_named)
{
	const json_t *why;

	slot_rig_make(2);
	fake_vfio_refuse(host.functions[1].fake, "low_power_entry", EBUSY, 1);
	slot_rig_start(&(struct power_slot_config){ 0 });
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-reached");
	take();
	ck_assert_str_eq(cause(), "refused");
	why = json_object_get(report, "reason");
	ck_assert_int_eq(json_integer_value(json_object_get(why, "rc")), -EBUSY);
	ck_assert_ptr_nonnull(strstr(event_text((json_t *)why, "text"), "fn1"));
	ck_assert_int_eq(count("entries_refused"), 1);
}
END_TEST

START_TEST(wake_by_the_host_is_the_reason)
{
	slot_rig_start_default(2);
	go_cold();
	foreign_wake(1);
	wait_event("power-wake");
	expect_states("off", "D0", "warm");
	ck_assert_str_eq(cause(), "wake");
	ck_assert_ptr_nonnull(strstr(event_text(json_object_get(report, "reason"), "text"), "fn1"));
	ck_assert_int_eq(count("host_wakes"), 1);
	/* A new cycle forgets it. */
	go_on();
	go_cold();
	expect_states("off", "D3cold", "d3cold");
	ck_assert_str_eq(cause(), "none");
}
END_TEST

START_TEST(no_reason_that_sysfs_shows_is_first_settling_and_then_unknown)
{
	slot_rig_make(1);
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	slot_rig_start(&(struct power_slot_config){ 0 });
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	expect_states("off", "D3hot", "warm");
	ck_assert_str_eq(cause(), "settling");
	wait_event("power-deadline");
	take();
	ck_assert_str_eq(cause(), "unknown");
}
END_TEST

START_TEST(d3cold_that_comes_late_is_observed_by_who_asks)
{
	slot_rig_make(1);
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	slot_rig_start(&(struct power_slot_config){ 0 });
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-deadline");
	pthread_mutex_lock(&host.lock);
	host.functions[0].state = HOST_POWER_D3COLD;
	pthread_mutex_unlock(&host.lock);
	expect_states("off", "D3cold", "d3cold");
	ck_assert_int_eq(count("d3cold"), 0);
	expect_times_add_up();
}
END_TEST

START_TEST(verdict_of_the_driver_is_the_reason)
{
	slot_rig_make(1);
	slot_rig_explicit();
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	host.functions[0].limit_rc = -EAGAIN;
	slot_rig_start(&(struct power_slot_config){ 0 });
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	expect_states("off", "D3hot", "warm");
	ck_assert_str_eq(cause(), "limit");
	ck_assert_uint_eq(json_array_size(json_object_get(report, "driver")), 1);
}
END_TEST

START_TEST(failed_slot_says_so)
{
	slot_rig_make(1);
	host.functions[0].dead_exits = 99;
	slot_rig_start(&(struct power_slot_config){ .bound_ns = 1 });
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-d3cold");
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_event("power-failed");
	take();
	ck_assert_str_eq(event_text(report, "guest_state"), "on");
	ck_assert_str_eq(event_text(report, "state"), "failed");
	ck_assert_int_eq(count("failures"), 1);
}
END_TEST

START_TEST(released_device_is_gone)
{
	slot_rig_start_default(1);
	power_slot_request(host.slot, &host.functions[0].fake->device);
	wait_event("device-released");
	for (unsigned i = 0; i < 1000; i++) {
		take();
		if (!strcmp(event_text(report, "state"), "failed"))
			break;
		usleep(1000);
	}
	ck_assert_str_eq(event_text(report, "state"), "failed");
	ck_assert_str_eq(event_text(report, "host_state"), "unknown");
	ck_assert_str_eq(
		event_text(json_array_get(json_object_get(report, "devices"), 0), "host_state"),
		"gone");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("power: report");
	TCase *tcase = suite_case(suite, "report", setup, teardown);

	tcase_add_test(tcase, slot_that_is_on_has_no_reason);
	tcase_add_test(tcase, cold_slot_is_cold_by_both);
	tcase_add_test(tcase, asking_makes_no_call_to_the_device);
	tcase_add_test(tcase, policy_is_the_reason);
	tcase_add_test(tcase, refusal_is_the_reason_and_named);
	tcase_add_test(tcase, wake_by_the_host_is_the_reason);
	tcase_add_test(tcase, no_reason_that_sysfs_shows_is_first_settling_and_then_unknown);
	tcase_add_test(tcase, d3cold_that_comes_late_is_observed_by_who_asks);
	tcase_add_test(tcase, verdict_of_the_driver_is_the_reason);
	tcase_add_test(tcase, failed_slot_says_so);
	tcase_add_test(tcase, released_device_is_gone);
	return suite_run(suite);
}
