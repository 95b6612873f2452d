/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split virtqueues, the device's side (Virtio 1.2, 2.7).
 *
 * Everything that the rings hold was written by a guest that means harm: each index, address and
 * length is read once and checked, a chain is followed for queue-size steps at most, and a ring
 * that makes no sense breaks the queue, never the VMM. No lock in here: a queue is used by one
 * thread at a time, which is its device's business.
 */
#ifndef COLDVM_DEVICES_VIRTIO_QUEUE_H
#define COLDVM_DEVICES_VIRTIO_QUEUE_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct memory;

#define VIRTQ_SIZE_MAX 1024 /* what a device may offer at most; a power of two */
#define VIRTQ_IOV_MAX  512  /* buffers in one chain; a longer one breaks the queue */
/* An indirect table has VIRTQ_SIZE_MAX entries at most, whatever the size of its queue: Linux makes
 * tables longer than a short queue (virtio_ring.c: virtqueue_add_split()). */

struct virtq {
	/* Set by the transport before the device starts. */
	uint16_t index;		    /* within the device */
	uint16_t size_max;	    /* offered */
	uint16_t size;		    /* taken by the driver; a power of two, not above size_max */
	bool enabled;		    /* the driver will use this queue */
	uint64_t desc, avail, used; /* guest addresses */
	int kick_fd; /* eventfd, the guest's notifications; lives as long as the device */
	int call_fd; /* eventfd of the vector that the driver chose; -1: none */

	/* From virtq_start() to virtq_stop(). */
	const struct memory *memory; /* NULL: stopped */
	struct vring_desc *ring_desc;
	struct vring_avail *ring_avail;
	struct vring_used *ring_used;
	bool event_idx;			/* VIRTIO_RING_F_EVENT_IDX was accepted */
	bool indirect;			/* VIRTIO_RING_F_INDIRECT_DESC was accepted */
	bool broken;			/* virtq_pop() finds nothing any more */
	const char *why;		/* it is broken, for virtio_device_break() */
	bool quiet;			/* no notifications are wanted just now */
	bool call_failed;		/* said once */
	uint16_t next_avail, next_used; /* free running */
	uint16_t signalled;		/* next_used at the last interrupt that was considered */
	bool signalled_valid;
};

/* One request: nr_out buffers to read, then nr_in to write. Host addresses of guest RAM, which the
 * guest may change at any time: copy what is looked at twice. */
struct virtq_chain {
	uint16_t head;
	unsigned nr_out, nr_in;
	uint64_t out_len, in_len; /* bytes; the sum fits 32 bits, as the used ring wants it */
	struct iovec iov[VIRTQ_IOV_MAX];
};

static inline struct iovec *virtq_chain_in(struct virtq_chain *chain)
{
	return chain->iov + chain->nr_out;
}

/* Maps the three parts of the ring. -EFAULT when one is not in RAM or misaligned, -EINVAL for a
 * size that is none. */
int virtq_start(struct virtq *queue, const struct memory *memory, uint64_t features);
/* No ring is touched from here on. Configuration stays. */
void virtq_stop(struct virtq *queue);

/* Takes the next request. 1, or 0 when there is none, or -EPROTO when the ring makes no sense
 * (queue->broken is set; the device calls virtio_device_break() with queue->why). After a 0 the
 * guest notifies for the next request, unless virtq_want_kicks() said otherwise. */
int virtq_pop(struct virtq *queue, struct virtq_chain *chain);
/* Puts the last popped request back, when there is no room for what it asks. */
void virtq_unpop(struct virtq *queue);
/* Gives request @head back with @written bytes written to its nr_in buffers, from their start. */
void virtq_push(struct virtq *queue, uint16_t head, uint32_t written);
/* Gives @nr requests back of which the guest sees all or none, as a frame in several buffers needs
 * it. @nr is at most the queue's size. */
void virtq_push_together(struct virtq *queue, const struct vring_used_elem *used, unsigned nr);
/* Interrupts the guest for what was pushed, unless it does not want to be. After one or more
 * virtq_push(). */
void virtq_signal(struct virtq *queue);

/* Asks the guest (not) to notify; a queue starts with the wish to be notified, and a device that is
 * content with that never calls this. Turning it on returns true if requests came in meanwhile,
 * which nobody will notify: look again. */
bool virtq_want_kicks(struct virtq *queue, bool want);
/* True if virtq_pop() would find something. */
bool virtq_pending(const struct virtq *queue);

/* Copies between a chain's buffers and @data, from byte @off of the buffers on; returns how many
 * bytes there were. */
size_t virtq_chain_read(const struct virtq_chain *chain, size_t off, void *data, size_t len);
size_t virtq_chain_write(struct virtq_chain *chain, size_t off, const void *data, size_t len);

#endif
