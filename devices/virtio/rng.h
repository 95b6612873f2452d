/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio entropy (Virtio 1.2, 5.4), from a character device such as /dev/urandom or /dev/hwrng.
 * Served by the main loop.
 */
#ifndef COLDVM_DEVICES_VIRTIO_RNG_H
#define COLDVM_DEVICES_VIRTIO_RNG_H

#include <stddef.h>

#include "devices/virtio/device.h"

struct loop;

struct rng_config {
	const char *name;
	const char *src; /* path */
};

struct rng; /* rng.c */

/* A request is answered with at most 64 KiB, and a round serves a bounded number of requests: a
 * guest that asks without end leaves the main loop time for others. A source that has nothing just
 * now, or fails, is asked again later; the guest's request waits.
 *
 * -EINVAL for a source that is no character device: a file ends, and then repeats itself or leaves
 * the guest waiting. Else -errno of open(2), or of what virtio_device_init() and loop_add() say;
 * @why is one line for the user. Main thread. */
int rng_create(const struct rng_config *config, const struct memory *memory, struct loop *loop,
	       struct rng **ret, char *why, size_t why_len);
struct virtio_device *rng_device(struct rng *rng);
/* After the transport is gone; main thread. NULL is fine. */
void rng_destroy(struct rng *rng);

#endif
