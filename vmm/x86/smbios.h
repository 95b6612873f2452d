/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SMBIOS 3 entry point and tables. The BIOS date decides whether Linux lets PCIe ports sleep
 * (2015 or later, drivers/pci/pci.c: pci_bridge_d3_possible()), the chassis whether NVIDIA's
 * driver switches its runtime power management on by itself.
 */
#ifndef COLDVM_VMM_X86_SMBIOS_H
#define COLDVM_VMM_X86_SMBIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smbios_config {
	bool laptop;	 /* chassis type 10 (notebook), else 3 (desktop) */
	uint64_t memory; /* bytes of RAM */
	unsigned nr_cpus;
};

/* Writes entry point and tables for guest address @base, a multiple of 16, to @buf. Returns their
 * size, -ENOSPC, or -EINVAL for a machine without memory or CPUs. */
int smbios_build(const struct smbios_config *config, uint64_t base, uint8_t *buf, size_t len);

#endif
