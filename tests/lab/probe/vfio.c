// SPDX-License-Identifier: BSD-3-Clause
// Raw vfio power cycles of one device, with no VMM: the lab's self test, and the limit that a VMM
// is held against.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Debian 12's headers are of 6.1 and have these; older ones may lack them. The numbers are uAPI. */
#ifndef VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP
#define VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP 4
#define VFIO_DEVICE_FEATURE_LOW_POWER_EXIT		5
struct vfio_device_low_power_entry_with_wakeup {
	__s32 wakeup_eventfd;
	__u32 reserved;
};
#endif

#define STATE_TIMEOUT_NS 5000000000LL

static int device_open(const char *bdf)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[128], link[256], group[64];
	int container, group_fd, device;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		die_errno("%s", path);
	link[len] = 0;
	snprintf(group, sizeof(group), "/dev/vfio/%s", strrchr(link, '/') + 1);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (container < 0)
		die_errno("/dev/vfio/vfio");
	group_fd = open(group, O_RDWR | O_CLOEXEC);
	if (group_fd < 0)
		die_errno("%s", group);
	if (ioctl(group_fd, VFIO_GROUP_GET_STATUS, &status))
		die_errno("%s: status", group);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		die("%s is not viable", group);
	if (ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &container))
		die_errno("%s: set container", group);
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die_errno("set iommu");
	device = ioctl(group_fd, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (device < 0)
		die_errno("%s: get device", bdf);
	return device;
}

static int device_feature(int device, uint32_t index, const void *data, size_t len)
{
	char buffer[sizeof(struct vfio_device_feature) + 16] __attribute__((aligned(8)));
	struct vfio_device_feature *feature = (struct vfio_device_feature *)buffer;

	memset(buffer, 0, sizeof(buffer));
	feature->argsz = sizeof(*feature) + len;
	feature->flags = VFIO_DEVICE_FEATURE_SET | index;
	if (len)
		memcpy(feature->data, data, len);
	return ioctl(device, VFIO_DEVICE_FEATURE, feature) < 0 ? -errno : 0;
}

/* Nanoseconds until power_state reads as wanted, or -1. Reading it wakes nothing. */
static int64_t state_wait(const char *bdf, const char *wanted)
{
	int64_t start = clock_now();
	char path[128], state[32] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/power_state", bdf);
	while (clock_now() - start < STATE_TIMEOUT_NS) {
		if (read_text(path, state, sizeof(state)) > 0 && !strcmp(state, wanted))
			return clock_now() - start;
		clock_sleep_us(1000);
	}
	fprintf(stderr, "probe: %s is in %s, not in %s, after 5 s\n", bdf, state, wanted);
	return -1;
}

static uint32_t config_dword(int device, unsigned int offset)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint32_t value = 0;

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		die_errno("config region");
	if (pread(device, &value, sizeof(value), info.offset + offset) != sizeof(value))
		die_errno("config read");
	return value;
}

/* Per cycle one line: entry call, entry to D3cold, exit call, all in ns, and config dword 4
 * afterwards. */
int vfio_cycle_main(int argc, char **argv)
{
	struct vfio_device_low_power_entry_with_wakeup entry = { 0 };
	unsigned long cycles, awake_ms, cold_ms;
	const char *bdf = argv[1];
	int device, ret;

	if (argc < 2 || argc > 5)
		die("vfio-cycle BDF [CYCLES [AWAKE-MS [COLD-MS]]]");
	cycles = argc > 2 ? parse_number(argv[2]) : 1;
	awake_ms = argc > 3 ? parse_number(argv[3]) : 200;
	cold_ms = argc > 4 ? parse_number(argv[4]) : 20;
	device = device_open(bdf);
	entry.wakeup_eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned long i = 0; i < cycles; i++) {
		int64_t start, entered, cold, exited;
		uint32_t status;

		clock_sleep_us(awake_ms * 1000);
		start = clock_now();
		ret = device_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
				     &entry, sizeof(entry));
		if (ret)
			die("%s: low power entry: %s", bdf, strerror(-ret));
		entered = clock_now() - start;
		cold = state_wait(bdf, "D3cold");
		if (cold < 0)
			return 1;
		clock_sleep_us(cold_ms * 1000);
		start = clock_now();
		ret = device_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0);
		if (ret)
			die("%s: low power exit: %s", bdf, strerror(-ret));
		exited = clock_now() - start;
		if (state_wait(bdf, "D0") < 0)
			return 1;
		status = config_dword(device, 4);
		printf("cycle %lu entry_ns %" PRId64 " cold_ns %" PRId64 " exit_ns %" PRId64
		       " status 0x%08x\n",
		       i, entered, entered + cold, exited, status);
		if (status >> 16 == 0xffff)
			return 1;
	}
	return 0;
}
