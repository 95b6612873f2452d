/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table WDAT (Microsoft, "Hardware Watchdog Timers Design Specification" 1.01): for each
 * action of a watchdog the register to read or write. Linux: drivers/acpi/acpi_watchdog.c makes the
 * device, drivers/watchdog/wdat_wdt.c drives it.
 */
#ifndef COLDVM_VMM_X86_ACPI_WDAT_H
#define COLDVM_VMM_X86_ACPI_WDAT_H

#include "vmm/x86/acpi_spec.h"

#define ACPI_WDAT_ENTRIES 12

struct acpi_wdat {
	struct acpi_wdat_header head;
	struct acpi_wdat_entry entries[ACPI_WDAT_ENTRIES];
} __attribute__((packed));

/* The registers of acpi/abi.h at LAYOUT_PIO_WATCHDOG. All but the header that every table has. */
void acpi_wdat_fill(struct acpi_wdat *wdat);

#endif
