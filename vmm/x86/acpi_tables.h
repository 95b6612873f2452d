/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's ACPI tables: hardware-reduced FADT, MADT, MCFG, WDAT, SRAT and SLIT, the DSDT and one
 * SSDT per slot with its functions, all AML made by iasl from acpi/ at build time and filled in
 * here. One for each function would be too many: Linux takes 128 tables (drivers/acpi/tables.c:
 * ACPI_MAX_TABLES).
 */
#ifndef COLDVM_VMM_X86_ACPI_TABLES_H
#define COLDVM_VMM_X86_ACPI_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_MAX_SLOTS	24
#define ACPI_MAX_CPUS	255 /* APIC identifiers of 255 and up would need x2APIC entries */
#define ACPI_MAX_NODES	32
#define ACPI_MAX_RANGES 33

struct acpi_slot {
	unsigned index;	   /* register bank, CVM_SLOT_* */
	unsigned root;	   /* 0: below PCI0; n: below roots[n - 1] */
	uint8_t port_dev;  /* device number of the root port on that one's bus, function 0 */
	uint8_t functions; /* bit n: function n exists below the port */
	bool port_pr;	   /* _PR0, _PR2, _PR3 and _S0W on the port */
	bool function0_pr; /* _PR0 and _PR3 on function 0 */
	bool has_node;	   /* _PXM on the port */
	uint8_t node;
};

/* NUMA nodes, 0 to nr - 1; those without CPU, memory and distance are not there. */
struct acpi_numa {
	unsigned nr; /* 0: no SRAT and no SLIT */
	uint8_t cpu_node[ACPI_MAX_CPUS];
	uint8_t apic_id[ACPI_MAX_CPUS]; /* without nodes it is the CPU's number */
	struct {
		uint64_t base, size;
		uint8_t node;
	} memory[ACPI_MAX_RANGES];
	unsigned nr_memory;
	uint8_t distance[ACPI_MAX_NODES][ACPI_MAX_NODES]; /* 0: unknown */
};

/* A host bridge beside PCI0, with the slots of one node. Of each window a part, and never nothing.
 */
#define ACPI_MAX_ROOTS 7

struct acpi_root {
	uint8_t bus, last_bus;
	uint8_t node;
	uint64_t mmio32, mmio32_size;
	uint64_t mmio64, mmio64_size;
	uint16_t pio, pio_size;
};

struct acpi_config {
	unsigned nr_cpus;
	bool serial;
	bool watchdog;		      /* a WDAT for the ports of devices/watchdog.h */
	uint64_t mmio32, mmio32_size; /* windows of PCI0 */
	uint64_t mmio64, mmio64_size; /* size 0: none */
	uint16_t pio_taken; /* bytes of I/O space, from LAYOUT_PIO_WINDOW on, that are not its */
	bool has_node;	    /* _PXM on PCI0 */
	uint8_t node;
	struct acpi_root roots[ACPI_MAX_ROOTS];
	unsigned nr_roots;
	struct acpi_slot slots[ACPI_MAX_SLOTS];
	unsigned nr_slots;
	struct acpi_numa numa;
};

struct acpi_tables {
	uint8_t *data; /* to be copied to the guest address given to acpi_tables_build() */
	size_t size;
	uint64_t rsdp; /* guest address */
	struct {
		char name[24]; /* "dsdt", "facp", "apic", "mcfg", "srat", "slit", "wdat",
				  "ssdt-com1", "ssdt-slot0", ... */
		size_t off, size;
	} table[ACPI_MAX_SLOTS + ACPI_MAX_ROOTS + 10]; /* without the RSDP */
	unsigned nr_tables;
};

/*
 * Builds every table for guest address @base, a multiple of 16. The result is freed by
 * acpi_tables_free(). Pure: no VM, no files. -ENOSPC if they do not fit into @max bytes, -EINVAL
 * for a machine that the tables cannot describe, -EBADMSG if a table in the program is not what
 * this code expects, -ENOMEM.
 */
int acpi_tables_build(struct acpi_tables *tables, const struct acpi_config *config, uint64_t base,
		      size_t max);
void acpi_tables_free(struct acpi_tables *tables);

/* Writes each table to @dir/NAME.aml, for iasl and acpiexec. -errno, *ret_name is the table that
 * failed; it is of @tables. */
int acpi_tables_write(const struct acpi_tables *tables, const char *dir, const char **ret_name);

#endif
