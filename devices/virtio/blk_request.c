/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest asks of a disk. Header, data and status may be cut into buffers in any way (Virtio
 * 1.2, 2.7.4): they are found by counting bytes. The guest can change each of them while we look,
 * so each is copied before it is checked.
 */
#include "devices/virtio/blk_request.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>

#include "devices/virtio/queue.h"
#include "vmm/bits.h"

/* The last byte that the guest lets us write. */
static uint8_t *find_status(struct virtq_chain *chain)
{
	const struct iovec *in = virtq_chain_in(chain);

	for (unsigned i = chain->nr_in; i > 0; i--)
		if (in[i - 1].iov_len)
			return (uint8_t *)in[i - 1].iov_base + in[i - 1].iov_len - 1;
	return NULL;
}

static bool inside(const struct blk_limits *limits, uint64_t sector, uint64_t sectors)
{
	return sector <= limits->capacity && sectors <= limits->capacity - sector;
}

static int check_transfer(const struct blk_limits *limits, const struct blk_request *request)
{
	if (request->len % BLK_SECTOR ||
	    !inside(limits, request->sector, request->len / BLK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static int check_type(const struct blk_limits *limits, const struct virtq_chain *chain,
		      struct blk_request *request)
{
	uint64_t header = sizeof(struct virtio_blk_outhdr);

	switch (request->type) {
	case VIRTIO_BLK_T_IN:
		request->len = chain->in_len - 1;
		return check_transfer(limits, request);
	case VIRTIO_BLK_T_OUT:
		request->len = chain->out_len - header;
		return limits->readonly ? VIRTIO_BLK_S_IOERR : check_transfer(limits, request);
	case VIRTIO_BLK_T_FLUSH:
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		request->len = min_u64(chain->in_len - 1, VIRTIO_BLK_ID_BYTES);
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
		if (!limits->readonly && !limits->discard)
			return VIRTIO_BLK_S_UNSUPP;
		/* fall through */
	case VIRTIO_BLK_T_WRITE_ZEROES:
		request->len = chain->out_len - header;
		return limits->readonly ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
	}
	return VIRTIO_BLK_S_UNSUPP;
}

int blk_request_parse(const struct blk_limits *limits, struct virtq_chain *chain,
		      struct blk_request *ret)
{
	struct virtio_blk_outhdr header;

	*ret = (struct blk_request){
		.status = find_status(chain),
		.written = (uint32_t)chain->in_len,
		.head = chain->head,
	};
	if (!ret->status)
		return -EPROTO;
	if (virtq_chain_read(chain, 0, &header, sizeof(header)) != sizeof(header))
		return VIRTIO_BLK_S_IOERR;
	ret->type = le32toh(header.type);
	ret->sector = le64toh(header.sector);
	return check_type(limits, chain, ret);
}

/* Virtio 1.2, 5.2.6.2: bits that the device does not know, and unmap where it has no meaning. */
static bool flags_ok(uint32_t type, uint32_t flags)
{
	uint32_t known = type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	return !(flags & ~known);
}

int blk_request_ranges(const struct blk_limits *limits, const struct virtq_chain *chain,
		       const struct blk_request *request, struct blk_range *ranges,
		       unsigned *ret_nr)
{
	struct virtio_blk_discard_write_zeroes entry;
	uint64_t nr = request->len / sizeof(entry);

	if (!nr || nr > BLK_MAX_RANGES || request->len % sizeof(entry))
		return VIRTIO_BLK_S_IOERR;
	for (unsigned i = 0; i < nr; i++) {
		size_t off = sizeof(struct virtio_blk_outhdr) + i * sizeof(entry);
		uint64_t sector;
		uint32_t sectors, flags;

		if (virtq_chain_read(chain, off, &entry, sizeof(entry)) != sizeof(entry))
			return VIRTIO_BLK_S_IOERR;
		sector = le64toh(entry.sector);
		sectors = le32toh(entry.num_sectors);
		flags = le32toh(entry.flags);
		if (!flags_ok(request->type, flags))
			return VIRTIO_BLK_S_UNSUPP;
		if (sectors > BLK_MAX_SECTORS || !inside(limits, sector, sectors))
			return VIRTIO_BLK_S_IOERR;
		ranges[i] = (struct blk_range){
			.offset = sector * BLK_SECTOR,
			.len_sectors = sectors,
			.unmap = flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP,
		};
	}
	*ret_nr = (unsigned)nr;
	return VIRTIO_BLK_S_OK;
}

unsigned blk_request_data(struct virtq_chain *chain, const struct blk_request *request,
			  struct iovec *iov)
{
	bool in = request->type == VIRTIO_BLK_T_IN;
	const struct iovec *from = in ? virtq_chain_in(chain) : chain->iov;
	unsigned nr_from = in ? chain->nr_in : chain->nr_out, nr = 0;
	size_t skip = in ? 0 : sizeof(struct virtio_blk_outhdr);
	uint64_t left = request->len;

	for (unsigned i = 0; i < nr_from && left; i++) {
		size_t len = from[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		iov[nr].iov_base = (uint8_t *)from[i].iov_base + skip;
		iov[nr].iov_len = (size_t)min_u64(len - skip, left);
		left -= iov[nr++].iov_len;
		skip = 0;
	}
	return nr;
}
