/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy that changes while the slot runs. power_slot_set_policy() of power.h is the other half.
 */
#ifndef COLDVM_DEVICES_VFIO_POWER_POLICY_H
#define COLDVM_DEVICES_VFIO_POWER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct power_slot;

/* True if the worker can act on a new policy now: the slot is on, or off and at rest. */
struct power_view;
bool power_policy_can_apply(const struct power_view *view);
/* The worker's, if it can. True if the slot is off and the host is to be asked for the new state:
 * the old one was left. Sets slot->enter_ns where a time has changed. */
bool power_policy_apply(struct power_slot *slot);
/* When the next entry may be made at the earliest. */
uint64_t power_policy_earliest(const struct power_slot *slot, unsigned min_off_ms);
/* -EINVAL if a value is outside of its limits. */
struct power_policy_config;
int power_policy_check(const struct power_policy_config *policy);

#endif
