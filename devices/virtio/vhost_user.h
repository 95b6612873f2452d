/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front end of vhost-user (QEMU: docs/interop/vhost-user.rst): a daemon that serves the rings
 * of a device itself. It is handed the guest's memory, which it can read and write from then on;
 * apart from that it is not trusted: an answer that makes no sense, or none in time, ends it.
 *
 * No lock in here: one thread at a time. A failure is for good: every later call is -ENOTCONN.
 */
#ifndef COLDVM_DEVICES_VIRTIO_VHOST_USER_H
#define COLDVM_DEVICES_VIRTIO_VHOST_USER_H

#include <stdbool.h>
#include <stdint.h>

struct memory;
struct virtq;

#define VHOST_USER_TIMEOUT_MS 5000

struct vhost_user {
	int fd;	   /* stays open, and ends, when the back end is lost */
	bool lost; /* nothing is asked any more */
	unsigned timeout_ms;
	uint64_t deadline_ns; /* of the call in progress */
	uint64_t features;    /* of the daemon, VHOST_USER_F_PROTOCOL_FEATURES included */
	uint64_t protocol;    /* agreed on */
	uint64_t nr_queues;   /* that it serves; UINT64_MAX: it does not say */
};

/* Of each call below, and its errors: -ETIMEDOUT, no answer within @timeout_ms; -EPROTO, one that
 * makes no sense; -ECONNRESET, the daemon has gone; -EREMOTEIO, it refused. */

/* Connects to @path and agrees on what both know. -errno of connect(2) too. vhost_user_exit()
 * either way. */
int vhost_user_init(struct vhost_user *user, const char *path, unsigned timeout_ms);
/* False: there is no connection, or it is of no use any more. */
bool vhost_user_alive(const struct vhost_user *user);
void vhost_user_exit(struct vhost_user *user);

/* Hands over the memory, the @accepted features and the enabled ones of @nr queues, and starts
 * them. -ENOTSUP: the memory is not shared; -ENOSPC: it has more than VHOST_USER_MAX_REGIONS;
 * -EFAULT: a part of a ring is in two of them. */
int vhost_user_start(struct vhost_user *user, const struct memory *memory, uint64_t accepted,
		     const struct virtq *queues, unsigned nr);
/* When this returns 0 the daemon has put the rings away. */
int vhost_user_stop(struct vhost_user *user, const struct virtq *queues, unsigned nr);

/* Ends the connection, so that whoever polls it sees that. Any thread. */
void vhost_user_lose(struct vhost_user *user);

#endif
