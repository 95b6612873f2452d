/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes of a frame, and what every way out of a network device has in common. */
#ifndef COLDVM_DEVICES_VIRTIO_NET_FRAME_H
#define COLDVM_DEVICES_VIRTIO_NET_FRAME_H

#include <stddef.h>
#include <sys/uio.h>

struct net_rx;

/* In front of each frame in the queues, and in a tap's reads and writes: struct
 * virtio_net_hdr_mrg_rxbuf (Virtio 1.2, 5.1.6). */
#define NET_HDR_LEN 12u
/* An Ethernet header with a VLAN tag, and what one IP packet can be; GSO ones are no longer. */
#define NET_FRAME_MAX 65553u
#define NET_FRAME_MIN 14u /* an Ethernet header */

/* The way out of one queue pair. Used by the pair's thread alone, but for create and close. */
struct net_backend {
	const struct net_backend_ops *ops;
	int fd; /* to be polled; -1: lost */
};

struct net_backend_ops {
	/* Brings one frame to @rx, or drops it: 1. 0: there is none. -EAGAIN: the guest has no room
	 * for it. -EPROTO: the guest's ring is broken. Else -errno, and the backend is lost. */
	int (*receive)(struct net_backend *backend, struct net_rx *rx);
	/* Sends @len bytes of guest memory, header first: 0. -EAGAIN: not now, when @fd takes it.
	 * -EMSGSIZE: the frame cannot be sent, ever. Else -errno, and the backend is lost. */
	int (*send)(struct net_backend *backend, const struct iovec *iov, unsigned nr, size_t len);
	/* Goes on with a frame of which only a part is out; 0, or as @send. May be NULL. */
	int (*flush)(struct net_backend *backend);
	/* The driver is gone: so is what was received for it. May be NULL. */
	void (*forget)(struct net_backend *backend);
	/* Closes @fd and frees all. */
	void (*close)(struct net_backend *backend);
};

#endif
