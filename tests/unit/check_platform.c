/* SPDX-License-Identifier: BSD-3-Clause */
/* Power off, reset, ABI version, and the events that interrupt the guest. */
#include "devices/platform.h"

#include <errno.h>
#include <pthread.h>

#include "acpi/abi.h"
#include "devices/ged.h"
#include "tests/fake/fake_kvm.h"
#include "tests/unit/log_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"

#define S5 (CVM_S5_TYPE << 2 | 0x20)

static struct bus pio;
static struct kvm kvm;
static struct irqchip irqchip;
static struct ged ged;
static unsigned power_offs, resets;

static void power_off(void *opaque)
{
	ck_assert_ptr_eq(opaque, &power_offs);
	power_offs++;
}

static void reset(void *opaque)
{
	ck_assert_ptr_eq(opaque, &power_offs);
	resets++;
}

static struct platform platform = {
	.power_off = power_off,
	.reset = reset,
	.opaque = &power_offs,
};

static void setup(void)
{
	const char *missing;

	power_offs = resets = 0;
	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(irqchip_init(&irqchip, &kvm), 0);
	bus_init(&pio);
	ck_assert_int_eq(platform_init(&platform, &pio), 0);
	ck_assert_int_eq(ged_init(&ged, &pio, &irqchip), 0);
}

static void teardown(void)
{
	bus_exit(&pio);
	irqchip_exit(&irqchip);
	kvm_close(&kvm);
}

START_TEST(s5_powers_off)
{
	bus_write(&pio, CVM_SLEEP_CTL, S5, 1);
	ck_assert_uint_eq(power_offs, 1);
	ck_assert_uint_eq(resets, 0);
}
END_TEST

START_TEST(sleep_needs_type_enable_and_a_byte)
{
	bus_write(&pio, CVM_SLEEP_CTL, CVM_S5_TYPE << 2, 1);
	bus_write(&pio, CVM_SLEEP_CTL, 0x20, 1);
	bus_write(&pio, CVM_SLEEP_CTL, 3 << 2 | 0x20, 1);
	bus_write(&pio, CVM_SLEEP_CTL, S5, 2);
	bus_write(&pio, CVM_SLEEP_CTL, S5, 4);
	bus_write(&pio, CVM_SLEEP_STS, S5, 1);
	ck_assert_uint_eq(power_offs + resets, 0);
}
END_TEST

START_TEST(the_reset_register_resets)
{
	bus_write(&pio, CVM_RESET_PORT, CVM_RESET_VALUE, 1);
	ck_assert_uint_eq(resets, 1);
	ck_assert_uint_eq(power_offs, 0);
}
END_TEST

START_TEST(other_values_and_widths_do_not_reset)
{
	bus_write(&pio, CVM_RESET_PORT, 0, 1);
	bus_write(&pio, CVM_RESET_PORT, 0xff, 1);
	bus_write(&pio, CVM_RESET_PORT, CVM_RESET_VALUE, 2);
	ck_assert_uint_eq(resets + power_offs, 0);
}
END_TEST

START_TEST(sleep_status_says_that_nothing_woke)
{
	ck_assert_uint_eq(bus_read(&pio, CVM_SLEEP_STS, 1), 0);
}
END_TEST

START_TEST(the_keyboard_controller_resets_and_is_not_there)
{
	ck_assert_uint_eq(bus_read(&pio, 0x64, 1), 0xff);
	bus_write(&pio, 0x64, 0xd1, 1);
	ck_assert_uint_eq(resets, 0);
	bus_write(&pio, 0x64, 0xfe, 1);
	ck_assert_uint_eq(resets, 1);
}
END_TEST

START_TEST(the_abi_version_can_be_read_whole)
{
	ck_assert_uint_eq(bus_read(&pio, CVM_ABI_PORT, 4), CVM_ABI_VERSION);
	ck_assert_uint_eq(bus_read(&pio, CVM_ABI_PORT, 1), 0xff);
	bus_write(&pio, CVM_ABI_PORT, 0x7777, 4);
	ck_assert_uint_eq(bus_read(&pio, CVM_ABI_PORT, 4), CVM_ABI_VERSION);
}
END_TEST

START_TEST(registers_that_are_taken_are_an_error)
{
	struct platform other = platform;

	ck_assert_int_eq(platform_init(&other, &pio), -EEXIST);
}
END_TEST

/* --- the generic event device ------------------------------------------------------------------
 */

START_TEST(an_event_is_pending_and_interrupts_once)
{
	unsigned before = fake_kvm.calls[FAKE_KVM_IRQ_LINE];

	ged_raise(&ged, CVM_GED_POWER);
	/* An edge: up and down again. */
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_IRQ_LINE], before + 2);
	ck_assert(!fake_kvm.pins[CVM_GED_GSI]);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), CVM_GED_POWER);
}
END_TEST

START_TEST(reading_events_clears_them)
{
	ged_raise(&ged, CVM_GED_WAKE);
	(void)bus_read(&pio, CVM_GED_EVENTS, 4);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), 0);
}
END_TEST

START_TEST(events_add_up_until_they_are_read)
{
	ged_raise(&ged, CVM_GED_WAKE);
	ged_raise(&ged, CVM_GED_POWER);
	ged_raise(&ged, CVM_GED_WAKE);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), CVM_GED_WAKE | CVM_GED_POWER);
}
END_TEST

START_TEST(a_read_of_another_width_loses_no_event)
{
	ged_raise(&ged, CVM_GED_WAKE);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 1), 0xff);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 2), 0xffff);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), CVM_GED_WAKE);
}
END_TEST

START_TEST(an_event_that_cannot_be_told_is_one_line)
{
	fake_kvm_refuse(FAKE_KVM_IRQ_LINE, EIO, 0);
	log_rig_begin();
	for (unsigned i = 0; i < 20; i++)
		ged_raise(&ged, CVM_GED_WAKE);
	ck_assert_uint_eq(log_rig_lines(), 1);
	log_rig_end();
	fake_kvm_refuse(FAKE_KVM_IRQ_LINE, 0, 0);
}
END_TEST

START_TEST(events_cannot_be_written)
{
	ged_raise(&ged, CVM_GED_WAKE);
	bus_write(&pio, CVM_GED_EVENTS, 0, 4);
	bus_write(&pio, CVM_GED_EVENTS, CVM_GED_POWER, 4);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), CVM_GED_WAKE);
}
END_TEST

START_TEST(an_event_that_cannot_interrupt_stays_pending)
{
	fake_kvm_refuse(FAKE_KVM_IRQ_LINE, EIO, 0);
	ged_raise(&ged, CVM_GED_WAKE);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), CVM_GED_WAKE);
}
END_TEST

#define RAISES 5000

static void *raise_often(void *opaque)
{
	for (unsigned i = 0; i < RAISES; i++)
		ged_raise(&ged, *(uint32_t *)opaque);
	return NULL;
}

START_TEST(events_of_two_threads_are_not_lost)
{
	uint32_t bits[2] = { CVM_GED_POWER, CVM_GED_WAKE };
	pthread_t threads[2];
	uint64_t seen = 0;

	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, raise_often, &bits[i]), 0);
	for (unsigned i = 0; i < RAISES; i++)
		seen |= bus_read(&pio, CVM_GED_EVENTS, 4);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	seen |= bus_read(&pio, CVM_GED_EVENTS, 4);
	ck_assert_uint_eq(seen, CVM_GED_POWER | CVM_GED_WAKE);
	ck_assert_uint_eq(bus_read(&pio, CVM_GED_EVENTS, 4), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("platform");
	TCase *t = suite_case(s, "registers", setup, teardown);

	tcase_add_test(t, s5_powers_off);
	tcase_add_test(t, sleep_needs_type_enable_and_a_byte);
	tcase_add_test(t, the_reset_register_resets);
	tcase_add_test(t, other_values_and_widths_do_not_reset);
	tcase_add_test(t, sleep_status_says_that_nothing_woke);
	tcase_add_test(t, the_keyboard_controller_resets_and_is_not_there);
	tcase_add_test(t, the_abi_version_can_be_read_whole);
	tcase_add_test(t, registers_that_are_taken_are_an_error);

	t = suite_case(s, "events", setup, teardown);
	tcase_add_test(t, an_event_is_pending_and_interrupts_once);
	tcase_add_test(t, reading_events_clears_them);
	tcase_add_test(t, events_add_up_until_they_are_read);
	tcase_add_test(t, a_read_of_another_width_loses_no_event);
	tcase_add_test(t, events_cannot_be_written);
	tcase_add_test(t, an_event_that_cannot_be_told_is_one_line);
	tcase_add_test(t, an_event_that_cannot_interrupt_stays_pending);
	tcase_add_test(t, events_of_two_threads_are_not_lost);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
