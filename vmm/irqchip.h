/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt routes. GSI 0 to 23 are the inputs of the in-kernel IOAPIC (no legacy PIC is routed);
 * the ones above are MSIs, made on demand.
 *
 * KVM takes the table of routes only as a whole, so it lives here and is sent again at each
 * change. Every call may come from any thread.
 */
#ifndef COLDVM_VMM_IRQCHIP_H
#define COLDVM_VMM_IRQCHIP_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define IRQCHIP_PINS 24
#define IRQCHIP_GSIS 1024

struct irqchip {
	struct kvm *kvm;
	pthread_mutex_t lock; /* guards what follows; leaf lock */
	struct irqchip_route {
		bool used;  /* the GSI belongs to somebody */
		bool ready; /* it has an address: it is in KVM's table */
		uint64_t addr;
		uint32_t data;
	} msi[IRQCHIP_GSIS];	       /* indexed by GSI, the first IRQCHIP_PINS unused */
	struct kvm_irq_routing *table; /* room for IRQCHIP_GSIS entries */
};

/* Makes the in-kernel interrupt controllers and the IOAPIC routes. Before the first vCPU. */
int irqchip_init(struct irqchip *chip, struct kvm *kvm);
void irqchip_exit(struct irqchip *chip);

/* Raises or lowers IOAPIC input @pin. */
int irqchip_set_pin(struct irqchip *chip, unsigned pin, bool level);

/* Takes a GSI for an MSI; -ENOSPC when all are in use. It has no route until irqchip_msi_set(). */
int irqchip_msi_alloc(struct irqchip *chip, uint32_t *ret_gsi);
void irqchip_msi_free(struct irqchip *chip, uint32_t gsi);
/* Where the message goes, as the guest wrote it. An unchanged route costs nothing. */
int irqchip_msi_set(struct irqchip *chip, uint32_t gsi, uint64_t addr, uint32_t data);

/* @resample_fd: -1 for an edge (MSI), else see kvm_irqfd_assign(). */
int irqchip_bind(struct irqchip *chip, uint32_t gsi, int event_fd, int resample_fd);
int irqchip_unbind(struct irqchip *chip, uint32_t gsi, int event_fd);

#endif
