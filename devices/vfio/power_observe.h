/* SPDX-License-Identifier: BSD-3-Clause */
/* How deep a slot gets after its entries: the driver's verdict, or what sysfs shows. */
#ifndef COLDVM_DEVICES_VFIO_POWER_OBSERVE_H
#define COLDVM_DEVICES_VFIO_POWER_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

struct power_call;
struct power_slot;

/* When the first and the last entry of a round were made, and why it is not deeper yet, if known.
 */
struct power_entry_round {
	uint64_t started, issued;
	char why[128];
};

/* The worker's, after the entries @calls: says how deep the slot got, at once if the driver has
 * said it or there is nothing to wait for, else within a second. Ends early when the guest or the
 * host wants something. @failed: the host refused one of them. */
void power_observe(struct power_slot *slot, const struct power_call *calls,
		   struct power_entry_round *round, bool failed);

#endif
