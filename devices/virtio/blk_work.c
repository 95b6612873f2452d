/* SPDX-License-Identifier: BSD-3-Clause */
/* One request at work: the io_uring operations that carry it out. */
#include "devices/virtio/blk_work.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <string.h>
#include <sys/ioctl.h>

#include "devices/virtio/blk_image.h"
#include "vmm/bits.h"

/* linux/blkdev.h since Linux 6.12. */
#ifndef BLOCK_URING_CMD_DISCARD
#define BLOCK_URING_CMD_DISCARD _IO(0x12, 0)
#endif

#define MAX_TRIES     32
#define DISCARD_PIECE MIB(16)

/* Only ever read; a block of its own so that O_DIRECT takes it too. */
static const uint8_t zero_block[BLK_ZERO_BLOCK] __attribute__((aligned(BLK_ZERO_BLOCK)));

void blk_host_init(struct blk_host *host)
{
	for (unsigned i = 0; i < BLK_ZERO_BLOCKS; i++)
		host->zeroes[i] = (struct iovec){
			.iov_base = (void *)(uintptr_t)zero_block,
			.iov_len = BLK_ZERO_BLOCK,
		};
}

static struct iovec *buffers(struct blk_work *work)
{
	return work->many ? work->many->iov : work->few;
}

static bool is_transfer(const struct blk_work *work)
{
	return work->request.type == VIRTIO_BLK_T_IN || work->request.type == VIRTIO_BLK_T_OUT;
}

static bool is_range(const struct blk_work *work)
{
	return work->request.type == VIRTIO_BLK_T_DISCARD ||
	       work->request.type == VIRTIO_BLK_T_WRITE_ZEROES;
}

bool blk_work_must_bounce(const struct blk_host *host, const struct iovec *iov, unsigned nr)
{
	const struct blk_image *image = host->image;

	if (!image->direct)
		return false;
	for (unsigned i = 0; i < nr; i++)
		if ((uintptr_t)iov[i].iov_base & (image->mem_align - 1) ||
		    iov[i].iov_len & (image->block_size - 1))
			return true;
	return false;
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* What may follow @way for the current range when the host does not know it. */
static enum blk_way next_way(const struct blk_work *work, enum blk_way way)
{
	bool discard = work->request.type == VIRTIO_BLK_T_DISCARD;

	switch (way) {
	case BLK_WAY_URING_DISCARD:
		return BLK_WAY_IOCTL;
	case BLK_WAY_IOCTL:
		return BLK_WAY_HOLE;
	case BLK_WAY_HOLE:
		return discard ? BLK_WAY_NONE : BLK_WAY_ZERO_RANGE;
	case BLK_WAY_ZERO_RANGE:
		return BLK_WAY_BYTES;
	case BLK_WAY_BYTES:
	case BLK_WAY_NONE:
		break;
	}
	return BLK_WAY_NONE;
}

static enum blk_way known_way(const struct blk_work *work, const struct blk_host *host,
			      enum blk_way way)
{
	while (way != BLK_WAY_NONE && host->missing[way])
		way = next_way(work, way);
	return way;
}

static enum blk_way first_way(const struct blk_work *work, const struct blk_host *host)
{
	enum blk_way way = BLK_WAY_ZERO_RANGE;

	if (work->request.type == VIRTIO_BLK_T_DISCARD)
		way = host->image->device ? BLK_WAY_URING_DISCARD : BLK_WAY_HOLE;
	else if (work->many->ranges[work->at].unmap)
		way = BLK_WAY_HOLE;
	return known_way(work, host, way);
}

/* Goes to the first range from work->at on that is not empty. False: there is none. */
static bool begin_range(struct blk_work *work, const struct blk_host *host)
{
	for (; work->at < work->nr; work->at++) {
		const struct blk_range *range = &work->many->ranges[work->at];

		if (!range->len_sectors)
			continue;
		work->offset = range->offset;
		work->left = (uint64_t)range->len_sectors * BLK_SECTOR;
		work->way = (uint8_t)first_way(work, host);
		return true;
	}
	return false;
}

static void prepare_fallocate(struct blk_work *work, struct io_uring_sqe *sqe, int mode)
{
	io_uring_prep_fallocate(sqe, 0, mode | FALLOC_FL_KEEP_SIZE, (off_t)work->offset,
				(off_t)work->left);
}

static void prepare_zero_bytes(struct blk_work *work, struct blk_host *host,
			       struct io_uring_sqe *sqe)
{
	unsigned blocks = (unsigned)min_u64(work->left / BLK_ZERO_BLOCK, BLK_ZERO_BLOCKS);

	if (blocks)
		io_uring_prep_writev(sqe, 0, host->zeroes, blocks, work->offset);
	else
		io_uring_prep_write(sqe, 0, zero_block, (unsigned)work->left, work->offset);
}

/*
 * Before Linux 6.12 nothing but this call discards on a block device (vfs_fallocate() lets nobody
 * ask for FALLOC_FL_NO_HIDE_STALE), and it waits. It only makes the queue's own thread wait, a
 * piece a round: what else the guest has asked goes on in between.
 */
static void discard_piece(struct blk_work *work, const struct blk_host *host)
{
	uint64_t range[2] = { work->offset, min_u64(work->left, DISCARD_PIECE) };

	work->ioctl_result = ioctl(host->image->fd, BLKDISCARD, range) < 0 ? -errno : 0;
}

/* True if there is more of the range. */
static bool advance_range(struct blk_work *work, uint64_t len)
{
	work->offset += len;
	work->left -= min_u64(len, work->left);
	return work->left;
}

static void prepare_range(struct blk_work *work, struct blk_host *host, struct io_uring_sqe *sqe)
{
	switch ((enum blk_way)work->way) {
	case BLK_WAY_URING_DISCARD:
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, 0, NULL, 0, 0);
		sqe->cmd_op = BLOCK_URING_CMD_DISCARD;
		sqe->addr = work->offset;
		sqe->addr3 = work->left;
		break;
	case BLK_WAY_IOCTL:
		discard_piece(work, host);
		io_uring_prep_nop(sqe);
		break;
	case BLK_WAY_HOLE:
		prepare_fallocate(work, sqe, FALLOC_FL_PUNCH_HOLE);
		break;
	case BLK_WAY_ZERO_RANGE:
		prepare_fallocate(work, sqe, FALLOC_FL_ZERO_RANGE);
		break;
	case BLK_WAY_BYTES:
		prepare_zero_bytes(work, host, sqe);
		break;
	case BLK_WAY_NONE:
		/* The host knows no way: blk_work_result() says so. */
		io_uring_prep_nop(sqe);
		break;
	}
}

static int range_result(struct blk_work *work, struct blk_host *host, int result)
{
	if (work->way == BLK_WAY_NONE)
		return -EOPNOTSUPP;
	if (work->way == BLK_WAY_IOCTL)
		result = work->ioctl_result;
	if (work->way == BLK_WAY_BYTES) {
		if (result <= 0)
			return result ? result : -EIO;
		if (advance_range(work, (uint64_t)result))
			return 1;
	} else if (result < 0) {
		/* EINVAL is also what a way says to this range alone: not aligned for it. */
		if (result != -EOPNOTSUPP && result != -ENOTTY && result != -EINVAL &&
		    result != -ENOSYS)
			return result;
		if (result != -EINVAL)
			host->missing[work->way] = true;
		work->way = (uint8_t)known_way(work, host, next_way(work, work->way));
		return 1;
	}
	if (work->way == BLK_WAY_IOCTL && advance_range(work, DISCARD_PIECE))
		return 1;
	work->at++;
	return begin_range(work, host);
}

/* --- reading and writing ---------------------------------------------------------------------- */

/* Copies between the bounce buffer and the guest's buffers, from the current one on. */
static void copy_bounce(struct blk_work *work, const struct blk_host *host, size_t len, bool out)
{
	const struct iovec *iov = buffers(work) + work->at;
	uint8_t *bounce = host->bounce->iov_base;

	for (size_t done = 0; done < len; iov++) {
		size_t part = (size_t)min_u64(iov->iov_len, len - done);

		if (out)
			memcpy(bounce + done, iov->iov_base, part);
		else
			memcpy(iov->iov_base, bounce + done, part);
		done += part;
	}
}

/* A single buffer needs no vector, which the kernel would have to copy. Its length is that of an
 * unsigned: the guest's RAM may have longer ones. */
static void prepare_one(struct blk_work *work, struct io_uring_sqe *sqe, void *base, uint64_t len,
			uint64_t offset)
{
	unsigned size = (unsigned)min_u64(len, GIB(1));

	if (work->request.type == VIRTIO_BLK_T_OUT)
		io_uring_prep_write(sqe, 0, base, size, offset);
	else
		io_uring_prep_read(sqe, 0, base, size, offset);
}

static void prepare_buffers(struct blk_work *work, struct io_uring_sqe *sqe,
			    const struct iovec *iov, unsigned nr, uint64_t offset)
{
	if (nr == 1)
		prepare_one(work, sqe, iov->iov_base, iov->iov_len, offset);
	else if (work->request.type == VIRTIO_BLK_T_OUT)
		io_uring_prep_writev(sqe, 0, iov, nr, offset);
	else
		io_uring_prep_readv(sqe, 0, iov, nr, offset);
}

static void prepare_transfer(struct blk_work *work, const struct blk_host *host,
			     struct io_uring_sqe *sqe)
{
	bool out = work->request.type == VIRTIO_BLK_T_OUT;
	const struct iovec *iov = buffers(work) + work->at;
	unsigned nr = work->nr - work->at;
	struct iovec bounce;

	if (work->bounced) {
		bounce = *host->bounce;
		bounce.iov_len = (size_t)min_u64(bounce.iov_len, work->left);
		if (out)
			copy_bounce(work, host, bounce.iov_len, true);
		iov = &bounce;
		nr = 1;
	}
	prepare_buffers(work, sqe, iov, nr, work->offset);
}

/* Takes @len bytes off the buffers. */
static void advance(struct blk_work *work, uint64_t len)
{
	struct iovec *iov = buffers(work);

	work->offset += len;
	work->left -= len;
	while (len) {
		struct iovec *current = &iov[work->at];
		size_t part = (size_t)min_u64(current->iov_len, len);

		current->iov_base = (uint8_t *)current->iov_base + part;
		current->iov_len -= part;
		len -= part;
		if (!current->iov_len)
			work->at++;
	}
}

/* --- in pieces -------------------------------------------------------------------------------- */

static bool wants_pieces(struct blk_work *work, const struct blk_host *host)
{
	return !work->bounced && !work->pieces.off &&
	       blk_piece_needed(&host->image->pieces, buffers(work) + work->at,
				work->nr - work->at);
}

/* True if there is another one. */
static bool prepare_piece(struct blk_work *work, const struct blk_host *host,
			  struct io_uring_sqe *sqe)
{
	struct blk_piece piece;

	if (!work->pieces.made)
		work->pieces.next = (struct blk_piece_place){ .at = work->at };
	piece = blk_piece_next(&host->image->pieces, host->image->block_size, buffers(work),
			       work->nr, &work->pieces.next);
	if (piece.iov)
		prepare_buffers(work, sqe, piece.iov, piece.nr, work->offset + work->pieces.asked);
	else
		prepare_one(work, sqe, piece.base, piece.len, work->offset + work->pieces.asked);
	work->pieces.asked += piece.len;
	work->pieces.in_flight++;
	work->pieces.made++;
	work->pieces.more = work->pieces.next.at < work->nr && work->pieces.made < BLK_MAX_PIECES;
	return work->pieces.more;
}

/*
 * Only if all of them succeeded is the result theirs. Else the same bytes are transferred once
 * more, one operation after the other, whose results tell what is wrong and where.
 */
static int piece_result(struct blk_work *work, int result)
{
	uint64_t asked = work->pieces.asked;
	bool all;

	work->pieces.in_flight--;
	work->pieces.moved += result > 0 ? (uint64_t)result : 0;
	if (work->pieces.in_flight || work->pieces.more)
		return -EINPROGRESS;
	all = work->pieces.moved == asked;
	work->pieces.made = 0;
	work->pieces.asked = work->pieces.moved = 0;
	work->pieces.off = !all;
	if (all)
		advance(work, asked);
	return work->left != 0;
}

static int transfer_result(struct blk_work *work, const struct blk_host *host, int result)
{
	uint64_t len;

	/* Nothing at all: somebody has made the file shorter. */
	if (result <= 0)
		return result ? result : -EIO;
	len = min_u64((uint64_t)result, work->left);
	if (work->bounced && work->request.type == VIRTIO_BLK_T_IN)
		copy_bounce(work, host, (size_t)min_u64(len, host->bounce->iov_len), false);
	advance(work, len);
	if (!work->left)
		return 0;
	/* Less than a block was moved: the rest does not fit O_DIRECT any more. */
	if (!work->bounced)
		work->bounced =
			blk_work_must_bounce(host, buffers(work) + work->at, work->nr - work->at);
	return 1;
}

/* --- all of them ------------------------------------------------------------------------------ */

void blk_work_begin(struct blk_work *work, const struct blk_host *host)
{
	work->at = 0;
	work->tries = 0;
	work->bounced = false;
	work->syncing = work->request.type == VIRTIO_BLK_T_FLUSH;
	if (is_transfer(work)) {
		work->offset = work->request.sector * BLK_SECTOR;
		work->left = work->request.len;
		work->bounced = blk_work_must_bounce(host, buffers(work), work->nr);
		memset(&work->pieces, 0, sizeof(work->pieces));
	} else if (is_range(work)) {
		/* Nothing but empty ranges: there is a sync to do, at most. */
		work->syncing = !begin_range(work, host);
	}
}

bool blk_work_prepare(struct blk_work *work, struct blk_host *host, struct io_uring_sqe *sqe)
{
	bool more = false;

	if (work->syncing)
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
	else if (is_range(work))
		prepare_range(work, host, sqe);
	else if (work->pieces.more || wants_pieces(work, host))
		more = prepare_piece(work, host, sqe);
	else
		prepare_transfer(work, host, sqe);
	if (sqe->opcode != IORING_OP_NOP)
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	return more;
}

static int operation_result(struct blk_work *work, struct blk_host *host, int result)
{
	if (is_range(work))
		return range_result(work, host, result);
	if (work->pieces.in_flight)
		return piece_result(work, result);
	return transfer_result(work, host, result);
}

int blk_work_result(struct blk_work *work, struct blk_host *host, int result)
{
	int ret;

	if ((result == -EINTR || result == -EAGAIN) && !work->pieces.in_flight)
		return ++work->tries < MAX_TRIES ? 1 : result;
	work->tries = 0;
	if (work->syncing)
		return result < 0 ? result : 0;
	ret = operation_result(work, host, result);
	/* Virtio 1.2, 5.2.6.2: for a driver that does not flush, done means on the disk. */
	if (ret == 0 && host->writethrough && work->request.type != VIRTIO_BLK_T_IN) {
		work->syncing = true;
		return 1;
	}
	return ret;
}
