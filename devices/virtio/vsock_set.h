/* SPDX-License-Identifier: BSD-3-Clause */
/* The connections of a virtio socket device and what else its parts share. Private to vsock*.c. */
#ifndef COLDVM_DEVICES_VIRTIO_VSOCK_SET_H
#define COLDVM_DEVICES_VIRTIO_VSOCK_SET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/vsock.h"
#include "devices/virtio/vsock_conn.h"
#include "vmm/loop.h"
#include "vmm/unix_socket.h"

#define VSOCK_QUEUE_RX	  0
#define VSOCK_QUEUE_TX	  1
#define VSOCK_QUEUE_EVENT 2
#define VSOCK_NR_QUEUES	  3
/* Packets that found no connection and are to be answered; the guest's next ones wait for room. */
#define VSOCK_RESETS_MAX 64

struct vsock {
	struct virtio_device device;
	struct loop *loop;
	/* An epoll of its own, as a descriptor of the main loop: a poll of io_uring reports the end
	 * of one direction again and again, whether it is asked for or not, and cannot be changed
	 * from another thread. */
	struct loop_source source;
	int timer_fd;
	char *path;
	uint64_t cid;
	unsigned time_limit_s;
	struct unix_socket listener;
	bool complained; /* about the host having no descriptors or memory left */

	pthread_mutex_t lock; /* of what follows; below the device's */
	bool running;
	bool listening; /* the listener is in the epoll */
	bool ticking;
	struct vsock_conn *conns[VSOCK_MAX_CONNECTIONS];
	unsigned nr_conns;
	uint32_t serial; /* makes the keys of connections differ */
	uint32_t next_port;
	struct vsock_packet resets[VSOCK_RESETS_MAX];
	unsigned nr_resets;
	struct virtq_chain tx_chain, rx_chain;
	struct iovec iov[VIRTQ_IOV_MAX];
};

/* --- vsock.c; lock held ------------------------------------------------------------------------
 */

/* A place for @conn, or NULL with its socket closed when there is none. NULL is fine. */
struct vsock_conn *vsock_add(struct vsock *vsock, struct vsock_conn *conn);
/* What @errnum means for the host: said once, unless it is of no interest. */
void vsock_complain(struct vsock *vsock, int errnum);

/* --- vsock_guest.c; lock held, device running --------------------------------------------------
 */

/* Takes packets of the guest. */
void vsock_take_packets(struct vsock *vsock);
/* The socket of @conn is readable: the guest gets what it has room for, a bounded part of it. */
void vsock_deliver(struct vsock *vsock, struct vsock_conn *conn);
/* Tells the guest what is pending. */
void vsock_tell(struct vsock *vsock);

#endif
