/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VFIO container with its type1 IOMMU, and groups that come and go. The uAPI is
 * Documentation/driver-api/vfio.rst; the limits are those of vfio_iommu_type1.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommu.h"
#include "vmm/bits.h"

#define INFO_MAX KIB(64) /* a sane size of an answer to VFIO_IOMMU_GET_INFO */

void iommu_type1_parse_info(struct vfio_container *container, const void *info, size_t len)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap = NULL;
	const struct vfio_iommu_type1_info *head = info;
	size_t room;

	container->nr_iova = 0;
	if (len >= sizeof(*head) && head->flags & VFIO_IOMMU_INFO_CAPS)
		cap = (const void *)vfio_container_find_cap(info, len, head->cap_offset,
							    VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
							    sizeof(*cap));
	if (!cap) {
		container->iova[0].start = 0;
		container->iova[0].last = UINT64_MAX;
		container->nr_iova = 1;
		return;
	}
	room = (len - (size_t)((const char *)cap - (const char *)info) - sizeof(*cap)) /
	       sizeof(cap->iova_ranges[0]);
	for (uint32_t i = 0; i < cap->nr_iovas && i < room; i++) {
		if (container->nr_iova == VFIO_MAX_IOVA)
			break;
		container->iova[container->nr_iova].start = cap->iova_ranges[i].start;
		container->iova[container->nr_iova++].last = cap->iova_ranges[i].end;
	}
}

static int type1_map(struct vfio_container *container, uint64_t iova, uint64_t size, void *hva)
{
	struct vfio_iommu_type1_dma_map args = {
		.argsz = sizeof(args),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)hva,
		.iova = iova,
		.size = size,
	};

	return ioctl(container->type1.fd, VFIO_IOMMU_MAP_DMA, &args) < 0 ? -errno : 0;
}

static int type1_unmap(struct vfio_container *container, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap args = {
		.argsz = sizeof(args),
		.iova = iova,
		.size = size,
	};

	if (ioctl(container->type1.fd, VFIO_IOMMU_UNMAP_DMA, &args) < 0)
		return -errno;
	return args.size == size ? 0 : -ENOENT;
}

/* The IOMMU's ranges shrink when a group with reserved regions of its own is attached. */
static int read_ranges(struct vfio_container *container)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	struct vfio_iommu_type1_info *info;
	int err = 0;

	if (ioctl(container->type1.fd, VFIO_IOMMU_GET_INFO, &head) < 0)
		return -errno;
	if (head.argsz > INFO_MAX)
		return -E2BIG;
	if (head.argsz < sizeof(head))
		head.argsz = sizeof(head);
	info = calloc(1, head.argsz);
	if (!info)
		return -ENOMEM;
	info->argsz = head.argsz;
	if (ioctl(container->type1.fd, VFIO_IOMMU_GET_INFO, info) < 0)
		err = -errno;
	else
		iommu_type1_parse_info(container, info, head.argsz);
	free(info);
	return err;
}

static int open_container(struct vfio_container *container, char *why, size_t why_len)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	if (err) {
		snprintf(why, why_len, "cannot open /dev/vfio/vfio: %s%s", strerror(-err),
			 err == -ENOENT ? " (modprobe vfio-pci)" : "");
		return err;
	}
	if (ioctl(fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    (ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1 &&
	     ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) != 1)) {
		snprintf(why, why_len,
			 "/dev/vfio/vfio has no type1 IOMMU (modprobe vfio_iommu_type1)");
		close_fd(&fd);
		return -EOPNOTSUPP;
	}
	container->type1.fd = fd;
	return 0;
}

static int set_iommu(struct vfio_container *container)
{
	static const int types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU };
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (ioctl(container->type1.fd, VFIO_CHECK_EXTENSION, types[i]) != 1)
			continue;
		if (ioctl(container->type1.fd, VFIO_SET_IOMMU, types[i]) == 0)
			return 0;
		err = -errno;
	}
	return err;
}

static int open_group(const struct vfio_container *container, int number, char *why, size_t why_len)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		snprintf(why, why_len, "cannot open %s: %s%s", path, strerror(-err),
			 err == -EBUSY			   ? " (another VM or program has it)"
			 : err == -EACCES || err == -EPERM ? " (give yourself access by chown or a "
							     "udev rule, or run as root)"
			 : err == -ENOENT		   ? " (modprobe vfio-pci)"
							   : "");
		return err;
	}
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0) {
		err = -errno;
		snprintf(why, why_len, "%s: cannot read its state: %s", path, strerror(-err));
		goto close;
	}
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		host_explain_group(container->sysfs, number, why, why_len);
		err = -EPERM;
		goto close;
	}
	return fd;

close:
	close_fd(&fd);
	return err;
}

/* The descriptor of the group @number, opened and attached on first use; the first one sets the
 * IOMMU's type. */
static int get_group(struct vfio_container *container, int number, char *why, size_t why_len)
{
	unsigned n = container->type1.nr_groups;
	int fd, err;

	for (unsigned i = 0; i < n; i++) {
		if (container->type1.groups[i].number == number) {
			container->type1.groups[i].users++;
			return container->type1.groups[i].fd;
		}
	}
	if (n == VFIO_MAX_GROUPS) {
		snprintf(why, why_len, "more than %d IOMMU groups in one VM", VFIO_MAX_GROUPS);
		return -ENOSPC;
	}
	fd = open_group(container, number, why, why_len);
	if (fd < 0)
		return fd;
	if (container->type1.fd < 0) {
		err = open_container(container, why, why_len);
		if (err)
			goto close_group;
	}
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container->type1.fd) < 0) {
		err = -errno;
		snprintf(why, why_len, "IOMMU group %d cannot join the container: %s", number,
			 strerror(-err));
		goto close_group;
	}
	err = n ? 0 : set_iommu(container);
	if (!err)
		err = read_ranges(container);
	if (err) {
		snprintf(why, why_len,
			 "IOMMU group %d: the IOMMU cannot be set up: %s (is interrupt remapping "
			 "on? see vfio_iommu_type1 allow_unsafe_interrupts)",
			 number, strerror(-err));
		goto unset;
	}
	container->type1.groups[n].fd = fd;
	container->type1.groups[n].number = number;
	container->type1.groups[n].users = 1;
	container->type1.nr_groups++;
	return fd;

unset:
	ioctl(fd, VFIO_GROUP_UNSET_CONTAINER);
close_group:
	close_fd(&fd);
	return err;
}

int vfio_container_group_fd(const struct vfio_container *container, int number)
{
	for (unsigned i = 0; i < container->type1.nr_groups; i++)
		if (container->type1.groups[i].number == number)
			return container->type1.groups[i].fd;
	return -1;
}

static void put_group(struct vfio_container *container, int number)
{
	for (unsigned i = 0; i < container->type1.nr_groups; i++) {
		if (container->type1.groups[i].number != number)
			continue;
		if (--container->type1.groups[i].users)
			return;
		/* Closing the group's descriptor takes it out of the container, too. With the last
		 * one the kernel forgets type and mappings of the container. */
		close_fd(&container->type1.groups[i].fd);
		container->type1.groups[i] = container->type1.groups[--container->type1.nr_groups];
		return;
	}
}

static int type1_open(struct vfio_container *container, const struct iommu_device *device,
		      char *why, size_t why_len)
{
	int group = get_group(container, device->group, why, why_len), fd, err;

	if (group < 0)
		return group;
	fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, device->bdf);
	if (fd >= 0)
		return fd;
	err = -errno;
	snprintf(why, why_len, "%s: vfio-pci does not open it: %s%s", device->bdf, strerror(-err),
		 err == -EBUSY ? " (is it given twice?)" : "");
	put_group(container, device->group);
	return err;
}

static void type1_close(struct vfio_container *container, int group, int fd)
{
	close_fd(&fd);
	put_group(container, group);
}

const struct iommu_ops iommu_type1 = {
	.name = "type1",
	.open = type1_open,
	.close = type1_close,
	.map = type1_map,
	.unmap = type1_unmap,
};
