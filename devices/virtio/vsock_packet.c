/* SPDX-License-Identifier: BSD-3-Clause */
/* The packets of a virtio socket. */
#include "devices/virtio/vsock_packet.h"

#include <endian.h>
#include <errno.h>

#include "vmm/bits.h"

int vsock_packet_read(const struct virtq_chain *chain, struct vsock_packet *ret)
{
	struct virtio_vsock_hdr header;

	if (virtq_chain_read(chain, 0, &header, sizeof(header)) != sizeof(header))
		return -EPROTO;
	*ret = (struct vsock_packet){
		.src_cid = le64toh(header.src_cid),
		.dst_cid = le64toh(header.dst_cid),
		.src_port = le32toh(header.src_port),
		.dst_port = le32toh(header.dst_port),
		.len = le32toh(header.len),
		.type = le16toh(header.type),
		.op = le16toh(header.op),
		.flags = le32toh(header.flags),
		.buf_alloc = le32toh(header.buf_alloc),
		.fwd_cnt = le32toh(header.fwd_cnt),
	};
	if (ret->len > VSOCK_PAYLOAD_MAX || ret->len > chain->out_len - sizeof(header))
		return -EPROTO;
	return 0;
}

void vsock_packet_write(struct virtq_chain *chain, const struct vsock_packet *packet)
{
	const struct virtio_vsock_hdr header = {
		.src_cid = htole64(packet->src_cid),
		.dst_cid = htole64(packet->dst_cid),
		.src_port = htole32(packet->src_port),
		.dst_port = htole32(packet->dst_port),
		.len = htole32(packet->len),
		.type = htole16(packet->type),
		.op = htole16(packet->op),
		.flags = htole32(packet->flags),
		.buf_alloc = htole32(packet->buf_alloc),
		.fwd_cnt = htole32(packet->fwd_cnt),
	};

	virtq_chain_write(chain, 0, &header, sizeof(header));
}

unsigned vsock_packet_payload(const struct iovec *iov, unsigned nr, size_t len, struct iovec *ret)
{
	size_t skip = VSOCK_HEADER;
	unsigned count = 0;

	for (unsigned i = 0; i < nr && len; i++) {
		size_t off = min_u64(skip, iov[i].iov_len);
		size_t part = min_u64(iov[i].iov_len - off, len);

		skip -= off;
		len -= part;
		if (part)
			ret[count++] = (struct iovec){
				.iov_base = (char *)iov[i].iov_base + off,
				.iov_len = part,
			};
	}
	return count;
}
