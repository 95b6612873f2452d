/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A large transfer past the page cache, cut into pieces that the host's block layer takes whole.
 *
 * io_uring submits without waiting (REQ_NOWAIT) first, and the block layer refuses to split such a
 * transfer (block/blk-merge.c: bio_split_rw_at()): all of its pages were then pinned for nothing,
 * and are pinned again by a worker thread of the kernel's, to which the transfer is moved.
 */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_PIECE_H
#define COLDVM_DEVICES_VIRTIO_BLK_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* What the host takes at once; bytes 0: nothing needs to be cut. */
struct blk_piece_limits {
	uint32_t bytes; /* a multiple of BLK_PIECE_PAGE and of the image's block size */
	uint32_t pages; /* of memory, since each may be a segment of its own; BLK_PIECE_MIN_PAGES
			   at least */
};

#define BLK_PIECE_PAGE	    4096u
#define BLK_PIECE_MIN_BYTES 65536u
#define BLK_PIECE_MIN_PAGES 16u

/* From what the host's request queue says (0: it does not say), for blocks of @block_size. Limits
 * so small that the pieces would cost more than they save count as none. */
struct blk_piece_limits blk_piece_limits(uint64_t max_bytes, uint64_t max_segments,
					 uint32_t block_size);

/* True if @nr buffers are more than the host takes at once. */
bool blk_piece_needed(const struct blk_piece_limits *limits, const struct iovec *iov, unsigned nr);

/* Where the next piece begins. */
struct blk_piece_place {
	unsigned at; /* buffer */
	size_t off;  /* in it */
};

struct blk_piece {
	const struct iovec *iov; /* @nr whole buffers; NULL: a part of one buffer */
	unsigned nr;
	void *base; /* of the part */
	size_t len; /* bytes of all, never 0 */
};

/*
 * The largest piece at *place of iov[nr], and moves *place behind it: place->at is nr after the
 * last one. Buffers are not empty, and keep to @block_size with their lengths.
 */
struct blk_piece blk_piece_next(const struct blk_piece_limits *limits, uint32_t block_size,
				const struct iovec *iov, unsigned nr,
				struct blk_piece_place *place);

#endif
