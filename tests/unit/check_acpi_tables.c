/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI tables as bytes: what a guest finds, and which machines are refused. What the AML does
 * is tried by tests/aml/run. */
#include "vmm/x86/acpi_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/x86/layout.h"

#define BASE LAYOUT_ACPI

static struct acpi_tables tables;

static struct acpi_config one_slot(void)
{
	return (struct acpi_config){
		.nr_cpus = 2,
		.serial = true,
		.mmio32 = LAYOUT_MMIO32,
		.mmio32_size = LAYOUT_MMIO32_SIZE,
		.mmio64 = GIB(512),
		.mmio64_size = GIB(256),
		.nr_slots = 1,
		.slots = { { .index = 3, .port_dev = 5, .functions = 0x05, .port_pr = true } },
	};
}

static struct acpi_config largest(void)
{
	struct acpi_config config = one_slot();

	config.nr_cpus = 64;
	config.watchdog = true;
	config.nr_slots = ACPI_MAX_SLOTS;
	for (unsigned i = 0; i < ACPI_MAX_SLOTS; i++) {
		config.slots[i] = (struct acpi_slot){
			.index = i,
			.port_dev = (uint8_t)(i + 1),
			.functions = 0xff,
			.port_pr = true,
			.function0_pr = true,
			.has_node = true,
			.node = 31,
		};
	}
	config.numa.nr = ACPI_MAX_NODES;
	config.numa.nr_memory = ACPI_MAX_RANGES;
	return config;
}

/* Node 0 has CPU 1 and memory, node 2 has CPU 0, node 3 memory; there is no node 1. */
static struct acpi_config with_nodes(void)
{
	struct acpi_config config = one_slot();

	config.numa = (struct acpi_numa){
		.nr = 4,
		.cpu_node = { 2, 0 },
		.apic_id = { 0, 9 },
		.memory = { { .base = 0, .size = MIB(64), .node = 3 },
			    { .base = GIB(4), .size = GIB(65), .node = 0 } },
		.nr_memory = 2,
		.distance = { [0] = { 10, 0, 31, 20 },
			      [2] = { 41, 0, 10, 20 },
			      [3] = { 20, 0, 20, 10 } },
	};
	return config;
}

static void build(const struct acpi_config *config)
{
	acpi_tables_free(&tables);
	ck_assert_int_eq(acpi_tables_build(&tables, config, BASE, LAYOUT_ACPI_SIZE), 0);
}

static void teardown(void)
{
	acpi_tables_free(&tables);
}

static uint64_t get(const uint8_t *data, size_t off, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, data + off, size);
	return value;
}

/* The table @name, or NULL. */
static const uint8_t *table(const char *name, size_t *ret_size)
{
	for (unsigned i = 0; i < tables.nr_tables; i++) {
		if (strcmp(tables.table[i].name, name))
			continue;
		*ret_size = tables.table[i].size;
		return tables.data + tables.table[i].off;
	}
	return NULL;
}

static unsigned count(const uint8_t *data, size_t size, const void *what, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i + len <= size; i++)
		n += !memcmp(data + i, what, len);
	return n;
}

static unsigned count_in(const char *name, const void *what, size_t len)
{
	size_t size;
	const uint8_t *data = table(name, &size);

	ck_assert_ptr_nonnull(data);
	return count(data, size, what, len);
}

static uint8_t sum(const uint8_t *data, size_t size)
{
	uint8_t total = 0;

	for (size_t i = 0; i < size; i++)
		total = (uint8_t)(total + data[i]);
	return total;
}

START_TEST(rsdp_is_at_the_base_and_both_its_sums_are_zero)
{
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	ck_assert_uint_eq(tables.rsdp, BASE);
	ck_assert_mem_eq(tables.data, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(tables.data, 20), 0);
	ck_assert_uint_eq(sum(tables.data, 36), 0);
	ck_assert_uint_eq(get(tables.data, 15, 1), 2);
	ck_assert_uint_eq(get(tables.data, 33, 3), 0); /* reserved */
	ck_assert_uint_eq(get(tables.data, 20, 4), 36);
	const uint8_t *xsdt = table("xsdt", &size);
	ck_assert_uint_eq(get(tables.data, 24, 8), BASE + (uint64_t)(xsdt - tables.data));
}
END_TEST

START_TEST(every_table_has_its_length_its_sum_and_the_oem)
{
	struct acpi_config config = largest();

	build(&config);
	for (unsigned i = 0; i < tables.nr_tables; i++) {
		const uint8_t *data = tables.data + tables.table[i].off;

		ck_assert_uint_eq(tables.table[i].off % 16, 0);
		ck_assert_uint_le(tables.table[i].off + tables.table[i].size, tables.size);
		ck_assert_uint_eq(get(data, 4, 4), tables.table[i].size);
		ck_assert_uint_eq(sum(data, tables.table[i].size), 0);
		ck_assert_mem_eq(data + 10, "COLDVM", 6);
	}
}
END_TEST

START_TEST(xsdt_lists_every_table_but_the_dsdt_and_itself)
{
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	const uint8_t *xsdt = table("xsdt", &size);
	ck_assert_uint_eq(size, 36 + 8 * (tables.nr_tables - 2));
	for (unsigned i = 0; i < tables.nr_tables; i++) {
		uint64_t address = BASE + tables.table[i].off;
		unsigned listed = count(xsdt + 36, size - 36, &address, sizeof(address));
		bool hidden = !strcmp(tables.table[i].name, "dsdt") ||
			      !strcmp(tables.table[i].name, "xsdt");

		ck_assert_uint_eq(listed, !hidden);
	}
}
END_TEST

START_TEST(tables_of_one_machine_have_different_identifiers)
{
	struct acpi_config config = largest();

	build(&config);
	for (unsigned i = 0; i < tables.nr_tables; i++) {
		for (unsigned j = 0; j < i; j++) {
			const uint8_t *a = tables.data + tables.table[i].off;
			const uint8_t *b = tables.data + tables.table[j].off;

			ck_assert(memcmp(a, b, 4) || memcmp(a + 16, b + 16, 8));
		}
	}
}
END_TEST

START_TEST(fadt_is_hardware_reduced_with_sleep_and_reset_ports)
{
	/* SystemIO, 8 bits, byte access (ACPI 6.4, 5.2.3.2). */
	static const uint8_t reset[] = { 1, 8, 0, 1, CVM_RESET_PORT & 0xff, CVM_RESET_PORT >> 8 };
	static const uint8_t ctl[] = { 1, 8, 0, 1, CVM_SLEEP_CTL & 0xff, CVM_SLEEP_CTL >> 8 };
	static const uint8_t sts[] = { 1, 8, 0, 1, CVM_SLEEP_STS & 0xff, CVM_SLEEP_STS >> 8 };
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	const uint8_t *fadt = table("facp", &size);
	ck_assert_uint_eq(size, 276);
	ck_assert_uint_eq(get(fadt, 8, 1), 6);
	ck_assert_uint_eq(get(fadt, 112, 4), 1 << 20 | 1 << 10 | 1 << 5 | 1 << 4 | 1 << 2 | 1);
	ck_assert_mem_eq(fadt + 116, reset, sizeof(reset));
	ck_assert_uint_eq(get(fadt, 128, 1), CVM_RESET_VALUE);
	ck_assert_mem_eq(fadt + 244, ctl, sizeof(ctl));
	ck_assert_mem_eq(fadt + 256, sts, sizeof(sts));
	ck_assert_uint_eq(get(fadt, 140, 8), BASE + tables.table[0].off);
	ck_assert_str_eq(tables.table[0].name, "dsdt");
	for (size_t i = 36; i < 109; i++)
		ck_assert_uint_eq(fadt[i], 0);
}
END_TEST

START_TEST(fadt_says_no_vga_no_8042_no_aspm_but_a_clock)
{
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	ck_assert_uint_eq(get(table("facp", &size), 109, 2), 1 << 2 | 1 << 4);
}
END_TEST

START_TEST(madt_has_every_cpu_and_one_ioapic_and_no_8259)
{
	struct acpi_config config = one_slot();
	size_t size;

	config.nr_cpus = 64;
	build(&config);
	const uint8_t *madt = table("apic", &size);
	ck_assert_uint_eq(size, 44 + 64 * 8 + 12);
	ck_assert_uint_eq(get(madt, 36, 4), LAYOUT_LAPIC);
	ck_assert_uint_eq(get(madt, 40, 4), 0);
	for (unsigned i = 0; i < 64; i++) {
		const uint8_t entry[] = { 0, 8, (uint8_t)i, (uint8_t)i, 1, 0, 0, 0 };

		ck_assert_mem_eq(madt + 44 + i * 8, entry, sizeof(entry));
	}
	ck_assert_uint_eq(get(madt, size - 12, 2), 12 << 8 | 1);
	ck_assert_uint_eq(get(madt, size - 8, 4), LAYOUT_IOAPIC);
	ck_assert_uint_eq(get(madt, size - 4, 4), 0);
}
END_TEST

START_TEST(mcfg_has_the_root_bus_and_one_for_each_port)
{
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	const uint8_t *mcfg = table("mcfg", &size);
	ck_assert_uint_eq(size, 60);
	ck_assert_uint_eq(get(mcfg, 44, 8), LAYOUT_ECAM);
	ck_assert_uint_eq(get(mcfg, 52, 2), 0);
	ck_assert_uint_eq(get(mcfg, 54, 1), 0);
	ck_assert_uint_eq(get(mcfg, 55, 1), 1);
	config.nr_slots = 0;
	build(&config);
	mcfg = table("mcfg", &size);
	ck_assert_uint_eq(get(mcfg, 55, 1), 0);
}
END_TEST

/* --- NUMA ---------------------------------------------------------------------------------------
 */

START_TEST(srat_has_cpus_in_the_order_of_nodes_and_then_memory)
{
	static const uint8_t cpus[] = {
		0, 16, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* CPU 1 */
		0, 16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* CPU 0 */
	};
	struct acpi_config config = with_nodes();
	const uint8_t *srat;
	size_t size;

	build(&config);
	srat = table("srat", &size);
	ck_assert_ptr_nonnull(srat);
	ck_assert_mem_eq(srat, "SRAT", 4);
	ck_assert_uint_eq(size, 48 + 2 * 16 + 2 * 40);
	ck_assert_uint_eq(get(srat, 8, 1), 3);
	ck_assert_uint_eq(get(srat, 36, 4), 1);
	ck_assert_uint_eq(get(srat, 40, 8), 0);
	ck_assert_mem_eq(srat + 48, cpus, sizeof(cpus));
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *entry = srat + 80 + i * 40;

		ck_assert_uint_eq(get(entry, 0, 2), 40 << 8 | 1);
		ck_assert_uint_eq(get(entry, 2, 4), config.numa.memory[i].node);
		ck_assert_uint_eq(get(entry, 6, 2), 0);
		ck_assert_uint_eq(get(entry, 8, 8), config.numa.memory[i].base);
		ck_assert_uint_eq(get(entry, 16, 8), config.numa.memory[i].size);
		ck_assert_uint_eq(get(entry, 24, 4), 0);
		ck_assert_uint_eq(get(entry, 28, 4), 1); /* enabled, no hot-plug */
		ck_assert_uint_eq(get(entry, 32, 8), 0);
	}
}
END_TEST

START_TEST(slit_has_a_row_for_each_number_up_to_the_highest)
{
	static const uint8_t rows[] = { 10, 255, 31, 20, 255, 10,  255, 255,
					41, 255, 10, 20, 20,  255, 20,	10 };
	struct acpi_config config = with_nodes();
	const uint8_t *slit;
	size_t size;

	build(&config);
	slit = table("slit", &size);
	ck_assert_ptr_nonnull(slit);
	ck_assert_mem_eq(slit, "SLIT", 4);
	ck_assert_uint_eq(get(slit, 8, 1), 1);
	ck_assert_uint_eq(get(slit, 36, 8), 4);
	ck_assert_uint_eq(size, 44 + 16);
	ck_assert_mem_eq(slit + 44, rows, sizeof(rows));
}
END_TEST

START_TEST(madt_and_srat_name_the_same_identifiers)
{
	struct acpi_config config = with_nodes();
	const uint8_t *madt;
	size_t size;

	build(&config);
	madt = table("apic", &size);
	ck_assert_uint_eq(get(madt, 44, 4), 0 << 24 | 0 << 16 | 8 << 8);
	ck_assert_uint_eq(get(madt, 52, 4), 9 << 24 | 1 << 16 | 8 << 8);
}
END_TEST

START_TEST(without_nodes_there_are_no_tables_of_them)
{
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	ck_assert_ptr_null(table("srat", &size));
	ck_assert_ptr_null(table("slit", &size));
	ck_assert_uint_eq(count_in("dsdt", "_PXM", 4), 0);
	ck_assert_uint_eq(count_in("ssdt-slot3", "_PXM", 4), 0);
}
END_TEST

START_TEST(nodes_that_are_not_there_are_einval)
{
	struct acpi_config config = with_nodes();

	config.numa.cpu_node[1] = 4;
	ck_assert_int_eq(acpi_tables_build(&tables, &config, BASE, LAYOUT_ACPI_SIZE), -EINVAL);
	config = with_nodes();
	config.numa.memory[1].node = 4;
	ck_assert_int_eq(acpi_tables_build(&tables, &config, BASE, LAYOUT_ACPI_SIZE), -EINVAL);
	config = with_nodes();
	config.numa.nr = ACPI_MAX_NODES + 1;
	ck_assert_int_eq(acpi_tables_build(&tables, &config, BASE, LAYOUT_ACPI_SIZE), -EINVAL);
	config = with_nodes();
	config.slots[0].has_node = true;
	config.slots[0].node = 4;
	ck_assert_int_eq(acpi_tables_build(&tables, &config, BASE, LAYOUT_ACPI_SIZE), -EINVAL);
}
END_TEST

START_TEST(dsdt_and_mcfg_name_the_same_buses)
{
	for (unsigned nr = 0; nr < 2; nr++) {
		struct acpi_config config = one_slot();
		const uint16_t buses[] = { 0, 0, (uint16_t)nr, 0, (uint16_t)(nr + 1) };
		size_t size;

		config.nr_slots = nr;
		build(&config);
		ck_assert_uint_eq(count_in("dsdt", buses, sizeof(buses)), 1);
		ck_assert_uint_eq(get(table("mcfg", &size), 55, 1), nr);
	}
}
END_TEST

START_TEST(dsdt_has_the_windows_of_the_machine)
{
	struct acpi_config config = one_slot();
	const uint32_t window32[] = { 0xd0000000, 0xd7ffffff, 0, 0x08000000 };
	const uint64_t window64[] = { GIB(64), GIB(96) - 1, 0, GIB(32) };

	config.mmio32 = window32[0];
	config.mmio32_size = window32[3];
	config.mmio64 = window64[0];
	config.mmio64_size = window64[3];
	build(&config);
	ck_assert_uint_eq(count_in("dsdt", window32, sizeof(window32)), 1);
	ck_assert_uint_eq(count_in("dsdt", window64, sizeof(window64)), 1);
}
END_TEST

START_TEST(dsdt_has_no_64_bit_window_if_the_machine_has_none)
{
	static const uint8_t qword_memory[] = { 0x8a, 0x2b, 0x00, 0x00 };
	struct acpi_config config = one_slot();

	build(&config);
	ck_assert_uint_eq(count_in("dsdt", qword_memory, sizeof(qword_memory)), 1);
	config.mmio64_size = 0;
	build(&config);
	ck_assert_uint_eq(count_in("dsdt", qword_memory, sizeof(qword_memory)), 0);
}
END_TEST

START_TEST(no_placeholder_is_left_in_any_variant)
{
	for (unsigned variant = 0; variant < 8; variant++) {
		struct acpi_config config = one_slot();

		config.slots[0].port_pr = variant & 1;
		config.slots[0].function0_pr = variant & 2;
		config.mmio64_size = variant & 4 ? GIB(1) : 0;
		build(&config);
		ck_assert_uint_eq(count(tables.data, tables.size, "XX", 2), 0);
		ck_assert_uint_eq(count(tables.data, tables.size, "\xa5\xa5", 2), 0);
		ck_assert_uint_eq(count(tables.data, tables.size, "_ADR\x0a\xa5", 6), 0);
		ck_assert_uint_eq(count(tables.data, tables.size, "\x5a\x5a", 2), 0);
	}
}
END_TEST

START_TEST(slot_has_its_name_its_port_and_its_bank)
{
	static const uint8_t adr[] = { '_', 'A', 'D', 'R', 0x0c, 0x00, 0x00, 0x05, 0x00 };
	static const uint8_t bank[] = { 'S', 'R', 'E', 'G', 0x01, 0x0b, 0x30, 0x07 };
	struct acpi_config config = one_slot();

	build(&config);
	ck_assert_uint_eq(count_in("ssdt-slot3", "PCI0SL03\x08_ADR", 13), 1);
	ck_assert_uint_eq(count_in("ssdt-slot3", adr, sizeof(adr)), 1);
	ck_assert_uint_eq(count_in("ssdt-slot3", bank, sizeof(bank)), 1);
}
END_TEST

START_TEST(slot_has_an_object_for_each_function_that_exists)
{
	struct acpi_config config = one_slot();

	build(&config);
	for (unsigned fn = 0; fn < 8; fn++) {
		uint8_t object[] = "SL03FN00\x08_ADR\x0a\x00";

		object[7] = (uint8_t)('0' + fn);
		object[14] = (uint8_t)fn;
		ck_assert_uint_eq(count_in("ssdt-slot3", object, 15), fn == 0 || fn == 2);
	}
}
END_TEST

START_TEST(resource_is_there_if_port_or_function_0_refer_to_it)
{
	for (unsigned variant = 0; variant < 4; variant++) {
		struct acpi_config config = one_slot();
		unsigned port = variant & 1, fn0 = variant >> 1;

		config.slots[0].port_pr = port;
		config.slots[0].function0_pr = fn0;
		build(&config);
		ck_assert_uint_eq(count_in("ssdt-slot3", "\x5b\x84", 2), port || fn0);
		ck_assert_uint_eq(count_in("ssdt-slot3", "_PR0", 4), port + fn0);
		ck_assert_uint_eq(count_in("ssdt-slot3", "_PR3", 4), port + fn0);
		ck_assert_uint_eq(count_in("ssdt-slot3", "_PR2", 4), port);
		ck_assert_uint_eq(count_in("ssdt-slot3", "_S0W\x0a\x04", 6), port);
	}
}
END_TEST

START_TEST(serial_port_is_there_if_asked_for)
{
	struct acpi_config config = one_slot();
	size_t size;

	build(&config);
	ck_assert_ptr_nonnull(table("ssdt-com1", &size));
	config.serial = false;
	build(&config);
	ck_assert_ptr_null(table("ssdt-com1", &size));
}
END_TEST

/* drivers/acpi/tables.c: ACPI_MAX_TABLES is 128. */
START_TEST(largest_machine_fits_the_layout_and_what_linux_takes)
{
	struct acpi_config config = largest();

	build(&config);
	ck_assert_uint_le(tables.size, LAYOUT_ACPI_SIZE);
	ck_assert_uint_lt(tables.nr_tables, 128);
}
END_TEST

START_TEST(any_buffer_that_is_too_small_is_enospc)
{
	struct acpi_config config = one_slot();
	struct acpi_tables small;
	size_t size;

	build(&config);
	size = tables.size;
	for (size_t max = 0; max < size; max++)
		ck_assert_int_eq(acpi_tables_build(&small, &config, BASE, max), -ENOSPC);
	ck_assert_int_eq(acpi_tables_build(&small, &config, BASE, size), 0);
	acpi_tables_free(&small);
}
END_TEST

static int build_status(const struct acpi_config *config, uint64_t base)
{
	struct acpi_tables refused = { .nr_tables = 77 };
	int ret = acpi_tables_build(&refused, config, base, LAYOUT_ACPI_SIZE);

	if (ret)
		ck_assert_uint_eq(refused.nr_tables, 77); /* untouched */
	else
		acpi_tables_free(&refused);
	return ret;
}

START_TEST(machine_that_tables_cannot_describe_is_einval)
{
	struct acpi_config config = one_slot();

	ck_assert_int_eq(build_status(&config, BASE), 0);
	ck_assert_int_eq(build_status(&config, BASE + 8), -EINVAL);

#define REFUSED(change)                                                                      \
	do {                                                                                 \
		config = one_slot();                                                         \
		change;                                                                      \
		ck_assert_msg(build_status(&config, BASE) == -EINVAL, "taken: %s", #change); \
	} while (0)
	REFUSED(config.nr_cpus = 0);
	REFUSED(config.nr_cpus = 256);
	REFUSED(config.mmio32_size = 0);
	REFUSED(config.mmio32_size = GIB(4));
	REFUSED(config.mmio32 = GIB(4));
	REFUSED(config.mmio64 = GIB(3));
	REFUSED(config.mmio64 = UINT64_MAX - GIB(1));
	REFUSED(config.nr_slots = ACPI_MAX_SLOTS + 1);
	REFUSED(config.slots[0].index = CVM_SLOT_MAX);
	REFUSED(config.slots[0].port_dev = 32);
	REFUSED(config.slots[0].port_dev = 0);
#undef REFUSED
}
END_TEST

START_TEST(two_slots_with_one_bank_or_one_port_are_einval)
{
	struct acpi_config config = one_slot();

	config.nr_slots = 2;
	config.slots[1] = (struct acpi_slot){ .index = 3, .port_dev = 6 };
	ck_assert_int_eq(build_status(&config, BASE), -EINVAL);
	config.slots[1] = (struct acpi_slot){ .index = 4, .port_dev = 5 };
	ck_assert_int_eq(build_status(&config, BASE), -EINVAL);
	config.slots[1] = (struct acpi_slot){ .index = 4, .port_dev = 6 };
	ck_assert_int_eq(build_status(&config, BASE), 0);
}
END_TEST

START_TEST(freeing_nothing_or_twice_is_no_error)
{
	struct acpi_config config = one_slot();

	build(&config);
	acpi_tables_free(&tables);
	acpi_tables_free(&tables);
	acpi_tables_free(NULL);
	ck_assert_ptr_null(tables.data);
}
END_TEST

/* A folder that is gone after the test, with the files that acpi_tables_write() makes. */
static void remove_dir(const char *dir)
{
	char path[128];

	for (unsigned i = 0; i < tables.nr_tables; i++) {
		snprintf(path, sizeof(path), "%s/%s.aml", dir, tables.table[i].name);
		if (unlink(path))
			rmdir(path);
	}
	rmdir(dir);
}

START_TEST(each_table_is_written_to_a_file_of_its_own)
{
	struct acpi_config config = one_slot();
	char dir[] = "/tmp/check_acpi_XXXXXX", path[128];
	const char *name = NULL;

	build(&config);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(acpi_tables_write(&tables, dir, &name), 0);
	ck_assert_ptr_null(name);
	for (unsigned i = 0; i < tables.nr_tables; i++) {
		uint8_t data[4096];
		size_t size = tables.table[i].size;

		snprintf(path, sizeof(path), "%s/%s.aml", dir, tables.table[i].name);
		int fd = open(path, O_RDONLY);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(read(fd, data, sizeof(data)), (ssize_t)size);
		ck_assert_mem_eq(data, tables.data + tables.table[i].off, size);
		close(fd);
	}
	remove_dir(dir);
}
END_TEST

START_TEST(table_that_cannot_be_written_is_named)
{
	struct acpi_config config = one_slot();
	char dir[] = "/tmp/check_acpi_XXXXXX", path[128];
	const char *name = NULL;

	build(&config);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/apic.aml", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(acpi_tables_write(&tables, dir, &name), -EISDIR);
	ck_assert_str_eq(name, "apic");
	remove_dir(dir);
	ck_assert_int_eq(acpi_tables_write(&tables, dir, &name), -ENOENT);
	ck_assert_str_eq(name, "dsdt");
}
END_TEST

START_TEST(full_disk_is_enospc)
{
	struct acpi_config config = one_slot();
	char dir[] = "/tmp/check_acpi_XXXXXX", path[128];
	const char *name = NULL;

	build(&config);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/dsdt.aml", dir);
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	ck_assert_int_eq(acpi_tables_write(&tables, dir, &name), -ENOSPC);
	ck_assert_str_eq(name, "dsdt");
	remove_dir(dir);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("acpi_tables");
	TCase *t = suite_case(s, "what the guest finds", NULL, teardown);

	tcase_add_test(t, rsdp_is_at_the_base_and_both_its_sums_are_zero);
	tcase_add_test(t, every_table_has_its_length_its_sum_and_the_oem);
	tcase_add_test(t, xsdt_lists_every_table_but_the_dsdt_and_itself);
	tcase_add_test(t, tables_of_one_machine_have_different_identifiers);
	tcase_add_test(t, fadt_is_hardware_reduced_with_sleep_and_reset_ports);
	tcase_add_test(t, fadt_says_no_vga_no_8042_no_aspm_but_a_clock);
	tcase_add_test(t, madt_has_every_cpu_and_one_ioapic_and_no_8259);
	tcase_add_test(t, mcfg_has_the_root_bus_and_one_for_each_port);
	tcase_add_test(t, dsdt_and_mcfg_name_the_same_buses);
	tcase_add_test(t, dsdt_has_the_windows_of_the_machine);
	tcase_add_test(t, dsdt_has_no_64_bit_window_if_the_machine_has_none);
	tcase_add_test(t, no_placeholder_is_left_in_any_variant);
	tcase_add_test(t, slot_has_its_name_its_port_and_its_bank);
	tcase_add_test(t, slot_has_an_object_for_each_function_that_exists);
	tcase_add_test(t, resource_is_there_if_port_or_function_0_refer_to_it);
	tcase_add_test(t, serial_port_is_there_if_asked_for);
	tcase_add_test(t, srat_has_cpus_in_the_order_of_nodes_and_then_memory);
	tcase_add_test(t, slit_has_a_row_for_each_number_up_to_the_highest);
	tcase_add_test(t, madt_and_srat_name_the_same_identifiers);
	tcase_add_test(t, without_nodes_there_are_no_tables_of_them);
	tcase_add_test(t, nodes_that_are_not_there_are_einval);
	tcase_add_test(t, largest_machine_fits_the_layout_and_what_linux_takes);

	t = suite_case(s, "what is refused", NULL, teardown);
	tcase_add_test(t, any_buffer_that_is_too_small_is_enospc);
	tcase_add_test(t, machine_that_tables_cannot_describe_is_einval);
	tcase_add_test(t, two_slots_with_one_bank_or_one_port_are_einval);
	tcase_add_test(t, freeing_nothing_or_twice_is_no_error);

	t = suite_case(s, "files", NULL, teardown);
	tcase_add_test(t, each_table_is_written_to_a_file_of_its_own);
	tcase_add_test(t, table_that_cannot_be_written_is_named);
	tcase_add_test(t, full_disk_is_enospc);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
