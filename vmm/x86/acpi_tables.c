/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lays out the ACPI tables: the RSDP first, then what it leads to. The data tables are built here,
 * the AML is copied from acpi/aml.h, which iasl made, and its placeholders are replaced. Section
 * numbers are of ACPI 6.4.
 *
 * Each function appends to one buffer; the first error stays in the builder and is looked at once,
 * at the end.
 */
#include "vmm/x86/acpi_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "acpi/aml.h"
#include "vmm/bits.h"
#include "vmm/x86/acpi_spec.h"
#include "vmm/x86/acpi_wdat.h"
#include "vmm/x86/layout.h"

#define TABLE_ALIGN 16
#define NR_TABLES   ARRAY_SIZE(((struct acpi_tables *)0)->table)

_Static_assert(ACPI_MAX_SLOTS == CVM_SLOT_MAX, "a register bank for each slot");

struct builder {
	struct acpi_tables *tables;
	uint64_t base;
	size_t max;
	size_t start; /* of the table that is being appended to */
	int error;
};

static uint8_t checksum(const uint8_t *data, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + data[i]);
	return (uint8_t)-sum;
}

static void append(struct builder *b, const void *data, size_t size)
{
	if (size > b->max - b->tables->size && !b->error)
		b->error = -ENOSPC;
	if (b->error)
		return;
	memcpy(b->tables->data + b->tables->size, data, size);
	b->tables->size += size;
}

static struct acpi_header header_for(const char *signature, uint8_t revision)
{
	struct acpi_header header = {
		.revision = revision,
		.oem_id = ACPI_OEM_ID,
		.oem_table_id = { 'C', 'O', 'L', 'D', 'V', 'M', ' ', ' ' },
		.oem_revision = 1,
		.creator_id = { 'C', 'L', 'D', 'V' },
		.creator_revision = CVM_ABI_VERSION,
	};

	memcpy(header.signature, signature, sizeof(header.signature));
	return header;
}

static void table_begin(struct builder *b)
{
	size_t start = align_up(b->tables->size, TABLE_ALIGN);

	if (start > b->max && !b->error)
		b->error = -ENOSPC;
	if (b->error)
		return;
	b->tables->size = start;
	b->start = start;
}

/* Length and checksum of what was appended since table_begin(). Returns its guest address. */
static uint64_t table_end(struct builder *b, const char *name)
{
	struct acpi_tables *t = b->tables;

	if (t->nr_tables == NR_TABLES && !b->error)
		b->error = -ENOSPC;
	if (b->error)
		return 0;

	uint8_t *data = t->data + b->start;
	struct acpi_header *header = (void *)data;

	header->length = (uint32_t)(t->size - b->start);
	header->checksum = 0;
	header->checksum = checksum(data, header->length);
	snprintf(t->table[t->nr_tables].name, sizeof(t->table[0].name), "%s", name);
	t->table[t->nr_tables].off = b->start;
	t->table[t->nr_tables].size = header->length;
	t->nr_tables++;
	return b->base + b->start;
}

/* Replaces @from, which must be there exactly @times times from offset @off on: iasl may write an
 * object otherwise than we think, and a table with a placeholder in it must not reach a guest. */
static void replace_all(struct builder *b, size_t off, const void *from, const void *to, size_t len,
			unsigned times)
{
	uint8_t *data = b->tables->data;

	if (b->error)
		return;
	for (size_t i = off; i + len <= b->tables->size; i++) {
		if (memcmp(data + i, from, len))
			continue;
		memcpy(data + i, to, len);
		times--;
	}
	if (times)
		b->error = -EBADMSG;
}

static void replace(struct builder *b, size_t off, const void *from, const void *to, size_t len)
{
	replace_all(b, off, from, to, len, 1);
}

/* "SLXX" becomes "SL0A": names in AML have 4 characters (19.2.2). */
static void replace_name(struct builder *b, size_t off, const char *from, unsigned n,
			 unsigned times)
{
	char to[5];

	snprintf(to, sizeof(to), "%.2s%02X", from, n & 0xff);
	replace_all(b, off, from, to, 4, times);
}

/*
 * Where the objects of an AML table begin. The External declarations are, as iasl writes them, an
 * If (Zero) in front (20.2.5.3, 20.2.5.1), for compilers and disassemblers alone. What is appended
 * to another table leaves its own out, for they name objects of that table.
 */
static size_t objects_offset(const uint8_t *aml, size_t size)
{
	const size_t at = sizeof(struct acpi_header);
	size_t extra, len;

	if (size < at + 7 || aml[at] != 0xa0)
		return at;
	extra = aml[at + 1] >> 6;
	len = extra ? aml[at + 1] & 0x0f : aml[at + 1] & 0x3f;
	for (size_t i = 0; i < extra; i++)
		len |= (size_t)aml[at + 2 + i] << (4 + 8 * i);
	if (aml[at + 2 + extra] != 0x00 || aml[at + 3 + extra] != 0x15 || len > size - at - 1)
		return at;
	return at + 1 + len;
}

/* Behind a root bus each port has one. @root: 0 is PCI0. */
static unsigned nr_ports(const struct acpi_config *config, unsigned root)
{
	unsigned n = 0;

	for (unsigned i = 0; i < config->nr_slots; i++)
		n += config->slots[i].root == root;
	return n;
}

/* Of all buses, as ECAM has them. */
static unsigned last_bus(const struct acpi_config *config)
{
	return config->nr_slots + config->nr_roots;
}

/* Appends _PXM for a device of the table that is being made: one byte constant. */
static size_t append_pxm(struct builder *b, const uint8_t *aml, size_t size, uint8_t node)
{
	static const uint8_t from[] = { '_', 'P', 'X', 'M', 0x0a, 0xa5 };
	const uint8_t to[] = { '_', 'P', 'X', 'M', 0x0a, node };
	size_t skip = objects_offset(aml, size);
	size_t off = b->tables->size;

	append(b, aml + skip, size - skip);
	replace(b, off, from, to, sizeof(from));
	return off;
}

/* The name of what has the slots of root @n, 0 being PCI0. */
static void root_name(unsigned n, char name[5])
{
	snprintf(name, 5, n ? "PB%02X" : "PCI0", n & 0xff);
}

/* In the DSDT: each slot is where its host bridge is. Its name is in a declaration, in the question
 * whether it is there, and in the call. */
static void move_slots(struct builder *b, const struct acpi_config *config)
{
	for (unsigned i = 0; i < config->nr_slots; i++) {
		const struct acpi_slot *slot = &config->slots[i];
		char from[16], to[16], root[5];

		if (!slot->root)
			continue;
		root_name(slot->root, root);
		snprintf(from, sizeof(from), "PCI0SL%02X", slot->index & 0xff);
		snprintf(to, sizeof(to), "%sSL%02X", root, slot->index & 0xff);
		replace_all(b, b->start, from, to, 8, 3);
	}
}

static uint64_t add_dsdt(struct builder *b, const struct acpi_config *config)
{
	/* Minimum, maximum, translation and length, as in dsdt.asl (6.4.3.5.2, 6.4.3.5.1). */
	static const uint32_t from32[] = { 0xa5a50000, 0xa5a5ffff, 0, 0x10000 };
	static const uint64_t from64[] = { 0x5a5a00000000, 0x5a5affffffff, 0, 0x100000000 };
	const uint64_t to64[] = {
		config->mmio64,
		config->mmio64 + config->mmio64_size - 1,
		0,
		config->mmio64_size,
	};
	const uint32_t to32[] = {
		(uint32_t)config->mmio32,
		(uint32_t)(config->mmio32 + config->mmio32_size - 1),
		0,
		(uint32_t)config->mmio32_size,
	};
	/* Granularity, and the same four (6.4.3.5.3). */
	static const uint16_t from_bus[] = { 0, 0, 0x1f, 0, 0x20 };
	const uint16_t ports = (uint16_t)nr_ports(config, 0);
	const uint16_t to_bus[] = { 0, 0, ports, 0, (uint16_t)(ports + 1) };
	static const uint16_t from_io[] = { 0, LAYOUT_PIO_WINDOW, 0xffff, 0, LAYOUT_PIO_SIZE };
	const uint16_t to_io[] = {
		0, (uint16_t)(LAYOUT_PIO_WINDOW + config->pio_taken), 0xffff,
		0, (uint16_t)(LAYOUT_PIO_SIZE - config->pio_taken),
	};

	table_begin(b);
	if (config->mmio64_size) {
		append(b, aml_dsdt_mmio64, aml_dsdt_mmio64_size);
		replace(b, b->start, from64, to64, sizeof(from64));
	} else {
		append(b, aml_dsdt, aml_dsdt_size);
	}
	replace(b, b->start, from32, to32, sizeof(from32));
	replace(b, b->start, from_bus, to_bus, sizeof(from_bus));
	if (config->pio_taken)
		replace(b, b->start, from_io, to_io, sizeof(from_io));
	move_slots(b, config);
	if (config->has_node)
		append_pxm(b, aml_bridge_pxm, aml_bridge_pxm_size, config->node);
	return table_end(b, "dsdt");
}

static struct acpi_gas io_byte(uint16_t port)
{
	return (struct acpi_gas){ .space = 1, .bit_width = 8, .access_size = 1, .address = port };
}

static void add_fadt(struct builder *b, uint64_t dsdt)
{
	struct acpi_fadt fadt = {
		.header = header_for("FACP", 6),
		/* No 8042 (bit 1 clear). The links below the ports are the host's: a guest that
		 * switched ASPM would do so for a port that is not the real one. */
		.boot_arch = FADT_BOOT_NO_VGA | FADT_BOOT_NO_ASPM,
		/* Not LOW_POWER_S0_IDLE: the guest sleeps no better that way than Linux does
		 * without it, and for Windows it is a promise of much more. */
		.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_PWR_BUTTON | FADT_SLP_BUTTON |
			 FADT_RESET | FADT_HW_REDUCED,
		.reset_reg = io_byte(CVM_RESET_PORT),
		.reset_value = CVM_RESET_VALUE,
		.minor = 4,
		.x_dsdt = dsdt,
		.sleep_control = io_byte(CVM_SLEEP_CTL),
		.sleep_status = io_byte(CVM_SLEEP_STS),
		.hypervisor = "COLDVM",
	};

	table_begin(b);
	append(b, &fadt, sizeof(fadt));
	table_end(b, "facp");
}

static void add_madt(struct builder *b, const struct acpi_config *config)
{
	/* PCAT_COMPAT clear: there is no 8259, so no interrupt is remapped either. */
	const struct acpi_madt madt = { .header = header_for("APIC", 5), .lapic = LAYOUT_LAPIC };
	const struct madt_ioapic ioapic = {
		.type = MADT_IOAPIC,
		.length = sizeof(ioapic),
		.address = LAYOUT_IOAPIC,
	};

	table_begin(b);
	append(b, &madt, sizeof(madt));
	for (unsigned i = 0; i < config->nr_cpus; i++) {
		const struct madt_lapic lapic = {
			.type = MADT_LAPIC,
			.length = sizeof(lapic),
			.uid = (uint8_t)i,
			.apic_id = config->numa.nr ? config->numa.apic_id[i] : (uint8_t)i,
			.flags = MADT_LAPIC_ENABLED,
		};

		append(b, &lapic, sizeof(lapic));
	}
	append(b, &ioapic, sizeof(ioapic));
	table_end(b, "apic");
}

static void add_mcfg(struct builder *b, const struct acpi_config *config)
{
	const struct acpi_mcfg mcfg = {
		.header = header_for("MCFG", 1),
		.base = LAYOUT_ECAM,
		.last_bus = (uint8_t)last_bus(config),
	};

	table_begin(b);
	append(b, &mcfg, sizeof(mcfg));
	table_end(b, "mcfg");
}

/* In the order of their nodes: Linux numbers nodes as it meets them, CPUs first (drivers/acpi/numa/
 * srat.c: acpi_numa_init()), and shall come to the same numbers. */
static void append_srat_cpus(struct builder *b, const struct acpi_config *config)
{
	const struct acpi_numa *numa = &config->numa;

	for (unsigned node = 0; node < numa->nr; node++)
		for (unsigned i = 0; i < config->nr_cpus; i++) {
			const struct srat_lapic lapic = {
				.type = SRAT_LAPIC,
				.length = sizeof(lapic),
				.node_low = (uint8_t)node,
				.apic_id = numa->apic_id[i],
				.flags = SRAT_ENABLED,
			};

			if (numa->cpu_node[i] == node)
				append(b, &lapic, sizeof(lapic));
		}
}

static void add_srat(struct builder *b, const struct acpi_config *config)
{
	const struct acpi_numa *numa = &config->numa;
	const struct acpi_srat srat = { .header = header_for("SRAT", 3), .one = 1 };

	table_begin(b);
	append(b, &srat, sizeof(srat));
	append_srat_cpus(b, config);
	for (unsigned i = 0; i < numa->nr_memory; i++) {
		const struct srat_memory memory = {
			.type = SRAT_MEMORY,
			.length = sizeof(memory),
			.node = numa->memory[i].node,
			.base = numa->memory[i].base,
			.size = numa->memory[i].size,
			.flags = SRAT_ENABLED,
		};

		append(b, &memory, sizeof(memory));
	}
	table_end(b, "srat");
}

/* A node that is not there is 255 away from each other one, which is unreachable (5.2.17). */
static void add_slit(struct builder *b, const struct acpi_numa *numa)
{
	const struct acpi_slit slit = { .header = header_for("SLIT", 1), .nr = numa->nr };

	table_begin(b);
	append(b, &slit, sizeof(slit));
	for (unsigned from = 0; from < numa->nr; from++)
		for (unsigned to = 0; to < numa->nr; to++) {
			uint8_t distance = numa->distance[from][to];

			if (!distance)
				distance = from == to ? 10 : 255;
			append(b, &distance, 1);
		}
	table_end(b, "slit");
}

static void add_wdat(struct builder *b)
{
	struct acpi_wdat wdat;

	acpi_wdat_fill(&wdat);
	wdat.head.header = header_for("WDAT", 1);
	table_begin(b);
	append(b, &wdat, sizeof(wdat));
	table_end(b, "wdat");
}

static void add_com1(struct builder *b)
{
	table_begin(b);
	append(b, aml_com1, aml_com1_size);
	table_end(b, "ssdt-com1");
}

/* A byte constant of the name @name, which ends in _: "_UID". */
static void replace_byte(struct builder *b, const char *name, uint8_t value)
{
	const uint8_t from[] = {
		(uint8_t)name[0], (uint8_t)name[1], (uint8_t)name[2], (uint8_t)name[3], 0x0a, 0xa5
	};
	uint8_t to[sizeof(from)];

	memcpy(to, from, sizeof(to));
	to[5] = value;
	replace(b, b->start, from, to, sizeof(from));
}

/* @n: 1 is the first one beside PCI0. */
static void add_root(struct builder *b, const struct acpi_root *root, unsigned n)
{
	static const uint16_t from_bus[] = { 0, 0xa5, 0xa6, 0, 2 };
	static const uint16_t from_io[] = { 0, 0xa000, 0xafff, 0, 0x1000 };
	static const uint32_t from32[] = { 0xa5a50000, 0xa5a5ffff, 0, 0x10000 };
	static const uint64_t from64[] = { 0x5a5a00000000, 0x5a5affffffff, 0, 0x100000000 };
	const uint16_t to_bus[] = { 0, root->bus, root->last_bus, 0,
				    (uint16_t)(root->last_bus - root->bus + 1) };
	const uint16_t to_io[] = { 0, root->pio, (uint16_t)(root->pio + root->pio_size - 1), 0,
				   root->pio_size };
	const uint32_t to32[] = { (uint32_t)root->mmio32,
				  (uint32_t)(root->mmio32 + root->mmio32_size - 1), 0,
				  (uint32_t)root->mmio32_size };
	const uint64_t to64[] = { root->mmio64, root->mmio64 + root->mmio64_size - 1, 0,
				  root->mmio64_size };
	char name[24];

	table_begin(b);
	append(b, aml_root, aml_root_size);
	/* In the table's identifier, and in the object. */
	replace_name(b, b->start, "PBXX", n, 2);
	replace_byte(b, "_UID", (uint8_t)n);
	replace_byte(b, "_BBN", root->bus);
	replace_byte(b, "_PXM", root->node);
	replace(b, b->start, from_bus, to_bus, sizeof(from_bus));
	replace(b, b->start, from_io, to_io, sizeof(from_io));
	replace(b, b->start, from32, to32, sizeof(from32));
	replace(b, b->start, from64, to64, sizeof(from64));
	snprintf(name, sizeof(name), "ssdt-root%u", n);
	table_end(b, name);
}

static void append_function(struct builder *b, const struct acpi_slot *slot, unsigned fn)
{
	static const uint8_t adr[] = { '_', 'A', 'D', 'R', 0x0a, 0xa5 }; /* a byte constant */
	const uint8_t to[] = { '_', 'A', 'D', 'R', 0x0a, (uint8_t)fn };
	const bool pr = !fn && slot->function0_pr;
	const uint8_t *aml = pr ? aml_function_pr : aml_function;
	size_t size = pr ? aml_function_pr_size : aml_function_size;
	size_t skip = objects_offset(aml, size);
	size_t off = b->tables->size;

	append(b, aml + skip, size - skip);
	replace_name(b, off, "SLXX", slot->index, 1);
	replace_name(b, off, "FNXX", fn, 1);
	replace(b, off, adr, to, sizeof(adr));
}

static void add_slot(struct builder *b, const struct acpi_slot *slot)
{
	static const uint8_t adr[] = { '_', 'A', 'D', 'R', 0x0c, 0x00, 0x00, 0xa5, 0xa5 };
	const uint8_t adr_to[] = { '_', 'A', 'D', 'R', 0x0c, 0x00, 0x00, slot->port_dev, 0x00 };
	static const uint8_t bank[] = { 'S', 'R', 'E', 'G', 0x01, 0x0b, 0xa5, 0xa5 };
	const uint16_t port = (uint16_t)(CVM_SLOT_BASE + slot->index * CVM_SLOT_SIZE);
	const uint8_t low = port & 0xff, high = port >> 8;
	const uint8_t bank_to[] = { 'S', 'R', 'E', 'G', 0x01, 0x0b, low, high };
	char name[24];

	table_begin(b);
	if (slot->port_pr)
		append(b, aml_slot_pr, aml_slot_pr_size);
	else if (slot->function0_pr)
		append(b, aml_slot_resource, aml_slot_resource_size);
	else
		append(b, aml_slot, aml_slot_size);
	/* In the table's identifier, in 8 declarations, in the object itself. */
	replace_name(b, b->start, "SLXX", slot->index, 10);
	replace(b, b->start, adr, adr_to, sizeof(adr));
	replace(b, b->start, bank, bank_to, sizeof(bank));
	if (slot->has_node)
		replace_name(b, append_pxm(b, aml_slot_pxm, aml_slot_pxm_size, slot->node), "SLXX",
			     slot->index, 1);
	for (unsigned fn = 0; fn < 8; fn++) {
		if (slot->functions & (1u << fn))
			append_function(b, slot, fn);
	}
	if (slot->root) {
		/* 9 declarations, the object, the functions, and where the node is. */
		root_name(slot->root, name);
		replace_all(b, b->start, "PCI0", name, 4,
			    10 + (unsigned)__builtin_popcount(slot->functions) + slot->has_node);
	}
	snprintf(name, sizeof(name), "ssdt-slot%u", slot->index);
	table_end(b, name);
}

/* The DSDT, which the FADT names, comes first and is not listed (5.2.8). */
static void add_xsdt(struct builder *b)
{
	const struct acpi_header header = header_for("XSDT", 1);
	struct acpi_tables *t = b->tables;
	unsigned nr_tables = t->nr_tables;

	table_begin(b);
	append(b, &header, sizeof(header));
	for (unsigned i = 1; i < nr_tables; i++) {
		uint64_t address = b->base + t->table[i].off;

		append(b, &address, sizeof(address));
	}

	struct acpi_rsdp rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem_id = ACPI_OEM_ID,
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = table_end(b, "xsdt"),
	};

	if (b->error)
		return;
	rsdp.checksum = checksum((const uint8_t *)&rsdp, 20);
	rsdp.extended_checksum = checksum((const uint8_t *)&rsdp, sizeof(rsdp));
	memcpy(t->data, &rsdp, sizeof(rsdp));
	t->rsdp = b->base;
}

static bool numa_possible(const struct acpi_config *config)
{
	const struct acpi_numa *numa = &config->numa;

	if (numa->nr > ACPI_MAX_NODES || numa->nr_memory > ACPI_MAX_RANGES)
		return false;
	for (unsigned i = 0; numa->nr && i < config->nr_cpus; i++)
		if (numa->cpu_node[i] >= numa->nr)
			return false;
	for (unsigned i = 0; i < numa->nr_memory; i++)
		if (numa->memory[i].node >= numa->nr)
			return false;
	for (unsigned i = 0; i < config->nr_slots; i++)
		if (config->slots[i].has_node && config->slots[i].node >= numa->nr)
			return false;
	for (unsigned i = 0; i < config->nr_roots; i++)
		if (config->roots[i].node >= numa->nr)
			return false;
	return !config->has_node || config->node < numa->nr;
}

static bool config_possible(const struct acpi_config *config)
{
	uint32_t ports[ACPI_MAX_ROOTS + 1] = { 1 },
					banks = 0; /* device 0 of bus 0 is the host bridge */

	if (!config->nr_cpus || config->nr_cpus > ACPI_MAX_CPUS ||
	    config->nr_slots > ACPI_MAX_SLOTS || config->nr_roots > ACPI_MAX_ROOTS ||
	    !numa_possible(config))
		return false;
	if (!range_inside(config->mmio32, config->mmio32_size, 0, GIB(4)))
		return false;
	if (config->mmio64_size &&
	    !range_inside(config->mmio64, config->mmio64_size, GIB(4), UINT64_MAX - GIB(4)))
		return false;
	for (unsigned i = 0; i < config->nr_slots; i++) {
		const struct acpi_slot *slot = &config->slots[i];

		if (slot->index >= CVM_SLOT_MAX || slot->port_dev >= 32 ||
		    slot->root > config->nr_roots)
			return false;
		if (banks & (1u << slot->index) || ports[slot->root] & (1u << slot->port_dev))
			return false;
		banks |= 1u << slot->index;
		ports[slot->root] |= 1u << slot->port_dev;
	}
	return true;
}

int acpi_tables_build(struct acpi_tables *tables, const struct acpi_config *config, uint64_t base,
		      size_t max)
{
	struct acpi_tables built = { .size = sizeof(struct acpi_rsdp) };
	struct builder b = { .tables = &built, .base = base, .max = max };

	if (base % TABLE_ALIGN || !config_possible(config))
		return -EINVAL;
	if (max < built.size)
		return -ENOSPC;
	built.data = calloc(1, max);
	if (!built.data)
		return -ENOMEM;

	add_fadt(&b, add_dsdt(&b, config));
	add_madt(&b, config);
	add_mcfg(&b, config);
	if (config->numa.nr) {
		add_srat(&b, config);
		add_slit(&b, &config->numa);
	}
	if (config->watchdog)
		add_wdat(&b);
	if (config->serial)
		add_com1(&b);
	for (unsigned i = 0; i < config->nr_roots; i++)
		add_root(&b, &config->roots[i], i + 1);
	for (unsigned i = 0; i < config->nr_slots; i++)
		add_slot(&b, &config->slots[i]);
	add_xsdt(&b);
	if (b.error) {
		free(built.data);
		return b.error;
	}
	*tables = built;
	return 0;
}

void acpi_tables_free(struct acpi_tables *tables)
{
	if (!tables)
		return;
	free(tables->data);
	*tables = (struct acpi_tables){ 0 };
}

static int write_file(int dirfd, const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int ret = 0;

	if (fd < 0)
		return -errno;
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = -errno;
			break;
		}
		data += n;
		size -= (size_t)n;
	}
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

int acpi_tables_write(const struct acpi_tables *tables, const char *dir, const char **ret_name)
{
	int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (dirfd < 0) {
		*ret_name = tables->table[0].name;
		return -errno;
	}
	for (unsigned i = 0; i < tables->nr_tables && !ret; i++) {
		char name[sizeof(tables->table[0].name) + sizeof(".aml")];

		snprintf(name, sizeof(name), "%s.aml", tables->table[i].name);
		ret = write_file(dirfd, name, tables->data + tables->table[i].off,
				 tables->table[i].size);
		if (ret)
			*ret_name = tables->table[i].name;
	}
	close(dirfd);
	return ret;
}
