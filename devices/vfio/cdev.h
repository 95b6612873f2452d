/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO's character devices, /dev/vfio/devices/vfioN: which one is a PCI device's, and the other way
 * round. Reads sysfs alone; nothing here wakes a device. @root is HOST_SYSFS, or a made-up tree in
 * tests, beside which lies "dev".
 */
#ifndef COLDVM_DEVICES_VFIO_CDEV_H
#define COLDVM_DEVICES_VFIO_CDEV_H

#include <stddef.h>

#define CDEV_NAME 32 /* "vfio0" */

/* The name of the character device of @bdf. -ENOENT: the kernel makes none (it has no iommufd, or
 * no VFIO_DEVICE_CDEV), or the device is not bound to vfio-pci. */
int cdev_name(const char *root, const char *bdf, char *name, size_t len);
/* Opens it; the descriptor is the caller's. -errno. */
int cdev_open(const char *root, const char *name);
/* 0 if this process may open it, else -errno. Opens nothing. */
int cdev_may_open(const char *root, const char *name);
/* The address of the device behind an open @fd (HOST_BDF_LEN bytes). -EBADF: not open; -ENODEV: no
 * character device of VFIO, or of none on PCI. */
int cdev_address(const char *root, int fd, char *bdf);

#endif
