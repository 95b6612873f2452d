/* SPDX-License-Identifier: BSD-3-Clause */
/* One queue of a disk: its thread, its io_uring, and the requests that are at work. */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_QUEUE_H
#define COLDVM_DEVICES_VIRTIO_BLK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/blk_request.h"

struct blk_image;
struct virtio_device;

struct blk_queue_config {
	const char *name; /* of the disk */
	unsigned index;	  /* of the queue, within the disk */
	uint16_t size;	  /* of the ring, at most */
	struct virtio_device *device;
	const struct blk_image *image;
	const struct blk_limits *limits;
	const char *serial; /* BLK_SERIAL_LEN bytes, for GET_ID */
	/* The host failed @operation ("write", ...) at byte @offset with -@err. On the queue's
	 * thread, as often as it happens. */
	void (*failed)(void *opaque, const char *operation, uint64_t offset, int err);
	/* What blk_queue_stop() began is complete: no guest memory is touched any more. On the
	 * queue's thread. */
	void (*stopped)(void *opaque);
	void *opaque;
};

struct blk_queue;
struct blk_counters;

/* The ring and the thread, which waits for blk_queue_start(). The virtqueue's kick_fd must exist.
 * -errno of mmap(2), io_uring_setup(2), pthread_create(3); -EOPNOTSUPP: a kernel before 5.13. */
int blk_queue_create(const struct blk_queue_config *config, struct blk_queue **ret);
/* After blk_queue_stop() and its stopped(), or without ever having started. NULL is fine. */
void blk_queue_destroy(struct blk_queue *queue);

/* The virtqueue is started and belongs to the thread from now on. @writethrough: the driver will
 * not flush. Any thread. */
void blk_queue_start(struct blk_queue *queue, bool writethrough);
/* Takes no new request, cancels what can be cancelled, waits for the rest; then stopped(). Returns
 * at once. Any thread. */
void blk_queue_stop(struct blk_queue *queue);

/* Adds what the queue has done to *counters. Any thread. */
void blk_queue_count(const struct blk_queue *queue, struct blk_counters *counters);

#endif
