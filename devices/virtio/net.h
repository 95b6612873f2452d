/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio network (Virtio 1.2, 5.1). Three ways to the outside: a tap device served by the host
 * kernel's vhost-net (the fast way), a tap device served by a thread here, and a stream socket that
 * speaks passt's protocol (a 32-bit big-endian length, then the frame), which needs no rights.
 */
#ifndef COLDVM_DEVICES_VIRTIO_NET_H
#define COLDVM_DEVICES_VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

struct event_monitor;
struct net_backend;
struct net_host;

#define NET_MAX_PAIRS 8

enum net_vhost {
	NET_VHOST_AUTO, /* where /dev/vhost-net can be used */
	NET_VHOST_ON,	/* or fail */
	NET_VHOST_OFF,
};

/* What a card keeps over reboots, of the caller's; all 0 before the first one is made with it. A
 * passt that listens may serve one connection only, so another boot goes on with this one. */
struct net_link {
	bool met; /* a card was made: what follows is of the last one */
	uint8_t mac[6];
	struct net_backend *stream; /* to the passt at net_config.socket; NULL: none, or lost */
};

/* Closes the stream. */
void net_link_exit(struct net_link *link);

/* Strings belong to the caller. Exactly one of tap, nr_fds, socket and passt is given. */
struct net_config {
	const char *name;
	const char *tap;	/* name of the tap device, made if it does not exist */
	int fds[NET_MAX_PAIRS]; /* tap devices that somebody has opened; taken over */
	unsigned nr_fds;
	const int *told_fds;	/* their numbers for the user; NULL: these */
	const char *socket;	/* path of a running passt's */
	bool passt;		/* start one */
	const char *passt_args; /* more for its command line, split at spaces; NULL: none */
	unsigned nr_pairs;	/* queue pairs */
	uint16_t queue_size;
	bool has_mac;
	uint8_t mac[6]; /* if has_mac; else made, locally administered, from random bytes */
	uint16_t mtu;	/* 0: not told */
	enum net_vhost vhost;
	struct event_monitor *events; /* hears "net-backend-lost"; NULL: nobody */
	const struct net_host *host;  /* NULL: Linux (net_host.h) */
	struct net_link *link;	      /* NULL: nothing is kept */
};

/* Frames and bytes (Ethernet header included) of all pairs, in the guest's view, since the device
 * was made. */
struct net_counters {
	uint64_t rx_frames, rx_bytes, rx_dropped;
	uint64_t tx_frames, tx_bytes, tx_dropped;
};

struct net; /* net.c */

/* Opens the way out and starts a thread, "_NAME_qpN", for each queue pair. Takes the descriptors of
 * @config over in any case. On failure -errno, and one line for the user in @why. With a link that
 * was met before, a passt that does not listen at its socket any more is no failure: the guest's
 * link is down, and "net-backend-lost" says why. */
int net_create(const struct net_config *config, const struct memory *memory, struct net **ret,
	       char *why, size_t why_len);
struct virtio_device *net_device(struct net *net);
/* Any thread. With vhost-net the host's kernel moves the frames, and its statistics of the tap are
 * what there is: -errno if they cannot be read, as of a tap that was removed. */
int net_count(struct net *net, struct net_counters *ret);
/* After the transport is gone. Ends the passt that was started; NULL is fine. */
void net_destroy(struct net *net);

#endif
