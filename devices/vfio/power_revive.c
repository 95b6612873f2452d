/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to get a device back, from the mildest on. */
#include "devices/vfio/power_revive.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "devices/vfio/power_events.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/power_round.h"
#include "devices/vfio/power_slot.h"
#include "vmm/bits.h"
#include "vmm/log.h"

/* So long a trip through D3cold waits for it: a host that has it gets there in 14 to 90 ms. */
#define CYCLE_NS      UINT64_C(1000000000)
#define CYCLE_STEP_NS 2000000

static bool give_up(struct power_slot *slot, uint64_t until_ns)
{
	return power_slot_look(slot).requests || now_ns() > until_ns;
}

static bool step_exit(struct power_slot *slot)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };

	return power_round_leave(slot, calls);
}

static bool step_reset(struct power_slot *slot)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };

	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];
		int r;

		if (device->gone || !(slot->dead & 1u << i))
			continue;
		r = device->ops->reset(device);
		log_info(device->id, "reset to get the device back: %s",
			 r < 0 ? strerror(-r) : "done");
	}
	return power_round_judge(slot, calls);
}

static bool step_hot_reset(struct power_slot *slot)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };
	struct vfio_device *devices[POWER_MAX_FUNCTIONS];
	unsigned nr = 0;
	int r;

	for (unsigned i = 0; i < slot->nr; i++)
		if (!slot->functions[i]->gone)
			devices[nr++] = slot->functions[i];
	r = devices[0]->ops->hot_reset(devices, nr);
	log_info(devices[0]->id, "reset of the slot to get the device back: %s",
		 r == -EPERM ? "it would reset others, too"
		 : r < 0     ? strerror(-r)
			     : "done");
	/* What was alive has been reset, too. */
	if (r == 0)
		slot->dead = (1u << slot->nr) - 1;
	return power_round_judge(slot, calls);
}

static bool all_cold(struct power_slot *slot)
{
	struct power_depth depth;

	power_read_depth(slot, &depth);
	return depth.device == HOST_POWER_D3COLD;
}

/* Power off and on is the deepest reset of all. */
static bool step_cycle(struct power_slot *slot)
{
	const struct timespec pause = { .tv_nsec = CYCLE_STEP_NS };
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };
	uint64_t until = now_ns() + CYCLE_NS;

	power_round_enter(slot, calls);
	while (!all_cold(slot) && !give_up(slot, until))
		nanosleep(&pause, NULL);
	return step_exit(slot);
}

static const struct {
	const char *name;
	bool (*run)(struct power_slot *slot);
	bool cold; /* of use with the back ends alone that reach D3cold */
} steps[] = {
	{ "exit", step_exit, false },
	{ "reset", step_reset, false },
	{ "hot-reset", step_hot_reset, false },
	{ "power-cycle", step_cycle, true },
};

bool power_revive(struct power_slot *slot, uint64_t until_ns)
{
	bool cold =
		slot->backend == POWER_BACKEND_EXPLICIT || slot->backend == POWER_BACKEND_LOWPOWER;

	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (give_up(slot, until_ns))
			return false;
		if (steps[i].cold && !cold)
			continue;
		slot->tried[slot->nr_tried++] = steps[i].name;
		if (steps[i].run(slot))
			return true;
	}
	return false;
}
