/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection of a virtio socket.
 *
 * The ends of the two directions are kept apart, as a program that has sent its question and shut
 * that direction still waits for the answer:
 *
 *   the host program's shutdown or EOF    host_shut SEND, told behind its last byte
 *   the host program reads no more        host_shut RCV
 *   the guest's SHUTDOWN with SEND        shutdown(2) of the Unix socket behind the last byte
 *   the guest's SHUTDOWN with both        RST behind the last byte; the guest waits for it
 */
#include "devices/virtio/vsock_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/bits.h"

/* A guest that was told that both directions are over has that long to say so too (Linux:
 * VSOCK_CLOSE_TIMEOUT). */
#define CLOSE_NS UINT64_C(8000000000)

#define PENDING(op) (1u << VIRTIO_VSOCK_OP_##op)

struct vsock_conn *vsock_conn_create(enum vsock_state state, int fd)
{
	struct vsock_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->state = state;
	conn->fd = fd;
	return conn;
}

void vsock_conn_destroy(struct vsock_conn *conn)
{
	close_fd(&conn->fd);
	free(conn->buffer);
	free(conn);
}

void vsock_conn_reset(struct vsock_conn *conn)
{
	close_fd(&conn->fd);
	conn->state = VSOCK_RESET;
	conn->pending = PENDING(RST);
	conn->deadline_ns = 0;
}

/* --- from the guest ----------------------------------------------------------------------------
 */

/* Says more about which directions are over on the host's side. */
static void host_shuts(struct vsock_conn *conn, uint32_t flags)
{
	conn->host_shut |= flags;
	if (conn->state != VSOCK_OPEN || conn->host_shut == conn->host_shut_told)
		return;
	conn->pending |= PENDING(SHUTDOWN);
	if (conn->host_shut == VSOCK_SHUTDOWN_BOTH && !conn->deadline_ns)
		conn->deadline_ns = now_ns() + CLOSE_NS;
}

/* Less than half of what the guest may send is open to its knowledge: tell it about more. */
static void consider_update(struct vsock_conn *conn)
{
	uint32_t open = VSOCK_BUFFER - (conn->rx_cnt - conn->fwd_told);

	if (conn->state == VSOCK_OPEN && open < VSOCK_BUFFER / 2 && conn->fwd_cnt != conn->fwd_told)
		conn->pending |= PENDING(CREDIT_UPDATE);
}

static void passed_on(struct vsock_conn *conn, uint32_t len)
{
	conn->fwd_cnt += len;
	consider_update(conn);
}

/* All that the guest has sent is with the host program, or will never be. */
static void drained(struct vsock_conn *conn)
{
	if (conn->state == VSOCK_LINGERING) {
		conn->state = VSOCK_OVER;
	} else if (conn->guest_shut == VSOCK_SHUTDOWN_BOTH) {
		vsock_conn_reset(conn);
	} else if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND && !conn->end_sent) {
		conn->end_sent = true;
		/* ENOTCONN: the host program has gone, which its end of file says too. */
		if (shutdown(conn->fd, SHUT_WR) < 0 && errno != ENOTCONN)
			vsock_conn_reset(conn);
	}
}

/* The host program takes no more: what is left for it has nowhere to go. */
static void discard(struct vsock_conn *conn)
{
	passed_on(conn, conn->buffered);
	conn->buffered = 0;
	host_shuts(conn, VIRTIO_VSOCK_SHUTDOWN_RCV);
	drained(conn);
}

/* Bytes that the socket took, or -errno. */
static ssize_t send_some(int fd, struct iovec *iov, unsigned nr)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = nr };
	ssize_t done;

	do
		done = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EAGAIN ? 0 : -errno;
	return done;
}

void vsock_conn_flush(struct vsock_conn *conn)
{
	while (conn->buffered) {
		uint32_t part = (uint32_t)min_u64(conn->buffered, VSOCK_BUFFER - conn->buffer_at);
		struct iovec iov = { .iov_base = conn->buffer + conn->buffer_at, .iov_len = part };
		ssize_t done = send_some(conn->fd, &iov, 1);

		if (done < 0) {
			discard(conn);
			return;
		}
		if (done == 0)
			return;
		conn->buffer_at = (conn->buffer_at + (uint32_t)done) % VSOCK_BUFFER;
		conn->buffered -= (uint32_t)done;
		passed_on(conn, (uint32_t)done);
	}
	drained(conn);
}

/* Puts @len bytes at @data behind what is buffered; they fit, because credit said so. */
static void keep(struct vsock_conn *conn, const uint8_t *data, size_t len)
{
	uint32_t end = (conn->buffer_at + conn->buffered) % VSOCK_BUFFER;
	size_t first = min_u64(len, VSOCK_BUFFER - end);

	memcpy(conn->buffer + end, data, first);
	memcpy(conn->buffer, data + first, len - first);
	conn->buffered += (uint32_t)len;
}

/* Keeps what is in @iov behind @skip bytes. -ENOMEM. */
static int keep_rest(struct vsock_conn *conn, const struct iovec *iov, unsigned nr, size_t skip)
{
	if (!conn->buffer)
		conn->buffer = malloc(VSOCK_BUFFER);
	if (!conn->buffer)
		return -ENOMEM;
	for (unsigned i = 0; i < nr; i++) {
		size_t off = min_u64(skip, iov[i].iov_len);

		skip -= off;
		keep(conn, (const uint8_t *)iov[i].iov_base + off, iov[i].iov_len - off);
	}
	return 0;
}

/* Data of the guest. It goes to the socket straight from guest memory as far as that takes it. */
static void take_data(struct vsock_conn *conn, uint32_t len, struct iovec *iov, unsigned nr)
{
	ssize_t done = 0;

	/* More than it was given credit for, or after it said that nothing comes. */
	if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND ||
	    len > VSOCK_BUFFER - (conn->rx_cnt - conn->fwd_told)) {
		vsock_conn_reset(conn);
		return;
	}
	conn->rx_cnt += len;
	if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		passed_on(conn, len);
		return;
	}
	if (!conn->buffered && len)
		done = send_some(conn->fd, iov, nr);
	if (done < 0) {
		passed_on(conn, len);
		discard(conn);
		return;
	}
	passed_on(conn, (uint32_t)done);
	if (done < (ssize_t)len && keep_rest(conn, iov, nr, (size_t)done) < 0)
		vsock_conn_reset(conn);
}

static void guest_shuts(struct vsock_conn *conn, uint32_t flags)
{
	conn->guest_shut |= flags & VSOCK_SHUTDOWN_BOTH;
	/* The host program learns by EPIPE that nobody reads. */
	if (flags & VIRTIO_VSOCK_SHUTDOWN_RCV && shutdown(conn->fd, SHUT_RD) < 0 &&
	    errno != ENOTCONN)
		vsock_conn_reset(conn);
	else if (!conn->buffered)
		drained(conn);
}

static void guest_resets(struct vsock_conn *conn)
{
	conn->pending = 0;
	conn->deadline_ns = 0;
	conn->state = conn->buffered ? VSOCK_LINGERING : VSOCK_OVER;
}

/* The guest's answer to our request, or to the packet that it sent instead of one. */
static void take_answer(struct vsock_conn *conn, uint16_t op)
{
	if (op != VIRTIO_VSOCK_OP_RESPONSE) {
		vsock_conn_reset(conn);
		return;
	}
	conn->state = VSOCK_OPEN;
	conn->deadline_ns = 0;
	/* A program that did not wait for it may have said all it had to say. */
	if (vsock_line_answer(conn->fd, conn->host_port) < 0)
		discard(conn);
}

void vsock_conn_credit(struct vsock_conn *conn, const struct vsock_packet *packet)
{
	conn->guest_buf_alloc = packet->buf_alloc;
	conn->guest_fwd_cnt = packet->fwd_cnt;
	conn->credit_asked = false;
}

void vsock_conn_packet(struct vsock_conn *conn, const struct vsock_packet *packet,
		       struct iovec *iov, unsigned nr)
{
	if (conn->state == VSOCK_RESET)
		return; /* it crossed our RST */
	vsock_conn_credit(conn, packet);
	if (packet->op == VIRTIO_VSOCK_OP_RST)
		guest_resets(conn);
	else if (conn->state == VSOCK_REQUESTED)
		take_answer(conn, packet->op);
	else if (packet->op == VIRTIO_VSOCK_OP_RW)
		take_data(conn, packet->len, iov, nr);
	else if (packet->op == VIRTIO_VSOCK_OP_SHUTDOWN)
		guest_shuts(conn, packet->flags);
	else if (packet->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST)
		conn->pending |= PENDING(CREDIT_UPDATE);
	/* Anything else has no meaning here and is dropped, as Linux does
	 * (net/vmw_vsock/virtio_transport_common.c: virtio_transport_recv_connected()). */
}

/* --- to the guest ------------------------------------------------------------------------------
 */

void vsock_conn_hung_up(struct vsock_conn *conn)
{
	conn->hung_up = true;
	if (conn->state == VSOCK_LINGERING)
		conn->state = VSOCK_OVER;
	else if (conn->state == VSOCK_OPEN)
		discard(conn);
}

uint32_t vsock_conn_room(const struct vsock_conn *conn)
{
	uint32_t on_the_way = conn->tx_cnt - conn->guest_fwd_cnt;

	if (conn->state != VSOCK_OPEN || conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND ||
	    conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV || on_the_way >= conn->guest_buf_alloc)
		return 0;
	return conn->guest_buf_alloc - on_the_way;
}

size_t vsock_conn_read(struct vsock_conn *conn, struct iovec *iov, unsigned nr)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = nr };
	ssize_t done = recvmsg(conn->fd, &message, MSG_DONTWAIT);

	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (done <= 0) {
		/* ECONNRESET: it went away and left data of the guest unread. */
		host_shuts(conn, VIRTIO_VSOCK_SHUTDOWN_SEND);
		return 0;
	}
	conn->tx_cnt += (uint32_t)done;
	if (!vsock_conn_room(conn) && !conn->credit_asked) {
		conn->credit_asked = true;
		conn->pending |= PENDING(CREDIT_REQUEST);
	}
	return (size_t)done;
}

void vsock_conn_header(struct vsock_conn *conn, struct vsock_packet *packet)
{
	packet->src_cid = VSOCK_HOST_CID;
	packet->src_port = conn->host_port;
	packet->dst_port = conn->guest_port;
	packet->type = VIRTIO_VSOCK_TYPE_STREAM;
	packet->buf_alloc = VSOCK_BUFFER;
	packet->fwd_cnt = conn->fwd_cnt;
	conn->fwd_told = conn->fwd_cnt;
	conn->pending &= ~PENDING(CREDIT_UPDATE);
}

bool vsock_conn_next(struct vsock_conn *conn, struct vsock_packet *packet)
{
	static const uint16_t order[] = {
		VIRTIO_VSOCK_OP_RST,
		VIRTIO_VSOCK_OP_REQUEST,
		VIRTIO_VSOCK_OP_RESPONSE,
		VIRTIO_VSOCK_OP_CREDIT_UPDATE,
		VIRTIO_VSOCK_OP_CREDIT_REQUEST,
		VIRTIO_VSOCK_OP_SHUTDOWN,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		if (!(conn->pending & 1u << order[i]))
			continue;
		conn->pending &= ~(1u << order[i]);
		*packet = (struct vsock_packet){ .op = order[i] };
		vsock_conn_header(conn, packet);
		if (order[i] == VIRTIO_VSOCK_OP_SHUTDOWN)
			packet->flags = conn->host_shut_told = conn->host_shut;
		if (order[i] == VIRTIO_VSOCK_OP_RST)
			conn->state = VSOCK_OVER;
		return true;
	}
	return false;
}
