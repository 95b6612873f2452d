/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing a slot's policy. */
#include "devices/vfio/power_policy.h"

#include <errno.h>

#include "devices/vfio/power_events.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/power_round.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_wake.h"
#include "vmm/bits.h"
#include "vmm/log.h"

int power_policy_check(const struct power_policy_config *policy)
{
	if (policy->deepest > POWER_POLICY_ON || policy->wake > POWER_WAKE_REARM ||
	    policy->max_wakes_per_min > POWER_MAX_WAKES_PER_MIN ||
	    policy->min_off_ms > POWER_MAX_MIN_OFF_MS)
		return -EINVAL;
	return 0;
}

int power_slot_set_policy(struct power_slot *slot, const struct power_policy_config *policy)
{
	int r = power_policy_check(policy);

	if (r < 0)
		return r;
	pthread_mutex_lock(&slot->lock);
	if (slot->given_back) {
		r = -ENODEV;
	} else {
		slot->policy = *policy;
		slot->repolicy = true;
	}
	pthread_mutex_unlock(&slot->lock);
	power_slot_kick(slot);
	return r;
}

void power_slot_get_policy(struct power_slot *slot, struct power_policy_config *ret)
{
	pthread_mutex_lock(&slot->lock);
	*ret = slot->policy;
	pthread_mutex_unlock(&slot->lock);
}

uint64_t power_policy_earliest(const struct power_slot *slot, unsigned min_off_ms)
{
	return slot->back_ns ? slot->back_ns + min_off_ms * UINT64_C(1000000) : 0;
}

bool power_policy_can_apply(const struct power_view *view)
{
	return view->repolicy &&
	       (view->phase == POWER_ON || (view->phase == POWER_COLD && view->settled));
}

/* The back end for @deepest. What the host has for D3cold is asked once, and only while nothing is
 * in low power by another one: a question wakes the device. */
static enum power_backend backend_for(struct power_slot *slot, enum power_policy deepest)
{
	char why[512];
	enum power_backend backend;

	if (deepest == POWER_POLICY_D3COLD && slot->cold_backend != POWER_BACKEND_AUTO)
		return slot->cold_backend;
	if (power_host_choose(slot->functions, slot->nr, deepest, slot->config.backend, &backend,
			      why, sizeof(why)) < 0) {
		log_warn(slot->functions[0]->id, "%s; the back end stays %s", why,
			 power_backend_name(slot->backend));
		return slot->backend;
	}
	if (deepest == POWER_POLICY_D3COLD)
		slot->cold_backend = backend;
	return backend;
}

/* Out of the state that the old back end brought, still sealed. */
static void leave_old(struct power_slot *slot)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };

	if (!power_round_leave(slot, calls))
		log_warn(slot->functions[0]->id, "the device does not come back for its new "
						 "policy; the guest's next _ON tries all there is");
	power_round_drain(slot);
}

bool power_policy_apply(struct power_slot *slot)
{
	struct power_policy_config policy;
	enum power_backend backend;
	unsigned engaged, nr = power_slot_count(slot, &engaged);
	bool cold, enter;

	pthread_mutex_lock(&slot->lock);
	policy = slot->policy;
	slot->repolicy = false;
	cold = slot->phase == POWER_COLD;
	pthread_mutex_unlock(&slot->lock);
	if (!nr)
		return false;

	backend = backend_for(slot, policy.deepest);
	enter = cold && !slot->held_back && backend != slot->backend;
	if (enter)
		leave_old(slot);
	slot->backend = backend;
	power_event_policy(slot, now_ns(), &policy);
	log_info(slot->functions[0]->id, "new power policy: back end %s, %u wakes a minute, %u ms",
		 power_backend_name(backend), policy.max_wakes_per_min, policy.min_off_ms);
	if (!cold || enter)
		return enter;
	if (slot->held_back)
		slot->enter_ns = power_policy_earliest(slot, policy.min_off_ms);
	else if (engaged < nr && (slot->enter_ns || policy.wake == POWER_WAKE_REARM))
		power_wake_rearm(slot, &policy, now_ns());
	return false;
}
