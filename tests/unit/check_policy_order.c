/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders to change a policy: what is named changes, and nothing of a bad one does. */
#include "vmm/policy_order.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static const struct power_policy_config before = {
	.deepest = POWER_POLICY_D3COLD,
	.wake = POWER_WAKE_REARM,
	.max_wakes_per_min = 7,
	.min_off_ms = 70,
};
static struct power_policy_config policy;
static char why[256];

static int read_order(const char *text)
{
	json_t *order = json_loads(text, 0, NULL);
	int r;

	policy = before;
	why[0] = '\0';
	r = policy_order_read(order, &policy, why, sizeof(why));
	json_decref(order);
	return r;
}

START_TEST(what_is_named_changes)
{
	ck_assert_int_eq(read_order("{\"id\":\"gpu\",\"power\":\"on\"}"), 0);
	ck_assert_int_eq(policy.deepest, POWER_POLICY_ON);
	ck_assert_int_eq(policy.wake, POWER_WAKE_REARM);
	ck_assert_uint_eq(policy.max_wakes_per_min, 7);
	ck_assert_uint_eq(policy.min_off_ms, 70);
	ck_assert_int_eq(read_order("{\"wake\":\"notify\",\"max_wakes_per_min\":0,"
				    "\"min_off_ms\":3600000,\"id\":\"gpu\"}"),
			 0);
	ck_assert_int_eq(policy.deepest, POWER_POLICY_D3COLD);
	ck_assert_int_eq(policy.wake, POWER_WAKE_NOTIFY);
	ck_assert_uint_eq(policy.max_wakes_per_min, 0);
	ck_assert_uint_eq(policy.min_off_ms, 3600000);
}
END_TEST

#define WHAT "say for which device and what, such as {\"id\":\"gpu\",\"power\":\"d3hot\"}"

static const struct {
	const char *order, *why;
} bad[] = {
	{ "{}", WHAT },
	{ "[]", WHAT },
	{ "{\"id\":\"gpu\"}", WHAT },
	{ "{\"id\":7,\"power\":\"on\"}", WHAT },
	{ "{\"power\":\"on\",\"wake\":\"rearm\"}", WHAT },
	{ "{\"id\":\"gpu\",\"power\":\"d4\"}", "power: want one of \"d3cold\", \"d3hot\", \"on\"" },
	{ "{\"id\":\"gpu\",\"wake\":true}", "wake: want one of \"notify\", \"rearm\"" },
	{ "{\"id\":\"gpu\",\"max_wakes_per_min\":-1}",
	  "max_wakes_per_min: want a number from 0 to 600" },
	{ "{\"id\":\"gpu\",\"max_wakes_per_min\":601}",
	  "max_wakes_per_min: want a number from 0 to 600" },
	{ "{\"id\":\"gpu\",\"min_off_ms\":4294967296}",
	  "min_off_ms: want a number from 0 to 3600000" },
	{ "{\"id\":\"gpu\",\"min_off_ms\":1.5}", "min_off_ms: want a number from 0 to 3600000" },
	{ "{\"id\":\"gpu\",\"power\":\"on\",\"depth\":1}",
	  "unknown key 'depth': known are id, power, wake, max_wakes_per_min, min_off_ms" },
};

START_TEST(bad_order_changes_nothing)
{
	ck_assert_int_eq(read_order(bad[_i].order), -EINVAL);
	ck_assert_str_eq(why, bad[_i].why);
	ck_assert_int_eq(memcmp(&policy, &before, sizeof(policy)), 0);
}
END_TEST

START_TEST(no_order_is_a_bad_one)
{
	policy = before;
	ck_assert_int_eq(policy_order_read(NULL, &policy, why, sizeof(why)), -EINVAL);
	ck_assert_ptr_null(policy_order_id(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy order");
	TCase *tcase = suite_case(suite, "order", NULL, NULL);

	tcase_add_test(tcase, what_is_named_changes);
	tcase_add_loop_test(tcase, bad_order_changes_nothing, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, no_order_is_a_bad_one);
	return suite_run(suite);
}
