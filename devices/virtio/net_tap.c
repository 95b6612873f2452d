/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tap devices: frames pass between the kernel and the guest's buffers without a copy. Only when
 * the guest's free buffers might be too short for the frame, whose length a tap does not tell
 * before, is it read into memory of our own, and waits there until it fits.
 */
#include "devices/virtio/net_tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/virtio/net_rx.h"
#include "vmm/bits.h"

struct tap {
	struct net_backend base;
	uint8_t *parked; /* a header and a frame, and a byte too many; NULL until it is needed */
	size_t parked_len;
	uint8_t spill;
};

#define FULL_LEN (NET_HDR_LEN + NET_FRAME_MAX)

/* 1 with *ret_len, 0 when no frame is there, or -errno. */
static int read_frame(struct tap *tap, const struct iovec *iov, unsigned nr, size_t *ret_len)
{
	ssize_t len;

	do
		len = readv(tap->base.fd, iov, (int)nr);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (len == 0)
		return -EPIPE;
	*ret_len = (size_t)len;
	return 1;
}

static int receive_direct(struct tap *tap, struct net_rx *rx)
{
	struct iovec *iov;
	unsigned nr = net_rx_iov(rx, &iov, &tap->spill);
	size_t len = 0;
	int ret = read_frame(tap, iov, nr, &len);

	if (ret != 1)
		return ret;
	if (len < NET_HDR_LEN + NET_FRAME_MIN || len > net_rx_room(rx))
		rx->dropped++;
	else
		net_rx_done(rx, len);
	return 1;
}

static int park(struct tap *tap, struct net_rx *rx)
{
	struct iovec iov;
	int ret;

	if (!tap->parked)
		tap->parked = malloc(FULL_LEN + 1);
	if (!tap->parked)
		return -ENOMEM;
	iov = (struct iovec){ .iov_base = tap->parked, .iov_len = FULL_LEN + 1 };
	ret = read_frame(tap, &iov, 1, &tap->parked_len);
	if (ret == 1 &&
	    (tap->parked_len < NET_HDR_LEN + NET_FRAME_MIN || tap->parked_len > FULL_LEN)) {
		rx->dropped++;
		tap->parked_len = 0;
	}
	return ret;
}

static int deliver_parked(struct tap *tap, struct net_rx *rx)
{
	int ret = net_rx_copy(rx, tap->parked, tap->parked + NET_HDR_LEN,
			      tap->parked_len - NET_HDR_LEN);

	if (ret == 1)
		tap->parked_len = 0;
	return ret ? ret : -EAGAIN;
}

static int tap_receive(struct net_backend *backend, struct net_rx *rx)
{
	struct tap *tap = container_of(backend, struct tap, base);
	int ret;

	if (tap->parked_len)
		return deliver_parked(tap, rx);
	ret = net_rx_fill(rx, FULL_LEN);
	if (ret == 1)
		return receive_direct(tap, rx);
	if (ret == -EPROTO)
		return ret;
	/* Not one buffer: frames wait in the kernel, which drops them when they are too many. */
	if (ret == 0 && !rx->nr)
		return -EAGAIN;
	ret = park(tap, rx);
	if (ret != 1 || !tap->parked_len)
		return ret;
	return deliver_parked(tap, rx);
}

/* The kernel checks header and frame, and refuses them by many an error of its own; a tap that is
 * gone says EBADFD (drivers/net/tun.c: tun_chr_write_iter()). */
static int tap_send(struct net_backend *backend, const struct iovec *iov, unsigned nr, size_t len)
{
	ssize_t done;

	if (len > FULL_LEN)
		return -EMSGSIZE;
	do
		done = writev(backend->fd, iov, (int)nr);
	while (done < 0 && errno == EINTR);
	if (done >= 0)
		return 0;
	switch (errno) {
	case EAGAIN:
	case EBADFD:
	case EPIPE:
		return -errno;
	default:
		return -EMSGSIZE;
	}
}

/* The next driver may take no segments, as this one did. */
static void tap_forget(struct net_backend *backend)
{
	container_of(backend, struct tap, base)->parked_len = 0;
}

static void tap_close(struct net_backend *backend)
{
	struct tap *tap = container_of(backend, struct tap, base);

	close_fd(&backend->fd);
	free(tap->parked);
	free(tap);
}

static const struct net_backend_ops tap_ops = {
	.receive = tap_receive,
	.send = tap_send,
	.forget = tap_forget,
	.close = tap_close,
};

int net_tap_backend(int fd, struct net_backend **ret)
{
	struct tap *tap = calloc(1, sizeof(*tap));

	if (!tap)
		return -ENOMEM;
	tap->base = (struct net_backend){ .ops = &tap_ops, .fd = fd };
	*ret = &tap->base;
	return 0;
}
