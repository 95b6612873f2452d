/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio socket (Virtio 1.2, 5.10) in the unix-socket form of Firecracker and cloud-hypervisor: a
 * host program connects to @socket, writes "CONNECT PORT\n" and reads "OK HOSTPORT\n"; a guest's
 * connect to (2, PORT) becomes a connect to "SOCKET_PORT". Streams only. Served by the main loop.
 */
#ifndef COLDVM_DEVICES_VIRTIO_VSOCK_H
#define COLDVM_DEVICES_VIRTIO_VSOCK_H

#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

struct loop;

#define VSOCK_MAX_CONNECTIONS 256 /* of both directions; more are refused (RST) */

struct vsock_config {
	const char *name;
	uint32_t cid;	    /* of the guest, 3 or more */
	const char *socket; /* path; made here, removed at the end */
	/* How long a host program may take for its CONNECT, and the guest for its answer; 0: 5. */
	unsigned time_limit_s;
};

struct vsock; /* vsock.c */

int vsock_create(const struct vsock_config *config, const struct memory *memory, struct loop *loop,
		 struct vsock **ret, char *why, size_t why_len);
struct virtio_device *vsock_device(struct vsock *vsock);
void vsock_destroy(struct vsock *vsock);

#endif
