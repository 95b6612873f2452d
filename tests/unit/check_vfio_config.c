/* SPDX-License-Identifier: BSD-3-Clause */
/* Config space: what the guest sees, what reaches the device, and nothing while sealed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/power.h"
#include "tests/fake/fake_vfio.h"
#include "tests/unit/suite.h"
#include "tests/unit/vfio_rig.h"
#include "vmm/bits.h"

static struct fake_vfio *fake;

static void set_up(void)
{
	memset(&told, 0, sizeof(told));
	fake = fake_vfio_new("fake0");
}

static void set_up_started(void)
{
	set_up();
	fake_vfio_start(fake);
}

static void tear_down(void)
{
	fake_vfio_free(fake);
}

static void decode(uint16_t bits)
{
	fake_vfio_config_write(fake, PCI_COMMAND, bits, 2);
}

#define PMCSR (FAKE_VFIO_PM + PCI_PM_CTRL)

/* --- sealed --------------------------------------------------------------------------------------
 */

START_TEST(sealed_config_reads_all_ones_in_every_size)
{
	vfio_device_seal(&fake->device);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_VENDOR_ID, 1), 0xff);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_VENDOR_ID, 2), 0xffff);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PMCSR, 4), 0xffffffff);
}
END_TEST

START_TEST(sealed_config_causes_no_call)
{
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	vfio_device_seal(&fake->device);
	fake_vfio_clear(fake);
	for (unsigned off = 0; off < PCI_CONFIG_SIZE; off += 4) {
		fake_vfio_config_read(fake, off, 4);
		fake_vfio_config_write(fake, off, 0, 4);
		fake_vfio_config_write(fake, off, 0xffffffff, 4);
	}
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
	ck_assert_uint_eq(fake->log.nr, 0);
	ck_assert_uint_eq(told.calls, 0);
}
END_TEST

START_TEST(write_to_sealed_config_vanishes)
{
	vfio_device_seal(&fake->device);
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_2, 0xd0000000, 4);
	fake_vfio_config_write(fake, PCI_INTERRUPT_LINE, 9, 1);
	fake_vfio_unseal(fake);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_BASE_ADDRESS_2, 4),
			  FAKE_VFIO_BAR2 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_INTERRUPT_LINE, 1), 0);
}
END_TEST

START_TEST(sealing_itself_causes_no_call)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_clear(fake);
	vfio_device_seal(&fake->device);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(device_given_back_reads_all_ones_for_good)
{
	vfio_device_close(&fake->device);
	fake_vfio_clear(fake);
	fake_vfio_unseal(fake);
	ck_assert(fake->device.sealed);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_VENDOR_ID, 4), 0xffffffff);
	fake_vfio_config_write(fake, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(closing_twice_closes_once)
{
	vfio_device_close(&fake->device);
	vfio_device_close(&fake->device);
	ck_assert_uint_eq(fake_vfio_count(fake, "close"), 1);
	ck_assert_uint_eq(fake_vfio_count(fake, "reset"), 1);
}
END_TEST

START_TEST(what_was_passed_in_is_closed_when_the_host_wants_it_back)
{
	int ends[2], given;
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	given = ends[1];
	fake->device.given_fd = given;
	vfio_device_give_back(&fake->device);
	ck_assert_uint_eq(fake_vfio_count(fake, "close"), 1);
	/* The pipe has no writer any more, and the number is no other file's. */
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	ck_assert_int_ge(fcntl(given, F_GETFD), 0);
	close(given);
	close(ends[0]);
}
END_TEST

START_TEST(what_was_passed_in_outlives_a_boot)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	fake->device.given_fd = ends[1];
	vfio_device_close(&fake->device);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(closing_goes_interrupts_bars_reset_descriptor)
{
	int irq, unmap, reset, last;

	decode(PCI_COMMAND_MEMORY);
	fake_vfio_clear(fake);
	vfio_device_close(&fake->device);
	irq = fake_vfio_find(fake, "irq_disable", 0);
	unmap = fake_vfio_find(fake, "region_unmap", 0);
	reset = fake_vfio_find(fake, "reset", 0);
	last = fake_vfio_find(fake, "close", 0);
	ck_assert_int_ge(irq, 0);
	ck_assert_int_lt(irq, unmap);
	ck_assert_int_lt(unmap, reset);
	ck_assert_int_lt(reset, last);
}
END_TEST

START_TEST(device_without_power_is_closed_without_reset)
{
	const enum host_power cold = HOST_POWER_D3COLD;

	fake_vfio_script_power(fake, &cold, 1);
	vfio_device_close(&fake->device);
	ck_assert_uint_eq(fake_vfio_count(fake, "reset"), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, "close"), 1);
}
END_TEST

/* --- header --------------------------------------------------------------------------------------
 */

START_TEST(ids_are_the_devices)
{
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_VENDOR_ID, 4), 0x00101b36);
	fake_vfio_config_write(fake, PCI_INTERRUPT_LINE, 7, 1);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_INTERRUPT_LINE, 2), 0x0107);
}
END_TEST

static const struct {
	unsigned off;
	uint32_t sized;
} sizing[] = {
	{ PCI_BASE_ADDRESS_0, 0xffffc004 }, /* 64 bit, 16 KiB */
	{ PCI_BASE_ADDRESS_1, 0xffffffff }, /* its high half */
	{ PCI_BASE_ADDRESS_2, 0xffffe008 }, /* prefetchable, 8 KiB */
	{ PCI_BASE_ADDRESS_3, 0 },	    { PCI_BASE_ADDRESS_4, 0xffffffe1 }, /* 32 ports */
	{ PCI_BASE_ADDRESS_5, 0 },	    { PCI_ROM_ADDRESS, 0 },		/* rom=off */
};

START_TEST(bar_written_with_ones_reads_its_size)
{
	fake_vfio_config_write(fake, sizing[_i].off, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_config_read(fake, sizing[_i].off, 4), sizing[_i].sized);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_write"), 0);
}
END_TEST

START_TEST(last_register_is_no_half_of_a_64_bit_bar)
{
	fake->device.regions[5] = fake->device.regions[2];
	fake_vfio_put(fake, PCI_BASE_ADDRESS_5, PCI_BASE_ADDRESS_MEM_TYPE_64, 4);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_5, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_BASE_ADDRESS_5, 4), 0xffffe000);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_CARDBUS_CIS, 4), 0);
}
END_TEST

START_TEST(placement_is_in_the_registers)
{
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_BASE_ADDRESS_0, 4),
			  (uint32_t)FAKE_VFIO_BAR0 | PCI_BASE_ADDRESS_MEM_TYPE_64);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_BASE_ADDRESS_1, 4), FAKE_VFIO_BAR0 >> 32);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_BASE_ADDRESS_4, 4),
			  FAKE_VFIO_BAR4 | PCI_BASE_ADDRESS_SPACE_IO);
}
END_TEST

START_TEST(multifunction_bit_follows_the_guests_slot)
{
	fake_vfio_put(fake, PCI_HEADER_TYPE, _i ? 0 : 0x80, 1);
	ck_assert_int_eq(vfio_config_init(&fake->device, _i), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_HEADER_TYPE, 1), _i ? 0x80 : 0);
}
END_TEST

START_TEST(device_without_intx_has_no_pin)
{
	fake->device.irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 0;
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_INTERRUPT_PIN, 1), 0);
}
END_TEST

START_TEST(command_reaches_the_device)
{
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(fake_vfio_get(fake, PCI_COMMAND, 2),
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_COMMAND, 2),
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	fake_vfio_config_write(fake, PCI_COMMAND + 1, PCI_COMMAND_INTX_DISABLE >> 8, 1);
	ck_assert_uint_eq(fake_vfio_get(fake, PCI_COMMAND, 2),
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}
END_TEST

START_TEST(guest_begins_with_everything_off)
{
	fake_vfio_put(fake, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(fake_vfio_get(fake, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_COMMAND, 2), 0);
}
END_TEST

/* The host's driver unmaps BARs that it is told not to decode. */
START_TEST(bars_leave_before_the_device_stops_decoding)
{
	int unmap, write;

	decode(PCI_COMMAND_MEMORY);
	fake_vfio_clear(fake);
	decode(0);
	unmap = fake_vfio_find(fake, "dma_unmap", 0);
	write = fake_vfio_find(fake, "region_write 7 0x4", 0);
	ck_assert_int_ge(unmap, 0);
	ck_assert_int_lt(unmap, write);
	ck_assert(!fake->device.bars[0].on_bus);
}
END_TEST

START_TEST(bars_appear_after_the_device_decodes)
{
	int map, write;

	decode(PCI_COMMAND_MEMORY);
	map = fake_vfio_find(fake, "dma_map", 0);
	write = fake_vfio_find(fake, "region_write 7 0x4", 0);
	ck_assert_int_ge(write, 0);
	ck_assert_int_gt(map, write);
}
END_TEST

START_TEST(space_beyond_the_devices_reads_zero_and_is_not_asked_for)
{
	fake->device.regions[VFIO_PCI_CONFIG_REGION_INDEX].size = PCI_CONFIG_CONV_SIZE;
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	fake_vfio_clear(fake);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0x100, 4), 0);
	fake_vfio_config_write(fake, 0x104, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(failing_device_reads_all_ones)
{
	fake_vfio_refuse(fake, "region_read", EIO, 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_VENDOR_ID, 4), 0xffffffff);
	fake_vfio_refuse(fake, "region_write", EIO, 0);
	decode(PCI_COMMAND_MASTER);
}
END_TEST

START_TEST(dead_device_is_refused)
{
	memset(fake->config, 0xff, sizeof(fake->config));
	ck_assert_int_eq(vfio_config_init(&fake->device, false), -EIO);
}
END_TEST

START_TEST(bridge_is_refused)
{
	fake_vfio_put(fake, PCI_HEADER_TYPE, PCI_HEADER_TYPE_BRIDGE, 1);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), -ENODEV);
}
END_TEST

START_TEST(refused_read_at_start_is_returned)
{
	fake_vfio_refuse(fake, "region_read", ENODEV, 1);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), -ENODEV);
	fake_vfio_refuse(fake, "region_write", EPERM, 1);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), -EPERM);
}
END_TEST

/* --- power management ----------------------------------------------------------------------------
 */

START_TEST(pmcsr_never_reaches_the_device)
{
	fake_vfio_config_write(fake, PMCSR, 3, 2);
	fake_vfio_config_write(fake, PMCSR, 0, 4);
	fake_vfio_config_write(fake, PMCSR, 3, 1);
	fake_vfio_config_read(fake, PMCSR, 2);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_write"), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_read"), 0);
}
END_TEST

START_TEST(pmcsr_reads_back_the_state_and_no_soft_reset)
{
	fake_vfio_config_write(fake, PMCSR, 0xffff, 2);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PMCSR, 2), 3 | PCI_PM_CTRL_NO_SOFT_RESET);
	ck_assert_uint_eq(vfio_config_pmcsr(&fake->device), 3);
}
END_TEST

START_TEST(slot_hears_of_each_change_without_the_lock)
{
	fake->device.slot = (struct power_slot *)fake;
	fake_vfio_config_write(fake, PMCSR, 3, 2);
	ck_assert_uint_eq(told.calls, 1);
	ck_assert_uint_eq(told.state, 3);
	ck_assert(!told.locked);
	fake_vfio_config_write(fake, PMCSR, 3, 2);
	ck_assert_uint_eq(told.calls, 1);
	fake_vfio_config_write(fake, PMCSR, 0, 2);
	ck_assert_uint_eq(told.calls, 2);
	ck_assert_uint_eq(told.state, 0);
	ck_assert(!told.locked);
	fake->device.slot = NULL;
}
END_TEST

START_TEST(bars_are_gone_in_d3hot_and_back_after_the_slot_has_seen_to_the_host)
{
	fake->device.slot = (struct power_slot *)fake;
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_config_write(fake, PMCSR, 3, 2);
	ck_assert(!told.shown);
	ck_assert(!fake->device.bars[0].on_bus);
	fake_vfio_config_write(fake, PMCSR, 0, 2);
	ck_assert(!told.shown);
	ck_assert(fake->device.bars[0].on_bus);
	fake->device.slot = NULL;
}
END_TEST

START_TEST(d1_and_d2_are_neither_offered_nor_taken)
{
	fake_vfio_put(fake, FAKE_VFIO_PM + PCI_PM_PMC, 3 | PCI_PM_CAP_D1 | PCI_PM_CAP_D2, 2);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_PM + PCI_PM_PMC, 2), 3);
	fake_vfio_config_write(fake, PMCSR, 1, 2);
	ck_assert_uint_eq(vfio_config_pmcsr(&fake->device), 0);
	fake_vfio_config_write(fake, PMCSR, 3, 2);
	fake_vfio_config_write(fake, PMCSR, 2, 2);
	ck_assert_uint_eq(vfio_config_pmcsr(&fake->device), 3);
}
END_TEST

#define ALL_PME (PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold)

static void offer_pme(uint16_t support)
{
	fake->device.pme_support = support;
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
}

static uint32_t pmcsr(void)
{
	return fake_vfio_config_read(fake, PMCSR, 2);
}

START_TEST(pme_is_offered_as_the_machine_says_whatever_the_host_shows)
{
	fake_vfio_put(fake, FAKE_VFIO_PM + PCI_PM_PMC, 3 | PCI_PM_CAP_PME_D0, 2);
	offer_pme(0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_PM + PCI_PM_PMC, 2), 3);
	offer_pme(ALL_PME);
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_PM + PCI_PM_PMC, 2), 3 | ALL_PME);
	fake_vfio_config_write(fake, FAKE_VFIO_PM + PCI_PM_PMC, 0, 2);
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_PM + PCI_PM_PMC, 2), 3 | ALL_PME);
}
END_TEST

START_TEST(without_pme_it_can_be_neither_armed_nor_told)
{
	offer_pme(0);
	fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_ENABLE, 2);
	vfio_config_set_pme_status(&fake->device);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_NO_SOFT_RESET);
}
END_TEST

START_TEST(pme_is_armed_by_the_guest_and_the_device_hears_nothing_of_it)
{
	offer_pme(ALL_PME);
	fake_vfio_clear(fake);
	fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_ENABLE | 3, 2);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_NO_SOFT_RESET | 3);
	fake_vfio_config_write(fake, PMCSR + 1, 0, 1);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_NO_SOFT_RESET | 3);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(pme_status_is_set_by_a_wake_alone_and_cleared_by_a_written_1)
{
	offer_pme(ALL_PME);
	fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_STATUS, 2);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_NO_SOFT_RESET);
	vfio_config_set_pme_status(&fake->device);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_NO_SOFT_RESET | PCI_PM_CTRL_PME_STATUS);
	fake_vfio_config_write(fake, PMCSR, 3, 1);
	fake_vfio_config_write(fake, PMCSR, 0, 2);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_NO_SOFT_RESET | PCI_PM_CTRL_PME_STATUS);
	switch (_i) {
	case 0:
		fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_STATUS, 2);
		break;
	case 1:
		fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_STATUS, 4);
		break;
	default:
		fake_vfio_config_write(fake, PMCSR + 1, PCI_PM_CTRL_PME_STATUS >> 8, 1);
	}
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_NO_SOFT_RESET);
}
END_TEST

/* A wake is told while the slot is off: what the guest finds when it is back. */
START_TEST(pme_context_outlives_the_power)
{
	offer_pme(ALL_PME);
	fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_ENABLE | 3, 2);
	vfio_device_seal(&fake->device);
	vfio_config_set_pme_status(&fake->device);
	ck_assert_uint_eq(pmcsr(), 0xffff);
	fake_vfio_config_write(fake, PMCSR, PCI_PM_CTRL_PME_STATUS, 2);
	vfio_config_pmcsr_d0(&fake->device);
	fake_vfio_unseal(fake);
	ck_assert_uint_eq(pmcsr(), PCI_PM_CTRL_PME_STATUS | PCI_PM_CTRL_PME_ENABLE |
					   PCI_PM_CTRL_NO_SOFT_RESET);
}
END_TEST

START_TEST(device_that_was_put_into_d0_shows_its_bars_when_unsealed)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_config_write(fake, PMCSR, 3, 2);
	vfio_device_seal(&fake->device);
	vfio_config_pmcsr_d0(&fake->device);
	fake_vfio_unseal(fake);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PMCSR, 2), PCI_PM_CTRL_NO_SOFT_RESET);
	ck_assert(fake->device.bars[0].pieces[0].shown);
}
END_TEST

/* --- everything at once --------------------------------------------------------------------------
 */

START_TEST(random_accesses_are_harmless)
{
	unsigned seed = 1;

	for (unsigned i = 0; i < 20000; i++) {
		unsigned size = 1u << rand_r(&seed) % 3;
		unsigned off = (unsigned)rand_r(&seed) % (rand_r(&seed) % 2 ? 0x100 : 0x1000);
		uint32_t value = (uint32_t)rand_r(&seed) << 16 ^ (uint32_t)rand_r(&seed);

		off &= ~(size - 1);
		fake_vfio_config_write(fake, off, value, size);
		ck_assert_uint_le(fake_vfio_config_read(fake, off, size), ones(size));
		if (i % 256 == 0)
			vfio_device_seal(&fake->device);
		if (i % 256 == 16)
			fake_vfio_unseal(fake);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vfio_config");
	TCase *raw = tcase_create("before start"), *up = tcase_create("started");

	tcase_add_checked_fixture(raw, set_up, tear_down);
	tcase_add_loop_test(raw, multifunction_bit_follows_the_guests_slot, 0, 2);
	tcase_add_test(raw, device_without_intx_has_no_pin);
	tcase_add_test(raw, last_register_is_no_half_of_a_64_bit_bar);
	tcase_add_test(raw, guest_begins_with_everything_off);
	tcase_add_test(raw, space_beyond_the_devices_reads_zero_and_is_not_asked_for);
	tcase_add_test(raw, dead_device_is_refused);
	tcase_add_test(raw, bridge_is_refused);
	tcase_add_test(raw, refused_read_at_start_is_returned);
	tcase_add_test(raw, d1_and_d2_are_neither_offered_nor_taken);
	suite_add_tcase(s, raw);

	tcase_add_checked_fixture(up, set_up_started, tear_down);
	tcase_add_test(up, sealed_config_reads_all_ones_in_every_size);
	tcase_add_test(up, sealed_config_causes_no_call);
	tcase_add_test(up, write_to_sealed_config_vanishes);
	tcase_add_test(up, sealing_itself_causes_no_call);
	tcase_add_test(up, device_given_back_reads_all_ones_for_good);
	tcase_add_test(up, closing_twice_closes_once);
	tcase_add_test(up, closing_goes_interrupts_bars_reset_descriptor);
	tcase_add_test(up, device_without_power_is_closed_without_reset);
	tcase_add_test(up, what_was_passed_in_is_closed_when_the_host_wants_it_back);
	tcase_add_test(up, what_was_passed_in_outlives_a_boot);
	tcase_add_test(up, ids_are_the_devices);
	tcase_add_loop_test(up, bar_written_with_ones_reads_its_size, 0, ARRAY_SIZE(sizing));
	tcase_add_test(up, placement_is_in_the_registers);
	tcase_add_test(up, command_reaches_the_device);
	tcase_add_test(up, bars_leave_before_the_device_stops_decoding);
	tcase_add_test(up, bars_appear_after_the_device_decodes);
	tcase_add_test(up, failing_device_reads_all_ones);
	tcase_add_test(up, pmcsr_never_reaches_the_device);
	tcase_add_test(up, pmcsr_reads_back_the_state_and_no_soft_reset);
	tcase_add_test(up, slot_hears_of_each_change_without_the_lock);
	tcase_add_test(up, bars_are_gone_in_d3hot_and_back_after_the_slot_has_seen_to_the_host);
	tcase_add_test(up, device_that_was_put_into_d0_shows_its_bars_when_unsealed);
	tcase_add_test(up, pme_is_offered_as_the_machine_says_whatever_the_host_shows);
	tcase_add_test(up, without_pme_it_can_be_neither_armed_nor_told);
	tcase_add_test(up, pme_is_armed_by_the_guest_and_the_device_hears_nothing_of_it);
	tcase_add_loop_test(up, pme_status_is_set_by_a_wake_alone_and_cleared_by_a_written_1, 0, 3);
	tcase_add_test(up, pme_context_outlives_the_power);
	tcase_add_test(up, random_accesses_are_harmless);
	suite_add_tcase(s, up);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
