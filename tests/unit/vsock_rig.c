/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio socket device, its driver, and programs of the host. */
#include "tests/unit/vsock_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define RX	    0
#define TX	    1
#define HEADER	    sizeof(struct virtio_vsock_hdr)
#define MAX_BUFFERS 64

void vsock_rig_init(struct vsock_rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	virtio_rig_init(&rig->virtio, false);
	ck_assert_int_eq(loop_init(&rig->loop), 0);
	strcpy(rig->dir, "/tmp/check_vsock.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	snprintf(rig->path, sizeof(rig->path), "%s/v", rig->dir);
	rig->buf_alloc = VSOCK_RIG_CREDIT;
	rig->rx_len = HEADER + VSOCK_RIG_PAYLOAD;
	for (unsigned i = 0; i < MAX_BUFFERS; i++)
		rig->rx_gpa[i] = virtio_rig_alloc(&rig->virtio, rig->rx_len, 16);
	rig->tx_gpa = virtio_rig_alloc(&rig->virtio, HEADER + 2 * VSOCK_RIG_PAYLOAD, 16);
}

int vsock_rig_create(struct vsock_rig *rig, const struct vsock_config *config)
{
	return vsock_create(config, &rig->virtio.memory, &rig->loop, &rig->vsock, rig->why,
			    sizeof(rig->why));
}

void vsock_rig_start(struct vsock_rig *rig, unsigned buffers)
{
	virtio_rig_start(&rig->virtio, vsock_device(rig->vsock), UINT64_MAX, 3);
	rig->rx_posted = 0;
	vsock_rig_post(rig, buffers);
}

void vsock_rig_exit(struct vsock_rig *rig)
{
	vsock_destroy(rig->vsock);
	loop_exit(&rig->loop);
	virtio_rig_exit(&rig->virtio);
	ck_assert_int_eq(rmdir(rig->dir), 0);
}

static void post(struct vsock_rig *rig, uint64_t gpa)
{
	const struct virtio_rig_buffer buffer = { .gpa = gpa, .len = rig->rx_len, .write = true };
	uint16_t head = virtio_rig_add(&rig->virtio, RX, &buffer, 1);

	rig->rx_of_head[head] = gpa;
	rig->rx_posted++;
}

void vsock_rig_post(struct vsock_rig *rig, unsigned buffers)
{
	for (unsigned i = 0; i < buffers; i++)
		post(rig, rig->rx_gpa[i]);
	if (buffers)
		virtio_rig_kick(&rig->virtio, RX);
}

struct virtio_vsock_hdr vsock_rig_header(const struct vsock_rig *rig, uint16_t op,
					 uint32_t src_port, uint32_t dst_port)
{
	return (struct virtio_vsock_hdr){
		.src_cid = VSOCK_RIG_CID,
		.dst_cid = 2,
		.src_port = src_port,
		.dst_port = dst_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = rig->buf_alloc,
		.fwd_cnt = rig->fwd_cnt,
	};
}

void vsock_rig_send_raw(struct vsock_rig *rig, const struct virtio_vsock_hdr *header,
			const void *payload, uint32_t len)
{
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = rig->tx_gpa, .len = HEADER },
		{ .gpa = rig->tx_gpa + HEADER, .len = len },
	};

	memcpy(virtio_rig_at(&rig->virtio, rig->tx_gpa, HEADER), header, HEADER);
	if (len)
		memcpy(virtio_rig_at(&rig->virtio, rig->tx_gpa + HEADER, len), payload, len);
	virtio_rig_add(&rig->virtio, TX, buffers, len ? 2 : 1);
	virtio_rig_kick(&rig->virtio, TX);
	ck_assert(
		virtio_rig_loop_used(&rig->virtio, &rig->loop, TX, VSOCK_RIG_WAIT_MS, NULL, NULL));
}

void vsock_rig_send(struct vsock_rig *rig, uint16_t op, uint32_t src_port, uint32_t dst_port,
		    uint32_t flags, const void *payload, uint32_t len)
{
	struct virtio_vsock_hdr header = vsock_rig_header(rig, op, src_port, dst_port);

	header.flags = flags;
	header.len = len;
	vsock_rig_send_raw(rig, &header, payload, len);
}

const struct vsock_rig_packet *vsock_rig_next(struct vsock_rig *rig)
{
	static struct vsock_rig_packet packet;
	uint16_t head;
	uint32_t len;

	ck_assert(
		virtio_rig_loop_used(&rig->virtio, &rig->loop, RX, VSOCK_RIG_WAIT_MS, &head, &len));
	ck_assert_uint_ge(len, HEADER);
	ck_assert_uint_le(len, rig->rx_len);
	memcpy(&packet, virtio_rig_at(&rig->virtio, rig->rx_of_head[head], rig->rx_len), len);
	ck_assert_uint_eq(packet.header.len, len - HEADER);
	ck_assert_uint_eq(packet.header.src_cid, 2);
	ck_assert_uint_eq(packet.header.dst_cid, VSOCK_RIG_CID);
	rig->rx_posted--;
	post(rig, rig->rx_of_head[head]);
	virtio_rig_kick(&rig->virtio, RX);
	return &packet;
}

const struct vsock_rig_packet *vsock_rig_expect(struct vsock_rig *rig, uint16_t op)
{
	const struct vsock_rig_packet *packet = vsock_rig_next(rig);

	ck_assert_uint_eq(packet->header.op, op);
	return packet;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	return address;
}

int vsock_rig_dial(struct vsock_rig *rig)
{
	struct sockaddr_un address = address_of(rig->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void vsock_rig_say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Runs the loop until @fd is readable. */
static void wait_readable(struct vsock_rig *rig, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t end = now_ns() + VSOCK_RIG_WAIT_MS * UINT64_C(1000000);

	while (poll(&poll_fd, 1, 0) == 0) {
		ck_assert_uint_lt(now_ns(), end);
		virtio_rig_loop_run(&rig->loop, 1);
	}
}

size_t vsock_rig_read(struct vsock_rig *rig, int fd, void *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t done;

		wait_readable(rig, fd);
		done = recv(fd, (char *)data + got, len - got, MSG_DONTWAIT);
		if (done == 0 || (done < 0 && errno == ECONNRESET))
			break;
		ck_assert_int_gt(done, 0);
		got += (size_t)done;
	}
	return got;
}

int vsock_rig_listen(struct vsock_rig *rig, uint32_t port)
{
	char path[96];
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(path, sizeof(path), "%s_%" PRIu32, rig->path, port);
	address = address_of(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

/* The listener's file is gone afterwards. */
int vsock_rig_accept(struct vsock_rig *rig, int listener)
{
	struct sockaddr_un address;
	socklen_t len = sizeof(address);
	int fd;

	wait_readable(rig, listener);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(unlink(address.sun_path), 0);
	close(listener);
	return fd;
}

int vsock_rig_connect(struct vsock_rig *rig, uint32_t port, uint32_t *ret_port)
{
	const struct vsock_rig_packet *packet;
	char line[40], answer[40] = "";
	int fd = vsock_rig_dial(rig);
	size_t len;

	snprintf(line, sizeof(line), "CONNECT %" PRIu32 "\n", port);
	vsock_rig_say(fd, line);
	packet = vsock_rig_expect(rig, VIRTIO_VSOCK_OP_REQUEST);
	ck_assert_uint_eq(packet->header.dst_port, port);
	ck_assert_uint_eq(packet->header.type, VIRTIO_VSOCK_TYPE_STREAM);
	ck_assert_uint_eq(packet->header.buf_alloc, 64 << 10);
	*ret_port = packet->header.src_port;
	vsock_rig_send(rig, VIRTIO_VSOCK_OP_RESPONSE, port, *ret_port, 0, NULL, 0);
	len = (size_t)snprintf(line, sizeof(line), "OK %" PRIu32 "\n", *ret_port);
	ck_assert_uint_eq(vsock_rig_read(rig, fd, answer, len), len);
	ck_assert_str_eq(answer, line);
	return fd;
}
