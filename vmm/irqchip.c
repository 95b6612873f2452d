/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt routes: the in-kernel controllers, and the table of routes that KVM takes whole. */
#include "vmm/irqchip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/kvm.h"

/* Sends the whole table again. Lock held. */
static int send_routes(struct irqchip *chip)
{
	struct kvm_irq_routing *table = chip->table;
	unsigned nr = 0;

	memset(table->entries, 0, IRQCHIP_GSIS * sizeof(table->entries[0]));
	for (unsigned pin = 0; pin < IRQCHIP_PINS; pin++, nr++) {
		table->entries[nr].gsi = pin;
		table->entries[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		table->entries[nr].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		table->entries[nr].u.irqchip.pin = pin;
	}
	for (unsigned gsi = IRQCHIP_PINS; gsi < IRQCHIP_GSIS; gsi++) {
		const struct irqchip_route *route = &chip->msi[gsi];

		if (!route->ready)
			continue;
		table->entries[nr].gsi = gsi;
		table->entries[nr].type = KVM_IRQ_ROUTING_MSI;
		table->entries[nr].u.msi.address_lo = (uint32_t)route->addr;
		table->entries[nr].u.msi.address_hi = (uint32_t)(route->addr >> 32);
		table->entries[nr].u.msi.data = route->data;
		nr++;
	}
	table->nr = nr;
	table->flags = 0;
	return kvm_set_gsi_routing(chip->kvm, table);
}

int irqchip_init(struct irqchip *chip, struct kvm *kvm)
{
	int ret;

	memset(chip, 0, sizeof(*chip));
	chip->kvm = kvm;
	ret = kvm_create_irqchip(kvm);
	if (ret)
		return ret;
	chip->table =
		calloc(1, sizeof(*chip->table) + IRQCHIP_GSIS * sizeof(chip->table->entries[0]));
	if (!chip->table)
		return -ENOMEM;
	/* KVM starts with a PC's routes: PIC and IOAPIC, GSI 0 on pin 2. ACPI says otherwise. */
	ret = send_routes(chip);
	if (ret)
		goto free_table;
	pthread_mutex_init(&chip->lock, NULL);
	return 0;

free_table:
	free(chip->table);
	chip->table = NULL;
	return ret;
}

void irqchip_exit(struct irqchip *chip)
{
	if (!chip->table)
		return;
	pthread_mutex_destroy(&chip->lock);
	free(chip->table);
	chip->table = NULL;
}

int irqchip_set_pin(struct irqchip *chip, unsigned pin, bool level)
{
	if (pin >= IRQCHIP_PINS)
		return -EINVAL;
	return kvm_irq_line(chip->kvm, pin, level);
}

int irqchip_msi_alloc(struct irqchip *chip, uint32_t *ret_gsi)
{
	int ret = -ENOSPC;

	pthread_mutex_lock(&chip->lock);
	for (unsigned gsi = IRQCHIP_PINS; gsi < IRQCHIP_GSIS; gsi++) {
		if (chip->msi[gsi].used)
			continue;
		chip->msi[gsi] = (struct irqchip_route){ .used = true };
		*ret_gsi = gsi;
		ret = 0;
		break;
	}
	pthread_mutex_unlock(&chip->lock);
	return ret;
}

void irqchip_msi_free(struct irqchip *chip, uint32_t gsi)
{
	if (gsi < IRQCHIP_PINS || gsi >= IRQCHIP_GSIS)
		return;
	pthread_mutex_lock(&chip->lock);
	if (chip->msi[gsi].used) {
		bool ready = chip->msi[gsi].ready;

		chip->msi[gsi] = (struct irqchip_route){ 0 };
		/* A refusal leaves a route that nothing is bound to; the next change drops it. */
		if (ready)
			send_routes(chip);
	}
	pthread_mutex_unlock(&chip->lock);
}

int irqchip_msi_set(struct irqchip *chip, uint32_t gsi, uint64_t addr, uint32_t data)
{
	struct irqchip_route *route, old;
	int ret = 0;

	if (gsi < IRQCHIP_PINS || gsi >= IRQCHIP_GSIS)
		return -EINVAL;
	route = &chip->msi[gsi];
	pthread_mutex_lock(&chip->lock);
	old = *route;
	if (!old.used) {
		ret = -EINVAL;
	} else if (!old.ready || old.addr != addr || old.data != data) {
		route->ready = true;
		route->addr = addr;
		route->data = data;
		ret = send_routes(chip);
		if (ret)
			*route = old;
	}
	pthread_mutex_unlock(&chip->lock);
	return ret;
}

int irqchip_bind(struct irqchip *chip, uint32_t gsi, int event_fd, int resample_fd)
{
	return kvm_irqfd_assign(chip->kvm, event_fd, gsi, resample_fd);
}

int irqchip_unbind(struct irqchip *chip, uint32_t gsi, int event_fd)
{
	return kvm_irqfd_deassign(chip->kvm, event_fd, gsi);
}
