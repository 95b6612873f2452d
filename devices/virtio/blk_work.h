/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request at work: which io_uring operation comes next, and what the result of the last one
 * means. A request takes several operations when the host transfers less than asked, when a buffer
 * does not fit O_DIRECT, when it has several ranges, or when the host cannot do it the first way;
 * and several at once when the host takes large transfers in pieces only.
 */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_WORK_H
#define COLDVM_DEVICES_VIRTIO_BLK_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/virtio/blk_piece.h"
#include "devices/virtio/blk_request.h"
#include "devices/virtio/queue.h"

struct blk_image;
struct io_uring_sqe;

#define BLK_FEW_BUFFERS 4
#define BLK_ZERO_BLOCK	4096u
#define BLK_ZERO_BLOCKS 64u
/* A transfer has so many pieces in flight at most, and then waits its turn. */
#define BLK_MAX_PIECES 32u

/* Room for what does not fit a struct blk_work. */
union blk_many {
	struct iovec iov[VIRTQ_IOV_MAX];
	struct blk_range ranges[BLK_MAX_RANGES];
};

/* How a queue does things on its host; found out by trying. */
enum blk_way {
	BLK_WAY_URING_DISCARD, /* block devices, from Linux 6.12 on */
	BLK_WAY_IOCTL,	       /* BLKDISCARD: block devices, before */
	BLK_WAY_HOLE,	       /* fallocate(2), PUNCH_HOLE: zeroes without space */
	BLK_WAY_ZERO_RANGE,    /* fallocate(2), ZERO_RANGE: zeroes with space */
	BLK_WAY_BYTES,	       /* write them */
	BLK_WAY_NONE,
};

struct blk_host {
	const struct blk_image *image;
	bool writethrough; /* the driver does not flush: what is done must be on the disk */
	bool missing[BLK_WAY_NONE]; /* the host does not know this way */
	struct iovec *bounce;	    /* one buffer that fits O_DIRECT; NULL where none is needed */
	struct iovec zeroes[BLK_ZERO_BLOCKS]; /* all the same block */
};

struct blk_work {
	struct blk_work *next; /* free, or waiting for the bounce buffer */
	union blk_many *many;  /* NULL: none needed */
	struct blk_request request;
	uint64_t offset;  /* where in the image; ranges: of the rest of the current one */
	uint64_t left;	  /* bytes of IN and OUT, or of the current range */
	uint16_t nr;	  /* buffers or ranges */
	uint16_t at;	  /* the current one */
	uint8_t way;	  /* enum blk_way, of the current range */
	uint8_t tries;	  /* operations in a row that moved nothing */
	bool bounced;	  /* goes through host->bounce */
	int ioctl_result; /* of the last BLKDISCARD: 0 or -errno */
	bool syncing;	  /* the last operation is, or was, a sync */
	bool busy;	  /* an operation is in flight */
	struct {
		struct blk_piece_place next; /* what is prepared next */
		unsigned made;		     /* so far */
		unsigned in_flight;
		bool more;	/* not all are made */
		bool off;	/* one did not succeed: from here on in one piece */
		uint64_t asked; /* bytes of those made */
		uint64_t moved; /* bytes of those that have ended */
	} pieces;
	struct iovec few[BLK_FEW_BUFFERS];
};

/* Fills in @host, which the caller has zeroed but for image and bounce. */
void blk_host_init(struct blk_host *host);

/* True if the buffers of @iov cannot be given to the host as they are. */
bool blk_work_must_bounce(const struct blk_host *host, const struct iovec *iov, unsigned nr);
/* @work has its request, many and nr; its buffers or ranges are set. Before the first
 * blk_work_prepare(). */
void blk_work_begin(struct blk_work *work, const struct blk_host *host);
/* The next operation into @sqe, apart from its user data, on registered file 0. True: another one
 * can be prepared at once, and has to be before the work is done. */
bool blk_work_prepare(struct blk_work *work, struct blk_host *host, struct io_uring_sqe *sqe);
/* Takes an operation's result. 1: there is more to do; 0: done; -EINPROGRESS: others of it are in
 * flight, or to be prepared; another -errno: failed. */
int blk_work_result(struct blk_work *work, struct blk_host *host, int result);

#endif
