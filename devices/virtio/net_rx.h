/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's receive buffers of one queue. They are taken from the ring ahead of the frame, so
 * that a frame can be read right into them, and one frame may fill several (Virtio 1.2, 5.1.6.4,
 * VIRTIO_NET_F_MRG_RXBUF). Buffers that no frame has filled yet stay here until the next one.
 */
#ifndef COLDVM_DEVICES_VIRTIO_NET_RX_H
#define COLDVM_DEVICES_VIRTIO_NET_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/virtio/net_frame.h"
#include "devices/virtio/queue.h"

#define NET_RX_BUFFERS 256
#define NET_RX_IOV     (2 * VIRTQ_IOV_MAX)

struct net_rx {
	struct virtq *queue; /* NULL: stopped */
	bool mergeable;
	size_t room; /* bytes of all buffers here */
	struct net_rx_buffer {
		uint16_t head;
		uint16_t nr_iov;
		uint32_t len;
	} buffers[NET_RX_BUFFERS];
	unsigned first, nr;		  /* of buffers */
	struct iovec iov[NET_RX_IOV + 1]; /* of these, in order; one more for net_rx_iov() */
	unsigned first_iov, nr_iov;
	struct virtq_chain chain; /* the one just taken */
	uint64_t frames, bytes, dropped;
};

void net_rx_start(struct net_rx *rx, struct virtq *queue, bool mergeable);
/* Forgets the buffers; the counters stay. */
void net_rx_stop(struct net_rx *rx);

/* Takes buffers until @want bytes fit, or one without VIRTIO_NET_F_MRG_RXBUF. 1: they do. 0: the
 * guest offers no more yet. -ENOBUFS: it never can, since its whole ring is here, or as much as
 * fits here. -EPROTO: the ring is broken. */
int net_rx_fill(struct net_rx *rx, size_t want);
/* The buffers that a frame may fill, with @spill behind them for a byte too many. Returns their
 * number, @spill included. */
unsigned net_rx_iov(struct net_rx *rx, struct iovec **ret_iov, uint8_t *spill);
/* What net_rx_iov() has room for, without @spill. */
size_t net_rx_room(const struct net_rx *rx);
/* The first @len bytes hold a frame with its header: to the guest with them. @len is at most
 * net_rx_room(), and at least NET_HDR_LEN. */
void net_rx_done(struct net_rx *rx, size_t len);

/* Copies a frame in: 1, also if it had to be dropped because it never fits. 0: no room yet.
 * -EPROTO: the ring is broken. */
int net_rx_copy(struct net_rx *rx, const uint8_t header[NET_HDR_LEN], const void *frame,
		size_t len);

#endif
