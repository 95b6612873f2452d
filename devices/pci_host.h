/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCIe host bridges: function 00:00.0 of the first, and the two ways to config space of all,
 * CF8/CFC and ECAM. */
#ifndef COLDVM_DEVICES_PCI_HOST_H
#define COLDVM_DEVICES_PCI_HOST_H

#include <pthread.h>
#include <stdint.h>

#include "devices/pci.h"

struct bus;

#define PCI_HOST_MAX_ROOTS 8

struct pci_host {
	struct pci_bus root;			     /* bus 0 */
	struct pci_bus more[PCI_HOST_MAX_ROOTS - 1]; /* root buses of other host bridges */
	unsigned nr_more;
	struct pci_function function; /* 00:00.0 */
	struct pci_config config;     /* of it; no bit can be written */
	pthread_mutex_t lock;	      /* guards address and config; leaf lock */
	uint32_t address;	      /* CF8, as the guest wrote it */
};

/* Registers CF8/CFC on @pio and ECAM on @mmio. -errno of bus_add(); pci_host_exit() either way. */
int pci_host_init(struct pci_host *host, struct bus *pio, struct bus *mmio);
void pci_host_exit(struct pci_host *host);

/* A root bus with @number, not 0, without any function. NULL if there is place for no more. Before
 * vCPUs run. */
struct pci_bus *pci_host_add_root(struct pci_host *host, uint8_t number);

#endif
