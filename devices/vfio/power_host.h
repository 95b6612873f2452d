/* SPDX-License-Identifier: BSD-3-Clause */
/* What the power sequence asks of the host, one function at a time and without any order. */
#ifndef COLDVM_DEVICES_VFIO_POWER_HOST_H
#define COLDVM_DEVICES_VFIO_POWER_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power.h"

/* The best that all of @functions can do within @policy; logs what is missing. They are on. */
enum power_backend power_host_choose(struct vfio_device *const *functions, unsigned nr,
				     enum power_policy policy);

/*
 * A device that is sealed is the worker's alone: it makes these calls without device->lock, which
 * a vCPU that reads all ones takes too and must not wait for. Unsealed: lock held.
 */
/* Asks for low power; @wake_fd is signalled when the device leaves it. 0 says nothing about the
 * state that is reached. -errno. */
int power_host_enter(struct vfio_device *device, enum power_backend backend, int wake_fd);
/* Blocks for as long as the host takes. 0 proves nothing either. */
int power_host_leave(struct vfio_device *device, enum power_backend backend);
/* The proof: D0 by the host's word, and the device answers. */
bool power_host_alive(struct vfio_device *device);
/* PowerState of the device's PMCSR, 0 or 3; takes 10 ms. -EOPNOTSUPP without a PM capability. */
int power_host_set_pmcsr(struct vfio_device *device, uint16_t state);

#endif
