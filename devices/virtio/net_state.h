/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network device, for the files that it is made of: net.c runs it, net_create.c makes it.
 *
 * Queues 2n and 2n + 1 receive and transmit of pair n; the last one is for control.
 */
#ifndef COLDVM_DEVICES_VIRTIO_NET_STATE_H
#define COLDVM_DEVICES_VIRTIO_NET_STATE_H

#include <linux/virtio_net.h>
#include <pthread.h>

#include "devices/virtio/net.h"
#include "devices/virtio/net_ctrl.h"
#include "devices/virtio/net_pair.h"
#include "devices/virtio/net_passt_process.h"

struct net {
	struct virtio_device device;
	const struct net_host *host;
	struct event_monitor *events;
	struct virtio_net_config config; /* but for the status */
	bool down;			 /* the link, for good; atomic */

	struct net_pair pairs[NET_MAX_PAIRS];
	unsigned nr_pairs;
	int tap_fds[NET_MAX_PAIRS]; /* those of the pairs' backends; -1: no taps */
	int links_fd;		    /* net_tap_hear_of_links(), or -1 */
	struct net_counters before; /* of the tap, which may be older than this device */
	int uncounted;		    /* -errno: they could not be read then */
	struct net_vhost_pair {
		struct net *net;
		unsigned index;
		int fd; /* -1: a thread serves the pair */
		int error_fds[2];
		bool running;
	} vhost[NET_MAX_PAIRS];
	struct net_passt_process passt;
	struct net_link *link; /* NULL: nothing is kept */
	bool keeps_stream;
	char absent[300]; /* why there was no passt to connect to; empty: there was */

	/* Of the control queue, which pair 0's thread serves; below the device's lock. */
	pthread_mutex_t ctrl_lock;
	struct net_ctrl ctrl;
	struct virtq *ctrl_queue; /* NULL: stopped, or there is none */
	unsigned attached;	  /* taps 0 to n - 1 get frames from the kernel */
	bool said;		  /* of what a guest can repeat: once */
};

static inline struct virtq *net_rx_queue(struct net *net, unsigned pair)
{
	return &net->device.queues[2 * pair];
}

static inline struct virtq *net_tx_queue(struct net *net, unsigned pair)
{
	return &net->device.queues[2 * pair + 1];
}

/* net.c */
extern const struct virtio_ops net_ops;
/* The driver uses taps 0 to @nr - 1: the kernel spreads frames over these. Under @ctrl_lock, or
 * before there are threads. */
int net_attach_taps(void *net, unsigned nr);
/* The control queue may have commands. */
void net_ctrl_ready(void *net);
/* For net_pair: the link goes down, and somebody is told why. */
void net_lost(void *net, int err);

#endif
