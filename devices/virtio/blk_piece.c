/* SPDX-License-Identifier: BSD-3-Clause */
/* Cutting a large transfer. */
#include "devices/virtio/blk_piece.h"

#include "vmm/bits.h"

struct blk_piece_limits blk_piece_limits(uint64_t max_bytes, uint64_t max_segments,
					 uint32_t block_size)
{
	const struct blk_piece_limits none = { 0 };
	uint64_t unit = max_u64(BLK_PIECE_PAGE, block_size);
	struct blk_piece_limits limits = {
		.bytes = (uint32_t)(min_u64(max_bytes, GIB(1)) / unit * unit),
		.pages = (uint32_t)min_u64(max_segments, UINT32_MAX / BLK_PIECE_PAGE),
	};

	return limits.bytes < BLK_PIECE_MIN_BYTES || limits.pages < BLK_PIECE_MIN_PAGES ? none
											: limits;
}

static uint64_t page_offset(const void *base)
{
	return (uintptr_t)base % BLK_PIECE_PAGE;
}

static uint64_t pages_of(const struct iovec *iov)
{
	return (page_offset(iov->iov_base) + iov->iov_len + BLK_PIECE_PAGE - 1) / BLK_PIECE_PAGE;
}

/* How many whole buffers fit from @iov on; *ret_len is their length. */
static unsigned whole_buffers(const struct blk_piece_limits *limits, const struct iovec *iov,
			      unsigned nr, uint64_t *ret_len)
{
	uint64_t bytes = 0, pages = 0;
	unsigned n;

	for (n = 0; n < nr; n++) {
		pages += pages_of(&iov[n]);
		if (iov[n].iov_len > limits->bytes - bytes || pages > limits->pages)
			break;
		bytes += iov[n].iov_len;
	}
	*ret_len = bytes;
	return n;
}

bool blk_piece_needed(const struct blk_piece_limits *limits, const struct iovec *iov, unsigned nr)
{
	uint64_t len;

	return limits->bytes && whole_buffers(limits, iov, nr, &len) < nr;
}

struct blk_piece blk_piece_next(const struct blk_piece_limits *limits, uint32_t block_size,
				const struct iovec *iov, unsigned nr, struct blk_piece_place *place)
{
	const struct iovec *buffer = &iov[place->at];
	struct blk_piece piece = { 0 };
	uint64_t len = 0, room;

	if (!place->off)
		piece.nr = whole_buffers(limits, buffer, nr - place->at, &len);
	if (piece.nr) {
		piece.iov = buffer;
		piece.len = (size_t)len;
		place->at += piece.nr;
		return piece;
	}
	/* A part of a buffer: whole blocks, of which at least one fits any limits. */
	piece.nr = 1;
	piece.base = (uint8_t *)buffer->iov_base + place->off;
	room = (uint64_t)limits->pages * BLK_PIECE_PAGE - page_offset(piece.base);
	room = align_down(min_u64(room, limits->bytes), block_size);
	piece.len = (size_t)min_u64(buffer->iov_len - place->off, max_u64(room, block_size));
	place->off += piece.len;
	if (place->off == buffer->iov_len)
		*place = (struct blk_piece_place){ .at = place->at + 1 };
	return piece;
}
