/* SPDX-License-Identifier: BSD-3-Clause */
/* The packets of a virtio socket (Virtio 1.2, 5.10.6): a header in little endian, then payload. */
#ifndef COLDVM_DEVICES_VIRTIO_VSOCK_PACKET_H
#define COLDVM_DEVICES_VIRTIO_VSOCK_PACKET_H

#include <linux/virtio_vsock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/virtio/queue.h"

#define VSOCK_HOST_CID	    2
#define VSOCK_HEADER	    sizeof(struct virtio_vsock_hdr)
#define VSOCK_PAYLOAD_MAX   (64u << 10)
#define VSOCK_SHUTDOWN_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

/* A header in this machine's byte order. */
struct vsock_packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len; /* bytes of payload */
	uint16_t type, op;
	uint32_t flags;
	uint32_t buf_alloc, fwd_cnt; /* the sender's credit: Virtio 1.2, 5.10.6.3 */
};

/* The header at the start of what the guest sent. -EPROTO: it is not all there, or says more
 * payload than there is or than VSOCK_PAYLOAD_MAX. */
int vsock_packet_read(const struct virtq_chain *chain, struct vsock_packet *ret);
/* Writes @packet to the start of the guest's buffer, which has room for it. */
void vsock_packet_write(struct virtq_chain *chain, const struct vsock_packet *packet);
/* The @len bytes behind a header in @nr buffers at @iov: into @ret (VIRTQ_IOV_MAX of them), whose
 * number is returned. */
unsigned vsock_packet_payload(const struct iovec *iov, unsigned nr, size_t len, struct iovec *ret);

#endif
