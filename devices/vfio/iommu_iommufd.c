/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommufd and VFIO's character devices (Documentation/userspace-api/iommufd.rst,
 * driver-api/vfio.rst "VFIO Device cdev Example"). A device is opened, bound to the iommufd and
 * attached to the one address space (IOAS) of the VM, which comes with the first device and goes
 * with the last.
 *
 * A descriptor that was passed in is bound once and for all, since the kernel knows no way back but
 * to close the last copy of it. So it is bound on the first boot alone; on each one a copy of it is
 * attached, and detached again before it is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/cdev.h"
#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommu.h"
#include "devices/vfio/iommufd.h"
#include "vmm/bits.h"
#include "vmm/log.h"

/* A copy of what was passed in, or a descriptor of our own. */
static int get_descriptor(const struct vfio_container *container, const struct iommu_device *device,
			  char *why, size_t why_len)
{
	char name[CDEV_NAME];
	int fd, err;

	if (device->fd >= 0) {
		fd = fcntl(device->fd, F_DUPFD_CLOEXEC, 3);
		err = fd < 0 ? -errno : 0;
		if (err)
			snprintf(why, why_len, "%s: fd=%d: %s", device->bdf, device->fd,
				 strerror(-err));
		return err ? err : fd;
	}
	err = cdev_name(container->sysfs, device->bdf, name, sizeof(name));
	if (err) {
		snprintf(why, why_len,
			 "%s has no character device: Linux makes one from 6.6 on, built with "
			 "VFIO_DEVICE_CDEV",
			 device->bdf);
		return err;
	}
	fd = cdev_open(container->sysfs, name);
	if (fd < 0)
		snprintf(why, why_len, "cannot open /dev/vfio/devices/%s: %s%s", name,
			 strerror(-fd),
			 fd == -EACCES || fd == -EPERM ? " (give yourself access by chown or a "
							 "udev rule, or run as root)"
						       : "");
	return fd;
}

/* device_cdev.c: vfio_df_ioctl_bind_iommufd(); iommufd/device.c: iommufd_device_bind(). */
static void explain_bind(const struct vfio_container *container, const struct iommu_device *device,
			 int err, char *why, size_t why_len)
{
	struct host_holders holders;

	if (err == -EPERM && host_group_holders(container->sysfs, device->group, NULL, &holders)) {
		host_explain_group(container->sysfs, device->group, why, why_len);
		return;
	}
	snprintf(why, why_len, "%s: vfio-pci does not bind it to the iommufd: %s%s", device->bdf,
		 strerror(-err),
		 err == -EPERM ? " (another VM or program has a device of its IOMMU group, or "
				 "interrupt remapping is off: see iommufd allow_unsafe_interrupts)"
		 : err == -EBUSY
			 ? " (another VM or program has its IOMMU group, through /dev/vfio/)"
		 : err == -EINVAL ? " (another VM or program has it, or it is given twice)"
		 : err == -ENOTTY ? " (its descriptor is no VFIO device, or is none any more)"
				  : "");
}

static int bind_device(const struct vfio_container *container, const struct iommu_device *device,
		       int fd, char *why, size_t why_len)
{
	int err = 0;

	if (device->fd < 0 || !iommufd_is_bound(fd))
		err = iommufd_bind(fd, container->iommufd.fd);
	if (err)
		explain_bind(container, device, err, why, why_len);
	return err;
}

/* Attached devices shrink the ranges by their reserved regions. */
static int read_ranges(struct vfio_container *container)
{
	struct iommu_iova_range ranges[VFIO_MAX_IOVA];
	unsigned nr;
	int err = iommufd_ioas_ranges(container->iommufd.fd, container->iommufd.ioas, ranges,
				      VFIO_MAX_IOVA, &nr);

	for (unsigned i = 0; i < nr; i++) {
		container->iova[i].start = ranges[i].start;
		container->iova[i].last = ranges[i].last;
	}
	container->nr_iova = nr;
	return err;
}

static void put_ioas(struct vfio_container *container)
{
	int err = 0;

	if (--container->iommufd.users == 0)
		err = iommufd_ioas_destroy(container->iommufd.fd, container->iommufd.ioas);
	if (err)
		log_error("vm", "the address space in the iommufd stays: %s", strerror(-err));
}

static int get_ioas(struct vfio_container *container, char *why, size_t why_len)
{
	int err = 0;

	if (container->iommufd.users == 0)
		err = iommufd_ioas_alloc(container->iommufd.fd, &container->iommufd.ioas);
	if (err)
		snprintf(why, why_len, "no address space in the iommufd: %s", strerror(-err));
	else
		container->iommufd.users++;
	return err;
}

static int attach(struct vfio_container *container, const struct iommu_device *device, int fd,
		  char *why, size_t why_len)
{
	int err = iommufd_attach(fd, container->iommufd.ioas);

	if (err) {
		snprintf(why, why_len, "%s: the iommufd does not take it: %s%s", device->bdf,
			 strerror(-err),
			 err == -ENOENT && device->fd >= 0
				 ? " (its descriptor was bound to another iommufd: give that one "
				   "by --platform iommufd_fd=)"
				 : "");
		return err;
	}
	err = read_ranges(container);
	if (err) {
		snprintf(why, why_len, "%s: the iommufd does not tell what it maps: %s",
			 device->bdf, strerror(-err));
		(void)iommufd_detach(fd);
	}
	return err;
}

static int open_device(struct vfio_container *container, const struct iommu_device *device,
		       char *why, size_t why_len)
{
	int fd = get_descriptor(container, device, why, why_len), err;

	if (fd < 0)
		return fd;
	err = bind_device(container, device, fd, why, why_len);
	if (err)
		goto close;
	err = get_ioas(container, why, why_len);
	if (err)
		goto close;
	err = attach(container, device, fd, why, why_len);
	if (!err)
		return fd;
	put_ioas(container);
close:
	close_fd(&fd);
	return err;
}

static void close_device(struct vfio_container *container, int group, int fd)
{
	int err = iommufd_detach(fd);

	(void)group;
	if (err)
		log_warn("vm", "a device stays attached to the iommufd: %s", strerror(-err));
	close_fd(&fd);
	put_ioas(container);
}

static int map(struct vfio_container *container, uint64_t iova, uint64_t size, void *hva)
{
	return iommufd_ioas_map(container->iommufd.fd, container->iommufd.ioas, iova, size, hva);
}

static int unmap(struct vfio_container *container, uint64_t iova, uint64_t size)
{
	return iommufd_ioas_unmap(container->iommufd.fd, container->iommufd.ioas, iova, size);
}

const struct iommu_ops iommu_iommufd = {
	.name = "iommufd",
	.memlock_of_user = true,
	.open = open_device,
	.close = close_device,
	.map = map,
	.unmap = unmap,
};
