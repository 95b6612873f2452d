/* SPDX-License-Identifier: BSD-3-Clause */
/* The way down: _OFF, the order of its steps, what the host refuses, and what was reached. */
#include <errno.h>
#include <stdio.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "acpi/abi.h"
#include "devices/vfio/power_events.h"
#include "devices/vfio/power_notes.h"
#include "devices/vfio/power_report.h"
#include "tests/unit/log_rig.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

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

/* Result that the event gives for function @i. */
static int rc_of(json_t *properties, unsigned i)
{
	json_t *function = json_array_get(json_object_get(properties, "functions"), i);

	ck_assert_str_eq(event_text(function, "id"), fn(i)->device.id);
	return (int)json_integer_value(json_object_get(function, "rc"));
}

static uint64_t number(json_t *properties, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(properties, key)), "no number %s", key);
	return (uint64_t)json_integer_value(json_object_get(properties, key));
}

/* --- order --------------------------------------------------------------------------------------
 */

START_TEST(a_slot_starts_on_and_idle)
{
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_ON);
	ck_assert_uint_eq(power_slot_hint(host.slot), 0);
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 0);
	ck_assert_int_eq(power_slot_backend(host.slot), POWER_BACKEND_LOWPOWER);
	ck_assert(guest_sees(0));
	expect_no_event();
}
END_TEST

START_TEST(config_is_sealed_when_off_returns)
{
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	fake_vfio_clear(fn(0));
	ck_assert_uint_eq(fake_vfio_config_read(fn(0), PCI_VENDOR_ID, 4), 0xffffffff);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "region_read"), 0);
}
END_TEST

START_TEST(off_does_not_wait_for_the_host)
{
	hold(&host.hold_hide);
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert(power_slot_status(host.slot) & CVM_STS_BUSY);
	wait_held();
}
END_TEST

START_TEST(status_is_on_until_the_entry_is_issued)
{
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_ON | CVM_STS_BUSY);
	release();
	ck_assert_uint_eq(settle_status(), 0);
}
END_TEST

/* The order against seal and drain is watched by slot_rig.c at each call. */
START_TEST(bars_leave_memslots_and_iommu_before_the_entry)
{
	go_cold();
	int entry = fake_vfio_find(fn(0), "low_power_entry", 0);

	ck_assert_int_ge(entry, 0);
	ck_assert_int_ge(fake_vfio_find(fn(0), "dma_unmap", 0), 0);
	ck_assert_int_lt(fake_vfio_find(fn(0), "dma_unmap", 0), entry);
	ck_assert_int_eq(fake_vfio_find(fn(0), "dma_unmap", (unsigned)entry), -1);
	ck_assert(guest_sees_nothing(0));
}
END_TEST

START_TEST(a_signal_from_before_the_entry_is_drained)
{
	go_cold();
	go_on();
	eventfd_write(host.functions[0].wakeup_fd, 3);
	go_cold();
	expect_no_event();
	ck_assert_uint_eq(power_slot_take_wakes(host.slot), 0);
}
END_TEST

START_TEST(the_last_function_enters_first)
{
	go_cold();
	ck_assert_str_eq(host.order, "e1 e0 ");
}
END_TEST

START_TEST(all_functions_are_hidden_before_any_enters)
{
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	ck_assert(guest_sees_nothing(0));
	ck_assert(guest_sees_nothing(1));
}
END_TEST

START_TEST(off_twice_is_off_once)
{
	go_cold();
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert_uint_eq(power_slot_status(host.slot), 0);
	expect_no_event();
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_entry"), 1);
}
END_TEST

START_TEST(off_while_off_is_under_way_is_off_once)
{
	hold(&host.hold_entry);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	power_slot_command(host.slot, CVM_CMD_OFF);
	release();
	wait_event("power-d3cold");
	expect_no_event();
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_entry"), 1);
}
END_TEST

START_TEST(commands_that_are_none_do_nothing)
{
	power_slot_command(host.slot, 0);
	power_slot_command(host.slot, 3);
	ck_assert_uint_eq(power_slot_status(host.slot), CVM_STS_ON);
	expect_no_event();
}
END_TEST

START_TEST(on_before_the_entry_calls_it_off)
{
	hold(&host.hold_hide);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_held();
	power_slot_command(host.slot, CVM_CMD_ON);
	release();
	expect_event("power-off-asked");
	expect_event("power-on-asked");
	expect_event("power-entry-cancelled");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	ck_assert_uint_eq(fake_vfio_count(fn(0), "low_power_entry"), 0);
	ck_assert(guest_sees(0));
}
END_TEST

/* --- while it is cold ---------------------------------------------------------------------------
 */

static void guest_pokes(struct fake_vfio *fake)
{
	struct vfio_device *device = &fake->device;

	for (unsigned off = 0; off < PCI_CONFIG_SIZE; off += 4) {
		(void)fake_vfio_config_read(fake, off, 4);
		fake_vfio_config_write(fake, off, 0x5a5a5a5a, 4);
	}
	fake_vfio_config_write(fake, FAKE_VFIO_PM + PCI_PM_CTRL, 3, 2);
	fake_vfio_config_write(fake, FAKE_VFIO_PM + PCI_PM_CTRL, 0, 2);
	for (unsigned off = 0; off < FAKE_VFIO_BAR0_SIZE; off += 0x800) {
		(void)bus_read(device->mmio, FAKE_VFIO_BAR0 + off, 4);
		bus_write(device->mmio, FAKE_VFIO_BAR0 + off, 0, 4);
	}
	(void)bus_read(device->pio, FAKE_VFIO_BAR4, 4);
	bus_write(device->pio, FAKE_VFIO_BAR4, 0, 1);
}

START_TEST(nothing_touches_the_descriptor_between_entry_and_exit)
{
	go_cold();
	fake_vfio_clear(fn(0));
	guest_pokes(fn(0));
	(void)power_slot_status(host.slot);
	(void)power_slot_hint(host.slot);
	(void)power_slot_take_wakes(host.slot);
	ck_assert_uint_eq(fake_vfio_count(fn(0), NULL), 0);
	ck_assert(guest_sees_nothing(0));
	go_on();
	int exit = fake_vfio_find(fn(0), "low_power_exit", 0);

	for (int i = 0; i < exit; i++)
		ck_assert_ptr_nonnull(strstr(fake_vfio_call(fn(0), (unsigned)i), "power_state"));
}
END_TEST

START_TEST(what_the_guest_writes_while_cold_is_lost)
{
	uint8_t before[64], after[64];

	for (unsigned off = 0; off < 64; off++)
		before[off] = (uint8_t)fake_vfio_config_read(fn(0), off, 1);
	go_cold();
	guest_pokes(fn(0));
	go_on();
	for (unsigned off = 0; off < 64; off++)
		after[off] = (uint8_t)fake_vfio_config_read(fn(0), off, 1);
	ck_assert_mem_eq(before, after, 64);
	ck_assert(guest_sees(0));
}
END_TEST

/* --- what was reached ---------------------------------------------------------------------------
 */

START_TEST(d3cold_is_said_when_it_is_observed)
{
	host.functions[0].sleeps = HOST_POWER_D0;
	power_slot_command(host.slot, CVM_CMD_OFF);
	expect_event("power-off-asked");
	json_t *p = expect_event("power-entry-issued");
	ck_assert_str_eq(event_text(p, "backend"), "lowpower");
	ck_assert_int_eq(rc_of(p, 0), 0);
	expect_no_event();
	pthread_mutex_lock(&host.lock);
	host.functions[0].state = host.port = HOST_POWER_D3COLD;
	pthread_mutex_unlock(&host.lock);
	p = expect_event("power-d3cold");
	ck_assert_str_eq(event_text(p, "device_state"), "D3cold");
	ck_assert_str_eq(event_text(p, "port_state"), "D3cold");
}
END_TEST

START_TEST(status_is_off_before_d3cold_is_observed)
{
	host.functions[0].sleeps = HOST_POWER_D0;
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert(guest_sees_nothing(0));
}
END_TEST

START_TEST(events_carry_their_slot_and_times_in_order)
{
	power_slot_command(host.slot, CVM_CMD_OFF);
	json_t *p = expect_event("power-off-asked");
	uint64_t asked = number(p, "t_ns");
	ck_assert_str_eq(event_text(p, "id"), "fn0");
	ck_assert_uint_eq(number(p, "slot"), 0);
	p = expect_event("power-entry-issued");
	uint64_t issued = number(p, "t_ns");
	ck_assert_uint_ge(issued - number(p, "took_ns"), asked);
	uint64_t started = issued - number(p, "took_ns");
	p = expect_event("power-d3cold");
	ck_assert_uint_eq(number(p, "t_ns") - number(p, "since_ns"), started);
	ck_assert_uint_le(number(p, "t_ns"), now_ns());
}
END_TEST

START_TEST(a_deadline_is_said_with_what_was_reached)
{
	host.functions[0].sleeps = HOST_POWER_D3HOT;
	host.port = HOST_POWER_D0;
	power_slot_command(host.slot, CVM_CMD_OFF);
	json_t *p = wait_event("power-deadline");
	ck_assert_str_eq(event_text(p, "device_state"), "D3hot");
	ck_assert_str_eq(event_text(p, "port_state"), "D0");
	ck_assert_uint_ge(number(p, "since_ns"), 1000000000);
	ck_assert_uint_eq(power_slot_status(host.slot), 0);
	go_on();
}
END_TEST

START_TEST(the_shallowest_function_counts)
{
	host.functions[1].sleeps = HOST_POWER_D0;
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert_str_eq(event_text(wait_event("power-deadline"), "device_state"), "D0");
	go_on();
}
END_TEST

START_TEST(on_ends_the_observation)
{
	host.functions[0].sleeps = HOST_POWER_D0;
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-entry-issued");
	power_slot_command(host.slot, CVM_CMD_ON);
	expect_event("power-on-asked");
	expect_event("power-exit-returned");
	expect_event("power-alive");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
}
END_TEST

/* --- refusals -----------------------------------------------------------------------------------
 */

static const int refusals[] = { EINVAL, EBUSY, ENOTTY, EIO };

START_TEST(a_refused_entry_is_off_for_the_guest_and_said)
{
	fake_vfio_refuse(fn(0), "low_power_entry", refusals[_i], 1);
	power_slot_command(host.slot, CVM_CMD_OFF);
	expect_event("power-off-asked");
	ck_assert_int_eq(rc_of(expect_event("power-entry-issued"), 0), -refusals[_i]);
	ck_assert_str_eq(event_text(expect_event("power-reached"), "device_state"), "D0");
	ck_assert_uint_eq(settle_status(), 0);
	ck_assert(guest_sees_nothing(0));
	expect_no_event();
}
END_TEST

START_TEST(a_slot_whose_entry_was_refused_comes_back)
{
	fake_vfio_refuse(fn(0), "low_power_entry", refusals[_i], 1);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-reached");
	go_on();
	ck_assert(guest_sees(0));
	go_cold();
}
END_TEST

START_TEST(one_refusal_does_not_keep_the_others_from_entering)
{
	fake_vfio_refuse(fn(1), "low_power_entry", EBUSY, 1);
	power_slot_command(host.slot, CVM_CMD_OFF);
	json_t *p = wait_event("power-entry-issued");
	ck_assert_int_eq(rc_of(p, 0), 0);
	ck_assert_int_eq(rc_of(p, 1), -EBUSY);
	ck_assert_str_eq(event_text(expect_event("power-reached"), "device_state"), "D0");
	ck_assert_uint_eq(settle_status(), 0);
	go_on();
	ck_assert(guest_sees(0));
	ck_assert(guest_sees(1));
}
END_TEST

/* --- floods -------------------------------------------------------------------------------------
 */

START_TEST(a_guest_cannot_flood_the_log)
{
	uint64_t begin = now_ns();

	fake_vfio_refuse(fn(0), "low_power_entry", EBUSY, 0);
	log_rig_begin();
	for (unsigned i = 0; i < 50; i++) {
		power_slot_command(host.slot, CVM_CMD_OFF);
		wait_event("power-reached");
		go_on();
	}
	ck_assert_uint_le(log_rig_lines(),
			  RATE_LIMIT_BURST + (now_ns() - begin) / RATE_LIMIT_PERIOD_NS);
	log_rig_end();
	ck_assert_ptr_nonnull(strstr(log_rig.text, "the host refused low power"));
}
END_TEST

static unsigned heard;
static char last_heard[1024];

static void hear(void *opaque, const char *text, size_t len)
{
	(void)opaque;
	heard++;
	snprintf(last_heard, sizeof(last_heard), "%.*s", (int)len, text);
}

START_TEST(a_guest_cannot_flood_the_events)
{
	const struct timespec pause = { .tv_nsec = 2 * POWER_EVENT_PERIOD_NS };
	uint64_t begin = now_ns();
	json_t *counters;

	event_monitor_listen(&host.monitor, hear, NULL);
	for (unsigned i = 0; i < 3 * POWER_EVENT_BURST; i++)
		power_event_plain(host.slot, "power-exit-cancelled", NULL, now_ns());
	ck_assert_uint_ge(heard, POWER_EVENT_BURST);
	ck_assert_uint_le(heard,
			  POWER_EVENT_BURST + (now_ns() - begin) / POWER_EVENT_PERIOD_NS + 1);
	nanosleep(&pause, NULL);
	power_event_plain(host.slot, "power-exit-cancelled", NULL, now_ns());
	ck_assert_ptr_nonnull(strstr(last_heard, "\"suppressed\":"));
	/* Counts know of all. */
	counters = power_report_counters(host.slot);
	ck_assert_int_eq(json_integer_value(json_object_get(counters, "exits_cancelled")),
			 3 * POWER_EVENT_BURST + 1);
	json_decref(counters);
	event_monitor_listen(&host.monitor, NULL, NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("power: off");
	TCase *t = suite_case(s, "order", one_function, slot_rig_free);

	tcase_add_test(t, a_slot_starts_on_and_idle);
	tcase_add_test(t, config_is_sealed_when_off_returns);
	tcase_add_test(t, off_does_not_wait_for_the_host);
	tcase_add_test(t, status_is_on_until_the_entry_is_issued);
	tcase_add_test(t, bars_leave_memslots_and_iommu_before_the_entry);
	tcase_add_test(t, a_signal_from_before_the_entry_is_drained);
	tcase_add_test(t, off_twice_is_off_once);
	tcase_add_test(t, off_while_off_is_under_way_is_off_once);
	tcase_add_test(t, commands_that_are_none_do_nothing);
	tcase_add_test(t, on_before_the_entry_calls_it_off);
	tcase_add_test(t, nothing_touches_the_descriptor_between_entry_and_exit);
	tcase_add_test(t, what_the_guest_writes_while_cold_is_lost);

	t = suite_case(s, "what was reached", one_function, slot_rig_free);
	tcase_add_test(t, d3cold_is_said_when_it_is_observed);
	tcase_add_test(t, status_is_off_before_d3cold_is_observed);
	tcase_add_test(t, events_carry_their_slot_and_times_in_order);
	tcase_add_test(t, a_deadline_is_said_with_what_was_reached);
	tcase_add_test(t, on_ends_the_observation);

	t = suite_case(s, "refusals", one_function, slot_rig_free);
	tcase_add_loop_test(t, a_refused_entry_is_off_for_the_guest_and_said, 0,
			    ARRAY_SIZE(refusals));
	tcase_add_loop_test(t, a_slot_whose_entry_was_refused_comes_back, 0, ARRAY_SIZE(refusals));

	t = suite_case(s, "floods", one_function, slot_rig_free);
	tcase_add_test(t, a_guest_cannot_flood_the_log);
	tcase_add_test(t, a_guest_cannot_flood_the_events);

	t = suite_case(s, "two functions", two_functions, slot_rig_free);
	tcase_add_test(t, the_last_function_enters_first);
	tcase_add_test(t, all_functions_are_hidden_before_any_enters);
	tcase_add_test(t, the_shallowest_function_counts);
	tcase_add_test(t, one_refusal_does_not_keep_the_others_from_entering);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
