/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's receive buffers of one queue. */
#include "devices/virtio/net_rx.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "vmm/bits.h"

_Static_assert(sizeof(struct virtio_net_hdr_mrg_rxbuf) == NET_HDR_LEN, "the header of VERSION_1");

void net_rx_start(struct net_rx *rx, struct virtq *queue, bool mergeable)
{
	net_rx_stop(rx);
	rx->queue = queue;
	rx->mergeable = mergeable;
}

void net_rx_stop(struct net_rx *rx)
{
	rx->queue = NULL;
	rx->room = 0;
	rx->first = rx->nr = 0;
	rx->first_iov = rx->nr_iov = 0;
}

/* Moves what is there to the front, when the arrays end. */
static void compact(struct net_rx *rx)
{
	memmove(rx->buffers, rx->buffers + rx->first, rx->nr * sizeof(rx->buffers[0]));
	rx->first = 0;
	memmove(rx->iov, rx->iov + rx->first_iov, rx->nr_iov * sizeof(rx->iov[0]));
	rx->first_iov = 0;
}

/* True if one more chain, of whatever length, can be kept. */
static bool has_place(struct net_rx *rx)
{
	if (rx->nr == NET_RX_BUFFERS || rx->nr_iov + VIRTQ_IOV_MAX > NET_RX_IOV)
		return false;
	if (rx->first + rx->nr == NET_RX_BUFFERS ||
	    rx->first_iov + rx->nr_iov + VIRTQ_IOV_MAX > NET_RX_IOV)
		compact(rx);
	return true;
}

/* A buffer that has no room for a header is of no use, and goes back empty. */
static void keep_chain(struct net_rx *rx)
{
	struct virtq_chain *chain = &rx->chain;

	if (chain->in_len < NET_HDR_LEN) {
		virtq_push(rx->queue, chain->head, 0);
		return;
	}
	rx->buffers[rx->first + rx->nr] = (struct net_rx_buffer){
		.head = chain->head,
		.nr_iov = (uint16_t)chain->nr_in,
		.len = (uint32_t)chain->in_len,
	};
	memcpy(rx->iov + rx->first_iov + rx->nr_iov, virtq_chain_in(chain),
	       chain->nr_in * sizeof(rx->iov[0]));
	rx->nr++;
	rx->nr_iov += chain->nr_in;
	rx->room += chain->in_len;
}

static bool enough(const struct net_rx *rx, size_t want)
{
	return rx->mergeable ? rx->room >= want : rx->nr > 0;
}

int net_rx_fill(struct net_rx *rx, size_t want)
{
	/* A guest that puts useless buffers into the ring as fast as they come back ends this. */
	for (unsigned i = 0; !enough(rx, want) && i < VIRTQ_SIZE_MAX; i++) {
		int ret;

		if (rx->nr == rx->queue->size || !has_place(rx))
			return -ENOBUFS;
		ret = virtq_pop(rx->queue, &rx->chain);
		if (ret <= 0)
			return ret;
		keep_chain(rx);
	}
	return enough(rx, want) ? 1 : -ENOBUFS;
}

size_t net_rx_room(const struct net_rx *rx)
{
	if (rx->mergeable || !rx->nr)
		return rx->room;
	return rx->buffers[rx->first].len;
}

unsigned net_rx_iov(struct net_rx *rx, struct iovec **ret_iov, uint8_t *spill)
{
	unsigned nr = rx->mergeable ? rx->nr_iov : rx->buffers[rx->first].nr_iov;

	rx->iov[rx->first_iov + nr] = (struct iovec){ .iov_base = spill, .iov_len = 1 };
	*ret_iov = rx->iov + rx->first_iov;
	return nr + 1;
}

/* Copies to byte @off of the buffers on, which have the room. */
static void write_at(struct net_rx *rx, size_t off, const void *data, size_t len)
{
	const uint8_t *from = data;

	for (struct iovec *iov = rx->iov + rx->first_iov; len; iov++) {
		size_t n;

		if (off >= iov->iov_len) {
			off -= iov->iov_len;
			continue;
		}
		n = min_u64(iov->iov_len - off, len);
		memcpy((uint8_t *)iov->iov_base + off, from, n);
		from += n;
		len -= n;
		off = 0;
	}
}

/* The number of buffers that @len bytes take. */
static unsigned count_buffers(const struct net_rx *rx, size_t len)
{
	unsigned nr = 0;

	for (size_t room = 0; room < len; nr++)
		room += rx->buffers[rx->first + nr].len;
	return nr;
}

void net_rx_done(struct net_rx *rx, size_t len)
{
	unsigned nr = count_buffers(rx, len);
	__le16 num_buffers = htole16((uint16_t)nr);
	struct vring_used_elem used[NET_RX_BUFFERS];

	rx->frames++;
	rx->bytes += len - NET_HDR_LEN;
	/* Virtio 1.2, 5.1.6.4.1: 1 is to be written without VIRTIO_NET_F_MRG_RXBUF, too. */
	write_at(rx, offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers), &num_buffers,
		 sizeof(num_buffers));
	for (unsigned i = 0; i < nr; i++) {
		const struct net_rx_buffer *buffer = &rx->buffers[rx->first + i];
		size_t part = min_u64(len, buffer->len);

		used[i] = (struct vring_used_elem){ .id = buffer->head, .len = (uint32_t)part };
		len -= part;
		rx->room -= buffer->len;
		rx->first_iov += buffer->nr_iov;
		rx->nr_iov -= buffer->nr_iov;
	}
	rx->first += nr;
	rx->nr -= nr;
	virtq_push_together(rx->queue, used, nr);
}

int net_rx_copy(struct net_rx *rx, const uint8_t header[NET_HDR_LEN], const void *frame, size_t len)
{
	int ret = net_rx_fill(rx, NET_HDR_LEN + len);

	if (ret == 0 || ret == -EPROTO)
		return ret;
	if (ret < 0 || net_rx_room(rx) < NET_HDR_LEN + len) {
		rx->dropped++;
		return 1;
	}
	write_at(rx, 0, header, NET_HDR_LEN);
	write_at(rx, NET_HDR_LEN, frame, len);
	net_rx_done(rx, NET_HDR_LEN + len);
	return 1;
}
