/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which passthrough functions share which virtual slot, and where their BARs go: decided from the
 * options and the host's sysfs alone, so that `coldvm tables` gives what `coldvm run` would. Only
 * attributes that wake no device are read.
 */
#ifndef COLDVM_VMM_TOPOLOGY_H
#define COLDVM_VMM_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acpi/abi.h"
#include "devices/rootport.h"
#include "devices/vfio/vfio.h"
#include "vmm/options.h"
#include "vmm/x86/acpi_tables.h"

#define TOPOLOGY_FUNCTIONS 8
#define TOPOLOGY_BARS	   (VFIO_NR_BARS + 1)
#define TOPOLOGY_ROM	   VFIO_PCI_ROM_REGION_INDEX /* the last one of them */

struct topology_bar {
	uint64_t size; /* 0: none */
	bool io, prefetchable, is64;
	uint64_t addr; /* where the guest finds it at boot */
};

struct topology_function {
	const struct device_options *options;
	const char *id; /* NULL: made from the address, as for those that functions=all adds */
	char bdf[16];	/* on the host */
	uint8_t number; /* function number in the guest */
	uint16_t vendor;
	uint32_t class; /* 24 bits */
	struct topology_bar bars[TOPOLOGY_BARS];
	uint64_t host_rom;    /* size of the ROM BAR on the host; 0: none */
	bool rom_device;      /* the guest gets a copy of the device's ROM, if it can be read */
	const char *rom_file; /* the guest gets this one; NULL: it does not */
	int clique;	      /* of NVIDIA GPUs that reach each other; -1: not said */
};

struct topology_slot {
	char host[16];	  /* "0000:01:00" */
	const char *all;  /* the device whose functions=all this is; NULL: of none */
	uint8_t left_out; /* bit n: the host has function n and the guest does not get it */
	unsigned nr;
	struct topology_function functions[TOPOLOGY_FUNCTIONS]; /* ascending numbers */
	enum pr3_place pr3;					/* resolved: never PR3_AUTO */
	enum device_power power;
	enum device_backend backend; /* DEVICE_BACKEND_AUTO: nobody has said */
	struct rootport_windows windows;
};

struct topology {
	struct topology_slot slots[CVM_SLOT_MAX];
	unsigned nr;
	struct vfio_windows windows; /* of the host bridge */
};

/* @sysfs: "/sys", or a made-up tree in tests. On failure one line in @why. */
int topology_build(struct topology *topology, const struct vm_options *options, const char *sysfs,
		   char *why, size_t why_len);

/* The first device number of bus 0 that no port has: virtio devices follow. */
unsigned topology_first_virtio(const struct topology *topology);

/* The ACPI view of the same. */
void topology_acpi(const struct topology *topology, const struct vm_options *options,
		   struct acpi_config *config);

#endif
