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

#define NET_MAX_PAIRS 8

enum net_vhost {
	NET_VHOST_AUTO, /* where /dev/vhost-net can be used */
	NET_VHOST_ON,	/* or fail */
	NET_VHOST_OFF,
};

/* Strings belong to the caller. Exactly one of tap, nr_fds, socket and passt is given. */
struct net_config {
	const char *name;
	const char *tap;	/* name of the tap device, made if it does not exist */
	int fds[NET_MAX_PAIRS]; /* tap devices that somebody has opened; taken over */
	unsigned nr_fds;
	const char *socket;	/* path of a running passt's */
	bool passt;		/* start one */
	const char *passt_args; /* more for its command line, split at spaces; NULL: none */
	unsigned nr_pairs;	/* queue pairs */
	uint16_t queue_size;
	bool has_mac;
	uint8_t mac[6]; /* if has_mac; else made, locally administered, from the name and random */
	uint16_t mtu;	/* 0: not told */
	enum net_vhost vhost;
};

struct net; /* net.c */

int net_create(const struct net_config *config, const struct memory *memory, struct net **ret,
	       char *why, size_t why_len);
struct virtio_device *net_device(struct net *net);
void net_destroy(struct net *net);

#endif
