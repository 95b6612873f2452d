/* SPDX-License-Identifier: BSD-3-Clause */
/* Config space: what the guest sees, what reaches the device, and nothing while sealed. */
#include <check.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/power.h"
#include "tests/fake/fake_vfio.h"
#include "vmm/bits.h"

static struct fake_vfio *fake;

/* The slot as this suite sees it, instead of power.c. */
static struct {
	unsigned calls, state;
	bool locked; /* device->lock was held */
	bool shown;  /* BAR 0 was on the bus at that time */
} told;

void power_slot_pmcsr(struct power_slot *slot, struct vfio_device *device, unsigned state)
{
	(void)slot;
	told.calls++;
	told.state = state;
	told.locked = pthread_mutex_trylock(&device->lock);
	told.shown = device->bars[0].on_bus;
	if (!told.locked)
		pthread_mutex_unlock(&device->lock);
}

unsigned pci_intx_pin_gsi(const struct pci_function *function, unsigned pin)
{
	(void)function;
	return 15 + pin;
}

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

/* --- capabilities --------------------------------------------------------------------------------
 */

START_TEST(msi_registers_never_reach_the_device)
{
	const unsigned msi = FAKE_VFIO_MSI;

	/* A dword write of the header holds the enable bit. */
	fake_vfio_config_write(fake, msi, PCI_MSI_FLAGS_ENABLE << 16, 4);
	fake_vfio_config_write(fake, msi + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	ck_assert_uint_eq(fake_vfio_get(fake, msi + PCI_MSI_FLAGS, 2), 0x0186);
	ck_assert_uint_eq(fake_vfio_get(fake, msi + PCI_MSI_ADDRESS_LO, 4), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, msi + PCI_MSI_FLAGS, 2), 0x0187);
	ck_assert_uint_eq(fake_vfio_config_read(fake, msi + PCI_MSI_ADDRESS_LO, 4), 0xfee00000);
}
END_TEST

START_TEST(msix_control_never_reaches_the_device)
{
	fake_vfio_config_write(fake, FAKE_VFIO_MSIX, 0xffff0000, 4);
	ck_assert_uint_eq(fake_vfio_get(fake, FAKE_VFIO_MSIX + PCI_MSIX_FLAGS, 2),
			  FAKE_VFIO_MSIX_ENTRIES - 1);
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_MSIX + PCI_MSIX_FLAGS, 2),
			  (FAKE_VFIO_MSIX_ENTRIES - 1) | PCI_MSIX_FLAGS_ENABLE |
				  PCI_MSIX_FLAGS_MASKALL);
}
END_TEST

START_TEST(function_level_reset_reaches_the_device)
{
	unsigned off = FAKE_VFIO_PCIE + PCI_EXP_DEVCTL;

	fake_vfio_config_write(fake, off, PCI_EXP_DEVCTL_BCR_FLR, 2);
	ck_assert_uint_eq(fake_vfio_get(fake, off, 2), PCI_EXP_DEVCTL_BCR_FLR);
}
END_TEST

/* Ids of the capabilities that a guest finds, in order. */
static unsigned walk(unsigned ids[16])
{
	unsigned at = fake_vfio_config_read(fake, PCI_CAPABILITY_LIST, 1), n = 0;

	for (; at && n < 16; at = fake_vfio_config_read(fake, at + 1, 1))
		ids[n++] = fake_vfio_config_read(fake, at, 1);
	return n;
}

static unsigned walk_ext(unsigned ids[16])
{
	unsigned at = 0x100, n = 0;

	while (at && n < 16) {
		uint32_t header = fake_vfio_config_read(fake, at, 4);

		ids[n++] = PCI_EXT_CAP_ID(header);
		at = PCI_EXT_CAP_NEXT(header);
	}
	return n;
}

START_TEST(capabilities_are_in_the_devices_order)
{
	unsigned ids[16];

	ck_assert_uint_eq(walk(ids), 4);
	ck_assert_uint_eq(ids[0], PCI_CAP_ID_PM);
	ck_assert_uint_eq(ids[1], PCI_CAP_ID_MSI);
	ck_assert_uint_eq(ids[2], PCI_CAP_ID_MSIX);
	ck_assert_uint_eq(ids[3], PCI_CAP_ID_EXP);
}
END_TEST

START_TEST(enhanced_allocation_is_jumped_over)
{
	unsigned ids[16];

	fake_vfio_put(fake, 0xc0, PCI_CAP_ID_EA | FAKE_VFIO_PM << 8, 2);
	fake_vfio_put(fake, PCI_CAPABILITY_LIST, 0xc0, 1);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(walk(ids), 4);
	ck_assert_uint_eq(ids[0], PCI_CAP_ID_PM);
}
END_TEST

START_TEST(capabilities_that_loop_end)
{
	unsigned ids[16];

	fake_vfio_put(fake, FAKE_VFIO_PCIE + 1, FAKE_VFIO_PM, 1);
	fake_vfio_put(fake, FAKE_VFIO_LTR, 0x00010018 | (uint32_t)FAKE_VFIO_AER << 20, 4);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(walk(ids), 4);
	ck_assert_uint_eq(walk_ext(ids), 3);
}
END_TEST

START_TEST(capability_at_the_very_end_stays_inside)
{
	for (unsigned id = 0; id < 0x16; id++) {
		fake_vfio_put(fake, PCI_CAPABILITY_LIST, 0xfc, 1);
		fake_vfio_put(fake, 0xfc, 0xffff0000 | id, 4);
		fake_vfio_put(fake, 0x100, 0x00010001 | 0xffcu << 20, 4);
		fake_vfio_put(fake, 0xffc, 0x00010000 | id, 4);
		ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	}
}
END_TEST

START_TEST(hidden_extended_capabilities_are_jumped_over)
{
	unsigned ids[16];

	ck_assert_uint_eq(walk_ext(ids), 3);
	ck_assert_uint_eq(ids[0], PCI_EXT_CAP_ID_ERR);
	ck_assert_uint_eq(ids[1], PCI_EXT_CAP_ID_DSN);
	ck_assert_uint_eq(ids[2], PCI_EXT_CAP_ID_LTR);
}
END_TEST

START_TEST(registers_of_a_hidden_capability_are_not_there)
{
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_SRIOV + 0x0c, 4), 0);
	fake_vfio_config_write(fake, FAKE_VFIO_SRIOV + 0x08, 1, 2);
	fake_vfio_config_write(fake, FAKE_VFIO_REBAR + PCI_REBAR_CTRL, 0x1f00, 4);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_write"), 0);
	/* One BAR to resize: what follows its registers is the device's again. */
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_LTR + 4, 4), 0x10031003);
}
END_TEST

START_TEST(hidden_first_capability_keeps_the_way_to_the_next)
{
	unsigned ids[16];

	fake_vfio_put(fake, 0x100, 0x0001000f | (uint32_t)FAKE_VFIO_DSN << 20, 4); /* ATS */
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(walk_ext(ids), 3);
	ck_assert_uint_eq(ids[0], 0);
	ck_assert_uint_eq(ids[1], PCI_EXT_CAP_ID_DSN);
}
END_TEST

/* --- Resizable BAR -------------------------------------------------------------------------------
 */

#define REBAR_CAP  (FAKE_VFIO_REBAR + PCI_REBAR_CAP)
#define REBAR_CTRL (FAKE_VFIO_REBAR + PCI_REBAR_CTRL)

/* BAR 0 of @size bytes, which the device would make 64 KiB to 1 GiB; two pairs, the other for the
 * 2 MiB of BAR 2. */
static void make_resizable(uint64_t size)
{
	fake->device.regions[0].size = size;
	fake->device.regions[2].size = MIB(2);
	fake_vfio_put(fake, FAKE_VFIO_REBAR, 0x00010015 | 0x1c0u << 20, 4);
	fake_vfio_put(fake, REBAR_CAP, 0x00007ff0, 4);
	fake_vfio_put(fake, REBAR_CTRL, 0xffff0000 | 9 << PCI_REBAR_CTRL_BAR_SHIFT | 2 << 5, 4);
	fake_vfio_put(fake, REBAR_CAP + 8, 0x00000070, 4);
	fake_vfio_put(fake, REBAR_CTRL + 8, 2 << PCI_REBAR_CTRL_BAR_SHIFT | 2, 4);
	fake_vfio_put(fake, 0x1c0, 0x00010018, 4);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	fake_vfio_clear(fake);
}

static const struct {
	uint64_t size;
	uint32_t cap, ctrl;
} resizable[] = {
	{ MIB(1), 1u << 4, 0x0040 },
	{ MIB(256), 1u << 12, 0x0840 },
	{ GIB(32), 1u << 19, 0x0f40 },
	{ UINT64_C(1) << 47, 1u << 31, 0x1b40 },
};

START_TEST(a_resizable_bar_has_the_hosts_size_to_choose_from_alone)
{
	make_resizable(resizable[_i].size);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CAP, 4), resizable[_i].cap);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CTRL, 4), resizable[_i].ctrl);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CAP + 8, 4), 1u << 5);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CTRL + 8, 4), 0x0102);
}
END_TEST

START_TEST(a_resizable_bar_is_in_the_list_of_capabilities)
{
	unsigned ids[16];

	make_resizable(MIB(256));
	ck_assert_uint_eq(walk_ext(ids), 4);
	ck_assert_uint_eq(ids[2], PCI_EXT_CAP_ID_REBAR);
	ck_assert_uint_eq(ids[3], PCI_EXT_CAP_ID_LTR);
}
END_TEST

START_TEST(the_guest_resizes_nothing)
{
	make_resizable(MIB(256));
	fake_vfio_config_write(fake, REBAR_CTRL, 0x1f00, 4);
	fake_vfio_config_write(fake, REBAR_CTRL + 1, 0x0a, 1);
	fake_vfio_config_write(fake, REBAR_CTRL + 8, 0xffffffff, 4);
	fake_vfio_config_write(fake, REBAR_CAP, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_write"), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CAP, 4), 1u << 12);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CTRL, 4), 0x0840);
}
END_TEST

/* Nothing to say of a BAR below 1 MiB, of one above 128 TiB, and of one that is not there. */
static const uint64_t unspeakable[] = { KIB(64), UINT64_C(1) << 48, 0 };

START_TEST(a_size_that_the_capability_cannot_tell_hides_it)
{
	unsigned ids[16];

	make_resizable(unspeakable[_i]);
	ck_assert_uint_eq(walk_ext(ids), 3);
	ck_assert_uint_eq(ids[2], PCI_EXT_CAP_ID_LTR);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CAP, 4), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CTRL + 8, 4), 0);
}
END_TEST

START_TEST(resizable_bars_of_virtual_functions_are_hidden)
{
	unsigned ids[16];

	fake->device.regions[0].size = MIB(256);
	fake_vfio_put(fake, FAKE_VFIO_REBAR, 0x00010024 | (uint32_t)FAKE_VFIO_LTR << 20, 4);
	fake_vfio_put(fake, REBAR_CAP, 0x00007ff0, 4);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(walk_ext(ids), 3);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CAP, 4), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, REBAR_CTRL, 4), 0);
}
END_TEST

START_TEST(registers_of_a_resizable_bar_stay_inside_of_config_space)
{
	fake->device.regions[0].size = MIB(256);
	fake_vfio_put(fake, FAKE_VFIO_AER, 0x00020001 | 0xff0u << 20, 4);
	fake_vfio_put(fake, 0xff0, 0x00010015, 4);
	fake_vfio_put(fake, 0xff0 + PCI_REBAR_CTRL, 2 << PCI_REBAR_CTRL_NBAR_SHIFT, 4);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, FAKE_VFIO_AER, 4) >> 20, 0);
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
	tcase_add_test(raw, enhanced_allocation_is_jumped_over);
	tcase_add_test(raw, capabilities_that_loop_end);
	tcase_add_test(raw, capability_at_the_very_end_stays_inside);
	tcase_add_test(raw, hidden_first_capability_keeps_the_way_to_the_next);
	tcase_add_loop_test(raw, a_resizable_bar_has_the_hosts_size_to_choose_from_alone, 0,
			    ARRAY_SIZE(resizable));
	tcase_add_test(raw, a_resizable_bar_is_in_the_list_of_capabilities);
	tcase_add_test(raw, the_guest_resizes_nothing);
	tcase_add_loop_test(raw, a_size_that_the_capability_cannot_tell_hides_it, 0,
			    ARRAY_SIZE(unspeakable));
	tcase_add_test(raw, resizable_bars_of_virtual_functions_are_hidden);
	tcase_add_test(raw, registers_of_a_resizable_bar_stay_inside_of_config_space);
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
	tcase_add_test(up, msi_registers_never_reach_the_device);
	tcase_add_test(up, msix_control_never_reaches_the_device);
	tcase_add_test(up, function_level_reset_reaches_the_device);
	tcase_add_test(up, capabilities_are_in_the_devices_order);
	tcase_add_test(up, hidden_extended_capabilities_are_jumped_over);
	tcase_add_test(up, registers_of_a_hidden_capability_are_not_there);
	tcase_add_test(up, random_accesses_are_harmless);
	suite_add_tcase(s, up);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
