/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user daemon on a thread of its own: it writes down what it is told, and answers as it
 * should, or with one lie. It serves no ring.
 */
#ifndef COLDVM_TESTS_DAEMON_RIG_H
#define COLDVM_TESTS_DAEMON_RIG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/vhost_user_wire.h"

#define DAEMON_MAX_MESSAGES 256

enum daemon_lie {
	DAEMON_HONEST,
	DAEMON_SILENT,	      /* no answer */
	DAEMON_ENDS,	      /* closes instead */
	DAEMON_ENDS_HALFWAY,  /* in the middle of its answer */
	DAEMON_WRONG_REQUEST, /* another request's number in the answer */
	DAEMON_WRONG_SIZE,
	DAEMON_HUGE_SIZE,
	DAEMON_NO_REPLY_FLAG,
	DAEMON_WRONG_VERSION,
	DAEMON_REFUSES, /* an acknowledgement that says no */
	DAEMON_WRONG_INDEX,
};

struct daemon_rig {
	char dir[32], path[64];
	int listener, conn;
	pthread_t thread;

	/* Set before daemon_rig_start(). */
	uint64_t features, protocol, nr_queues;
	enum daemon_lie lie;
	uint32_t lie_at; /* VHOST_USER_*: at its first message */

	/* To be read when the thread has ended, or has answered what is looked at. */
	unsigned nr;
	struct daemon_message {
		struct vhost_user_message message;
		int fds[VHOST_USER_MAX_REGIONS];
		unsigned nr_fds;
	} messages[DAEMON_MAX_MESSAGES];
};

/* An honest one, that listens already and knows all of the protocol. */
void daemon_rig_init(struct daemon_rig *daemon);
void daemon_rig_start(struct daemon_rig *daemon);
/* Ends its connection. It is found by whoever polls the other end. */
void daemon_rig_die(struct daemon_rig *daemon);
/* Waits for the thread, which ends with its connection, and frees all. */
void daemon_rig_exit(struct daemon_rig *daemon);
/* How many messages of @request there were; the last one in *ret (may be NULL). */
unsigned daemon_rig_count(struct daemon_rig *daemon, uint32_t request,
			  const struct daemon_message **ret);

#endif
