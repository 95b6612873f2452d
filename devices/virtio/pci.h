/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio over PCI (Virtio 1.2, 4.1): a function on bus 0 with one memory BAR and MSI-X. Modern
 * only: no I/O BAR, no transitional IDs, no INTx.
 *
 *   0x0000  common configuration     0x1000  ISR          0x2000  device configuration
 *   0x3000  notifications, 4 bytes a queue   0x4000  MSI-X table   0x5000  its pending bits
 *
 * Notifications are ioeventfds and interrupts irqfds: neither comes by user space.
 */
#ifndef COLDVM_DEVICES_VIRTIO_PCI_H
#define COLDVM_DEVICES_VIRTIO_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/msix.h"
#include "devices/pci.h"

struct bus;
struct irqchip;
struct kvm;
struct virtio_device;

#define VIRTIO_PCI_BAR	    0
#define VIRTIO_PCI_BAR_SIZE 0x8000u /* bytes, and its alignment */

struct virtio_pci_env {
	struct kvm *kvm; /* for ioeventfds */
	struct irqchip *irqchip;
	struct bus *mmio;
	struct pci_bus *root;
};

struct virtio_pci {
	struct pci_function function;
	struct pci_config config;
	struct msix msix;
	struct virtio_device *device;
	struct virtio_pci_env env;
	pthread_mutex_t lock; /* guards config, mapped, notify and the selectors; before
			       * device->lock, and free while the device starts and stops */
	uint64_t mapped;      /* where the BAR answers just now; 0: nowhere */
	bool notify[64];      /* the queue's notifications there are an ioeventfd */
	bool said;	      /* that the BAR cannot be where the guest wants it */
	uint8_t isr;	      /* atomic */
	uint32_t feature_select, guest_feature_select;
	uint16_t queue_select;
	uint16_t config_vector;	    /* atomic: an interrupt takes no lock */
	uint16_t queue_vectors[64]; /* VIRTIO_MAX_QUEUES; VIRTIO_MSI_NO_VECTOR: none */
};

/* Puts @device at @devfn of the root bus, its BAR at @bar (bytes, a multiple of the BAR's size) and
 * decoding: there is no firmware that would place it. -errno; virtio_pci_exit() either way. Before
 * vCPUs run. */
int virtio_pci_init(struct virtio_pci *pci, const struct virtio_pci_env *env,
		    struct virtio_device *device, uint8_t devfn, uint64_t bar);
/* After the last vCPU. Resets the device first. */
void virtio_pci_exit(struct virtio_pci *pci);

#endif
