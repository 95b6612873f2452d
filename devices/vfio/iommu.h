/* SPDX-License-Identifier: BSD-3-Clause */
/* The two ways to a device and to the IOMMU before it, as container.c calls them. */
#ifndef COLDVM_DEVICES_VFIO_IOMMU_H
#define COLDVM_DEVICES_VFIO_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfio_container;

/* A device that is to be opened. */
struct iommu_device {
	const char *bdf;
	int group;
	int fd; /* its character device, opened by somebody else, who keeps it; -1: none */
};

struct iommu_ops {
	const char *name; /* "type1", "iommufd" */
	/* RLIMIT_MEMLOCK bounds what all processes of the user have pinned, and not what this one
	 * has locked (VmLck). */
	bool memlock_of_user;
	/* The descriptor of the device, which is in the IOMMU's hands from then on, and the ranges
	 * in container->iova; on failure one line for people in @why. -errno. */
	int (*open)(struct vfio_container *container, const struct iommu_device *device, char *why,
		    size_t why_len);
	/* Takes it back, closes @fd. With the last device the mappings are gone. */
	void (*close)(struct vfio_container *container, int group, int fd);
	/* -errno. */
	int (*map)(struct vfio_container *container, uint64_t iova, uint64_t size, void *hva);
	int (*unmap)(struct vfio_container *container, uint64_t iova, uint64_t size);
};

extern const struct iommu_ops iommu_type1;   /* groups, /dev/vfio/vfio */
extern const struct iommu_ops iommu_iommufd; /* character devices, /dev/iommu */

/* Takes the IOVA ranges out of an answer to VFIO_IOMMU_GET_INFO. Without that capability
 * everything is said to be translatable. For iommu_type1.c and the tests. */
void iommu_type1_parse_info(struct vfio_container *container, const void *info, size_t len);

#endif
