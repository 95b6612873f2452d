/* SPDX-License-Identifier: BSD-3-Clause */
/* The event register is read-and-clear, so an event that comes while the guest handles another
 * is either in the value it reads or raises the interrupt again: none is lost. */
#include "devices/ged.h"

#include <string.h>

#include "acpi/abi.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/log.h"

static uint64_t events_read(void *dev, uint64_t off, unsigned size)
{
	struct ged *ged = dev;

	if (off != 0 || size != 4)
		return ones(size);
	return atomic_exchange(&ged->events, 0);
}

static void events_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	(void)dev;
	(void)off;
	(void)value;
	(void)size;
}

static const struct bus_ops events_ops = { .read = events_read, .write = events_write };

int ged_init(struct ged *ged, struct bus *pio, struct irqchip *irqchip)
{
	ged->irqchip = irqchip;
	atomic_init(&ged->events, 0);
	atomic_init(&ged->complained, false);
	return bus_add(pio, CVM_GED_EVENTS, 4, &events_ops, ged);
}

void ged_raise(struct ged *ged, uint32_t events)
{
	int r;

	atomic_fetch_or(&ged->events, events);
	r = irqchip_set_pin(ged->irqchip, CVM_GED_GSI, true);
	if (r == 0)
		r = irqchip_set_pin(ged->irqchip, CVM_GED_GSI, false);
	if (r < 0 && !atomic_exchange(&ged->complained, true))
		log_warn("ged", "the guest cannot be told of an event: %s (said once)",
			 strerror(-r));
}
