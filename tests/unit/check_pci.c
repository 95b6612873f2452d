/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of buses, INTx swizzling, and config space as tables of bits. */
#include "devices/pci.h"

#include <errno.h>

#include "tests/unit/suite.h"
#include "vmm/x86/layout.h"

struct bridge {
	struct pci_function function;
	struct pci_bus below;
	unsigned secondary, subordinate;
};

static bool bridge_routes(struct pci_function *function, unsigned bus_nr, bool *ret_direct)
{
	struct bridge *bridge = (struct bridge *)function;

	if (bus_nr < bridge->secondary || bus_nr > bridge->subordinate)
		return false;
	*ret_direct = bus_nr == bridge->secondary;
	return true;
}

static const struct pci_function_ops bridge_ops = { .routes = bridge_routes };
static const struct pci_function_ops endpoint_ops = { .routes = NULL };

static struct pci_bus root;
static struct bridge bridges[12];
static struct pci_function endpoints[4];
static struct pci_config config;

static void setup(void)
{
	root = (struct pci_bus){ 0 };
	config = (struct pci_config){ 0 };
	for (unsigned i = 0; i < 4; i++)
		endpoints[i] = (struct pci_function){ .ops = &endpoint_ops };
	for (unsigned i = 0; i < 12; i++) {
		bridges[i] = (struct bridge){ .function = { .ops = &bridge_ops } };
		bridges[i].function.secondary = &bridges[i].below;
		bridges[i].below.bridge = &bridges[i].function;
	}
}

static void add_bridge(struct pci_bus *bus, unsigned i, unsigned dev, unsigned secondary,
		       unsigned subordinate)
{
	bridges[i].secondary = secondary;
	bridges[i].subordinate = subordinate;
	ck_assert_int_eq(pci_bus_attach(bus, &bridges[i].function, PCI_DEVFN_OF(dev, 0)), 0);
}

START_TEST(attach_tells_a_function_where_it_is)
{
	ck_assert_int_eq(pci_bus_attach(&root, &endpoints[0], PCI_DEVFN_OF(3, 2)), 0);
	ck_assert_ptr_eq(endpoints[0].bus, &root);
	ck_assert_uint_eq(endpoints[0].devfn, 0x1a);
	ck_assert_uint_eq(PCI_DEV_OF(endpoints[0].devfn), 3);
	ck_assert_uint_eq(PCI_FN_OF(endpoints[0].devfn), 2);
}
END_TEST

START_TEST(two_functions_at_one_place_are_refused)
{
	ck_assert_int_eq(pci_bus_attach(&root, &endpoints[0], 8), 0);
	ck_assert_int_eq(pci_bus_attach(&root, &endpoints[1], 8), -EEXIST);
	ck_assert_ptr_eq(pci_bus_find(&root, 0, 8), &endpoints[0]);
	ck_assert_ptr_null(endpoints[1].bus);
}
END_TEST

START_TEST(an_empty_place_has_no_function)
{
	ck_assert_ptr_null(pci_bus_find(&root, 0, 0));
	add_bridge(&root, 0, 1, 1, 1);
	ck_assert_ptr_null(pci_bus_find(&root, 1, 0));
	ck_assert_ptr_null(pci_bus_find(&root, 2, 0));
	ck_assert_ptr_null(pci_bus_find(&root, 255, 0));
}
END_TEST

START_TEST(a_cycle_reaches_the_bus_behind_a_bridge)
{
	add_bridge(&root, 0, 1, 1, 1);
	add_bridge(&root, 1, 2, 2, 2);
	pci_bus_attach(&bridges[0].below, &endpoints[0], 0);
	pci_bus_attach(&bridges[1].below, &endpoints[1], 0);
	ck_assert_ptr_eq(pci_bus_find(&root, 1, 0), &endpoints[0]);
	ck_assert_ptr_eq(pci_bus_find(&root, 2, 0), &endpoints[1]);
}
END_TEST

START_TEST(a_cycle_follows_the_numbers_that_the_guest_gave)
{
	add_bridge(&root, 0, 1, 1, 1);
	pci_bus_attach(&bridges[0].below, &endpoints[0], 0);
	bridges[0].secondary = bridges[0].subordinate = 0x40;
	ck_assert_ptr_null(pci_bus_find(&root, 1, 0));
	ck_assert_ptr_eq(pci_bus_find(&root, 0x40, 0), &endpoints[0]);
}
END_TEST

START_TEST(a_cycle_goes_through_a_bridge_behind_a_bridge)
{
	add_bridge(&root, 0, 1, 1, 3);
	add_bridge(&bridges[0].below, 1, 5, 3, 3);
	pci_bus_attach(&bridges[1].below, &endpoints[0], 7);
	ck_assert_ptr_eq(pci_bus_find(&root, 3, 7), &endpoints[0]);
	ck_assert_ptr_null(pci_bus_find(&root, 2, 7));
}
END_TEST

START_TEST(of_two_bridges_with_one_range_the_lower_device_answers)
{
	add_bridge(&root, 0, 2, 1, 1);
	add_bridge(&root, 1, 1, 1, 1);
	pci_bus_attach(&bridges[0].below, &endpoints[0], 0);
	pci_bus_attach(&bridges[1].below, &endpoints[1], 0);
	ck_assert_ptr_eq(pci_bus_find(&root, 1, 0), &endpoints[1]);
}
END_TEST

START_TEST(bridges_that_lead_on_for_ever_end_the_walk)
{
	struct pci_bus *bus = &root;

	for (unsigned i = 0; i < 12; i++) {
		add_bridge(bus, i, 1, 200, 250);
		bus = &bridges[i].below;
	}
	ck_assert_ptr_null(pci_bus_find(&root, 250, 0));
	/* Even one that leads to itself. */
	bridges[0].function.secondary = &root;
	ck_assert_ptr_null(pci_bus_find(&root, 250, 0));
}
END_TEST

START_TEST(a_pin_on_the_root_bus_turns_with_the_device_number)
{
	for (unsigned pin = 1; pin <= 4; pin++) {
		endpoints[0].bus = &root;
		endpoints[0].devfn = PCI_DEVFN_OF(6, 0);
		ck_assert_uint_eq(pci_intx_pin_gsi(&endpoints[0], pin),
				  LAYOUT_GSI_INTX + (6 + pin - 1) % LAYOUT_NR_INTX);
	}
	endpoints[0].devfn = PCI_DEVFN_OF(9, 3);
	ck_assert_uint_eq(pci_intx_pin_gsi(&endpoints[0], 1), LAYOUT_GSI_INTX + 1);
}
END_TEST

START_TEST(a_pin_behind_a_bridge_turns_once_more)
{
	/* INTB of device 3 behind the bridge at device 5: (1 + 3) mod 4 is INTA of device 5. */
	add_bridge(&root, 0, 5, 1, 1);
	pci_bus_attach(&bridges[0].below, &endpoints[0], PCI_DEVFN_OF(3, 0));
	ck_assert_uint_eq(pci_intx_pin_gsi(&endpoints[0], 2), LAYOUT_GSI_INTX + 5);
}
END_TEST

START_TEST(a_pin_behind_two_bridges_turns_twice)
{
	/* INTA of device 1 is INTB of device 2 is INTD of device 4. */
	add_bridge(&root, 0, 4, 1, 2);
	add_bridge(&bridges[0].below, 1, 2, 2, 2);
	pci_bus_attach(&bridges[1].below, &endpoints[0], PCI_DEVFN_OF(1, 0));
	ck_assert_uint_eq(pci_intx_pin_gsi(&endpoints[0], 1), LAYOUT_GSI_INTX + (4 + 3) % 8);
}
END_TEST

START_TEST(config_is_little_endian)
{
	pci_config_set32(&config, 0x10, 0x11223344, 0);
	ck_assert_uint_eq(pci_config_read(&config, 0x10, 4), 0x11223344);
	ck_assert_uint_eq(pci_config_read(&config, 0x10, 1), 0x44);
	ck_assert_uint_eq(pci_config_read(&config, 0x12, 2), 0x1122);
}
END_TEST

START_TEST(a_write_changes_writable_bits_alone)
{
	pci_config_set16(&config, 4, 0xa5a5, 0x00ff);
	pci_config_write(&config, 4, 0x0000, 2);
	ck_assert_uint_eq(pci_config_read(&config, 4, 2), 0xa500);
	pci_config_write(&config, 4, 0xffff, 2);
	ck_assert_uint_eq(pci_config_read(&config, 4, 2), 0xa5ff);
}
END_TEST

START_TEST(a_write_of_one_byte_leaves_its_neighbours)
{
	pci_config_set32(&config, 8, 0, 0xffffffff);
	pci_config_write(&config, 9, 0xab, 1);
	ck_assert_uint_eq(pci_config_read(&config, 8, 4), 0x0000ab00);
}
END_TEST

START_TEST(a_written_1_clears_and_a_0_does_not)
{
	pci_config_set8(&config, 6, 0x0f, 0);
	config.clear[6] = 0x06;
	pci_config_write(&config, 6, 0x00, 1);
	ck_assert_uint_eq(pci_config_read(&config, 6, 1), 0x0f);
	pci_config_write(&config, 6, 0x02, 1);
	ck_assert_uint_eq(pci_config_read(&config, 6, 1), 0x0d);
	pci_config_write(&config, 6, 0xff, 1);
	ck_assert_uint_eq(pci_config_read(&config, 6, 1), 0x09);
}
END_TEST

START_TEST(the_end_of_config_space_is_the_end)
{
	pci_config_set8(&config, PCI_CONFIG_SIZE - 1, 0x77, 0xff);
	ck_assert_uint_eq(pci_config_read(&config, PCI_CONFIG_SIZE - 1, 4), 0x77);
	pci_config_write(&config, PCI_CONFIG_SIZE - 1, 0x11223344, 4);
	ck_assert_uint_eq(pci_config_read(&config, PCI_CONFIG_SIZE - 1, 1), 0x44);
	ck_assert_uint_eq(config.writable[0], 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("pci");
	TCase *t = suite_case(s, "buses", setup, NULL);

	tcase_add_test(t, attach_tells_a_function_where_it_is);
	tcase_add_test(t, two_functions_at_one_place_are_refused);
	tcase_add_test(t, an_empty_place_has_no_function);
	tcase_add_test(t, a_cycle_reaches_the_bus_behind_a_bridge);
	tcase_add_test(t, a_cycle_follows_the_numbers_that_the_guest_gave);
	tcase_add_test(t, a_cycle_goes_through_a_bridge_behind_a_bridge);
	tcase_add_test(t, of_two_bridges_with_one_range_the_lower_device_answers);
	tcase_add_test(t, bridges_that_lead_on_for_ever_end_the_walk);

	t = suite_case(s, "interrupt pins", setup, NULL);
	tcase_add_test(t, a_pin_on_the_root_bus_turns_with_the_device_number);
	tcase_add_test(t, a_pin_behind_a_bridge_turns_once_more);
	tcase_add_test(t, a_pin_behind_two_bridges_turns_twice);

	t = suite_case(s, "config space", setup, NULL);
	tcase_add_test(t, config_is_little_endian);
	tcase_add_test(t, a_write_changes_writable_bits_alone);
	tcase_add_test(t, a_write_of_one_byte_leaves_its_neighbours);
	tcase_add_test(t, a_written_1_clears_and_a_0_does_not);
	tcase_add_test(t, the_end_of_config_space_is_the_end);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
