/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of a foreign wake. */
#include "devices/vfio/power_wake.h"

#include <sys/eventfd.h>

#include "devices/vfio/power_events.h"
#include "devices/vfio/power_slot.h"
#include "vmm/bits.h"
#include "vmm/log.h"

static void tell_guest(struct power_slot *slot, unsigned i)
{
	pthread_mutex_lock(&slot->lock);
	slot->wakes |= 1u << PCI_FN_OF(slot->functions[i]->function.devfn);
	pthread_mutex_unlock(&slot->lock);
	slot->config.wake(slot->config.opaque, slot->config.index);
}

void power_wake_rearm(struct power_slot *slot, const struct power_policy_config *policy,
		      uint64_t now)
{
	uint64_t free_at = power_budget_next(&slot->reentered, policy->max_wakes_per_min, now);

	if (free_at > now)
		log_info(slot->functions[0]->id,
			 "%u wakes in a minute: the device stays awake for %llu ms more",
			 policy->max_wakes_per_min,
			 (unsigned long long)((free_at - now) / 1000000));
	slot->enter_ns = free_at;
}

/* Signals outside of COLD are our own doing and are drained before COLD is entered again. */
void power_wake_handle(struct power_slot *slot, unsigned i,
		       const struct power_policy_config *policy)
{
	uint64_t now = now_ns();
	eventfd_t count;
	bool told;

	(void)eventfd_read(slot->wake_fds[i], &count);
	/* The driver has left low power by itself (linux/vfio.h: LOW_POWER_ENTRY_WITH_WAKEUP). */
	slot->engaged[i] = false;
	told = policy->wake == POWER_WAKE_NOTIFY &&
	       power_budget_take(&slot->told, policy->max_wakes_per_min, now);
	if (!told)
		power_wake_rearm(slot, policy, now);
	power_event_wake(slot, slot->functions[i], now, told, slot->enter_ns);
	if (told)
		tell_guest(slot, i);
}
