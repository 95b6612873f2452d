/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy of a slot: which function's word holds, and cards that are known not to come back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_sysfs.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/slot_policy.h"
#include "vmm/topology.h"

static struct fake_sysfs sysfs;
static struct device_options options[2];
static struct topology_slot slot;
static struct slot_policy policy;
static char why[256], log_text[1024];

static void make(void)
{
	fake_sysfs_make(&sysfs);
	memset(options, 0, sizeof(options));
	slot = (struct topology_slot){ .nr = 2, .power = DEVICE_POWER_D3COLD };
	for (unsigned i = 0; i < 2; i++) {
		slot.functions[i].options = &options[i];
		snprintf(slot.functions[i].bdf, sizeof(slot.functions[i].bdf), "0000:01:00.%u", i);
		slot.functions[i].number = (uint8_t)i;
	}
	why[0] = '\0';
}

static void clean(void)
{
	fake_sysfs_remove(&sysfs);
}

static void card(unsigned function, const char *vendor, const char *device)
{
	fake_sysfs_file(&sysfs, vendor, "sys/bus/pci/devices/0000:01:00.%u/vendor", function);
	fake_sysfs_file(&sysfs, device, "sys/bus/pci/devices/0000:01:00.%u/device", function);
}

/* What standard error got of it is in log_text. */
static int decide(void)
{
	int fds[2], saved = dup(STDERR_FILENO), r;
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	r = slot_policy(&slot, sysfs.root, &policy, why, sizeof(why));
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(fds[0], log_text, sizeof(log_text) - 1);
	log_text[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	return r;
}

START_TEST(without_options_30_wakes_a_minute_are_told)
{
	ck_assert_int_eq(decide(), 0);
	ck_assert_int_eq(policy.power.deepest, POWER_POLICY_D3COLD);
	ck_assert_int_eq(policy.power.wake, POWER_WAKE_NOTIFY);
	ck_assert_uint_eq(policy.power.max_wakes_per_min, 30);
	ck_assert_uint_eq(policy.power.min_off_ms, 0);
	ck_assert(!policy.stop_on_failure);
	ck_assert_str_eq(log_text, "");
}
END_TEST

START_TEST(the_strictest_of_the_functions_holds)
{
	options[0].has_max_wakes = options[1].has_max_wakes = true;
	options[0].max_wakes_per_min = 0;
	options[1].max_wakes_per_min = 7;
	options[0].min_off_ms = 500;
	options[1].min_off_ms = 20;
	options[1].stop_on_failure = true;
	options[1].wake = DEVICE_WAKE_REARM;
	ck_assert_int_eq(decide(), 0);
	ck_assert_uint_eq(policy.power.max_wakes_per_min, 7);
	ck_assert_uint_eq(policy.power.min_off_ms, 500);
	ck_assert(policy.stop_on_failure);
	ck_assert_int_eq(policy.power.wake, POWER_WAKE_REARM);
}
END_TEST

START_TEST(no_limit_at_all_can_be_said)
{
	options[1].has_max_wakes = true;
	ck_assert_int_eq(decide(), 0);
	ck_assert_uint_eq(policy.power.max_wakes_per_min, 0);
}
END_TEST

START_TEST(two_kinds_of_wake_in_a_slot_are_refused)
{
	options[0].wake = DEVICE_WAKE_NOTIFY;
	options[1].wake = DEVICE_WAKE_REARM;
	ck_assert_int_eq(decide(), -EINVAL);
	ck_assert_str_eq(why, "--device: 0000:01:00.1: wake differs between functions of one slot");
}
END_TEST

START_TEST(a_card_that_others_lost_gets_d3hot)
{
	card(0, "0x10de\n", "0x1b38\n");
	card(1, "0x10de\n", "0xffff\n");
	ck_assert_int_eq(decide(), 0);
	ck_assert_int_eq(policy.power.deepest, POWER_POLICY_D3HOT);
	ck_assert_msg(strstr(log_text, "0000:01:00.0: NVIDIA Tesla P40: others report:") &&
			      strstr(log_text, "power=d3hot is used") &&
			      strstr(log_text, "force=on asks for D3cold"),
		      "%s", log_text);
	ck_assert_ptr_null(strstr(log_text, "0000:01:00.1"));
}
END_TEST

START_TEST(force_asks_for_d3cold_and_says_so)
{
	card(0, "0x10de\n", "0x1b38\n");
	options[0].force = true;
	ck_assert_int_eq(decide(), 0);
	ck_assert_int_eq(policy.power.deepest, POWER_POLICY_D3COLD);
	ck_assert_msg(strstr(log_text, "force=on: D3cold is asked for all the same"), "%s",
		      log_text);
}
END_TEST

START_TEST(a_shallow_policy_is_not_warned_about)
{
	card(0, "0x10de\n", "0x1b38\n");
	slot.power = DEVICE_POWER_ON;
	ck_assert_int_eq(decide(), 0);
	ck_assert_int_eq(policy.power.deepest, POWER_POLICY_ON);
	ck_assert_str_eq(log_text, "");
}
END_TEST

START_TEST(ids_that_are_none_are_no_card)
{
	card(0, "0x110de\n", "0x1b38\n");
	card(1, "0x10de\n", "1b38x\n");
	ck_assert_int_eq(decide(), 0);
	ck_assert_int_eq(policy.power.deepest, POWER_POLICY_D3COLD);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("slot policy");
	TCase *t = suite_case(s, "options", make, clean);

	tcase_add_test(t, without_options_30_wakes_a_minute_are_told);
	tcase_add_test(t, the_strictest_of_the_functions_holds);
	tcase_add_test(t, no_limit_at_all_can_be_said);
	tcase_add_test(t, two_kinds_of_wake_in_a_slot_are_refused);

	t = suite_case(s, "cards", make, clean);
	tcase_add_test(t, a_card_that_others_lost_gets_d3hot);
	tcase_add_test(t, force_asks_for_d3cold_and_says_so);
	tcase_add_test(t, a_shallow_policy_is_not_warned_about);
	tcase_add_test(t, ids_that_are_none_are_no_card);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
