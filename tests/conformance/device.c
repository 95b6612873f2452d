// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PCI_COMMAND	 4
#define PCI_COMMAND_IO	 1
#define PCI_COMMAND_MEM	 2
#define PCI_CAPABILITIES 0x34
#define PCI_CAP_ID_PM	 1
#define PCI_CAPS_MAX	 48
#define PCI_CAP_ID_MSIX	 0x11
#define MSIX_TABLE	 4
#define PM_PMCSR	 4
#define PMCSR_STATE_MASK 3
#define PMCSR_PME_STATUS 0x8000

static int failed(const char *what, const char *which)
{
	int ret = -errno;

	fprintf(stderr, "conform: %s: %s: %s\n", which, what, strerror(-ret));
	return ret;
}

static int group_number(const char *bdf)
{
	char path[128], link[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = 0;
	return atoi(strrchr(link, '/') + 1);
}

static int group_open(struct group *group, int number)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	group->number = number;
	group->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (group->container < 0)
		return failed("open", "/dev/vfio/vfio");
	group->fd = open(path, O_RDWR | O_CLOEXEC);
	if (group->fd < 0) {
		ret = failed("open", path);
		goto close_container;
	}
	if (ioctl(group->fd, VFIO_GROUP_GET_STATUS, &status) ||
	    !(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		errno = EPERM;
		ret = failed("not viable: each device of it needs vfio-pci", path);
		goto close_group;
	}
	if (ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &group->container) ||
	    ioctl(group->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		ret = failed("type 1 container", path);
		goto close_group;
	}
	return 0;

close_group:
	close(group->fd);
close_container:
	close(group->container);
	return ret;
}

static int group_get(struct group_list *list, const char *bdf)
{
	int number = group_number(bdf), ret;

	if (number < 0) {
		errno = -number;
		return failed("no IOMMU group", bdf);
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->groups[i].number == number)
			return list->groups[i].fd;
	if (list->count == GROUPS_MAX) {
		errno = EMFILE;
		return failed("too many groups", bdf);
	}
	ret = group_open(&list->groups[list->count], number);
	if (ret)
		return ret;
	return list->groups[list->count++].fd;
}

/* The capabilities, and decoding of memory and I/O, which only a write through vfio makes sure. */
static int config_prepare(struct device *device)
{
	uint16_t command;
	uint8_t pos;
	int ret;

	ret = config_read(device, PCI_COMMAND, &command, sizeof(command));
	if (ret)
		return ret;
	command |= PCI_COMMAND_IO | PCI_COMMAND_MEM;
	ret = config_write(device, PCI_COMMAND, &command, sizeof(command));
	if (ret)
		return ret;
	device->pm_cap = 0;
	device->msix_table = UINT32_MAX;
	ret = config_read(device, PCI_CAPABILITIES, &pos, sizeof(pos));
	for (int i = 0; !ret && pos >= 0x40 && i < PCI_CAPS_MAX; i++) {
		uint8_t head[2];

		ret = config_read(device, pos, head, sizeof(head));
		if (!ret && head[0] == PCI_CAP_ID_PM)
			device->pm_cap = pos;
		if (!ret && head[0] == PCI_CAP_ID_MSIX)
			ret = config_read(device, pos + MSIX_TABLE, &device->msix_table,
					  sizeof(device->msix_table));
		pos = head[1];
	}
	return ret;
}

int device_open(struct device *device, struct group_list *groups, const char *bdf)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = VFIO_PCI_CONFIG_REGION_INDEX };
	int ret;

	snprintf(device->bdf, sizeof(device->bdf), "%s", bdf);
	device->fd = -1;
	device->group_fd = group_get(groups, bdf);
	if (device->group_fd < 0)
		return device->group_fd;
	device->fd = device_open_again(device);
	if (device->fd < 0) {
		errno = -device->fd;
		return failed("get device", bdf);
	}
	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info)) {
		ret = failed("config region", bdf);
		goto close_device;
	}
	device->config = info.offset;
	ret = config_prepare(device);
	if (ret) {
		errno = -ret;
		failed("config space", bdf);
		goto close_device;
	}
	return 0;

close_device:
	device_close(device);
	return ret;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

int device_open_again(const struct device *device)
{
	int fd = ioctl(device->group_fd, VFIO_GROUP_GET_DEVICE_FD, device->bdf);

	return fd < 0 ? -errno : fd;
}

int config_read(const struct device *device, unsigned int offset, void *data, size_t len)
{
	ssize_t got = pread(device->fd, data, len, device->config + offset);

	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EIO;
}

int config_write(const struct device *device, unsigned int offset, const void *data, size_t len)
{
	ssize_t put = pwrite(device->fd, data, len, device->config + offset);

	if (put < 0)
		return -errno;
	return (size_t)put == len ? 0 : -EIO;
}

int pmcsr_write(const struct device *device, unsigned int state)
{
	uint16_t pmcsr;
	int ret;

	if (!device->pm_cap)
		return -ENOENT;
	ret = config_read(device, device->pm_cap + PM_PMCSR, &pmcsr, sizeof(pmcsr));
	if (ret)
		return ret;
	pmcsr = (pmcsr & ~(PMCSR_STATE_MASK | PMCSR_PME_STATUS)) | state;
	return config_write(device, device->pm_cap + PM_PMCSR, &pmcsr, sizeof(pmcsr));
}

int feature_call(int fd, uint32_t flags, void *data, size_t len)
{
	uint64_t buffer[64] = { 0 };
	struct vfio_device_feature *feature = (struct vfio_device_feature *)buffer;
	int ret;

	if (len > sizeof(buffer) - sizeof(*feature))
		return -E2BIG;
	feature->argsz = sizeof(*feature) + len;
	feature->flags = flags;
	if (len)
		memcpy(feature->data, data, len);
	ret = ioctl(fd, VFIO_DEVICE_FEATURE, feature);
	/* A positive value would be no error by the rules of ioctl(2): a broken promise too. */
	ret = ret < 0 ? -errno : ret ? -EPROTO : 0;
	if (len)
		memcpy(data, feature->data, len);
	return ret;
}
