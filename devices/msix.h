/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X of a function that exists in coldvm alone (PCI Express 6.0, 7.7.2): the capability, the
 * table and the pending bits. A vector is an eventfd: whoever writes it interrupts the guest, by an
 * irqfd while the vector is open, by a pending bit while it is masked.
 */
#ifndef COLDVM_DEVICES_MSIX_H
#define COLDVM_DEVICES_MSIX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct irqchip;
struct pci_config;

#define MSIX_MAX_VECTORS 128

struct msix_vector {
	int event_fd;
	uint32_t gsi;
	bool allocated;	   /* the GSI is ours */
	bool bound;	   /* event_fd is an irqfd just now */
	uint32_t entry[4]; /* as the guest sees it: address low, high, data, control */
};

struct msix {
	struct irqchip *irqchip;
	const char
		*name; /* of the function, for the log; the caller may set it after msix_init() */
	bool said;     /* that a vector got no route */
	unsigned nr;
	pthread_mutex_t lock;
	bool enabled, masked; /* the capability's control bits */
	struct msix_vector *vectors;
};

/* Adds the capability at @cap of @config (next pointer @next), its table in BAR @bar at @table, its
 * pending bits at @pba (offsets in bytes). Eventfds are made here and live until msix_exit(), GSIs
 * come when the guest opens a vector. -EINVAL, -ENOMEM, -errno of eventfd(2). */
int msix_init(struct msix *msix, struct irqchip *irqchip, struct pci_config *config, uint8_t cap,
	      uint8_t next, unsigned nr, unsigned bar, uint32_t table, uint32_t pba);
void msix_exit(struct msix *msix);

/* To be called after a write to the capability took effect: @control is what it reads now. */
void msix_control(struct msix *msix, uint16_t control);

/* Accesses to the table and to the pending bits; @off relative to either. */
uint64_t msix_table_read(struct msix *msix, uint64_t off, unsigned size);
void msix_table_write(struct msix *msix, uint64_t off, uint64_t value, unsigned size);
uint64_t msix_pba_read(struct msix *msix, uint64_t off, unsigned size);

/* The eventfd of @vector, or -1 if there is no such vector. Belongs to @msix. */
int msix_fd(const struct msix *msix, unsigned vector);

#endif
