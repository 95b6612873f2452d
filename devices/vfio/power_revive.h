/* SPDX-License-Identifier: BSD-3-Clause */
/* The ladder for a device that does not come back: another exit, a reset of the function, one of
 * the slot, a trip through D3cold. */
#ifndef COLDVM_DEVICES_VFIO_POWER_REVIVE_H
#define COLDVM_DEVICES_VFIO_POWER_REVIVE_H

#include <stdbool.h>
#include <stdint.h>

struct power_slot;

/*
 * The worker's, after an exit whose judgement left slot->dead. Each step is proven like an exit;
 * slot->tried lists those that were made, slot->tried[slot->nr_tried - 1] is the one that worked.
 * Stops when the host wants the device, or at @until_ns (CLOCK_MONOTONIC). True if the slot is
 * back.
 */
bool power_revive(struct power_slot *slot, uint64_t until_ns);

#endif
