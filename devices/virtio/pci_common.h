/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The common configuration of virtio over PCI (Virtio 1.2, 4.1.4.3): how the driver negotiates and
 * sets up queues. For pci.c alone; any vCPU thread, no lock held.
 */
#ifndef COLDVM_DEVICES_VIRTIO_PCI_COMMON_H
#define COLDVM_DEVICES_VIRTIO_PCI_COMMON_H

#include <stdint.h>

struct virtio_pci;

#define VIRTIO_PCI_COMMON_SIZE 0x38u /* bytes: up to and with queue_device */

/* Each field answers to its own width alone (4.1.3.1: a field of 64 bits is two of 32). Otherwise a
 * read gives all ones and a write is dropped. */
uint64_t virtio_pci_common_read(struct virtio_pci *pci, uint64_t off, unsigned size);
void virtio_pci_common_write(struct virtio_pci *pci, uint64_t off, uint64_t value, unsigned size);
/* Selectors and vectors as after a reset. */
void virtio_pci_common_reset(struct virtio_pci *pci);

#endif
