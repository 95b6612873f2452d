/* SPDX-License-Identifier: BSD-3-Clause */
/* The host bridge: CF8/CFC and ECAM lead to one config space, and nobody there reads all ones. */
#include "devices/pci_host.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bus.h"
#include "vmm/x86/layout.h"

static struct bus pio, mmio;
static struct pci_host host;

/* A function that writes down what it is asked. */
static struct pci_function function;
static struct {
	unsigned reads, writes, off, size;
	uint32_t value;
} asked;

static uint32_t read_config(struct pci_function *f, unsigned off, unsigned size)
{
	ck_assert_ptr_eq(f, &function);
	asked.reads++;
	asked.off = off;
	asked.size = size;
	return 0x12345678;
}

static void write_config(struct pci_function *f, unsigned off, uint32_t value, unsigned size)
{
	ck_assert_ptr_eq(f, &function);
	asked.writes++;
	asked.off = off;
	asked.size = size;
	asked.value = value;
}

static const struct pci_function_ops function_ops = {
	.config_read = read_config,
	.config_write = write_config,
};

static void setup(void)
{
	memset(&asked, 0, sizeof(asked));
	bus_init(&pio);
	bus_init(&mmio);
	ck_assert_int_eq(pci_host_init(&host, &pio, &mmio), 0);
	function = (struct pci_function){ .ops = &function_ops };
	ck_assert_int_eq(pci_bus_attach(&host.root, &function, PCI_DEVFN_OF(3, 1)), 0);
}

static void teardown(void)
{
	pci_host_exit(&host);
	bus_exit(&mmio);
	bus_exit(&pio);
}

static uint64_t ecam(unsigned bus_nr, unsigned dev, unsigned fn, unsigned off)
{
	return LAYOUT_ECAM + (bus_nr << 20 | dev << 15 | fn << 12 | off);
}

static void select_register(unsigned bus_nr, unsigned dev, unsigned fn, unsigned off)
{
	bus_write(&pio, 0xcf8, 0x80000000u | bus_nr << 16 | dev << 11 | fn << 8 | off, 4);
}

START_TEST(the_bridge_is_function_0_and_a_host_bridge)
{
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 0, 0, PCI_VENDOR_ID), 4), 0x00081b36);
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 0, 0, PCI_CLASS_DEVICE), 2), 0x0600);
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 0, 0, PCI_HEADER_TYPE), 1), 0);
	/* No capabilities: there is nothing that a driver could switch. */
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 0, 0, PCI_STATUS), 2), 0);
}
END_TEST

START_TEST(the_bridge_takes_no_writes)
{
	for (unsigned off = 0; off < 256; off += 4) {
		uint64_t before = bus_read(&mmio, ecam(0, 0, 0, off), 4);

		bus_write(&mmio, ecam(0, 0, 0, off), 0xffffffff, 4);
		ck_assert_uint_eq(bus_read(&mmio, ecam(0, 0, 0, off), 4), before);
	}
}
END_TEST

START_TEST(both_ways_show_the_same)
{
	for (unsigned off = 0; off < 256; off += 4) {
		select_register(0, 0, 0, off);
		ck_assert_uint_eq(bus_read(&pio, 0xcfc, 4), bus_read(&mmio, ecam(0, 0, 0, off), 4));
	}
}
END_TEST

START_TEST(ecam_decodes_function_offset_and_size)
{
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 3, 1, 0xabc), 4), 0x12345678);
	ck_assert_uint_eq(asked.off, 0xabc);
	ck_assert_uint_eq(asked.size, 4);
	bus_write(&mmio, ecam(0, 3, 1, 0xffe), 0xbeef, 2);
	ck_assert_uint_eq(asked.off, 0xffe);
	ck_assert_uint_eq(asked.size, 2);
	ck_assert_uint_eq(asked.value, 0xbeef);
}
END_TEST

START_TEST(ports_decode_function_offset_and_size)
{
	select_register(0, 3, 1, 0x40);
	ck_assert_uint_eq(bus_read(&pio, 0xcfc, 4), 0x12345678);
	ck_assert_uint_eq(asked.off, 0x40);
	(void)bus_read(&pio, 0xcfe, 2);
	ck_assert_uint_eq(asked.off, 0x42);
	ck_assert_uint_eq(asked.size, 2);
	bus_write(&pio, 0xcff, 0x5a, 1);
	ck_assert_uint_eq(asked.off, 0x43);
	ck_assert_uint_eq(asked.size, 1);
	ck_assert_uint_eq(asked.value, 0x5a);
}
END_TEST

START_TEST(nobody_there_reads_all_ones_and_drops_writes)
{
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 4, 0, 0), 4), 0xffffffff);
	ck_assert_uint_eq(bus_read(&mmio, ecam(7, 3, 1, 0), 2), 0xffff);
	select_register(0, 31, 7, 0);
	ck_assert_uint_eq(bus_read(&pio, 0xcfc, 1), 0xff);
	bus_write(&pio, 0xcfc, 1, 4);
	bus_write(&mmio, ecam(255, 31, 7, 0xffc), 1, 4);
	ck_assert_uint_eq(asked.reads + asked.writes, 0);
}
END_TEST

START_TEST(the_address_register_reads_back_whole)
{
	bus_write(&pio, 0xcf8, 0x80001234, 4);
	ck_assert_uint_eq(bus_read(&pio, 0xcf8, 4), 0x80001234);
}
END_TEST

START_TEST(the_address_register_knows_32_bits_only)
{
	bus_write(&pio, 0xcf8, 0x80001234, 4);
	bus_write(&pio, 0xcf8, 0xff, 1);
	bus_write(&pio, 0xcfb, 0x00, 1);
	bus_write(&pio, 0xcfa, 0x0000, 2);
	ck_assert_uint_eq(bus_read(&pio, 0xcf8, 4), 0x80001234);
	ck_assert_uint_eq(bus_read(&pio, 0xcf8, 1), 0xff);
	ck_assert_uint_eq(bus_read(&pio, 0xcfa, 2), 0xffff);
}
END_TEST

START_TEST(without_the_enable_bit_there_is_no_config_cycle)
{
	bus_write(&pio, 0xcf8, 0x80000000u | 3 << 11 | 1 << 8, 4);
	bus_write(&pio, 0xcf8, 3 << 11 | 1 << 8, 4);
	ck_assert_uint_eq(bus_read(&pio, 0xcfc, 4), 0xffffffff);
	bus_write(&pio, 0xcfc, 0, 4);
	ck_assert_uint_eq(asked.reads + asked.writes, 0);
}
END_TEST

START_TEST(an_access_of_odd_shape_reaches_nobody)
{
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 3, 1, 2), 4), 0xffffffff);
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 3, 1, 1), 2), 0xffff);
	ck_assert_uint_eq(bus_read(&mmio, ecam(0, 3, 1, 0), 8), UINT64_MAX);
	bus_write(&mmio, ecam(0, 3, 1, 0), 0, 8);
	bus_write(&mmio, ecam(0, 3, 1, 2), 0, 4);
	select_register(0, 3, 1, 0);
	ck_assert_uint_eq(bus_read(&pio, 0xcfd, 2), 0xffff);
	bus_write(&pio, 0xcfd, 0, 2);
	ck_assert_uint_eq(asked.reads + asked.writes, 0);
}
END_TEST

START_TEST(a_place_that_is_taken_is_an_error)
{
	struct pci_host other;

	ck_assert_int_lt(pci_host_init(&other, &pio, &mmio), 0);
	pci_host_exit(&other);
}
END_TEST

START_TEST(another_root_bus_is_reached_by_its_number_and_by_no_other)
{
	struct pci_bus *second = pci_host_add_root(&host, 4);

	ck_assert_ptr_nonnull(second);
	ck_assert_uint_eq(second->number, 4);
	ck_assert_int_eq(pci_bus_attach(second, &function, PCI_DEVFN_OF(7, 0)), 0);
	for (unsigned bus = 0; bus < 8; bus++)
		ck_assert_uint_eq(bus_read(&mmio, ecam(bus, 7, 0, 0), 4),
				  bus == 4 ? 0x12345678 : 0xffffffff);
	select_register(4, 7, 0, 0);
	ck_assert_uint_eq(bus_read(&pio, 0xcfc, 4), 0x12345678);
}
END_TEST

START_TEST(root_buses_are_8_at_most)
{
	for (unsigned i = 1; i < PCI_HOST_MAX_ROOTS; i++)
		ck_assert_ptr_nonnull(pci_host_add_root(&host, (uint8_t)i));
	ck_assert_ptr_null(pci_host_add_root(&host, 9));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("pci_host");
	TCase *t = suite_case(s, "config cycles", setup, teardown);

	tcase_add_test(t, the_bridge_is_function_0_and_a_host_bridge);
	tcase_add_test(t, the_bridge_takes_no_writes);
	tcase_add_test(t, both_ways_show_the_same);
	tcase_add_test(t, ecam_decodes_function_offset_and_size);
	tcase_add_test(t, ports_decode_function_offset_and_size);
	tcase_add_test(t, nobody_there_reads_all_ones_and_drops_writes);
	tcase_add_test(t, the_address_register_reads_back_whole);
	tcase_add_test(t, the_address_register_knows_32_bits_only);
	tcase_add_test(t, without_the_enable_bit_there_is_no_config_cycle);
	tcase_add_test(t, an_access_of_odd_shape_reaches_nobody);
	tcase_add_test(t, a_place_that_is_taken_is_an_error);
	tcase_add_test(t, another_root_bus_is_reached_by_its_number_and_by_no_other);
	tcase_add_test(t, root_buses_are_8_at_most);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
