/* SPDX-License-Identifier: BSD-3-Clause */
/* D3hot that a guest asks for without _OFF; power_slot_pmcsr() of power.h is the other half. */
#ifndef COLDVM_DEVICES_VFIO_POWER_D3HOT_H
#define COLDVM_DEVICES_VFIO_POWER_D3HOT_H

struct power_slot;

/* The worker's, while the slot is on: forwards what is due. Returns the milliseconds that it may
 * sleep until the next one is; -1: for ever. No lock held. */
int power_d3hot_forward(struct power_slot *slot);
/* The worker's, in a sealed slot that is shown again without an exit: the host's PMCSRs go back to
 * D0 where a D3hot was forwarded. No lock held. */
void power_d3hot_undo(struct power_slot *slot);

#endif
