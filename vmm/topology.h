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
#include "devices/pci_host.h"
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
	int fd;		/* its open character device, which was passed in; -1: none */
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
	const char *all;  /* path of the device whose functions=all this is; NULL: of none */
	uint8_t left_out; /* bit n: the host has function n and the guest does not get it */
	unsigned nr;
	struct topology_function functions[TOPOLOGY_FUNCTIONS]; /* ascending numbers */
	enum pr3_place pr3;					/* resolved: never PR3_AUTO */
	enum device_power power;
	enum device_backend backend; /* DEVICE_BACKEND_AUTO: nobody has said */
	bool has_node; /* a NUMA node of the guest, by an option or by the host's node */
	unsigned node;
	unsigned bridge;  /* index in bridges[] */
	uint8_t port_dev; /* device number of the port on the bridge's root bus */
	uint8_t bus;	  /* behind the port */
	struct rootport_windows windows;
};

/* A host bridge. The first one, with bus 0, has the emulated devices, and slots that are in no NUMA
 * node; each node with slots has one of its own. */
#define TOPOLOGY_MAX_BRIDGES PCI_HOST_MAX_ROOTS
#define TOPOLOGY_MAX_BUSES   32 /* LAYOUT_ECAM_SIZE */

struct topology_bridge {
	bool has_node;
	unsigned node;
	uint8_t bus, last_bus;
	struct rootport_windows windows; /* without the first one's, whose are the rest */
};

struct topology {
	struct topology_slot slots[CVM_SLOT_MAX];
	unsigned nr;
	struct topology_bridge bridges[TOPOLOGY_MAX_BRIDGES];
	unsigned nr_bridges;	     /* 1 at least */
	struct vfio_windows windows; /* of all host bridges together */
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
