/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One queue pair of a network device, and its thread, "_NAME_qpN". The thread moves frames between
 * the queues and the backend; with vhost-net the kernel does, and the thread only hears of the
 * backend's end.
 *
 * Kicks are eventfds watched by their edges and never read: vhost-net and the control queue may
 * share one with a pair, and no reader takes another's event away.
 */
#ifndef COLDVM_DEVICES_VIRTIO_NET_PAIR_H
#define COLDVM_DEVICES_VIRTIO_NET_PAIR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/device.h"
#include "devices/virtio/net.h"
#include "devices/virtio/net_frame.h"
#include "devices/virtio/net_rx.h"

#define NET_PAIR_EXTRA 8

/* A descriptor that the thread watches for somebody else. */
struct net_watch {
	int fd;
	bool level; /* call as long as it is readable; else for each time that it becomes so */
	void (*ready)(void *opaque); /* on the thread, under no lock */
	void *opaque;
};

struct net_pair {
	/* Given to net_pair_init(). */
	struct virtio_device *device;
	struct virtq *rx_queue, *tx_queue;
	struct net_backend *backend; /* until net_pair_exit() */
	bool by_kernel;		     /* vhost-net serves the queues */
	unsigned index;
	/* On the thread, under no lock, once: the backend is lost, by -errno. */
	void (*lost)(void *opaque, int err);
	void *opaque;

	struct net_watch watches[NET_PAIR_EXTRA];
	unsigned nr_watches;
	pthread_t thread;
	bool ready; /* initialised */
	bool has_thread;
	int epoll_fd;
	int wake_fd; /* eventfd: look at @active and @quit */

	pthread_mutex_t
		lock; /* guards all below; held while frames move, taken under the device's */
	bool active;  /* between start and stop */
	bool quit;
	bool ending;	   /* the backend has hung up; what it sent before is read first */
	bool hung_up;	   /* by net_pair_check() */
	bool gone;	   /* the backend is lost */
	bool readable;	   /* it may have frames */
	bool rx_blocked;   /* a frame waits for the guest's buffers */
	bool tx_blocked;   /* a frame, or a part of one, waits for the backend */
	uint32_t interest; /* in the backend, as epoll has it */
	struct net_rx rx;
	struct virtq_chain chain; /* being sent */
	uint64_t tx_frames, tx_bytes, tx_dropped;
};

/* On -errno the backend is still the caller's. */
int net_pair_init(struct net_pair *pair);
/* One more descriptor. Before net_pair_run(). -errno. */
int net_pair_watch(struct net_pair *pair, const struct net_watch *watch);
/* Starts the thread. -errno. */
int net_pair_run(struct net_pair *pair);
/* Ends the thread; the backend is the caller's again. Fine for a pair that was never initialised.
 */
void net_pair_exit(struct net_pair *pair);
/* The queues are started; looks at both. */
void net_pair_start(struct net_pair *pair, bool mergeable);
/* When this returns the thread does not touch the guest's memory any more. */
void net_pair_stop(struct net_pair *pair);
/* The backend may be gone without a word: looks. On the pair's thread, by a watch. */
void net_pair_check(struct net_pair *pair);
void net_pair_count(struct net_pair *pair, struct net_counters *counters);

#endif
