/* SPDX-License-Identifier: BSD-3-Clause */
/* What a firmware would have left in memory: ACPI tables and SMBIOS. */
#ifndef COLDVM_VMM_X86_FIRMWARE_H
#define COLDVM_VMM_X86_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

struct acpi_config;
struct memory;
struct smbios_config;

/* Writes both to the guest. *ret_rsdp is the guest address of the RSDP. */
int firmware_load(struct memory *memory, const struct acpi_config *acpi,
		  const struct smbios_config *smbios, uint64_t *ret_rsdp);

#endif
