/* SPDX-License-Identifier: BSD-3-Clause */
/* D3hot alone: a guest that writes its PMCSR and runs no _OFF afterwards. */
#include "devices/vfio/power_d3hot.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "devices/vfio/power_host.h"
#include "devices/vfio/power_slot.h"
#include "vmm/bits.h"
#include "vmm/log.h"

/* The guest asked for D3hot and no _OFF followed: only then is it worth 20 ms of host time. */
#define D3HOT_DELAY_NS 1500000000u

/*
 * Forwards a D3hot that the guest asked for and kept. The slot's lock is handed over to the
 * device's, so that a D0 of the guest that comes now is written after the D3hot, not before.
 * Returns milliseconds until it is due, or -1 if nothing is.
 */
static int forward_d3hot(struct power_slot *slot, unsigned i)
{
	struct vfio_device *device = slot->functions[i];
	uint64_t now = now_ns();
	int r;

	pthread_mutex_lock(&slot->lock);
	uint64_t due = slot->d3hot_due[i];
	if (!due || due > now) {
		pthread_mutex_unlock(&slot->lock);
		return due ? (int)((due - now) / 1000000) + 1 : -1;
	}
	slot->d3hot_due[i] = 0;
	pthread_mutex_lock(&device->lock);
	/* The guest's write and the note of it are two steps: another vCPU's D0 may stand between.
	 */
	bool wanted = !device->gone && vfio_config_pmcsr(device) == 3;
	slot->d3hot_forwarded[i] = wanted;
	pthread_mutex_unlock(&slot->lock);
	r = wanted ? power_host_set_pmcsr(device, 3) : 0;
	pthread_mutex_unlock(&device->lock);
	if (wanted)
		power_notes_log(&slot->notes, LOG_INFO, device->id, "D3hot as the guest asked: %s",
				r < 0 ? strerror(-r) : "done");
	return -1;
}

int power_d3hot_forward(struct power_slot *slot)
{
	int wait = -1;

	for (unsigned i = 0; i < slot->nr; i++) {
		int ms = forward_d3hot(slot, i);

		if (ms >= 0 && (wait < 0 || ms < wait))
			wait = ms;
	}
	return wait;
}

void power_d3hot_undo(struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];
		bool forwarded;
		int r;

		pthread_mutex_lock(&slot->lock);
		forwarded = slot->d3hot_forwarded[i];
		slot->d3hot_forwarded[i] = false;
		pthread_mutex_unlock(&slot->lock);
		r = forwarded && !device->gone ? power_host_set_pmcsr(device, 0) : 0;
		if (r < 0)
			power_notes_log(&slot->notes, LOG_WARN, device->id, "leaving D3hot: %s",
					strerror(-r));
	}
}

void power_slot_pmcsr(struct power_slot *slot, struct vfio_device *device, unsigned state)
{
	unsigned i = power_slot_index(slot, device);
	bool forwarded;
	int r = 0;

	pthread_mutex_lock(&slot->lock);
	forwarded = slot->d3hot_forwarded[i];
	slot->d3hot_due[i] = state == 3 && !forwarded ? now_ns() + D3HOT_DELAY_NS : 0;
	if (state == 0)
		slot->d3hot_forwarded[i] = false;
	eventfd_write(slot->kick_fd, 1);
	pthread_mutex_lock(&device->lock);
	pthread_mutex_unlock(&slot->lock);
	if (state == 0 && forwarded && !device->sealed) {
		r = power_host_set_pmcsr(device, 0);
		vfio_bars_update(device);
	}
	pthread_mutex_unlock(&device->lock);
	if (r < 0)
		power_notes_log(&slot->notes, LOG_WARN, device->id, "leaving D3hot: %s",
				strerror(-r));
}
