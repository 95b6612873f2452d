/* SPDX-License-Identifier: BSD-3-Clause */
/* Capabilities in config space: which the guest finds, and what its writes to them do. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "devices/vfio/clique.h"
#include "tests/fake/fake_vfio.h"
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

/* --- cliques of GPUs -----------------------------------------------------------------------------
 */

/* A capability of @id at @at, which the guest finds first. */
static void put_cap(unsigned at, unsigned id, unsigned third_byte)
{
	uint32_t first = fake_vfio_get(fake, PCI_CAPABILITY_LIST, 1);

	fake_vfio_put(fake, at, id | first << 8 | third_byte << 16, 4);
	fake_vfio_put(fake, PCI_CAPABILITY_LIST, at, 1);
}

static unsigned place(void)
{
	return clique_find_place(fake->config);
}

START_TEST(clique_is_the_last_capability)
{
	unsigned ids[16];

	ck_assert_int_eq(clique_add(&fake->device, 0), 0);
	ck_assert_uint_eq(walk(ids), 5);
	ck_assert_uint_eq(ids[3], PCI_CAP_ID_EXP);
	ck_assert_uint_eq(ids[4], PCI_CAP_ID_VNDR);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xc8, 4), 0x50080009);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xcc, 4), 0x00005032);
}
END_TEST

START_TEST(clique_is_in_bits_6_to_3)
{
	ck_assert_int_eq(clique_add(&fake->device, 15), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xcc, 4), 0x00785032);
}
END_TEST

START_TEST(clique_costs_the_device_no_access_and_no_bit)
{
	ck_assert_int_eq(clique_add(&fake->device, 5), 0);
	fake_vfio_clear(fake);
	fake_vfio_config_write(fake, 0xc8, 0xffffffff, 4);
	fake_vfio_config_write(fake, 0xcc, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xc8, 4), 0x50080009);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xcc, 4), 0x00285032);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(clique_gives_way_to_what_the_device_has)
{
	ck_assert_uint_eq(place(), 0xc8);
	/* A vendor's capability that ends behind c8h; its length is in its third byte. */
	put_cap(0xbc, PCI_CAP_ID_VNDR, 0x10);
	ck_assert_uint_eq(place(), 0xd4);
	put_cap(0xd8, PCI_CAP_ID_SSVID, 0);
	ck_assert_uint_eq(place(), 0xf8);
	/* A register in no capability. */
	fake_vfio_put(fake, 0xfe, 1, 1);
	ck_assert_uint_eq(place(), 0xf4);
}
END_TEST

START_TEST(clique_keeps_off_a_capability_of_unknown_length)
{
	put_cap(0xc0, 0x7f, 0);
	ck_assert_uint_eq(place(), 0x68); /* between MSI and MSI-X */
	put_cap(0xd0, PCI_CAP_ID_AF, 0);
	ck_assert_uint_eq(place(), 0xf8);
}
END_TEST

/* What the guest does not find has bytes all the same. */
START_TEST(clique_keeps_off_a_hidden_capability)
{
	put_cap(0xc4, PCI_CAP_ID_EA, 0);
	ck_assert_int_eq(vfio_config_init(&fake->device, false), 0);
	ck_assert_int_eq(clique_add(&fake->device, 1), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xc8, 4), 0);
	ck_assert_uint_eq(fake_vfio_config_read(fake, 0xbc, 4), 0x50080009);
}
END_TEST

START_TEST(clique_without_a_place_is_refused)
{
	unsigned ids[16];

	for (unsigned at = 0xbc; at < 0x100; at += 4)
		fake_vfio_put(fake, at, 1, 4);
	fake_vfio_put(fake, 0x48, 1, 4);
	fake_vfio_put(fake, 0x68, 1, 4);
	ck_assert_uint_eq(place(), 0);
	ck_assert_int_eq(clique_add(&fake->device, 1), -ENOSPC);
	ck_assert_uint_eq(walk(ids), 4);
}
END_TEST

START_TEST(clique_needs_a_list_of_capabilities)
{
	fake_vfio_put(fake, PCI_STATUS, 0, 2);
	ck_assert_int_eq(clique_add(&fake->device, 1), -ENOSPC);
	fake_vfio_refuse(fake, "region_read", EIO, 0);
	ck_assert_int_eq(clique_add(&fake->device, 1), -EIO);
}
END_TEST

START_TEST(place_of_a_clique_survives_any_config_space)
{
	unsigned seed = 1;

	for (unsigned i = 0; i < 2000; i++) {
		unsigned at;

		for (unsigned b = 0; b < PCI_CONFIG_CONV_SIZE; b++)
			fake->config[b] = rand_r(&seed) % 3 ? 0 : (uint8_t)rand_r(&seed);
		at = place();
		ck_assert_uint_le(at, PCI_CONFIG_CONV_SIZE - CLIQUE_CAP_SIZE);
		ck_assert(!at || at >= PCI_STD_HEADER_SIZEOF);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vfio_capabilities");
	TCase *raw = suite_case(s, "before start", set_up, tear_down);
	TCase *up = suite_case(s, "started", set_up_started, tear_down);

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

	tcase_add_test(raw, clique_keeps_off_a_hidden_capability);
	tcase_add_test(raw, place_of_a_clique_survives_any_config_space);

	tcase_add_test(up, clique_is_the_last_capability);
	tcase_add_test(up, clique_is_in_bits_6_to_3);
	tcase_add_test(up, clique_costs_the_device_no_access_and_no_bit);
	tcase_add_test(up, clique_gives_way_to_what_the_device_has);
	tcase_add_test(up, clique_keeps_off_a_capability_of_unknown_length);
	tcase_add_test(up, clique_without_a_place_is_refused);
	tcase_add_test(up, clique_needs_a_list_of_capabilities);
	tcase_add_test(up, msi_registers_never_reach_the_device);
	tcase_add_test(up, msix_control_never_reaches_the_device);
	tcase_add_test(up, function_level_reset_reaches_the_device);
	tcase_add_test(up, capabilities_are_in_the_devices_order);
	tcase_add_test(up, hidden_extended_capabilities_are_jumped_over);
	tcase_add_test(up, registers_of_a_hidden_capability_are_not_there);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
