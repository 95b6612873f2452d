/* SPDX-License-Identifier: BSD-3-Clause */
/* ACPI's generic event device (ACPI 6.4, 5.6.9): one register of events and one interrupt. */
#ifndef COLDVM_DEVICES_GED_H
#define COLDVM_DEVICES_GED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bus;
struct irqchip;

struct ged {
	struct irqchip *irqchip;
	atomic_uint events; /* CVM_GED_*, until the guest reads them */
	atomic_bool complained;
};

int ged_init(struct ged *ged, struct bus *pio, struct irqchip *irqchip);

/* Makes @events (CVM_GED_*) pending and interrupts the guest. Any thread. */
void ged_raise(struct ged *ged, uint32_t events);

#endif
