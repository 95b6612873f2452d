/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio socket device on a loop, the guest's driver for it, and programs of the host. The guest
 * here is one that says exactly what a test says, so nothing is answered by itself.
 */
#ifndef COLDVM_TESTS_VSOCK_RIG_H
#define COLDVM_TESTS_VSOCK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_vsock.h>

#include "devices/virtio/vsock.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/loop.h"

#define VSOCK_RIG_CID	  42
#define VSOCK_RIG_WAIT_MS 20000
#define VSOCK_RIG_CREDIT  (256u << 10) /* what the guest says it can hold */
#define VSOCK_RIG_PAYLOAD (64u << 10)

struct vsock_rig {
	struct virtio_rig virtio;
	struct loop loop;
	struct vsock *vsock;
	char dir[32], path[64];
	char why[200];
	unsigned rx_posted; /* buffers that wait in the rx ring */
	uint64_t rx_gpa[64], tx_gpa;
	uint64_t rx_of_head[64];
	uint32_t rx_len; /* bytes of each buffer, header included */
	uint32_t fwd_cnt, buf_alloc;
};

/* The last packet that the guest received. */
struct vsock_rig_packet {
	struct virtio_vsock_hdr header;
	uint8_t payload[VSOCK_RIG_PAYLOAD];
};

/* The device, started, without receive buffers. */
void vsock_rig_init(struct vsock_rig *rig);
void vsock_rig_exit(struct vsock_rig *rig);
int vsock_rig_create(struct vsock_rig *rig, const struct vsock_config *config);
/* Negotiates and posts @buffers receive buffers. */
void vsock_rig_start(struct vsock_rig *rig, unsigned buffers);
void vsock_rig_post(struct vsock_rig *rig, unsigned buffers);

/* The guest sends a packet and waits until it was taken. */
void vsock_rig_send(struct vsock_rig *rig, uint16_t op, uint32_t src_port, uint32_t dst_port,
		    uint32_t flags, const void *payload, uint32_t len);
/* The same with a header that a test has spoiled; @len: bytes of payload that are there. */
void vsock_rig_send_raw(struct vsock_rig *rig, const struct virtio_vsock_hdr *header,
			const void *payload, uint32_t len);
struct virtio_vsock_hdr vsock_rig_header(const struct vsock_rig *rig, uint16_t op,
					 uint32_t src_port, uint32_t dst_port);
/* The next packet, which must come, and its buffer goes back to the device. */
const struct vsock_rig_packet *vsock_rig_next(struct vsock_rig *rig);
/* The same, and it must be @op. */
const struct vsock_rig_packet *vsock_rig_expect(struct vsock_rig *rig, uint16_t op);

/* A program of the host connects to the device's socket; a descriptor that does not block. */
int vsock_rig_dial(struct vsock_rig *rig);
/* It writes @text. */
void vsock_rig_say(int fd, const char *text);
/* Runs the loop until @fd has given @len bytes, or ended: how many there were. */
size_t vsock_rig_read(struct vsock_rig *rig, int fd, void *data, size_t len);
/* A program of the host listens on the port, and takes a connection. */
int vsock_rig_listen(struct vsock_rig *rig, uint32_t port);
int vsock_rig_accept(struct vsock_rig *rig, int listener);

/* A connection from the host to the guest's @port; the host's port in *ret_port. */
int vsock_rig_connect(struct vsock_rig *rig, uint32_t port, uint32_t *ret_port);

#endif
