/* SPDX-License-Identifier: BSD-3-Clause */
/* What a guest asks of a disk, taken from its buffers once and checked (Virtio 1.2, 5.2.6). */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_REQUEST_H
#define COLDVM_DEVICES_VIRTIO_BLK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct virtq_chain;

#define BLK_SECTOR	512u
#define BLK_MAX_RANGES	64u	  /* in one request to discard or to write zeroes */
#define BLK_MAX_SECTORS 0x400000u /* in one such range: 2 GiB */

struct blk_limits {
	uint64_t capacity; /* sectors */
	bool readonly;
	bool discard; /* offered */
};

struct blk_request {
	uint32_t type;	  /* VIRTIO_BLK_T_* */
	uint64_t sector;  /* of IN and OUT; capacity is kept */
	uint64_t len;	  /* bytes of data */
	uint8_t *status;  /* where the guest wants VIRTIO_BLK_S_* */
	uint32_t written; /* what virtq_push() is told */
	uint16_t head;
};

/* A part of the disk, in bytes; inside its capacity. */
struct blk_range {
	uint64_t offset;
	uint32_t len_sectors;
	bool unmap;
};

/* VIRTIO_BLK_S_OK if *ret can be carried out; another status for the guest if not, with status,
 * written and head of *ret set all the same. -EPROTO: there is no byte for a status. */
int blk_request_parse(const struct blk_limits *limits, struct virtq_chain *chain,
		      struct blk_request *ret);
/* The ranges of a request to discard or to write zeroes, at most BLK_MAX_RANGES. VIRTIO_BLK_S_OK
 * and *ret_nr, or a status for the guest. */
int blk_request_ranges(const struct blk_limits *limits, const struct virtq_chain *chain,
		       const struct blk_request *request, struct blk_range *ranges,
		       unsigned *ret_nr);
/* The buffers of the data of a request IN or OUT; returns how many of @iov there are, at most
 * VIRTQ_IOV_MAX. */
unsigned blk_request_data(struct virtq_chain *chain, const struct blk_request *request,
			  struct iovec *iov);

#endif
