/* SPDX-License-Identifier: BSD-3-Clause */
/* Wakes and their rate, times between entries, and a policy that changes while the slot runs. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/power_slot.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define SECONDS(n) (UINT64_C(1000000000) * (n))

static struct fake_vfio *fn(unsigned i)
{
	return host.functions[i].fake;
}

static void start(unsigned nr, const struct power_policy_config *policy)
{
	slot_rig_make(nr);
	slot_rig_start(&(struct power_slot_config){ .policy = *policy });
}

static bool told(json_t *properties)
{
	json_t *value = json_object_get(properties, "told");

	ck_assert(json_is_boolean(value));
	return json_is_true(value);
}

/* --- the sliding minute -------------------------------------------------------------------------
 */

static struct power_budget budget;

static void empty_budget(void)
{
	memset(&budget, 0, sizeof(budget));
}

START_TEST(no_limit_takes_for_ever)
{
	for (unsigned i = 0; i < 3 * POWER_MAX_WAKES_PER_MIN; i++)
		ck_assert(power_budget_take(&budget, 0, SECONDS(1)));
}
END_TEST

START_TEST(a_minute_slides)
{
	for (unsigned s = 100; s <= 120; s += 10)
		ck_assert(power_budget_take(&budget, 3, SECONDS(s)));
	ck_assert_uint_eq(power_budget_next(&budget, 3, SECONDS(121)), SECONDS(160));
	ck_assert(!power_budget_take(&budget, 3, SECONDS(160) - 1));
	ck_assert(power_budget_take(&budget, 3, SECONDS(160)));
	/* The one that was refused did not count. */
	ck_assert_uint_eq(power_budget_next(&budget, 3, SECONDS(161)), SECONDS(170));
	ck_assert(power_budget_take(&budget, 3, SECONDS(190)));
	ck_assert(power_budget_take(&budget, 3, SECONDS(191)));
	ck_assert(!power_budget_take(&budget, 3, SECONDS(192)));
}
END_TEST

START_TEST(the_limit_may_change)
{
	for (unsigned s = 100; s < 110; s++)
		ck_assert(power_budget_take(&budget, 10, SECONDS(s)));
	ck_assert_uint_eq(power_budget_next(&budget, 2, SECONDS(110)), SECONDS(168));
	ck_assert_uint_eq(power_budget_next(&budget, 11, SECONDS(110)), SECONDS(110));
	ck_assert_uint_eq(power_budget_next(&budget, 0, SECONDS(110)), SECONDS(110));
}
END_TEST

START_TEST(the_largest_limit_holds_after_the_ring_is_full)
{
	const unsigned max = POWER_MAX_WAKES_PER_MIN;
	uint64_t step = SECONDS(60) / max, t = SECONDS(1000);

	for (unsigned i = 0; i < 5 * max + 7; i++, t += step)
		ck_assert(power_budget_take(&budget, max, t));
	ck_assert(!power_budget_take(&budget, max, t - 1));
	ck_assert(power_budget_take(&budget, max, t));
}
END_TEST

/* --- wakes --------------------------------------------------------------------------------------
 */

static void one_wake_a_minute(void)
{
	start(1, &(struct power_policy_config){ .max_wakes_per_min = 1 });
}

static void rearm(void)
{
	start(1, &(struct power_policy_config){ .wake = POWER_WAKE_REARM });
}

static void rearm_once_a_minute(void)
{
	start(1, &(struct power_policy_config){ .wake = POWER_WAKE_REARM, .max_wakes_per_min = 1 });
}

/* A wake that the guest hears of, and what follows from it. */
static void use_up_the_told(void)
{
	go_cold();
	foreign_wake(0);
	ck_assert(told(expect_event("power-wake")));
	wait_wake();
	go_on();
	go_cold();
}

START_TEST(a_wake_above_the_limit_is_not_told_and_low_power_asked_for_again)
{
	use_up_the_told();
	foreign_wake(0);
	ck_assert(!told(expect_event("power-wake")));
	expect_event("power-entry-issued");
	expect_event("power-d3cold");
	ck_assert_str_eq(host.order, "e0 x0 e0 e0 ");
	ck_assert_uint_eq(host.wakes, 1);
	ck_assert_uint_eq(host.slot->notes.stats.marks[POWER_MARK_WAKE], 2);
	ck_assert_uint_eq(host.slot->notes.stats.untold_wakes, 1);
	ck_assert_uint_eq(power_slot_status(host.slot), 0);
	ck_assert(guest_sees_nothing(0));
	go_on();
}
END_TEST

START_TEST(after_a_minute_wakes_are_told_again)
{
	use_up_the_told();
	host.slot->told.at[0] -= POWER_BUDGET_SPAN_NS;
	foreign_wake(0);
	ck_assert(told(expect_event("power-wake")));
}
END_TEST

START_TEST(rearm_tells_the_guest_nothing)
{
	go_cold();
	for (unsigned i = 0; i < 3; i++) {
		foreign_wake(0);
		ck_assert(!told(expect_event("power-wake")));
		expect_event("power-entry-issued");
		expect_event("power-d3cold");
	}
	ck_assert_str_eq(host.order, "e0 e0 e0 e0 ");
	ck_assert_uint_eq(host.wakes, 0);
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 0);
	ck_assert(guest_sees_nothing(0));
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(rearm_stays_awake_until_the_minute_allows_it)
{
	uint64_t first;

	go_cold();
	foreign_wake(0);
	wait_event("power-d3cold");
	first = host.slot->reentered.at[0];
	foreign_wake(0);
	json_t *p = expect_event("power-wake");
	json_int_t again = json_integer_value(json_object_get(p, "again_ns"));
	ck_assert_int_gt(again, SECONDS(30));
	ck_assert_int_le(again, SECONDS(60));
	usleep(50000);
	expect_no_event();
	ck_assert_uint_eq(host.slot->enter_ns, first + POWER_BUDGET_SPAN_NS);
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D0);
	/* A minute later: */
	host.slot->enter_ns = 1;
	power_slot_kick(host.slot);
	expect_event("power-entry-issued");
	expect_event("power-d3cold");
	ck_assert_str_eq(host.order, "e0 e0 e0 ");
}
END_TEST

START_TEST(on_ends_the_wait_for_the_minute)
{
	go_cold();
	foreign_wake(0);
	wait_event("power-d3cold");
	foreign_wake(0);
	expect_event("power-wake");
	go_on();
	ck_assert_uint_eq(host.slot->enter_ns, 0);
	ck_assert(guest_sees(0));
	/* And a new _OFF needs no budget. */
	go_cold();
}
END_TEST

START_TEST(a_wake_before_the_entry_returns_is_a_wake)
{
	host.functions[0].wakes_at_entry = true;
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	ck_assert(told(expect_event("power-wake")));
	wait_wake();
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 1 << 0);
	go_on();
	expect_no_event();
}
END_TEST

START_TEST(with_rearm_it_is_undone)
{
	host.functions[0].wakes_at_entry = true;
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	ck_assert(!told(expect_event("power-wake")));
	expect_event("power-entry-issued");
	expect_event("power-d3cold");
	ck_assert_str_eq(host.order, "e0 e0 ");
}
END_TEST

START_TEST(rearm_enters_what_woke_and_nothing_else)
{
	start(2, &(struct power_policy_config){ .wake = POWER_WAKE_REARM });
	go_cold();
	foreign_wake(1);
	wait_event("power-d3cold");
	ck_assert_str_eq(host.order, "e1 e0 e1 ");
}
END_TEST

/* --- time between entries -----------------------------------------------------------------------
 */

#define LONG_MS	 POWER_MAX_MIN_OFF_MS
#define SHORT_MS 300

static void long_min_off(void)
{
	start(1, &(struct power_policy_config){ .min_off_ms = LONG_MS });
}

static void off_is_held_back(void)
{
	power_slot_command(host.slot, CVM_CMD_OFF);
	expect_event("power-off-asked");
	expect_event("power-entry-held-back");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert(guest_sees_nothing(0));
}

START_TEST(the_first_entry_waits_for_nothing)
{
	go_cold();
}
END_TEST

START_TEST(an_entry_waits_until_the_device_was_awake_long_enough)
{
	uint64_t from;

	start(1, &(struct power_policy_config){ .min_off_ms = SHORT_MS });
	go_cold();
	go_on();
	from = host.slot->back_ns;
	off_is_held_back();
	ck_assert_str_eq(host.order, "e0 x0 ");
	expect_event("power-entry-issued");
	ck_assert_uint_ge(now_ns() - from, UINT64_C(1000000) * SHORT_MS);
	expect_event("power-d3cold");
	ck_assert_str_eq(host.order, "e0 x0 e0 ");
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(on_before_it_is_due_asks_the_host_nothing)
{
	go_cold();
	go_on();
	for (unsigned i = 0; i < 3; i++) {
		off_is_held_back();
		power_slot_command(host.slot, CVM_CMD_ON);
		expect_event("power-on-asked");
		expect_event("power-entry-cancelled");
		ck_assert_uint_eq(settle_status(), CVM_STS_ON);
		ck_assert(guest_sees(0));
	}
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

START_TEST(a_shorter_time_lets_the_entry_go)
{
	go_cold();
	go_on();
	off_is_held_back();
	ck_assert_int_eq(power_slot_set_policy(host.slot, &(struct power_policy_config){ 0 }), 0);
	expect_event("power-policy");
	expect_event("power-entry-issued");
	expect_event("power-d3cold");
	ck_assert(guest_sees_nothing(0));
	ck_assert_str_eq(host.order, "e0 x0 e0 ");
}
END_TEST

START_TEST(the_end_comes_while_an_entry_waits)
{
	go_cold();
	go_on();
	off_is_held_back();
	power_slot_destroy(host.slot);
	host.slot = NULL;
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

START_TEST(a_request_comes_while_an_entry_waits)
{
	go_cold();
	go_on();
	off_is_held_back();
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "close"), 1);
}
END_TEST

/* --- another policy -----------------------------------------------------------------------------
 */

static void with_defaults(void)
{
	slot_rig_start_default(1);
}

static void set_deepest(enum power_policy deepest)
{
	const struct power_policy_config policy = { .deepest = deepest };
	struct power_policy_config got;

	ck_assert_int_eq(power_slot_set_policy(host.slot, &policy), 0);
	power_slot_get_policy(host.slot, &got);
	ck_assert_int_eq(got.deepest, deepest);
}

START_TEST(power_on_wakes_a_cold_device_and_shows_nothing)
{
	go_cold();
	set_deepest(POWER_POLICY_ON);
	expect_event("power-exit-returned");
	json_t *p = expect_event("power-policy");
	ck_assert_str_eq(event_text(p, "power"), "on");
	ck_assert_str_eq(event_text(p, "backend"), "none");
	ck_assert_str_eq(event_text(expect_event("power-entry-issued"), "backend"), "none");
	ck_assert_str_eq(event_text(expect_event("power-reached"), "device_state"), "D0");
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D0);
	ck_assert_uint_eq(power_slot_status(host.slot), 0);
	ck_assert(guest_sees_nothing(0));
	ck_assert_uint_eq(host.wakes, 0);
	ck_assert_str_eq(host.order, "e0 x0 ");
	go_on();
	ck_assert(guest_sees(0));
	expect_no_event();
}
END_TEST

START_TEST(and_d3cold_takes_it_down_again)
{
	go_cold();
	set_deepest(POWER_POLICY_ON);
	wait_event("power-reached");
	set_deepest(POWER_POLICY_D3COLD);
	wait_event("power-d3cold");
	ck_assert_str_eq(host.order, "e0 x0 e0 ");
	ck_assert(guest_sees_nothing(0));
	go_on();
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(d3hot_takes_a_cold_device_up_to_d3hot)
{
	go_cold();
	set_deepest(POWER_POLICY_D3HOT);
	ck_assert_str_eq(event_text(wait_event("power-reached"), "device_state"), "D3hot");
	ck_assert_str_eq(host.order, "e0 x0 30 ");
	go_on();
	ck_assert_str_eq(host.order, "e0 x0 30 00 ");
}
END_TEST

START_TEST(a_policy_of_a_slot_that_is_on_holds_from_the_next_off)
{
	set_deepest(POWER_POLICY_D3HOT);
	expect_event("power-policy");
	ck_assert_str_eq(host.order, "");
	ck_assert(guest_sees(0));
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert_str_eq(event_text(wait_event("power-reached"), "device_state"), "D3hot");
	go_on();
	set_deepest(POWER_POLICY_D3COLD);
	wait_event("power-policy");
	go_cold();
	ck_assert_str_eq(host.order, "30 00 e0 ");
}
END_TEST

START_TEST(a_slot_made_without_low_power_learns_of_it)
{
	start(1, &(struct power_policy_config){ .deepest = POWER_POLICY_ON });
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_probe"), 0);
	set_deepest(POWER_POLICY_D3COLD);
	ck_assert_str_eq(event_text(expect_event("power-policy"), "backend"), "lowpower");
	go_cold();
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_LOWPOWER);
}
END_TEST

START_TEST(the_same_policy_again_touches_no_device)
{
	go_cold();
	fake_vfio_clear(fn(0));
	set_deepest(POWER_POLICY_D3COLD);
	expect_event("power-policy");
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
	ck_assert_int_eq(host.functions[0].state, HOST_POWER_D3COLD);
}
END_TEST

START_TEST(rearm_takes_a_slot_down_that_a_told_wake_left_up)
{
	go_cold();
	foreign_wake(0);
	wait_wake();
	expect_event("power-wake");
	ck_assert_int_eq(
		power_slot_set_policy(host.slot,
				      &(struct power_policy_config){ .wake = POWER_WAKE_REARM }),
		0);
	expect_event("power-policy");
	expect_event("power-entry-issued");
	expect_event("power-d3cold");
}
END_TEST

START_TEST(a_policy_during_an_exit_waits_for_its_end)
{
	go_cold();
	hold(&host.hold_exit);
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_held();
	set_deepest(POWER_POLICY_ON);
	release();
	expect_event("power-on-asked");
	expect_event("power-exit-returned");
	expect_event("power-alive");
	expect_event("power-policy");
	ck_assert(guest_sees(0));
}
END_TEST

START_TEST(a_failed_slot_takes_the_policy_when_it_is_back)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_event("power-failed");
	set_deepest(POWER_POLICY_ON);
	usleep(20000);
	expect_no_event();
	host.functions[0].dead_exits = 0;
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_event("power-alive");
	expect_event("power-policy");
}
END_TEST

START_TEST(policies_outside_of_their_limits_change_nothing)
{
	static const struct power_policy_config wrong[] = {
		{ .deepest = (enum power_policy)3 },
		{ .wake = (enum power_wake)2 },
		{ .max_wakes_per_min = POWER_MAX_WAKES_PER_MIN + 1 },
		{ .min_off_ms = POWER_MAX_MIN_OFF_MS + 1 },
	};
	struct power_policy_config got;

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(power_slot_set_policy(host.slot, &wrong[i]), -EINVAL);
	power_slot_get_policy(host.slot, &got);
	ck_assert_int_eq(memcmp(&got, &(struct power_policy_config){ 0 }, sizeof(got)), 0);
	expect_no_event();
}
END_TEST

START_TEST(a_released_slot_has_no_policy)
{
	power_slot_request(host.slot, &fn(0)->device);
	wait_phase(POWER_FAILED);
	ck_assert_int_eq(power_slot_set_policy(host.slot, &(struct power_policy_config){ 0 }),
			 -ENODEV);
}
END_TEST

/* --- many threads -------------------------------------------------------------------------------
 */

#define ROUNDS 400
#define HANDS  3

static void *hammer(void *opaque)
{
	unsigned seed = *(unsigned *)opaque;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct power_policy_config policy = {
			.deepest = (enum power_policy)(rand_r(&seed) % 3),
			.wake = (enum power_wake)(rand_r(&seed) % 2),
			.max_wakes_per_min = (unsigned)rand_r(&seed) % 3,
			.min_off_ms = (unsigned)rand_r(&seed) % 2,
		};

		if (rand_r(&seed) % 4 == 0)
			ck_assert_int_eq(power_slot_set_policy(host.slot, &policy), 0);
		else
			power_slot_command(host.slot, rand_r(&seed) % 2 ? CVM_CMD_ON : CVM_CMD_OFF);
	}
	return NULL;
}

START_TEST(policies_and_commands_from_many_threads_end_as_the_last_ones_say)
{
	static unsigned seeds[HANDS] = { 1, 2, 3 };
	pthread_t threads[HANDS];

	start(2, &(struct power_policy_config){ 0 });
	event_monitor_exit(&host.monitor);
	event_monitor_init(&host.monitor, -1); /* nobody reads */
	for (unsigned i = 0; i < HANDS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &seeds[i]), 0);
	for (unsigned i = 0; i < HANDS; i++)
		pthread_join(threads[i], NULL);
	power_slot_command(host.slot, CVM_CMD_OFF);
	set_deepest(POWER_POLICY_D3COLD);
	ck_assert_uint_eq(settle_status(), 0);
	wait_state(0, HOST_POWER_D3COLD);
	wait_state(1, HOST_POWER_D3COLD);
	ck_assert(guest_sees_nothing(0));
	power_slot_command(host.slot, CVM_CMD_ON);
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	ck_assert(guest_sees(0));
	ck_assert(guest_sees(1));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("power: policy");
	TCase *t = suite_case(s, "sliding minute", empty_budget, NULL);

	tcase_add_test(t, no_limit_takes_for_ever);
	tcase_add_test(t, a_minute_slides);
	tcase_add_test(t, the_limit_may_change);
	tcase_add_test(t, the_largest_limit_holds_after_the_ring_is_full);

	t = suite_case(s, "one wake a minute", one_wake_a_minute, slot_rig_free);
	tcase_add_test(t, a_wake_above_the_limit_is_not_told_and_low_power_asked_for_again);
	tcase_add_test(t, after_a_minute_wakes_are_told_again);
	tcase_add_test(t, a_wake_before_the_entry_returns_is_a_wake);

	t = suite_case(s, "rearm", rearm, slot_rig_free);
	tcase_add_test(t, rearm_tells_the_guest_nothing);
	tcase_add_test(t, with_rearm_it_is_undone);

	t = suite_case(s, "rearm once a minute", rearm_once_a_minute, slot_rig_free);
	tcase_add_test(t, rearm_stays_awake_until_the_minute_allows_it);
	tcase_add_test(t, on_ends_the_wait_for_the_minute);

	t = suite_case(s, "min-off-ms", long_min_off, slot_rig_free);
	tcase_add_test(t, the_first_entry_waits_for_nothing);
	tcase_add_test(t, on_before_it_is_due_asks_the_host_nothing);
	tcase_add_test(t, a_shorter_time_lets_the_entry_go);
	tcase_add_test(t, the_end_comes_while_an_entry_waits);
	tcase_add_test(t, a_request_comes_while_an_entry_waits);

	t = suite_case(s, "another policy", with_defaults, slot_rig_free);
	tcase_add_test(t, power_on_wakes_a_cold_device_and_shows_nothing);
	tcase_add_test(t, and_d3cold_takes_it_down_again);
	tcase_add_test(t, d3hot_takes_a_cold_device_up_to_d3hot);
	tcase_add_test(t, a_policy_of_a_slot_that_is_on_holds_from_the_next_off);
	tcase_add_test(t, the_same_policy_again_touches_no_device);
	tcase_add_test(t, rearm_takes_a_slot_down_that_a_told_wake_left_up);
	tcase_add_test(t, a_policy_during_an_exit_waits_for_its_end);
	tcase_add_test(t, a_failed_slot_takes_the_policy_when_it_is_back);
	tcase_add_test(t, policies_outside_of_their_limits_change_nothing);
	tcase_add_test(t, a_released_slot_has_no_policy);

	t = suite_case(s, "slots of their own", NULL, slot_rig_free);
	tcase_add_test(t, rearm_enters_what_woke_and_nothing_else);
	tcase_add_test(t, an_entry_waits_until_the_device_was_awake_long_enough);
	tcase_add_test(t, a_slot_made_without_low_power_learns_of_it);
	tcase_add_test(t, policies_and_commands_from_many_threads_end_as_the_last_ones_say);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
