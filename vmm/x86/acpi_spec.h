/* SPDX-License-Identifier: BSD-3-Clause */
/* The data tables of ACPI 6.4 as structs, in the byte order of x86; the numbers are its sections.
 */
#ifndef COLDVM_VMM_X86_ACPI_SPEC_H
#define COLDVM_VMM_X86_ACPI_SPEC_H

#include <stddef.h>
#include <stdint.h>

/* Six characters without an end; a string would have one too many. */
#define ACPI_OEM_ID                          \
	{                                    \
		'C', 'O', 'L', 'D', 'V', 'M' \
	}

#define FADT_WBINVD	  (1u << 0)
#define FADT_PROC_C1	  (1u << 2)
#define FADT_PWR_BUTTON	  (1u << 4) /* the button is a device, PNP0C0C */
#define FADT_SLP_BUTTON	  (1u << 5) /* none */
#define FADT_RESET	  (1u << 10)
#define FADT_HW_REDUCED	  (1u << 20)
#define FADT_BOOT_NO_VGA  (1u << 2)
#define FADT_BOOT_NO_ASPM (1u << 4)

#define MADT_LAPIC	   0
#define MADT_IOAPIC	   1
#define MADT_LAPIC_ENABLED 1

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_rsdp { /* 5.2.5.3 */
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_gas { /* 5.2.3.2 */
	uint8_t space;
	uint8_t bit_width, bit_offset;
	uint8_t access_size;
	uint64_t address;
} __attribute__((packed));

struct acpi_fadt { /* 5.2.9; what is not named here is zero with HW_REDUCED_ACPI */
	struct acpi_header header;
	uint8_t before_boot_arch[73];
	uint16_t boot_arch;
	uint8_t reserved;
	uint32_t flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	struct acpi_gas x_blocks[8];
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	char hypervisor[8];
} __attribute__((packed));

struct acpi_madt { /* 5.2.12 */
	struct acpi_header header;
	uint32_t lapic;
	uint32_t flags;
} __attribute__((packed));

struct madt_lapic { /* 5.2.12.2 */
	uint8_t type, length;
	uint8_t uid, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic { /* 5.2.12.3 */
	uint8_t type, length;
	uint8_t id, reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));

#define SRAT_LAPIC   0
#define SRAT_MEMORY  1
#define SRAT_ENABLED 1

struct acpi_srat { /* 5.2.16 */
	struct acpi_header header;
	uint32_t one; /* for compatibility */
	uint64_t reserved;
} __attribute__((packed));

struct srat_lapic { /* 5.2.16.1 */
	uint8_t type, length;
	uint8_t node_low, apic_id;
	uint32_t flags;
	uint8_t eid;
	uint8_t node_high[3];
	uint32_t clock_domain;
} __attribute__((packed));

struct srat_memory { /* 5.2.16.2 */
	uint8_t type, length;
	uint32_t node;
	uint16_t reserved;
	uint64_t base, size;
	uint32_t reserved2;
	uint32_t flags;
	uint64_t reserved3;
} __attribute__((packed));

struct acpi_slit { /* 5.2.17; then a byte for each pair, rows first */
	struct acpi_header header;
	uint64_t nr;
} __attribute__((packed));

struct acpi_mcfg { /* PCI Firmware 3.3, 4.1.2: one segment */
	struct acpi_header header;
	uint64_t reserved;
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
} __attribute__((packed));

/* "Hardware Watchdog Timers Design Specification" 1.01, tables 2 to 4 */
struct acpi_wdat_entry {
	uint8_t action, instruction;
	uint16_t reserved;
	struct acpi_gas reg;
	uint32_t value, mask;
} __attribute__((packed));

struct acpi_wdat_header {
	struct acpi_header header;
	uint32_t length; /* of what follows the header of every table */
	uint16_t segment;
	uint8_t bus, device, function; /* with segment 0xff: no PCI function */
	uint8_t reserved[3];
	uint32_t period_ms;
	uint32_t max_count, min_count;
	uint8_t flags;
	uint8_t reserved2[3];
	uint32_t nr_entries;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_header) == 36, "5.2.6");
_Static_assert(sizeof(struct acpi_rsdp) == 36, "5.2.5.3");
_Static_assert(offsetof(struct acpi_fadt, boot_arch) == 109, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "5.2.9");
_Static_assert(sizeof(struct acpi_fadt) == 276, "5.2.9, revision 6");
_Static_assert(sizeof(struct acpi_wdat_entry) == 24, "1.01, table 3");
_Static_assert(sizeof(struct acpi_wdat_header) == 68, "1.01, table 2");
_Static_assert(sizeof(struct acpi_srat) == 48, "5.2.16");
_Static_assert(sizeof(struct srat_lapic) == 16, "5.2.16.1");
_Static_assert(sizeof(struct srat_memory) == 40, "5.2.16.2");
_Static_assert(sizeof(struct acpi_slit) == 44, "5.2.17");
_Static_assert(sizeof(struct acpi_mcfg) == 60, "PCI Firmware 3.3, 4.1.2");

#endif
