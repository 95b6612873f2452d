/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vectors of MSI and MSI-X: an eventfd and a GSI each, wired to the host's driver on one side and
 * to KVM on the other. For irqs.c alone; device->lock held throughout.
 *
 * @index: VFIO_PCI_MSI_IRQ_INDEX or VFIO_PCI_MSIX_IRQ_INDEX. All return 0 or -errno.
 */
#ifndef COLDVM_DEVICES_VFIO_VECTORS_H
#define COLDVM_DEVICES_VFIO_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/vfio.h"

int vectors_init(struct vfio_device *device, unsigned nr);
void vectors_exit(struct vfio_device *device);

/* Gives vector @i an eventfd and a GSI. Nothing happens if it has them. */
int vectors_open(struct vfio_device *device, unsigned i);
void vectors_close_all(struct vfio_device *device);
/* Sends what arrives at vector @i to (@addr, @data), or keeps it back while @masked. */
int vectors_route(struct vfio_device *device, unsigned i, uint64_t addr, uint32_t data,
		  bool masked);

/* Switches on @nr vectors of the host; those that are open get their eventfd. */
int vectors_host_enable(struct vfio_device *device, unsigned index, unsigned nr);
void vectors_host_disable(struct vfio_device *device, unsigned index);
/* Opens vector @i while others are at work, and grows the host's set if it lies beyond. */
int vectors_host_add(struct vfio_device *device, unsigned index, unsigned i);

#endif
