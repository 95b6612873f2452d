/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's end of a virtio socket: packets out of its tx queue, and into its rx queue. */
#include "devices/virtio/vsock_set.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

#define PACKETS_PER_ROUND 64
#define DELIVERIES	  16 /* of one connection in a round */

static struct virtq *rx_queue(struct vsock *vsock)
{
	return &vsock->device.queues[VSOCK_QUEUE_RX];
}

/* --- to the guest ------------------------------------------------------------------------------
 */

/* A buffer of the guest, in rx_chain, or false. */
static bool get_buffer(struct vsock *vsock)
{
	struct virtq *queue = rx_queue(vsock);
	int r = virtq_pop(queue, &vsock->rx_chain);

	if (r > 0 && vsock->rx_chain.in_len > VSOCK_HEADER)
		return true;
	if (r)
		virtio_device_break(&vsock->device, queue,
				    r < 0 ? queue->why : "a receive buffer that is too small");
	if (r > 0)
		virtq_unpop(queue);
	return false;
}

/* Gives the buffer back with @packet, and the payload that is in it. */
static void put_packet(struct vsock *vsock, struct vsock_packet *packet)
{
	packet->dst_cid = vsock->cid;
	vsock_packet_write(&vsock->rx_chain, packet);
	virtq_push(rx_queue(vsock), vsock->rx_chain.head, (uint32_t)VSOCK_HEADER + packet->len);
}

/* What @conn has to say besides data. False: the guest has no buffer. */
static bool tell_conn(struct vsock *vsock, struct vsock_conn *conn)
{
	struct vsock_packet packet;

	while (conn->pending) {
		if (!get_buffer(vsock))
			return false;
		if (!vsock_conn_next(conn, &packet)) {
			virtq_unpop(rx_queue(vsock));
			break;
		}
		put_packet(vsock, &packet);
	}
	return true;
}

/* One packet of data. False when there is no more to be done now. */
static bool deliver_one(struct vsock *vsock, struct vsock_conn *conn)
{
	struct virtq_chain *chain = &vsock->rx_chain;
	struct vsock_packet packet = { .op = VIRTIO_VSOCK_OP_RW };
	uint64_t room = min_u64(vsock_conn_room(conn), VSOCK_PAYLOAD_MAX);
	unsigned nr;

	if (!room)
		return false;
	conn->starved = !get_buffer(vsock);
	if (conn->starved)
		return false;
	room = min_u64(room, chain->in_len - VSOCK_HEADER);
	nr = vsock_packet_payload(virtq_chain_in(chain), chain->nr_in, room, vsock->iov);
	packet.len = (uint32_t)vsock_conn_read(conn, vsock->iov, nr);
	if (!packet.len) {
		virtq_unpop(rx_queue(vsock));
		return false;
	}
	vsock_conn_header(conn, &packet);
	put_packet(vsock, &packet);
	return true;
}

void vsock_deliver(struct vsock *vsock, struct vsock_conn *conn)
{
	/* A response comes before data. */
	conn->starved = !tell_conn(vsock, conn);
	if (conn->starved)
		return;
	for (unsigned i = 0; i < DELIVERIES; i++)
		if (!deliver_one(vsock, conn))
			break;
}

/* Answers packets without a connection. */
static void tell_resets(struct vsock *vsock)
{
	bool full = vsock->nr_resets == VSOCK_RESETS_MAX;
	unsigned told = 0;

	while (told < vsock->nr_resets && get_buffer(vsock))
		put_packet(vsock, &vsock->resets[told++]);
	vsock->nr_resets -= told;
	memmove(vsock->resets, vsock->resets + told, vsock->nr_resets * sizeof(vsock->resets[0]));
	/* The guest's packets have waited for this. */
	if (full && told)
		eventfd_write(vsock->device.queues[VSOCK_QUEUE_TX].kick_fd, 1);
}

void vsock_tell(struct vsock *vsock)
{
	tell_resets(vsock);
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		if (vsock->conns[i] && !tell_conn(vsock, vsock->conns[i]))
			break;
	virtq_signal(rx_queue(vsock));
}

/* --- from the guest ----------------------------------------------------------------------------
 */

/* Notes an answer to a packet that found nobody. There is room: packets are taken only then. */
static void reset_stranger(struct vsock *vsock, const struct vsock_packet *packet)
{
	if (packet->op == VIRTIO_VSOCK_OP_RST)
		return;
	vsock->resets[vsock->nr_resets++] = (struct vsock_packet){
		.src_cid = VSOCK_HOST_CID,
		.src_port = packet->dst_port,
		.dst_port = packet->src_port,
		.type = packet->type,
		.op = VIRTIO_VSOCK_OP_RST,
	};
}

static struct vsock_conn *find(struct vsock *vsock, const struct vsock_packet *packet)
{
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		struct vsock_conn *conn = vsock->conns[i];

		if (conn && conn->host_port == packet->dst_port &&
		    conn->guest_port == packet->src_port && conn->state != VSOCK_GREETING &&
		    conn->state != VSOCK_LINGERING && conn->state != VSOCK_OVER)
			return conn;
	}
	return NULL;
}

/* The guest connects to a port of the host. */
static void take_request(struct vsock *vsock, const struct vsock_packet *packet)
{
	struct vsock_conn *conn;
	int fd = -EMFILE;

	if (vsock->nr_conns < VSOCK_MAX_CONNECTIONS)
		fd = vsock_unix_dial(vsock->path, packet->dst_port);
	if (fd < 0) {
		if (vsock->nr_conns < VSOCK_MAX_CONNECTIONS)
			vsock_complain(vsock, -fd);
		reset_stranger(vsock, packet);
		return;
	}
	conn = vsock_add(vsock, vsock_conn_create(VSOCK_OPEN, fd));
	if (!conn) {
		reset_stranger(vsock, packet);
		return;
	}
	conn->host_port = packet->dst_port;
	conn->guest_port = packet->src_port;
	conn->pending = 1u << VIRTIO_VSOCK_OP_RESPONSE;
	vsock_conn_credit(conn, packet);
}

/* Which packets are answered and which dropped is as with Linux as the host
 * (drivers/vhost/vsock.c: vhost_vsock_handle_tx_kick();
 * net/vmw_vsock/virtio_transport_common.c: virtio_transport_recv_pkt()). */
static void take_packet(struct vsock *vsock, const struct virtq_chain *chain)
{
	struct vsock_packet packet;
	struct vsock_conn *conn;
	unsigned nr;

	if (vsock_packet_read(chain, &packet) < 0 || packet.src_cid != vsock->cid ||
	    packet.dst_cid != VSOCK_HOST_CID)
		return;
	if (packet.type != VIRTIO_VSOCK_TYPE_STREAM) {
		reset_stranger(vsock, &packet);
		return;
	}
	conn = find(vsock, &packet);
	if (!conn && packet.op == VIRTIO_VSOCK_OP_REQUEST) {
		take_request(vsock, &packet);
	} else if (!conn) {
		reset_stranger(vsock, &packet);
	} else {
		nr = vsock_packet_payload(chain->iov, chain->nr_out, packet.len, vsock->iov);
		vsock_conn_packet(conn, &packet, vsock->iov, nr);
	}
}

void vsock_take_packets(struct vsock *vsock)
{
	struct virtq *queue = &vsock->device.queues[VSOCK_QUEUE_TX];
	unsigned n;
	int r = 0;

	for (n = 0; n < PACKETS_PER_ROUND && vsock->nr_resets < VSOCK_RESETS_MAX; n++) {
		r = virtq_pop(queue, &vsock->tx_chain);
		if (r <= 0)
			break;
		take_packet(vsock, &vsock->tx_chain);
		virtq_push(queue, vsock->tx_chain.head, 0);
	}
	virtq_signal(queue);
	if (r < 0)
		virtio_device_break(&vsock->device, queue, queue->why);
	/* The rest after others had their turn. */
	if (n == PACKETS_PER_ROUND)
		eventfd_write(queue->kick_fd, 1);
}
