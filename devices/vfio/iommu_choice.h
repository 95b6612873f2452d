/* SPDX-License-Identifier: BSD-3-Clause */
/* Which way to its devices a VM takes: iommufd or groups, by what the host has. */
#ifndef COLDVM_DEVICES_VFIO_IOMMU_CHOICE_H
#define COLDVM_DEVICES_VFIO_IOMMU_CHOICE_H

#include <stddef.h>

#include "devices/vfio/iommu.h"

enum iommu_wish {
	IOMMU_WISH_AUTO,    /* iommufd, if it serves every device */
	IOMMU_WISH_IOMMUFD, /* or nothing */
	IOMMU_WISH_GROUPS,
};

/* What was asked for. */
struct iommu_request {
	enum iommu_wish wish;
	int iommufd; /* opened by somebody else, who keeps it; -1: none */
	const struct iommu_device *devices;
	unsigned nr;
};

/* What it will be, for all boots of a VM: a descriptor that was passed in is bound to its iommufd
 * for good. */
struct iommu_choice {
	int iommufd;	  /* -1: groups */
	char reason[512]; /* for people: why */
};

/*
 * Opens the iommufd and, to see whether they can be opened, the devices, which wakes none. @root:
 * HOST_SYSFS, or a made-up tree in tests. -EINVAL: what was passed in is not what it should be;
 * -EOPNOTSUPP: iommufd was asked for and cannot be had; other -errno. One line in @why.
 */
int iommu_choose(const char *root, const struct iommu_request *request, struct iommu_choice *ret,
		 char *why, size_t why_len);
/* After the last container that uses it. */
void iommu_choice_end(struct iommu_choice *choice);

/* Whether iommufd would serve @bdf alone, by what this process may open; opens nothing. If not,
 * one line in @why. */
bool iommu_may_use_iommufd(const char *root, const char *bdf, char *why, size_t why_len);

#endif
