/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection of a virtio socket, between the guest's packets and a Unix socket: how far it has
 * come, who has shut which direction, credit, and the bytes that the Unix socket has not taken yet.
 *
 * It knows neither rings nor other connections. What the guest has to be told is noted in
 * @pending and taken by vsock_conn_next(). All of it under the device's lock.
 *
 * Credit (Virtio 1.2, 5.10.6.3): each side counts the bytes that it has sent (tx_cnt), and the
 * other tells how many it has passed on (fwd_cnt) and how many it can hold (buf_alloc).
 */
#ifndef COLDVM_DEVICES_VIRTIO_VSOCK_CONN_H
#define COLDVM_DEVICES_VIRTIO_VSOCK_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/virtio/vsock_packet.h"
#include "devices/virtio/vsock_unix.h"

#define VSOCK_BUFFER (64u << 10) /* bytes that a guest may send ahead */

enum vsock_state {
	VSOCK_GREETING,	 /* the host program has not yet said CONNECT */
	VSOCK_REQUESTED, /* the guest has to answer */
	VSOCK_OPEN,
	VSOCK_LINGERING, /* over for the guest; the host program gets what is left for it */
	VSOCK_RESET,	 /* over, the guest is to be told; no socket */
	VSOCK_OVER,	 /* nothing is left to be done */
};

struct vsock_conn {
	enum vsock_state state;
	uint32_t host_port, guest_port;
	int fd;		      /* -1: closed */
	unsigned pending;     /* 1 << VIRTIO_VSOCK_OP_*, for the guest */
	uint64_t deadline_ns; /* 0: none; then it is given up */
	struct vsock_line line;

	/* VIRTIO_VSOCK_SHUTDOWN_*, in the words of who says it. */
	uint32_t host_shut, host_shut_told, guest_shut;
	bool end_sent; /* the guest's SEND has become the Unix socket's */
	bool hung_up;  /* POLLHUP was seen: it would be reported without end */

	uint32_t guest_buf_alloc, guest_fwd_cnt, tx_cnt; /* towards the guest */
	bool credit_asked;
	uint32_t rx_cnt, fwd_cnt, fwd_told; /* from the guest */
	uint8_t *buffer;		    /* VSOCK_BUFFER bytes, a ring; NULL: not needed yet */
	uint32_t buffered, buffer_at;

	/* Private to the device. */
	uint64_t key;
	uint32_t watched; /* EPOLL* */
	bool in_epoll;
	bool starved; /* has something for the guest, which had no buffer */
};

/* Takes @fd over; -1 for one that only resets. NULL: no memory. */
struct vsock_conn *vsock_conn_create(enum vsock_state state, int fd);
void vsock_conn_destroy(struct vsock_conn *conn);

/* A packet of the guest for this connection; @iov: its @packet->len bytes of payload. */
void vsock_conn_packet(struct vsock_conn *conn, const struct vsock_packet *packet,
		       struct iovec *iov, unsigned nr);
/* What a packet says about the guest's credit. */
void vsock_conn_credit(struct vsock_conn *conn, const struct vsock_packet *packet);
/* Gives it up: the socket is closed, the guest will be told. */
void vsock_conn_reset(struct vsock_conn *conn);

/* The socket takes data: sends what is left for it. */
void vsock_conn_flush(struct vsock_conn *conn);
/* POLLHUP: the host program has gone, or both directions are over. */
void vsock_conn_hung_up(struct vsock_conn *conn);

/* Bytes that the guest has room for; 0 also when nothing may be read any more. */
uint32_t vsock_conn_room(const struct vsock_conn *conn);
/* Reads at most the room into @iov, and counts it as sent. 0: nothing now, or the end, which is
 * noted. */
size_t vsock_conn_read(struct vsock_conn *conn, struct iovec *iov, unsigned nr);
/* Fills what every packet to the guest has: addresses and our credit. */
void vsock_conn_header(struct vsock_conn *conn, struct vsock_packet *packet);
/* The next packet that the guest has to be told, or false. */
bool vsock_conn_next(struct vsock_conn *conn, struct vsock_packet *packet);

#endif
