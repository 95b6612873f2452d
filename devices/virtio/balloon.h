/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio balloon (Virtio 1.2, 5.5): pages that the guest gives up go back to the host at once
 * (MADV_DONTNEED, or a hole in shared memory), with free page reporting also without an inflated
 * balloon. Served by a thread of its own, "_balloon", since giving back much memory takes time.
 *
 * With hugepages only whole 2 MiB go back: a page of the balloon has 4 KiB, so that an inflated
 * balloon gives back nearly nothing there, and free page reporting, which comes in larger pieces,
 * gives back more. See memory_discard() for what it costs.
 *
 * Memory that a passthrough device can reach is pinned: giving it back would leave the IOMMU with
 * pages that nobody else sees. With passthrough devices the composition refuses a balloon.
 */
#ifndef COLDVM_DEVICES_VIRTIO_BALLOON_H
#define COLDVM_DEVICES_VIRTIO_BALLOON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

struct balloon_config {
	const char *name;
	uint64_t size; /* bytes that the guest shall give up at first; a multiple of 4 KiB */
	bool deflate_on_oom;
	bool free_page_reporting;
};

struct balloon; /* balloon.c */

/* -EINVAL for a size that does not fit (2^32 pages of 4 KiB), else -errno of what it is made of.
 * Main thread. */
int balloon_create(const struct balloon_config *config, const struct memory *memory,
		   struct balloon **ret);
struct virtio_device *balloon_device(struct balloon *balloon);
/* A new size in bytes, rounded down to 4 KiB; what does not fit is cut off. Any thread, but not
 * under the device's lock. */
void balloon_resize(struct balloon *balloon, uint64_t size);
/* Bytes that the guest has given up, by its own word. Any thread. */
uint64_t balloon_actual(struct balloon *balloon);
/* After the transport is gone. NULL is fine. */
void balloon_destroy(struct balloon *balloon);

#endif
