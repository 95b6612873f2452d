/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream socket with passt at the other end: each frame behind its length, 32 bits big endian.
 * Frames are whole, with checksums: there are no headers for what is unfinished. */
#ifndef COLDVM_DEVICES_VIRTIO_NET_PASST_H
#define COLDVM_DEVICES_VIRTIO_NET_PASST_H

#include <stdbool.h>
#include <stddef.h>

#include "devices/virtio/net_frame.h"

/* Connects to a passt that listens at @path. The descriptor, or -errno with one line in @why. */
int net_passt_connect(const char *path, char *why, size_t why_len);
/* Takes the connected @fd over. -ENOMEM. */
int net_passt_backend(int fd, struct net_backend **ret);
/* False: passt has closed its end. Not while a thread uses it. */
bool net_passt_alive(const struct net_backend *backend);
/* A descriptor like that of a passt that has just closed its end; -errno. */
int net_passt_absent(void);

#endif
