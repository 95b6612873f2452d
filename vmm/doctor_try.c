/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order is that of a guest's _OFF and _ON, without the guest: open, seal, entry, observe, exit,
 * proof of life, close. Closing resets the device and lets the host idle it as before.
 */
#include "vmm/doctor_try.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommu_choice.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/preflight.h"
#include "devices/vfio/vfio.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define MS(n)	    ((uint64_t)(n)*1000000u)
#define REACH_NS    MS(1000)
#define RESTORE_NS  MS(2000)
#define STEP_NS	    MS(2)
#define EXIT_TRIALS 2

static void step(void)
{
	const struct timespec pause = { .tv_nsec = STEP_NS };

	nanosleep(&pause, NULL);
}

static enum host_power read_state(const char *path)
{
	char text[16];

	if (host_read(text, sizeof(text), "%s/power_state", path))
		return HOST_POWER_UNKNOWN;
	for (enum host_power p = HOST_POWER_D0; p <= HOST_POWER_D3COLD; p++)
		if (!strcmp(text, preflight_power_name(p)))
			return p;
	return HOST_POWER_UNKNOWN;
}

/* Device and port by sysfs alone, while the device is closed. The port is the one that switches the
 * power, or the nearest where none does, as in vfio_ops. */
static struct doctor_power look(const char *bdf)
{
	struct doctor_power power = { HOST_POWER_UNKNOWN, HOST_POWER_UNKNOWN };
	char path[PATH_MAX], port_bdf[HOST_BDF_LEN];
	bool found, nearest = true;

	if (host_device_path(HOST_SYSFS, bdf, path, sizeof(path)))
		return power;
	power.device = read_state(path);
	found = host_has_resource(path);
	while ((!found || nearest) && !host_parent(path, port_bdf, path, sizeof(path))) {
		bool switches = !found && host_has_resource(path);

		if (nearest || switches)
			power.port = read_state(path);
		found |= switches;
		nearest = false;
	}
	return power;
}

static bool same(struct doctor_power a, struct doctor_power b)
{
	return a.device == b.device && a.port == b.port;
}

/* The kernel notes the port's state before that of the devices below it (pci.c:
 * __pci_set_power_state()), so the port is read second. */
static void observe(struct vfio_device *device, uint64_t since, struct doctor_try *ret)
{
	for (;;) {
		ret->reached.device = device->ops->power_state(device);
		ret->reached.port = device->ops->port_power_state(device);
		ret->reached_ns = now_ns() - since;
		if (ret->reached.device == HOST_POWER_D3COLD || ret->reached_ns >= REACH_NS)
			return;
		step();
	}
}

/* The device is sealed: nobody else uses its descriptor. */
static void cycle(struct vfio_device *device, int wake_fd, struct doctor_try *ret)
{
	struct power_call call = { 0 };
	uint64_t start = now_ns();

	power_host_enter(device, ret->backend, wake_fd, &call);
	ret->entry_ns = now_ns() - start;
	ret->entry_rc = call.rc;
	observe(device, start, ret);

	start = now_ns();
	for (unsigned i = 0; i < EXIT_TRIALS && !ret->alive; i++) {
		power_host_leave(device, ret->backend, &call);
		ret->exit_rc = call.rc;
		ret->alive = power_host_alive(device, ret->backend, &call);
	}
	if (!ret->alive)
		ret->alive = power_host_revive(device, ret->backend);
	ret->exit_ns = now_ns() - start;
}

static int open_device(struct vfio_device *device, struct vfio_container *container,
		       const char *bdf, char *why, size_t why_len)
{
	const struct vfio_open_args args = { .path = bdf, .id = bdf };
	int err = vfio_device_open(device, container, &args, why, why_len);

	if (err)
		return err;
	err = vfio_config_init(device, false);
	if (err) {
		snprintf(why, why_len, "%s: its config space cannot be read: %s", bdf,
			 strerror(-err));
		vfio_device_close(device);
	}
	return err;
}

int doctor_try(const char *bdf, struct doctor_try *ret, char *why, size_t why_len)
{
	struct doctor_try out = { .before = look(bdf) };
	const struct iommu_device self = { .bdf = bdf, .fd = -1 };
	const struct iommu_request request = { .iommufd = -1, .devices = &self, .nr = 1 };
	struct iommu_choice iommu;
	struct vfio_container container;
	struct vfio_device device, *devices[] = { &device };
	char reason[VFIO_WHY_SIZE];
	uint64_t start;
	int wake_fd, err;

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0) {
		err = -errno;
		snprintf(why, why_len, "no eventfd: %s", strerror(-err));
		return err;
	}
	err = iommu_choose(HOST_SYSFS, &request, &iommu, why, why_len);
	vfio_container_init(&container, NULL, iommu.iommufd);
	if (err)
		goto exit;
	err = open_device(&device, &container, bdf, why, why_len);
	if (err)
		goto exit;
	err = power_host_choose(devices, 1, POWER_POLICY_D3COLD, POWER_BACKEND_AUTO, &out.backend,
				reason, sizeof(reason));
	if (err) {
		snprintf(why, why_len, "%s", reason);
		vfio_device_close(&device);
		goto exit;
	}
	log_debug(bdf, "back end %s: %s", power_backend_name(out.backend), reason);
	vfio_device_seal(&device);
	cycle(&device, wake_fd, &out);
	vfio_device_close(&device);

	start = now_ns();
	do {
		step();
		out.after = look(bdf);
		out.restored = same(out.after, out.before);
	} while (!out.restored && now_ns() - start < RESTORE_NS);
	*ret = out;
exit:
	vfio_container_exit(&container);
	iommu_choice_end(&iommu);
	close_fd(&wake_fd);
	return err;
}
