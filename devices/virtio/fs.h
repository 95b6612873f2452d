/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio file system (Virtio 1.2, 5.11), served by a vhost-user daemon such as virtiofsd: coldvm
 * hands it the guest's memory (which must be shared), the rings' addresses and the eventfds, and
 * sees no request. A daemon that dies is one event; the guest goes on without the file system.
 */
#ifndef COLDVM_DEVICES_VIRTIO_FS_H
#define COLDVM_DEVICES_VIRTIO_FS_H

#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

struct event_monitor;
struct loop;
struct vhost_user;

struct fs_config {
	const char *name;
	const char *tag;    /* at most 36 bytes */
	const char *socket; /* of the daemon, which must be listening */
	unsigned nr_queues; /* request queues */
	uint16_t queue_size;
	/* The connection, kept by the caller over reboots, for a virtiofsd serves no second one;
	 * all 0 with an @fd of -1 before the first device is made with it. NULL: it ends with the
	 * device. */
	struct vhost_user *link;
};

struct fs; /* fs.c */

/* With a link that was there before, a daemon that is gone is no failure, but an event and a guest
 * without its file system. On -errno @why has one line. */
int fs_create(const struct fs_config *config, const struct memory *memory, struct loop *loop,
	      struct event_monitor *events, struct fs **ret, char *why, size_t why_len);
struct virtio_device *fs_device(struct fs *fs);
void fs_destroy(struct fs *fs);

#endif
