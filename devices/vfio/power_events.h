/* SPDX-License-Identifier: BSD-3-Clause */
/* What a slot tells the event monitor, and what it reads from the host to do so. */
#ifndef COLDVM_DEVICES_VFIO_POWER_EVENTS_H
#define COLDVM_DEVICES_VFIO_POWER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/vfio.h"

struct power_call;
struct power_config;
struct power_policy_config;
struct power_slot;

/* The shallowest state among the functions that are left, and of the port that switches their
 * power.
 */
struct power_depth {
	enum host_power device;
	enum host_power port;
};

const char *power_state_name(enum host_power state);
/* From sysfs: wakes nothing. */
void power_read_depth(struct power_slot *slot, struct power_depth *ret_depth);

/* Every event has id (function 0 of the slot, or @device), slot and t_ns. */
void power_event_plain(struct power_slot *slot, const char *event, struct vfio_device *device,
		       uint64_t t_ns);
/* A round of calls to the host: how long it took and what came of each; @calls has slot->nr. */
void power_event_calls(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t took_ns,
		       const struct power_call *calls);
/* The state reached, @since_ns after what led to it. */
void power_event_depth(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t since_ns,
		       const struct power_depth *depth);
/* Back and proven, @since_ns after the guest asked. */
void power_event_alive(struct power_slot *slot, uint64_t t_ns, uint64_t since_ns);
/* The host's driver and its sysfs contradict each other about the state of @device. */
void power_event_disagreement(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns,
			      enum host_power driver, enum host_power sysfs);
/* @told: to the guest; else the host is asked for low power again at @again_ns. */
void power_event_wake(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns, bool told,
		      uint64_t again_ns);
/* power-failed or power-late, with the ways back that were tried. */
void power_event_failed(struct power_slot *slot, const char *event, uint64_t t_ns,
			uint64_t since_ns, const struct power_depth *depth);
/* Back, by the last of the ways that were tried. */
void power_event_recovered(struct power_slot *slot, uint64_t t_ns, uint64_t since_ns);
/* @device came back, and found in its registers what was not @saved. */
void power_event_config_lost(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns,
			     const struct power_config *saved, const struct power_config *found,
			     bool repaired);
/* The entry waits until @until_ns, for min_off_ms. */
void power_event_held_back(struct power_slot *slot, uint64_t t_ns, uint64_t until_ns);
/* @policy holds from now on. */
void power_event_policy(struct power_slot *slot, uint64_t t_ns,
			const struct power_policy_config *policy);

#endif
