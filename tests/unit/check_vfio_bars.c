/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs on the buses, in memslots and in the IOMMU. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/power.h"
#include "tests/fake/fake_kvm.h"
#include "tests/fake/fake_vfio.h"
#include "tests/unit/log_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct fake_vfio *fake;

static void set_up(void)
{
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

static void move_bar0(uint64_t addr)
{
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_0, (uint32_t)addr, 4);
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_1, (uint32_t)(addr >> 32), 4);
}

static void hide(void)
{
	pthread_mutex_lock(&fake->device.lock);
	vfio_bars_hide(&fake->device);
	pthread_mutex_unlock(&fake->device.lock);
}

/* Memslots beside those of the RAM. */
static unsigned slots_in_use(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MEMORY_MAX_SLOTS; i++)
		n += fake->memory.used[i];
	return n - fake->memory.nr_ram;
}

/* --- pieces --------------------------------------------------------------------------------------
 */

START_TEST(pages_of_msix_table_and_pba_are_left_out)
{
	const struct vfio_bar *bar = &fake->device.bars[0];

	ck_assert_uint_eq(bar->nr_pieces, 1);
	ck_assert_uint_eq(bar->pieces[0].off, 0);
	ck_assert_uint_eq(bar->pieces[0].size, 0x2000);
	ck_assert_uint_eq(fake->device.bars[2].nr_pieces, 1);
	ck_assert_uint_eq(fake->device.bars[2].pieces[0].size, 0x2000);
}
END_TEST

START_TEST(table_in_the_middle_leaves_two_pieces)
{
	fake->device.regions[0].size = 0x8000;
	fake_vfio_put(fake, FAKE_VFIO_MSIX + PCI_MSIX_PBA, 0x2800, 4);
	fake_vfio_start(fake);
	ck_assert_uint_eq(fake->device.bars[0].nr_pieces, 2);
	ck_assert_uint_eq(fake->device.bars[0].pieces[1].off, 0x3000);
	ck_assert_uint_eq(fake->device.bars[0].pieces[1].size, 0x5000);
}
END_TEST

START_TEST(pba_before_the_table_is_cut_as_well)
{
	fake->device.regions[0].size = 0x8000;
	fake_vfio_put(fake, FAKE_VFIO_MSIX + PCI_MSIX_TABLE, 0x5000, 4);
	fake_vfio_put(fake, FAKE_VFIO_MSIX + PCI_MSIX_PBA, 0x2000, 4);
	fake_vfio_start(fake);
	ck_assert_uint_eq(fake->device.bars[0].nr_pieces, 3);
	ck_assert_uint_eq(fake->device.bars[0].pieces[1].off, 0x3000);
	ck_assert_uint_eq(fake->device.bars[0].pieces[1].size, 0x2000);
	ck_assert_uint_eq(fake->device.bars[0].pieces[2].off, 0x6000);
}
END_TEST

START_TEST(table_that_begins_beyond_the_bar_is_harmless)
{
	fake_vfio_put(fake, FAKE_VFIO_MSIX + PCI_MSIX_TABLE, 0xfffffff8, 4);
	fake_vfio_put(fake, FAKE_VFIO_MSIX + PCI_MSIX_PBA, 0xfffffff8, 4);
	fake_vfio_start(fake);
	ck_assert_uint_eq(fake->device.bars[0].nr_pieces, 1);
	ck_assert_uint_eq(fake->device.bars[0].pieces[0].size, FAKE_VFIO_BAR0_SIZE);
}
END_TEST

START_TEST(only_sparse_areas_are_mapped)
{
	fake->device.regions[2].size = 0x10000;
	fake->device.regions[2].nr_areas = 2;
	fake->device.regions[2].areas[0].off = 0x1000;
	fake->device.regions[2].areas[0].size = 0x1000;
	fake->device.regions[2].areas[1].off = 0x4800; /* not a page boundary */
	fake->device.regions[2].areas[1].size = 0x2000;
	fake_vfio_start(fake);
	ck_assert_uint_eq(fake->device.bars[2].nr_pieces, 2);
	ck_assert_uint_eq(fake->device.bars[2].pieces[0].off, 0x1000);
	ck_assert_uint_eq(fake->device.bars[2].pieces[1].off, 0x5000);
	ck_assert_uint_eq(fake->device.bars[2].pieces[1].size, 0x1000);
}
END_TEST

START_TEST(bar_smaller_than_a_page_is_slow_but_there)
{
	fake->device.regions[2].size = 256;
	fake_vfio_start(fake);
	ck_assert_uint_eq(fake->device.bars[2].nr_pieces, 0);
	decode(PCI_COMMAND_MEMORY);
	fake->bars[2][4] = 0x42;
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR2 + 4, 1), 0x42);
}
END_TEST

START_TEST(bar_that_cannot_be_mapped_is_slow_but_there)
{
	fake_vfio_refuse(fake, "region_map", EINVAL, 0);
	fake_vfio_start(fake);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 0);
	bus_write(&fake->mmio, FAKE_VFIO_BAR0 + 8, 0x1234, 2);
	ck_assert_uint_eq(fake->bars[0][8], 0x34);
}
END_TEST

START_TEST(size_that_is_no_power_of_two_is_no_bar)
{
	fake->device.regions[2].size = 0x1800;
	fake_vfio_start(fake);
	ck_assert(!fake->device.bars[2].present);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_BASE_ADDRESS_2, 4), 0);
}
END_TEST

/* --- decoding ------------------------------------------------------------------------------------
 */

START_TEST(nothing_is_shown_before_the_guest_decodes)
{
	ck_assert_uint_eq(slots_in_use(), 0);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0, 4), 0xffffffff);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(decoded_memory_is_in_memslots_and_iommu)
{
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 2);
	ck_assert_int_ge(fake_vfio_find(fake, "dma_map 0x8000000000+0x2000", 0), 0);
	ck_assert_int_ge(fake_vfio_find(fake, "dma_map 0xc0010000+0x2000", 0), 0);
	decode(0);
	ck_assert_uint_eq(slots_in_use(), 0);
	ck_assert_int_ge(fake_vfio_find(fake, "dma_unmap 0x8000000000+0x2000", 0), 0);
	ck_assert_int_ge(fake_vfio_find(fake, "dma_unmap 0xc0010000+0x2000", 0), 0);
}
END_TEST

START_TEST(decoding_twice_maps_once)
{
	decode(PCI_COMMAND_MEMORY);
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(slots_in_use(), 2);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_map"), 2);
}
END_TEST

START_TEST(ports_and_memory_are_decoded_apart)
{
	decode(PCI_COMMAND_IO);
	ck_assert(fake->device.bars[4].on_bus);
	ck_assert(!fake->device.bars[0].on_bus);
	decode(PCI_COMMAND_MEMORY);
	ck_assert(!fake->device.bars[4].on_bus);
	ck_assert(fake->device.bars[0].on_bus);
}
END_TEST

START_TEST(ports_go_to_the_region)
{
	decode(PCI_COMMAND_IO);
	bus_write(&fake->pio, FAKE_VFIO_BAR4 + 4, 0xcafe, 2);
	ck_assert_uint_eq(fake->bars[4][4], 0xfe);
	ck_assert_uint_eq(bus_read(&fake->pio, FAKE_VFIO_BAR4 + 5, 1), 0xca);
	ck_assert_uint_eq(bus_read(&fake->pio, FAKE_VFIO_BAR4 + 32, 1), 0xff);
}
END_TEST

START_TEST(slow_path_reads_the_region_in_every_size)
{
	decode(PCI_COMMAND_MEMORY);
	memcpy(fake->bars[0] + 0x3800, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 1), 0x11);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 2), 0x2211);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 4), 0x44332211);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 8), 0x8877665544332211);
}
END_TEST

START_TEST(failing_region_reads_all_ones)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_refuse(fake, "region_read", EIO, 0);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 4), 0xffffffff);
	fake_vfio_refuse(fake, "region_write", EIO, 0);
	bus_write(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 1, 4);
}
END_TEST

/* --- moving --------------------------------------------------------------------------------------
 */

START_TEST(moved_bar_is_remapped_everywhere)
{
	decode(PCI_COMMAND_MEMORY);
	fake->bars[0][0x3800] = 0x42;
	fake_vfio_clear(fake);
	move_bar0(0x9000000000);
	ck_assert_int_ge(fake_vfio_find(fake, "dma_unmap 0x8000000000+0x2000", 0), 0);
	ck_assert_int_ge(fake_vfio_find(fake, "dma_map 0x9000000000+0x2000", 0), 0);
	ck_assert_uint_eq(bus_read(&fake->mmio, 0x9000003800, 1), 0x42);
	ck_assert_uint_eq(bus_read(&fake->mmio, 0x8000003800, 1), 0xff);
	ck_assert_ptr_null(fake_kvm_slot_at(FAKE_VFIO_BAR0));
	ck_assert_ptr_eq(fake_kvm_slot_at(0x9000000000)->hva, fake->bars[0]);
	ck_assert_uint_eq(slots_in_use(), 2);
}
END_TEST

static const uint64_t outside[] = {
	0,	    /* RAM */
	0xbfffc000, /* just below the window */
	0xe0000000, /* ECAM */
	0xfee00000, /* local APIC */
	0x100000000, 0xfffffffffffc000, 0xffffffffffffc000,
};

START_TEST(bar_outside_of_the_windows_is_not_decoded)
{
	decode(PCI_COMMAND_MEMORY);
	move_bar0(outside[_i]);
	ck_assert(!fake->device.bars[0].on_bus);
	ck_assert(!fake->device.bars[0].pieces[0].shown);
	ck_assert_uint_eq(slots_in_use(), 1);
	ck_assert_int_lt(fake_vfio_find(fake, "dma_map 0x0+", 0), 0);
}
END_TEST

START_TEST(second_bar_at_one_place_is_not_decoded)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_1, 0, 4);
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_0, FAKE_VFIO_BAR2, 4);
	ck_assert(!fake->device.bars[0].on_bus);
	ck_assert(fake->device.bars[2].on_bus);
	/* It appears when the place is free. */
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_2, 0xc0100000, 4);
	ck_assert(fake->device.bars[0].on_bus);
	ck_assert_uint_eq(fake->device.bars[0].bus_addr, FAKE_VFIO_BAR2);
}
END_TEST

START_TEST(ports_below_the_window_are_not_decoded)
{
	decode(PCI_COMMAND_IO);
	fake_vfio_config_write(fake, PCI_BASE_ADDRESS_4, 0xcf8 & ~31u, 4);
	ck_assert(!fake->device.bars[4].on_bus);
}
END_TEST

/* --- refusals ------------------------------------------------------------------------------------
 */

START_TEST(without_a_memslot_the_slow_path_serves)
{
	decode(0);
	for (unsigned i = 0; i < MEMORY_MAX_SLOTS; i++)
		fake->memory.used[i] = true;
	decode(PCI_COMMAND_MEMORY);
	ck_assert(!fake->device.bars[0].pieces[0].shown);
	fake->bars[0][0] = 0x42;
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0, 1), 0x42);
}
END_TEST

START_TEST(refused_memslot_is_tried_again_at_the_next_update)
{
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, ENOSPC, 0);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 0);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, 0, 0);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 2);
}
END_TEST

/* What is mapped at its address next must not show up in the guest. */
START_TEST(memslot_that_does_not_go_keeps_its_memory)
{
	decode(PCI_COMMAND_MEMORY);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, EINVAL, 0);
	vfio_device_close(&fake->device);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_unmap"), 0);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, 0, 0);
}
END_TEST

START_TEST(functions_of_a_slot_share_buses_and_slots)
{
	struct fake_vfio *second = fake_vfio_new_beside(fake, "fake1");

	fake_vfio_start(second);
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_config_write(second, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	ck_assert_uint_eq(slots_in_use(), 4);
	fake_vfio_free(second);
	ck_assert_uint_eq(slots_in_use(), 2);
}
END_TEST

START_TEST(refused_iommu_map_is_no_obstacle)
{
	fake_vfio_refuse(fake, "dma_map", EFAULT, 0);
	decode(PCI_COMMAND_MEMORY);
	ck_assert(fake->device.bars[0].pieces[0].shown);
	ck_assert(!fake->device.bars[0].pieces[0].dma);
	decode(0);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_unmap"), 0);
}
END_TEST

/* A guest may toggle its BARs for ever. */
START_TEST(refused_iommu_map_is_one_warning_that_says_what_helps)
{
	fake->container.nr_devices = 2;
	if (_i)
		fake->container.iommu = &iommu_iommufd;
	fake_vfio_refuse(fake, "dma_map", EFAULT, 0);
	log_rig_begin();
	for (unsigned i = 0; i < 5; i++) {
		decode(PCI_COMMAND_MEMORY);
		decode(0);
	}
	ck_assert_uint_eq(log_rig_lines(), 1);
	log_rig_end();
	ck_assert_msg(strstr(log_rig.text, "out of reach for other devices: Bad address"), "%s",
		      log_rig.text);
	ck_assert_int_eq(strstr(log_rig.text, "--platform iommufd=off") != NULL, _i);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_map"), 10);
}
END_TEST

START_TEST(refused_iommu_map_is_a_warning_only_where_somebody_misses_it)
{
	fake->container.nr_devices = 1;
	fake_vfio_refuse(fake, "dma_map", EFAULT, 0);
	log_rig_begin();
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(log_rig_lines(), 0);
	log_rig_end();
}
END_TEST

START_TEST(without_peer_to_peer_no_bar_is_in_the_iommu)
{
	fake->container.no_p2p = true;
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 2);
	vfio_device_seal(&fake->device);
	hide();
	fake_vfio_unseal(fake);
	ck_assert_uint_eq(slots_in_use(), 2);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_map"), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_unmap"), 0);
}
END_TEST

START_TEST(refused_iommu_unmap_does_not_keep_the_memslot)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_refuse(fake, "dma_unmap", EINVAL, 0);
	decode(0);
	ck_assert_uint_eq(slots_in_use(), 0);
}
END_TEST

/* --- power ---------------------------------------------------------------------------------------
 */

START_TEST(sealed_bar_reads_all_ones_without_a_call)
{
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	vfio_device_seal(&fake->device);
	hide();
	fake_vfio_clear(fake);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0, 8), UINT64_MAX);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + FAKE_VFIO_MSIX_TABLE, 4),
			  0xffffffff);
	ck_assert_uint_eq(bus_read(&fake->pio, FAKE_VFIO_BAR4, 1), 0xff);
	bus_write(&fake->mmio, FAKE_VFIO_BAR0, 1, 4);
	bus_write(&fake->mmio, FAKE_VFIO_BAR0 + FAKE_VFIO_MSIX_TABLE, 1, 4);
	bus_write(&fake->pio, FAKE_VFIO_BAR4, 1, 1);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(hidden_bars_are_in_no_memslot_and_no_iommu)
{
	decode(PCI_COMMAND_MEMORY);
	vfio_device_seal(&fake->device);
	hide();
	ck_assert_uint_eq(slots_in_use(), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_unmap"), 2);
}
END_TEST

START_TEST(update_shows_nothing_of_a_sealed_device)
{
	decode(PCI_COMMAND_MEMORY);
	vfio_device_seal(&fake->device);
	pthread_mutex_lock(&fake->device.lock);
	vfio_bars_update(&fake->device);
	pthread_mutex_unlock(&fake->device.lock);
	ck_assert_uint_eq(slots_in_use(), 0);
}
END_TEST

START_TEST(unsealed_bars_are_back)
{
	decode(PCI_COMMAND_MEMORY);
	vfio_device_seal(&fake->device);
	hide();
	fake_vfio_clear(fake);
	fake_vfio_unseal(fake);
	ck_assert_uint_eq(slots_in_use(), 2);
	ck_assert_uint_eq(fake_vfio_count(fake, "dma_map"), 2);
	fake->bars[0][0x3800] = 0x42;
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0 + 0x3800, 1), 0x42);
}
END_TEST

START_TEST(bars_are_away_while_pmcsr_says_d3hot)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_config_write(fake, FAKE_VFIO_PM + PCI_PM_CTRL, 3, 2);
	fake_vfio_clear(fake);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0, 4), 0xffffffff);
	bus_write(&fake->mmio, FAKE_VFIO_BAR0, 0, 4);
	ck_assert_uint_eq(slots_in_use(), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(bars_are_away_while_the_port_sleeps)
{
	decode(PCI_COMMAND_MEMORY);
	vfio_device_follow_port(&fake->device, true);
	ck_assert_uint_eq(slots_in_use(), 0);
	/* An update for another reason shows nothing either. */
	decode(0);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 0);
	fake_vfio_clear(fake);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0, 4), 0xffffffff);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_read"), 0);
	vfio_device_follow_port(&fake->device, false);
	ck_assert_uint_gt(slots_in_use(), 0);
}
END_TEST

START_TEST(a_port_that_wakes_shows_nothing_of_a_sealed_device)
{
	decode(PCI_COMMAND_MEMORY);
	vfio_device_follow_port(&fake->device, true);
	vfio_device_seal(&fake->device);
	vfio_device_follow_port(&fake->device, false);
	ck_assert_uint_eq(slots_in_use(), 0);
	pthread_mutex_lock(&fake->device.lock);
	vfio_device_unseal(&fake->device);
	pthread_mutex_unlock(&fake->device.lock);
	ck_assert_uint_gt(slots_in_use(), 0);
}
END_TEST

START_TEST(demoted_bars_trap_until_the_next_update)
{
	decode(PCI_COMMAND_MEMORY);
	ck_assert(vfio_bars_demote(&fake->device));
	ck_assert(!vfio_bars_demote(&fake->device));
	ck_assert_uint_eq(slots_in_use(), 0);
	fake->bars[0][0] = 0x42;
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR0, 1), 0x42);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(slots_in_use(), 2);
}
END_TEST

START_TEST(closed_device_leaves_nothing_behind)
{
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	vfio_device_close(&fake->device);
	ck_assert_uint_eq(slots_in_use(), 0);
	ck_assert_uint_eq(fake->mmio.nr, 0);
	ck_assert_uint_eq(fake->pio.nr, 0);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_unmap"), 2);
	ck_assert_uint_eq(fake->container.bar_bytes, 0);
}
END_TEST

START_TEST(random_accesses_are_harmless)
{
	unsigned seed = 1;

	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t addr =
			FAKE_VFIO_BAR0 - 8 + (uint64_t)rand_r(&seed) % (FAKE_VFIO_BAR0_SIZE + 16);
		unsigned size = 1u << rand_r(&seed) % 4;

		bus_write(&fake->mmio, addr, (uint64_t)rand_r(&seed), size);
		ck_assert_uint_le(bus_read(&fake->mmio, addr, size), ones(size));
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vfio_bars");
	TCase *raw = tcase_create("before start"), *up = tcase_create("started");

	tcase_add_checked_fixture(raw, set_up, tear_down);
	tcase_add_test(raw, table_in_the_middle_leaves_two_pieces);
	tcase_add_test(raw, pba_before_the_table_is_cut_as_well);
	tcase_add_test(raw, table_that_begins_beyond_the_bar_is_harmless);
	tcase_add_test(raw, only_sparse_areas_are_mapped);
	tcase_add_test(raw, bar_smaller_than_a_page_is_slow_but_there);
	tcase_add_test(raw, bar_that_cannot_be_mapped_is_slow_but_there);
	tcase_add_test(raw, size_that_is_no_power_of_two_is_no_bar);
	suite_add_tcase(s, raw);

	tcase_add_checked_fixture(up, set_up_started, tear_down);
	tcase_add_test(up, pages_of_msix_table_and_pba_are_left_out);
	tcase_add_test(up, nothing_is_shown_before_the_guest_decodes);
	tcase_add_test(up, decoded_memory_is_in_memslots_and_iommu);
	tcase_add_test(up, decoding_twice_maps_once);
	tcase_add_test(up, ports_and_memory_are_decoded_apart);
	tcase_add_test(up, ports_go_to_the_region);
	tcase_add_test(up, slow_path_reads_the_region_in_every_size);
	tcase_add_test(up, failing_region_reads_all_ones);
	tcase_add_test(up, moved_bar_is_remapped_everywhere);
	tcase_add_loop_test(up, bar_outside_of_the_windows_is_not_decoded, 0, ARRAY_SIZE(outside));
	tcase_add_test(up, second_bar_at_one_place_is_not_decoded);
	tcase_add_test(up, ports_below_the_window_are_not_decoded);
	tcase_add_test(up, without_a_memslot_the_slow_path_serves);
	tcase_add_test(up, refused_memslot_is_tried_again_at_the_next_update);
	tcase_add_test(up, memslot_that_does_not_go_keeps_its_memory);
	tcase_add_test(up, functions_of_a_slot_share_buses_and_slots);
	tcase_add_test(up, refused_iommu_map_is_no_obstacle);
	tcase_add_test(up, without_peer_to_peer_no_bar_is_in_the_iommu);
	tcase_add_test(up, refused_iommu_map_is_a_warning_only_where_somebody_misses_it);
	tcase_add_loop_test(up, refused_iommu_map_is_one_warning_that_says_what_helps, 0, 2);
	tcase_add_test(up, refused_iommu_unmap_does_not_keep_the_memslot);
	tcase_add_test(up, sealed_bar_reads_all_ones_without_a_call);
	tcase_add_test(up, hidden_bars_are_in_no_memslot_and_no_iommu);
	tcase_add_test(up, update_shows_nothing_of_a_sealed_device);
	tcase_add_test(up, unsealed_bars_are_back);
	tcase_add_test(up, bars_are_away_while_pmcsr_says_d3hot);
	tcase_add_test(up, bars_are_away_while_the_port_sleeps);
	tcase_add_test(up, a_port_that_wakes_shows_nothing_of_a_sealed_device);
	tcase_add_test(up, demoted_bars_trap_until_the_next_update);
	tcase_add_test(up, closed_device_leaves_nothing_behind);
	tcase_add_test(up, random_accesses_are_harmless);
	suite_add_tcase(s, up);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
