/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts the firmware tables where an operating system without EFI looks for them. */
#include "vmm/x86/firmware.h"

#include <errno.h>
#include <string.h>

#include "vmm/memory.h"
#include "vmm/x86/acpi_tables.h"
#include "vmm/x86/layout.h"
#include "vmm/x86/smbios.h"

int firmware_load(struct memory *memory, const struct acpi_config *acpi,
		  const struct smbios_config *smbios, uint64_t *ret_rsdp)
{
	struct acpi_tables tables;
	void *at = memory_at(memory, LAYOUT_SMBIOS, LAYOUT_SMBIOS_SIZE);
	int r;

	if (!at)
		return -EFAULT;
	r = smbios_build(smbios, LAYOUT_SMBIOS, at, LAYOUT_SMBIOS_SIZE);
	if (r < 0)
		return r;

	r = acpi_tables_build(&tables, acpi, LAYOUT_ACPI, LAYOUT_ACPI_SIZE);
	if (r < 0)
		return r;
	at = memory_at(memory, LAYOUT_ACPI, tables.size);
	if (at) {
		memcpy(at, tables.data, tables.size);
		*ret_rsdp = tables.rsdp;
	}
	acpi_tables_free(&tables);
	return at ? 0 : -EFAULT;
}
