/* SPDX-License-Identifier: BSD-3-Clause */
/* The state that a host gets to by itself, watched. */
#include "devices/vfio/power_observe.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "devices/vfio/power_events.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_verdict.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define MS(n) ((uint64_t)(n)*1000000u)

/* D3cold comes 14 to 90 ms after the entry or never; after this we report what was reached. */
#define OBSERVE_NS	MS(1000)
#define OBSERVE_FAST_NS MS(200)
/* Nothing in sysfs can be polled for power_state, so it is read: 1 us each, every so often. */
#define OBSERVE_FAST_STEP_MS 2
#define OBSERVE_SLOW_STEP_MS 20

/* A wake makes the observation void (the worker's loop handles it); a kick does if there is
 * something else to do. */
static bool observation_ends(struct power_slot *slot, const struct pollfd *fds)
{
	eventfd_t kicks;

	for (unsigned i = 0; i < slot->nr; i++)
		if (fds[1 + i].revents)
			return true;
	(void)eventfd_read(slot->kick_fd, &kicks);
	struct power_view v = power_slot_look(slot);

	return !v.settled || v.stop || v.requests || v.repolicy;
}

/* Watches how deep the host gets. Ends early when the guest or the host wants something. */
static void observe(struct power_slot *slot, const struct power_entry_round *round)
{
	struct pollfd fds[1 + POWER_MAX_FUNCTIONS] = { { .fd = slot->kick_fd, .events = POLLIN } };

	for (unsigned i = 0; i < slot->nr; i++)
		fds[1 + i] = (struct pollfd){ .fd = slot->wake_fds[i], .events = POLLIN };
	for (;;) {
		uint64_t now = now_ns();
		struct power_depth depth;

		power_read_depth(slot, &depth);
		if (depth.device == HOST_POWER_D3COLD) {
			power_event_depth(slot, "power-d3cold", now, now - round->started, &depth);
			return;
		}
		if (now - round->issued >= OBSERVE_NS) {
			power_event_depth(slot, "power-deadline", now, now - round->started,
					  &depth);
			log_warn(slot->functions[0]->id,
				 "D3cold was not reached within %u ms: device %s, port %s%s%s",
				 (unsigned)(OBSERVE_NS / 1000000), power_state_name(depth.device),
				 power_state_name(depth.port), round->why[0] ? "; " : "",
				 round->why);
			return;
		}
		int step = now - round->issued < OBSERVE_FAST_NS ? OBSERVE_FAST_STEP_MS
								 : OBSERVE_SLOW_STEP_MS;
		if (poll(fds, 1 + slot->nr, step) > 0 && observation_ends(slot, fds))
			return;
	}
}

void power_observe(struct power_slot *slot, const struct power_call *calls,
		   struct power_entry_round *round, bool failed)
{
	struct power_depth depth;

	if (failed ||
	    (slot->backend != POWER_BACKEND_EXPLICIT && slot->backend != POWER_BACKEND_LOWPOWER)) {
		power_read_depth(slot, &depth);
		power_event_depth(slot, "power-reached", now_ns(), now_ns() - round->started,
				  &depth);
		return;
	}
	if (slot->backend == POWER_BACKEND_EXPLICIT) {
		if (power_verdict_cold(slot, calls, &depth, round->why, sizeof(round->why))) {
			power_event_depth(slot, "power-d3cold", round->issued,
					  round->issued - round->started, &depth);
			return;
		}
		log_info(slot->functions[0]->id, "no D3cold yet: device %s, port %s; %s",
			 power_state_name(depth.device), power_state_name(depth.port), round->why);
	}
	observe(slot, round);
}
