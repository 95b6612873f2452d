/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that look like a disk image of a format that coldvm does not read: only raw ones are. */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_FORMAT_H
#define COLDVM_DEVICES_VIRTIO_BLK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

struct blk_format {
	const char *name;   /* "a qcow2 image" */
	const char *remedy; /* a command, without the file's name */
};

/* Reads the first and the last bytes of @fd, which has @size bytes (512 or more). 0 and *ret is a
 * format that is not raw, or NULL; -errno of pread(2), -EIO when the file is shorter than @size.
 * Buffers fit O_DIRECT where blocks have up to 4096 bytes. */
int blk_format_detect(int fd, uint64_t size, const struct blk_format **ret);

#endif
