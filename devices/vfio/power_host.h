/* SPDX-License-Identifier: BSD-3-Clause */
/* What the power sequence asks of the host, one function at a time and without any order. */
#ifndef COLDVM_DEVICES_VFIO_POWER_HOST_H
#define COLDVM_DEVICES_VFIO_POWER_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power.h"

/* What came of one call to the host for one function. */
struct power_call {
	bool made; /* false: there was no need to call */
	int rc;	   /* 0 or -errno; -ENODEV without a call if the function is gone */
	/* What the driver says of it: with back end explicit alone. */
	struct vfio_pci_d3cold_control said;
};

/*
 * The back end for @functions, which are on: within @policy @wanted, or with POWER_BACKEND_AUTO the
 * best that all of them can do. *@ret has it and @why the reason, for the log. -EOPNOTSUPP if the
 * host lacks what is wanted: @why is one line for people.
 */
int power_host_choose(struct vfio_device *const *functions, unsigned nr, enum power_policy policy,
		      enum power_backend wanted, enum power_backend *ret, char *why,
		      size_t why_len);

/*
 * A device that is sealed is the worker's alone: it makes these calls without device->lock, which
 * a vCPU that reads all ones takes too and must not wait for. Unsealed: lock held.
 */
/* Asks for low power; @wake_fd is signalled when the device leaves it. An rc of 0 says nothing
 * about the state that is reached; with back end explicit ret->said does. */
void power_host_enter(struct vfio_device *device, enum power_backend backend, int wake_fd,
		      struct power_call *ret);
/* Blocks for as long as the host takes. */
void power_host_leave(struct vfio_device *device, enum power_backend backend,
		      struct power_call *ret);
/* True if low power may still be asked for after power_host_leave() with this result. */
bool power_host_still_engaged(enum power_backend backend, const struct power_call *left);
/* The proof after power_host_leave() with result @left. Explicit: the driver's verdict, which is
 * @left itself. Else: D0 by the host's word, and the device answers. */
bool power_host_alive(struct vfio_device *device, enum power_backend backend,
		      const struct power_call *left);
/* Resets a device that did not come back; true if it has then. Logs what came of it. */
bool power_host_revive(struct vfio_device *device, enum power_backend backend);
/* PowerState of the device's PMCSR, 0 or 3; takes 10 ms. -EOPNOTSUPP without a PM capability. */
int power_host_set_pmcsr(struct vfio_device *device, uint16_t state);

#endif
