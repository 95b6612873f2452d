/* SPDX-License-Identifier: BSD-3-Clause */
/* Wakes of a device that its guest did not ask for: told to the guest, or undone, within a rate. */
#ifndef COLDVM_DEVICES_VFIO_POWER_WAKE_H
#define COLDVM_DEVICES_VFIO_POWER_WAKE_H

#include <stdint.h>

#include "devices/vfio/power.h"

struct power_slot;

/* The worker's, in a slot that is off: the eventfd of function @i is readable. */
void power_wake_handle(struct power_slot *slot, unsigned i,
		       const struct power_policy_config *policy);
/* Not all of the slot is in low power any more and nobody was told: sets slot->enter_ns to the
 * moment when @policy lets the host be asked again, @now or later. */
void power_wake_rearm(struct power_slot *slot, const struct power_policy_config *policy,
		      uint64_t now);

#endif
