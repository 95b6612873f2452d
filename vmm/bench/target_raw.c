/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio alone, without a VM: the same calls that a slot's worker makes, with nothing around them.
 * What it takes is the limit for any VMM. idle() returns when D3cold was seen, or after a second.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommu_choice.h"
#include "devices/vfio/power_host.h"
#include "vmm/bench/target.h"
#include "vmm/bits.h"

#define AT(name) offsetof(struct cycle, name)

#define REACH_NS UINT64_C(1000000000)
#define STEP_US	 500

struct raw {
	struct iommu_choice iommu;
	struct vfio_container container;
	struct vfio_device device;
	bool has_container, has_device, engaged;
	enum power_backend backend, cold_backend;
	int wake_fd;
};

static enum power_backend wanted_backend(const char *keys)
{
	for (enum power_backend b = POWER_BACKEND_EXPLICIT; b <= POWER_BACKEND_D3HOT; b++) {
		char words[32];

		snprintf(words, sizeof(words), "backend=%s", power_backend_name(b));
		if (strstr(keys, words))
			return b;
	}
	return POWER_BACKEND_AUTO;
}

static int open_device(struct target *target, char *why)
{
	struct raw *raw = target->state;
	struct vfio_device *devices[] = { &raw->device };
	const struct iommu_device self = { .bdf = target->bdf, .fd = -1 };
	const struct iommu_request request = { .iommufd = -1, .devices = &self, .nr = 1 };
	const struct vfio_open_args args = { .path = target->bdf, .id = target->bdf };
	char reason[VFIO_WHY_SIZE] = "";
	int r = iommu_choose(HOST_SYSFS, &request, &raw->iommu, reason, sizeof(reason));

	vfio_container_init(&raw->container, NULL, raw->iommu.iommufd);
	raw->has_container = true;
	if (r == 0)
		r = vfio_device_open(&raw->device, &raw->container, &args, reason, sizeof(reason));
	raw->has_device = r == 0;
	if (r == 0)
		r = vfio_config_init(&raw->device, false);
	if (r == 0)
		r = power_host_choose(devices, 1, POWER_POLICY_D3COLD,
				      wanted_backend(target->options->device_keys),
				      &raw->cold_backend, reason, sizeof(reason));
	if (r < 0)
		snprintf(why, TARGET_WHY, "%s", reason[0] ? reason : strerror(-r));
	return r;
}

static int start(struct target *target, char *why)
{
	struct raw *raw = calloc(1, sizeof(*raw));
	int r;

	if (!raw)
		return -ENOMEM;
	target->state = raw;
	raw->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (raw->wake_fd < 0) {
		snprintf(why, TARGET_WHY, "no eventfd: %s", strerror(errno));
		return -errno;
	}
	r = open_device(target, why);
	if (r < 0)
		return r;
	raw->backend = raw->cold_backend;
	snprintf(target->backend, sizeof(target->backend), "%s",
		 power_backend_name(raw->cold_backend));
	vfio_device_seal(&raw->device);
	watch_state(target->watch, now_ns(), BENCH_D0);
	return 0;
}

static enum bench_state state_of(enum host_power power)
{
	switch (power) {
	case HOST_POWER_D0:
		return BENCH_D0;
	case HOST_POWER_D3HOT:
		return BENCH_D3HOT;
	case HOST_POWER_D3COLD:
		return BENCH_D3COLD;
	default:
		return BENCH_UNKNOWN;
	}
}

/* Until D3cold, or whatever there is after a second. */
static void observe(struct target *target, uint64_t since)
{
	struct raw *raw = target->state;
	enum bench_state state, before = BENCH_D0;

	for (;;) {
		uint64_t now;

		state = state_of(raw->device.ops->power_state(&raw->device));
		now = now_ns();
		if (state != before)
			watch_state(target->watch, now, state);
		before = state;
		if (state == BENCH_D3COLD)
			watch_moment(target->watch, AT(d3cold), now);
		if (state == BENCH_D3COLD || now - since >= REACH_NS ||
		    (raw->backend == POWER_BACKEND_D3HOT && state == BENCH_D3HOT))
			return;
		usleep(STEP_US);
	}
}

static int idle(struct target *target, char *why)
{
	struct raw *raw = target->state;
	struct power_call call = { 0 };
	eventfd_t count;
	uint64_t begun;

	(void)eventfd_read(raw->wake_fd, &count);
	begun = now_ns();
	watch_moment(target->watch, AT(off), begun);
	watch_moment(target->watch, AT(entry_issued), begun);
	power_host_enter(&raw->device, raw->backend, raw->wake_fd, &call);
	watch_moment(target->watch, AT(entry_returned), now_ns());
	if (call.rc < 0) {
		snprintf(why, TARGET_WHY, "%s: the host refused low power: %s", target->bdf,
			 strerror(-call.rc));
		return call.rc;
	}
	raw->engaged = true;
	observe(target, begun);
	return 0;
}

static int busy(struct target *target, char *why)
{
	struct raw *raw = target->state;
	struct power_call call = { 0 };
	uint64_t begun = now_ns(), now;
	bool alive;

	if (!raw->engaged)
		return 0;
	watch_moment(target->watch, AT(on), begun);
	watch_moment(target->watch, AT(exit_issued), begun);
	watch_state(target->watch, begun, BENCH_D0);
	power_host_leave(&raw->device, raw->backend, &call);
	watch_moment(target->watch, AT(exit_returned), now_ns());
	alive = power_host_alive(&raw->device, raw->backend, &call);
	now = now_ns();
	raw->engaged = false;
	if (!alive && !power_host_revive(&raw->device, raw->backend)) {
		snprintf(why, TARGET_WHY, "%s: the device did not come back", target->bdf);
		return -EIO;
	}
	watch_moment(target->watch, AT(alive), now);
	watch_moment(target->watch, AT(ready), now);
	return 0;
}

static int forbid(struct target *target, bool forbid, char *why)
{
	struct raw *raw = target->state;

	(void)why;
	raw->backend = forbid ? POWER_BACKEND_D3HOT : raw->cold_backend;
	return 0;
}

static void stop(struct target *target)
{
	struct raw *raw = target->state;
	char why[TARGET_WHY];

	if (!raw)
		return;
	if (raw->has_device) {
		busy(target, why);
		vfio_device_close(&raw->device);
	}
	if (raw->has_container) {
		vfio_container_exit(&raw->container);
		iommu_choice_end(&raw->iommu);
	}
	close_fd(&raw->wake_fd);
	free(raw);
	target->state = NULL;
}

const struct target_ops target_raw_ops = {
	.name = "raw",
	.start = start,
	.idle = idle,
	.busy = busy,
	.forbid = forbid,
	.stop = stop,
};
