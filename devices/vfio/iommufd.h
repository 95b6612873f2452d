/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every call on /dev/iommu, and those on a VFIO character device that tie it to one. One wrapper a
 * call; all return 0 or -errno. Tests link tests/fake/fake_iommufd.c instead.
 */
#ifndef COLDVM_DEVICES_VFIO_IOMMUFD_H
#define COLDVM_DEVICES_VFIO_IOMMUFD_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/iommufd_uapi.h"

/* A new, empty address space (IOAS) of @iommufd. -ENOTTY: this is no iommufd. */
int iommufd_ioas_alloc(int iommufd, uint32_t *ret_ioas);
/* -EBUSY while something is attached or mapped. */
int iommufd_ioas_destroy(int iommufd, uint32_t ioas);
/* What can be mapped just now; attaching a device makes it less. Fills in the first @room and sets
 * *@ret_nr to how many these are. */
int iommufd_ioas_ranges(int iommufd, uint32_t ioas, struct iommu_iova_range *ranges, unsigned room,
			unsigned *ret_nr);
/* Readable and writable, at exactly @iova. -EFAULT: @hva is no memory that can be pinned, such as
 * a BAR; -ENOMEM: RLIMIT_MEMLOCK. */
int iommufd_ioas_map(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size, void *hva);
/* -ENOENT if other than @size bytes were mapped there. */
int iommufd_ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size);

/* Opens the device behind @cdev for good: until the last copy of the descriptor is closed, it is
 * @iommufd's and cannot be bound again (device_cdev.c: vfio_df_ioctl_bind_iommufd()). */
int iommufd_bind(int cdev, int iommufd);
/* True if @cdev is a VFIO device that is bound; wakes it then. */
bool iommufd_is_bound(int cdev);
/* -ENOENT: @cdev is bound to another iommufd than the one with @ioas. */
int iommufd_attach(int cdev, uint32_t ioas);
int iommufd_detach(int cdev);

#endif
