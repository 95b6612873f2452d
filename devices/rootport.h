/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual PCIe root port: what Linux wants to see before it lets a port sleep.
 *
 * PM capability with PME from D0, D3hot and D3cold and NoSoftReset; no slot, so no hot-plug; a
 * 5 GT/s link, so that no data-link-layer reporting is expected (drivers/pci/pci.c:
 * pci_pm_init(), pci_bridge_d3_possible(), pci_bridge_wait_for_secondary_bus()).
 */
#ifndef COLDVM_DEVICES_ROOTPORT_H
#define COLDVM_DEVICES_ROOTPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/pci.h"

struct rootport_windows {
	uint64_t mem, mem_size;	  /* non-prefetchable, below 4 GiB; 1 MiB granularity */
	uint64_t pref, pref_size; /* prefetchable, anywhere */
	uint64_t io, io_size;	  /* 4 KiB granularity */
};

struct rootport {
	struct pci_function function;
	struct pci_bus secondary;
	char name[16];
	pthread_mutex_t lock; /* guards config; leaf lock */
	struct pci_config config;
	/* PMCSR has gone to D3hot or back: rootport_asleep() says which. Set before vCPUs run;
	 * NULL: nobody wants to know. No lock held. */
	void (*power_changed)(void *opaque);
	void *opaque;
};

/* Attaches port number @nr as device @device of @root, with secondary bus @secondary. -EEXIST. */
int rootport_init_at(struct rootport *port, struct pci_bus *root, unsigned nr, uint8_t device,
		     uint8_t secondary);
/* The same as device @nr + 1, with secondary bus @nr + 1. */
int rootport_init(struct rootport *port, struct pci_bus *root, unsigned nr);
void rootport_exit(struct rootport *port);

/* Programs the windows as firmware would have. Size 0 closes one. Before vCPUs run. */
void rootport_set_windows(struct rootport *port, const struct rootport_windows *windows);

/* True in D3hot, where a bridge forwards no memory transactions (PCI PM 1.2, section 4.7.2). Any
 * thread. */
bool rootport_asleep(struct rootport *port);

/* The slot is on: PMCSR reads D0, as after a power cycle. */
void rootport_power_on(struct rootport *port);

#endif
