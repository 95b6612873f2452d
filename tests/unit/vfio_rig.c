/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/vfio_rig.h"

#include <pthread.h>

#include "devices/pci.h"
#include "devices/vfio/power.h"
#include "devices/vfio/vfio.h"

struct vfio_rig_told told;

/* Instead of power.c. */
void power_slot_pmcsr(struct power_slot *slot, struct vfio_device *device, unsigned state)
{
	(void)slot;
	told.calls++;
	told.state = state;
	told.locked = pthread_mutex_trylock(&device->lock);
	told.shown = device->bars[0].on_bus;
	if (!told.locked)
		pthread_mutex_unlock(&device->lock);
}

/* Instead of pci.c. */
unsigned pci_intx_pin_gsi(const struct pci_function *function, unsigned pin)
{
	(void)function;
	return 15 + pin;
}
