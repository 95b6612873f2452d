/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's PCI ports above a device, and which of them switches its power. */
#ifndef COLDVM_DEVICES_VFIO_PORTS_H
#define COLDVM_DEVICES_VFIO_PORTS_H

struct vfio_device;

/*
 * Fills device->ports from @path, the device's directory in sysfs with all links resolved, and
 * opens their power_state. A card with a switch of its own has several ports above each function,
 * and the power resource (_PR3) may be on any of them: device->power_port is the first, seen from
 * the device, that has one; the nearest port where none has, or where the device has its own.
 * Reads attributes that wake nothing.
 */
void ports_open(struct vfio_device *device, const char *path);
/* Closes what ports_open() opened; device->ports is empty afterwards. */
void ports_close(struct vfio_device *device);

#endif
