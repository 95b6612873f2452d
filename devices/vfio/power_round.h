/* SPDX-License-Identifier: BSD-3-Clause */
/* One call to the host for each function of a slot, in the order that the host wants: the rounds
 * that the power sequence is made of. The worker's; every function is sealed. */
#ifndef COLDVM_DEVICES_VFIO_POWER_ROUND_H
#define COLDVM_DEVICES_VFIO_POWER_ROUND_H

#include <stdbool.h>

struct power_call;
struct power_slot;

/* Asks for low power for each function that is not in it already, last function first, and keeps
 * its configuration in mind before. @calls has slot->nr. False if the host refuses one. */
bool power_round_enter(struct power_slot *slot, struct power_call *calls);
/* The way back, function 0 first. Afterwards slot->dead has the functions that are not back, or
 * are without their configuration. False if there are any. */
bool power_round_leave(struct power_slot *slot, struct power_call *calls);
/* The same judgement again, after something else was done: @calls are of the exits before, and
 * new ones are made where the back end proves life by them. */
bool power_round_judge(struct power_slot *slot, struct power_call *calls);
/* Empties the wake eventfds: what is in them is our own doing. */
void power_round_drain(struct power_slot *slot);

#endif
