/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio block (Virtio 1.2, 5.2) on a raw file or a block device, by io_uring: one ring and one
 * thread, "_diskN_qM", for each queue, so that neither vCPUs nor queues wait for each other.
 */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_H
#define COLDVM_DEVICES_VIRTIO_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

#define BLK_MAX_QUEUES 16
#define BLK_SERIAL_LEN 20 /* VIRTIO_BLK_ID_BYTES */

struct event_monitor;

/* Strings belong to the caller and outlive the device. */
struct blk_config {
	const char *name;
	const char *path;
	bool readonly;
	bool direct; /* O_DIRECT */
	unsigned nr_queues;
	uint16_t queue_size;
	const char *serial;	      /* NULL: none */
	struct event_monitor *events; /* hears "disk-io-error"; NULL: nobody */
};

/* What the guest has had done, of all queues. Flushes, discards and zeroes count if they fail. */
struct blk_counters {
	uint64_t read_bytes, read_ops;
	uint64_t write_bytes, write_ops;
	uint64_t io_errors; /* requests that the host failed */
};

struct blk; /* blk.c */

/* Opens, locks and sizes the image, makes the rings and their threads. On failure one line for the
 * user in @why, with the path: missing, no rights, a directory, in use by another VM (F_OFD_SETLK,
 * and which process holds it), qcow2 and other formats by their magic, a size that is no multiple
 * of 512. */
int blk_create(const struct blk_config *config, const struct memory *memory, struct blk **ret,
	       char *why, size_t why_len);
struct virtio_device *blk_device(struct blk *blk);
/* Any thread. */
void blk_count(const struct blk *blk, struct blk_counters *ret);
/* After the transport is gone. Waits for what is in flight; NULL is fine. */
void blk_destroy(struct blk *blk);

#endif
