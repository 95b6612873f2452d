/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's ACPI tables: hardware-reduced FADT, MADT, MCFG, WDAT, the DSDT and one SSDT per slot
 * with its functions, all AML made by iasl from acpi/ at build time and filled in here. One for
 * each function would be too many: Linux takes 128 tables (drivers/acpi/tables.c: ACPI_MAX_TABLES).
 */
#ifndef COLDVM_VMM_X86_ACPI_TABLES_H
#define COLDVM_VMM_X86_ACPI_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_MAX_SLOTS 24

struct acpi_slot {
	unsigned index;	   /* register bank, CVM_SLOT_* */
	uint8_t port_dev;  /* device number of the root port on bus 0, function 0 */
	uint8_t functions; /* bit n: function n exists below the port */
	bool port_pr;	   /* _PR0, _PR2, _PR3 and _S0W on the port */
	bool function0_pr; /* _PR0 and _PR3 on function 0 */
};

struct acpi_config {
	unsigned nr_cpus;
	bool serial;
	bool watchdog;		      /* a WDAT for the ports of devices/watchdog.h */
	uint64_t mmio32, mmio32_size; /* windows of the host bridge */
	uint64_t mmio64, mmio64_size; /* size 0: none */
	struct acpi_slot slots[ACPI_MAX_SLOTS];
	unsigned nr_slots;
};

struct acpi_tables {
	uint8_t *data; /* to be copied to the guest address given to acpi_tables_build() */
	size_t size;
	uint64_t rsdp; /* guest address */
	struct {
		char name[24]; /* "dsdt", "facp", "apic", "mcfg", "wdat", "ssdt-com1", "ssdt-slot0",
				  ... */
		size_t off, size;
	} table[ACPI_MAX_SLOTS + 8]; /* without the RSDP */
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
