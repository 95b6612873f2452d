/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds of calls over the functions of a slot. */
#include "devices/vfio/power_round.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "devices/vfio/power_events.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_verdict.h"
#include "vmm/bits.h"
#include "vmm/log.h"

static void drain(int fd)
{
	eventfd_t count;

	while (eventfd_read(fd, &count) == 0)
		;
}

void power_round_drain(struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++)
		drain(slot->wake_fds[i]);
}

/* --- down ---------------------------------------------------------------------------------------
 */

/* False if the host refuses. */
static bool enter_function(struct power_slot *slot, unsigned i, struct power_call *call)
{
	struct vfio_device *device = slot->functions[i];

	if (device->gone)
		call->rc = -ENODEV;
	/* A second entry would be refused (-EINVAL, -EBUSY). */
	if (device->gone || slot->engaged[i])
		return true;
	/* What it was when the guest had it: a wake in between may have lost something already. */
	if (!slot->saved[i].valid && slot->backend != POWER_BACKEND_NONE)
		power_config_save(device, &slot->saved[i]);
	drain(slot->wake_fds[i]);
	power_host_enter(device, slot->backend, slot->wake_fds[i], call);
	slot->engaged[i] = call->rc == 0;
	if (call->rc < 0)
		power_notes_log(&slot->notes, LOG_WARN, device->id,
				"the host refused low power (%s): the device stays powered",
				strerror(-call->rc));
	return call->rc == 0;
}

bool power_round_enter(struct power_slot *slot, struct power_call *calls)
{
	bool all = true;

	for (unsigned i = slot->nr; i-- > 0;)
		all &= enter_function(slot, i, &calls[i]);
	return all;
}

/* --- up -----------------------------------------------------------------------------------------
 */

static void leave_function(struct power_slot *slot, unsigned i, struct power_call *call)
{
	struct vfio_device *device = slot->functions[i];

	if (device->gone) {
		call->rc = -ENODEV;
		return;
	}
	power_host_leave(device, slot->backend, call);
	slot->engaged[i] = power_host_still_engaged(slot->backend, call);
}

/* The device answers: has it kept what it was told? */
static bool config_is_back(struct power_slot *slot, unsigned i)
{
	struct vfio_device *device = slot->functions[i];
	struct power_config found;
	enum power_config_state state = power_config_restore(device, &slot->saved[i], &found);

	if (state == POWER_CONFIG_KEPT)
		return true;
	power_event_config_lost(slot, device, now_ns(), &slot->saved[i], &found,
				state == POWER_CONFIG_REPAIRED);
	power_notes_log(
		&slot->notes, LOG_WARN, device->id,
		"the device came back without its configuration (command 0x%x, was 0x%x; device "
		"control 0x%x, was 0x%x; MSI-X 0x%x, was 0x%x): %s",
		found.command, slot->saved[i].command, found.devctl, slot->saved[i].devctl,
		found.msix, slot->saved[i].msix,
		state == POWER_CONFIG_REPAIRED ? "written again" : "it cannot be written again");
	return state == POWER_CONFIG_REPAIRED;
}

/* Lists those that are not back in slot->dead. */
static bool judge(struct power_slot *slot, const struct power_call *calls)
{
	slot->dead = 0;
	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];

		if (device->gone)
			continue;
		if (!power_host_alive(device, slot->backend, &calls[i]) || !config_is_back(slot, i))
			slot->dead |= 1u << i;
	}
	return !slot->dead;
}

bool power_round_leave(struct power_slot *slot, struct power_call *calls)
{
	uint64_t started = now_ns(), returned;

	for (unsigned i = 0; i < slot->nr; i++)
		leave_function(slot, i, &calls[i]);
	returned = now_ns();
	slot->last_exit_ns = returned - started;
	power_event_calls(slot, "power-exit-returned", returned, returned - started, calls);
	if (slot->backend == POWER_BACKEND_EXPLICIT)
		power_verdict_agrees(slot, calls);
	return judge(slot, calls);
}

bool power_round_judge(struct power_slot *slot, struct power_call *calls)
{
	/* Out of low power an exit of the explicit driver is nothing but its verdict. */
	for (unsigned i = 0; i < slot->nr && slot->backend == POWER_BACKEND_EXPLICIT; i++)
		if (slot->dead & 1u << i)
			leave_function(slot, i, &calls[i]);
	return judge(slot, calls);
}
