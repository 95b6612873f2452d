/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk image is used by one VM that writes, or by any number of those that read. */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_LOCK_H
#define COLDVM_DEVICES_VIRTIO_BLK_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Locks the whole of @fd against other open files, until its last descriptor is closed. -EBUSY when
 * somebody else holds it: @why then says who, as far as this user may see ("process 12 (coldvm)").
 * Other -errno: of fcntl(2), from file systems without locks. */
int blk_lock(int fd, bool shared, char *why, size_t why_len);

#endif
