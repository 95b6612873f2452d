/* SPDX-License-Identifier: BSD-3-Clause */
/* The root port: what Linux needs to see before it lets a port sleep, and what it may write. */
#include "devices/rootport.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/suite.h"

static struct pci_bus root;
static struct rootport port;

static uint32_t get(unsigned off, unsigned size)
{
	return port.function.ops->config_read(&port.function, off, size);
}

static void put(unsigned off, uint32_t value, unsigned size)
{
	port.function.ops->config_write(&port.function, off, value, size);
}

/* Offset of capability @id, as a guest finds it. */
static unsigned find_cap(uint8_t id)
{
	unsigned at = get(PCI_CAPABILITY_LIST, 1);

	for (unsigned n = 0; at && n < 48; n++, at = get(at + 1, 1)) {
		ck_assert_uint_ge(at, 0x40);
		ck_assert_uint_eq(at % 4, 0);
		if (get(at, 1) == id)
			return at;
	}
	ck_abort_msg("no capability 0x%02x", id);
}

static void setup(void)
{
	memset(&root, 0, sizeof(root));
	ck_assert_int_eq(rootport_init(&port, &root, 2), 0);
}

static void teardown(void)
{
	rootport_exit(&port);
}

START_TEST(port_n_is_device_n_plus_1_with_bus_n_plus_1)
{
	ck_assert_ptr_eq(pci_bus_find(&root, 0, PCI_DEVFN_OF(3, 0)), &port.function);
	ck_assert_uint_eq(get(PCI_PRIMARY_BUS, 1), 0);
	ck_assert_uint_eq(get(PCI_SECONDARY_BUS, 1), 3);
	ck_assert_uint_eq(get(PCI_SUBORDINATE_BUS, 1), 3);
}
END_TEST

START_TEST(a_port_of_another_root_bus_has_that_ones_number)
{
	struct pci_bus other = { .number = 5 };
	struct rootport second;

	ck_assert_int_eq(rootport_init_at(&second, &other, 2, 1, 6), 0);
	ck_assert_ptr_eq(pci_bus_find(&other, 5, PCI_DEVFN_OF(1, 0)), &second.function);
	ck_assert_uint_eq(second.config.data[PCI_PRIMARY_BUS], 5);
	ck_assert_uint_eq(second.config.data[PCI_SECONDARY_BUS], 6);
	ck_assert_uint_eq(second.config.data[PCI_SUBORDINATE_BUS], 6);
	rootport_exit(&second);
}
END_TEST

START_TEST(a_place_that_is_taken_is_an_error)
{
	struct rootport other;

	ck_assert_int_eq(rootport_init(&other, &root, 2), -EEXIST);
	rootport_exit(&other);
}
END_TEST

START_TEST(it_is_a_pci_bridge_with_header_type_1)
{
	ck_assert_uint_eq(get(PCI_CLASS_DEVICE, 2), 0x0604);
	ck_assert_uint_eq(get(PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_BRIDGE);
	ck_assert_uint_eq(get(PCI_BASE_ADDRESS_0, 4), 0);
	ck_assert_uint_eq(get(PCI_BASE_ADDRESS_1, 4), 0);
	ck_assert_uint_eq(get(PCI_ROM_ADDRESS1, 4), 0);
}
END_TEST

START_TEST(it_is_a_root_port_without_slot)
{
	unsigned exp = find_cap(PCI_CAP_ID_EXP);
	uint32_t flags = get(exp + PCI_EXP_FLAGS, 2);

	ck_assert_uint_eq((flags & PCI_EXP_FLAGS_TYPE) >> 4, PCI_EXP_TYPE_ROOT_PORT);
	ck_assert_uint_eq(flags & PCI_EXP_FLAGS_VERS, 2);
	ck_assert_uint_eq(flags & PCI_EXP_FLAGS_SLOT, 0);
	ck_assert_uint_eq(get(exp + PCI_EXP_SLTCAP, 4), 0);
}
END_TEST

START_TEST(its_link_is_slow_enough_to_wait_for_nothing)
{
	unsigned exp = find_cap(PCI_CAP_ID_EXP);
	uint32_t cap = get(exp + PCI_EXP_LNKCAP, 4);

	/* Above 5 GT/s Linux waits for the data link layer to report (pcie_wait_for_link_delay). */
	ck_assert_uint_le(cap & PCI_EXP_LNKCAP_SLS, PCI_EXP_LNKCAP_SLS_5_0GB);
	ck_assert_uint_eq(cap & PCI_EXP_LNKCAP_DLLLARC, 0);
	ck_assert_uint_le(get(exp + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_CLS, 2);
	ck_assert_uint_eq(get(exp + PCI_EXP_LNKCAP2, 4),
			  PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB);
}
END_TEST

START_TEST(its_pm_capability_has_pme_from_everywhere_and_no_soft_reset)
{
	unsigned pm = find_cap(PCI_CAP_ID_PM);
	uint32_t pmc = get(pm + PCI_PM_PMC, 2);

	ck_assert_uint_eq(pmc & PCI_PM_CAP_VER_MASK, 3);
	ck_assert(pmc & PCI_PM_CAP_PME_D0);
	ck_assert(pmc & PCI_PM_CAP_PME_D3hot);
	ck_assert(pmc & PCI_PM_CAP_PME_D3cold);
	ck_assert(!(pmc & (PCI_PM_CAP_D1 | PCI_PM_CAP_D2)));
	ck_assert(get(pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET);
}
END_TEST

START_TEST(it_has_one_msi_for_the_port_driver)
{
	unsigned msi = find_cap(PCI_CAP_ID_MSI);

	ck_assert_uint_eq(get(msi + PCI_MSI_FLAGS, 2), PCI_MSI_FLAGS_64BIT);
	put(msi + PCI_MSI_FLAGS, 0xffff, 2);
	ck_assert_uint_eq(get(msi + PCI_MSI_FLAGS, 2), PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_ENABLE);
	put(msi + PCI_MSI_ADDRESS_LO, 0xfee00123, 4);
	ck_assert_uint_eq(get(msi + PCI_MSI_ADDRESS_LO, 4), 0xfee00120);
}
END_TEST

START_TEST(it_has_no_extended_capabilities)
{
	ck_assert_uint_eq(get(0x100, 4), 0);
}
END_TEST

START_TEST(its_identity_cannot_be_written)
{
	static const unsigned offs[] = { PCI_VENDOR_ID, PCI_CLASS_REVISION, PCI_BASE_ADDRESS_0,
					 PCI_CAPABILITY_LIST };

	for (unsigned i = 0; i < 4; i++) {
		uint32_t before = get(offs[i], 4);

		put(offs[i], ~before, 4);
		ck_assert_uint_eq(get(offs[i], 4), before);
	}
}
END_TEST

START_TEST(pmcsr_goes_to_d3hot_and_back)
{
	unsigned pmcsr = find_cap(PCI_CAP_ID_PM) + PCI_PM_CTRL;

	put(pmcsr, 3, 2);
	ck_assert_uint_eq(get(pmcsr, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	put(pmcsr, 0, 2);
	ck_assert_uint_eq(get(pmcsr, 2) & PCI_PM_CTRL_STATE_MASK, 0);
}
END_TEST

START_TEST(pmcsr_ignores_d1_and_d2)
{
	unsigned pmcsr = find_cap(PCI_CAP_ID_PM) + PCI_PM_CTRL;

	for (uint32_t state = 1; state <= 2; state++)
		for (uint32_t from = 0; from <= 3; from += 3) {
			put(pmcsr, from, 2);
			put(pmcsr, state | PCI_PM_CTRL_PME_ENABLE, 2);
			ck_assert_uint_eq(get(pmcsr, 2) & PCI_PM_CTRL_STATE_MASK, from);
			ck_assert(get(pmcsr, 2) & PCI_PM_CTRL_PME_ENABLE);
		}
}
END_TEST

static unsigned changes;
static bool was_asleep;

static void count_change(void *opaque)
{
	was_asleep = rootport_asleep(opaque);
	changes++;
}

START_TEST(a_change_between_d0_and_d3hot_is_told_once)
{
	unsigned pmcsr = find_cap(PCI_CAP_ID_PM) + PCI_PM_CTRL;

	changes = 0;
	port.power_changed = count_change;
	port.opaque = &port;
	put(pmcsr, 3, 2);
	ck_assert_uint_eq(changes, 1);
	ck_assert(was_asleep);
	put(pmcsr, 3 | PCI_PM_CTRL_PME_ENABLE, 2);
	put(PCI_BRIDGE_CONTROL, 0, 2);
	ck_assert_uint_eq(changes, 1);
	put(pmcsr, 0, 2);
	ck_assert_uint_eq(changes, 2);
	ck_assert(!was_asleep);
}
END_TEST

START_TEST(a_slot_that_gets_power_tells_of_a_port_that_slept)
{
	unsigned pmcsr = find_cap(PCI_CAP_ID_PM) + PCI_PM_CTRL;

	changes = 0;
	port.power_changed = count_change;
	port.opaque = &port;
	rootport_power_on(&port);
	ck_assert_uint_eq(changes, 0);
	put(pmcsr, 3, 2);
	rootport_power_on(&port);
	ck_assert_uint_eq(changes, 2);
	ck_assert(!was_asleep);
}
END_TEST

START_TEST(a_slot_that_gets_power_reads_d0)
{
	unsigned pmcsr = find_cap(PCI_CAP_ID_PM) + PCI_PM_CTRL;

	put(pmcsr, 3 | PCI_PM_CTRL_PME_ENABLE, 2);
	rootport_power_on(&port);
	ck_assert_uint_eq(get(pmcsr, 2), PCI_PM_CTRL_NO_SOFT_RESET | PCI_PM_CTRL_PME_ENABLE);
}
END_TEST

START_TEST(it_routes_what_its_bus_numbers_say)
{
	bool direct = false;

	ck_assert(!port.function.ops->routes(&port.function, 2, &direct));
	ck_assert(!port.function.ops->routes(&port.function, 4, &direct));
	ck_assert(port.function.ops->routes(&port.function, 3, &direct));
	ck_assert(direct);
	put(PCI_SECONDARY_BUS, 0x0805, 2);
	ck_assert(port.function.ops->routes(&port.function, 5, &direct));
	ck_assert(direct);
	ck_assert(port.function.ops->routes(&port.function, 8, &direct));
	ck_assert(!direct);
	ck_assert(!port.function.ops->routes(&port.function, 9, &direct));
}
END_TEST

START_TEST(an_unprogrammed_port_forwards_nothing)
{
	bool direct = false;

	put(PCI_SECONDARY_BUS, 0xff00, 2);
	for (unsigned bus = 0; bus < 256; bus++)
		ck_assert(!port.function.ops->routes(&port.function, bus, &direct));
}
END_TEST

START_TEST(without_windows_all_are_closed)
{
	ck_assert_uint_gt(get(PCI_MEMORY_BASE, 2), get(PCI_MEMORY_LIMIT, 2));
	ck_assert_uint_gt(get(PCI_PREF_MEMORY_BASE, 2), get(PCI_PREF_MEMORY_LIMIT, 2));
	ck_assert_uint_gt(get(PCI_IO_BASE, 1) & 0xf0, get(PCI_IO_LIMIT, 1) & 0xf0);
	rootport_set_windows(&port, &(struct rootport_windows){ 0 });
	ck_assert_uint_gt(get(PCI_MEMORY_BASE, 2), get(PCI_MEMORY_LIMIT, 2));
	ck_assert_uint_gt(get(PCI_PREF_MEMORY_BASE, 2), get(PCI_PREF_MEMORY_LIMIT, 2));
	ck_assert_uint_gt(get(PCI_IO_BASE, 1) & 0xf0, get(PCI_IO_LIMIT, 1) & 0xf0);
}
END_TEST

START_TEST(windows_are_programmed_with_their_last_address)
{
	rootport_set_windows(&port, &(struct rootport_windows){
					    .mem = 0xc0100000,
					    .mem_size = 0x300000,
					    .pref = 0x1240000000,
					    .pref_size = 0x400000000,
					    .io = 0x2000,
					    .io_size = 0x1000,
				    });
	ck_assert_uint_eq(get(PCI_MEMORY_BASE, 2), 0xc010);
	ck_assert_uint_eq(get(PCI_MEMORY_LIMIT, 2), 0xc030);
	ck_assert_uint_eq(get(PCI_PREF_MEMORY_BASE, 2), 0x4000 | PCI_PREF_RANGE_TYPE_64);
	ck_assert_uint_eq(get(PCI_PREF_BASE_UPPER32, 4), 0x12);
	ck_assert_uint_eq(get(PCI_PREF_MEMORY_LIMIT, 2), 0x3ff0 | PCI_PREF_RANGE_TYPE_64);
	ck_assert_uint_eq(get(PCI_PREF_LIMIT_UPPER32, 4), 0x16);
	ck_assert_uint_eq(get(PCI_IO_BASE, 1), 0x20 | PCI_IO_RANGE_TYPE_32);
	ck_assert_uint_eq(get(PCI_IO_LIMIT, 1), 0x20 | PCI_IO_RANGE_TYPE_32);
}
END_TEST

START_TEST(the_guest_may_move_windows_but_not_their_type)
{
	put(PCI_MEMORY_BASE, 0xffffffff, 4);
	ck_assert_uint_eq(get(PCI_MEMORY_BASE, 4), 0xfff0fff0);
	put(PCI_PREF_MEMORY_BASE, 0, 4);
	ck_assert_uint_eq(get(PCI_PREF_MEMORY_BASE, 4),
			  PCI_PREF_RANGE_TYPE_64 << 16 | PCI_PREF_RANGE_TYPE_64);
	put(PCI_IO_BASE, 0, 2);
	ck_assert_uint_eq(get(PCI_IO_BASE, 2), PCI_IO_RANGE_TYPE_32 << 8 | PCI_IO_RANGE_TYPE_32);
}
END_TEST

START_TEST(status_bits_are_cleared_by_writing_them)
{
	unsigned pmcsr = find_cap(PCI_CAP_ID_PM) + PCI_PM_CTRL;

	port.config.data[pmcsr + 1] |= PCI_PM_CTRL_PME_STATUS >> 8;
	put(pmcsr, 0, 2);
	ck_assert(get(pmcsr, 2) & PCI_PM_CTRL_PME_STATUS);
	put(pmcsr, PCI_PM_CTRL_PME_STATUS, 2);
	ck_assert(!(get(pmcsr, 2) & PCI_PM_CTRL_PME_STATUS));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("rootport");
	TCase *t = suite_case(s, "identity", setup, teardown);

	tcase_add_test(t, port_n_is_device_n_plus_1_with_bus_n_plus_1);
	tcase_add_test(t, a_port_of_another_root_bus_has_that_ones_number);
	tcase_add_test(t, a_place_that_is_taken_is_an_error);
	tcase_add_test(t, it_is_a_pci_bridge_with_header_type_1);
	tcase_add_test(t, it_is_a_root_port_without_slot);
	tcase_add_test(t, its_link_is_slow_enough_to_wait_for_nothing);
	tcase_add_test(t, its_pm_capability_has_pme_from_everywhere_and_no_soft_reset);
	tcase_add_test(t, it_has_one_msi_for_the_port_driver);
	tcase_add_test(t, it_has_no_extended_capabilities);
	tcase_add_test(t, its_identity_cannot_be_written);

	t = suite_case(s, "power", setup, teardown);
	tcase_add_test(t, pmcsr_goes_to_d3hot_and_back);
	tcase_add_test(t, pmcsr_ignores_d1_and_d2);
	tcase_add_test(t, a_change_between_d0_and_d3hot_is_told_once);
	tcase_add_test(t, a_slot_that_gets_power_tells_of_a_port_that_slept);
	tcase_add_test(t, a_slot_that_gets_power_reads_d0);
	tcase_add_test(t, status_bits_are_cleared_by_writing_them);

	t = suite_case(s, "routing and windows", setup, teardown);
	tcase_add_test(t, it_routes_what_its_bus_numbers_say);
	tcase_add_test(t, an_unprogrammed_port_forwards_nothing);
	tcase_add_test(t, without_windows_all_are_closed);
	tcase_add_test(t, windows_are_programmed_with_their_last_address);
	tcase_add_test(t, the_guest_may_move_windows_but_not_their_type);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
