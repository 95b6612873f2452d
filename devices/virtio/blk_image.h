/* SPDX-License-Identifier: BSD-3-Clause */
/* The file or block device behind a disk: opened, checked, locked and measured. */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_IMAGE_H
#define COLDVM_DEVICES_VIRTIO_BLK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/blk_piece.h"

struct blk_image {
	int fd;
	bool readonly;
	bool direct;		 /* O_DIRECT: mem_align and block_size must be kept */
	bool device;		 /* a block device */
	uint64_t size;		 /* bytes, a multiple of block_size */
	uint32_t block_size;	 /* bytes, a power of two of 512 or more: the unit of access */
	uint32_t physical_block; /* bytes, block_size or more: what is written at once */
	uint32_t opt_io_size;	 /* bytes; 0: unknown */
	uint32_t mem_align;	 /* bytes, a power of two: of a buffer's address */
	bool discard;		 /* the host can give up the space of a range */
	uint32_t discard_align;	 /* bytes, a multiple of block_size */
	struct blk_piece_limits pieces; /* of transfers with O_DIRECT; else none */
};

struct blk_image_config {
	const char *path;
	bool readonly;
	bool direct;
};

/* 0, or -errno and one line for the user in @why that names the path. @name: for warnings. */
int blk_image_open(struct blk_image *image, const struct blk_image_config *config, const char *name,
		   char *why, size_t why_len);
/* The lock ends with it. An image that was never opened has fd -1. */
void blk_image_close(struct blk_image *image);

#endif
