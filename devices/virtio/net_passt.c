/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * passt's stream. It is read in large pieces and cut into frames, which are copied to the guest;
 * frames of the guest go out as they are. The rest of a frame of which the socket took a part is
 * kept here, so that the guest has its buffers back at once, and a reset cannot cut it off.
 */
#include "devices/virtio/net_passt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "devices/virtio/net_rx.h"
#include "vmm/bits.h"

#define LENGTH_LEN 4u
#define IN_SIZE	   KIB(128) /* a frame at least; many small ones for each call */

struct stream {
	struct net_backend base;
	size_t in_start, in_end;   /* of in[]: read, and not yet with the guest */
	size_t out_start, out_end; /* of out[]: the rest of a frame */
	uint8_t in[IN_SIZE];
	uint8_t out[LENGTH_LEN + NET_FRAME_MAX];
};

_Static_assert(IN_SIZE >= LENGTH_LEN + NET_FRAME_MAX, "the longest frame fits");

/* More of the stream: 1, 0 when there is none, or -errno. */
static int read_more(struct stream *stream)
{
	ssize_t len;

	if (stream->in_start) {
		memmove(stream->in, stream->in + stream->in_start,
			stream->in_end - stream->in_start);
		stream->in_end -= stream->in_start;
		stream->in_start = 0;
	}
	do
		len = recv(stream->base.fd, stream->in + stream->in_end, IN_SIZE - stream->in_end,
			   MSG_DONTWAIT);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (len == 0)
		return -EPIPE;
	stream->in_end += (size_t)len;
	return 1;
}

/* The length of the first frame, 0 if it is not there yet; -EBADMSG for one that none has. What is
 * behind such a length cannot be found any more. */
static ssize_t first_frame(const struct stream *stream)
{
	size_t there = stream->in_end - stream->in_start;
	uint32_t len;

	if (there < LENGTH_LEN)
		return 0;
	memcpy(&len, stream->in + stream->in_start, sizeof(len));
	len = ntohl(len);
	if (len < NET_FRAME_MIN || len > NET_FRAME_MAX)
		return -EBADMSG;
	return there - LENGTH_LEN < len ? 0 : (ssize_t)len;
}

static int stream_receive(struct net_backend *backend, struct net_rx *rx)
{
	static const uint8_t plain[NET_HDR_LEN]; /* nothing left to do for the guest */
	struct stream *stream = container_of(backend, struct stream, base);
	ssize_t len;
	int ret;

	while ((len = first_frame(stream)) == 0) {
		ret = read_more(stream);
		if (ret != 1)
			return ret;
	}
	if (len < 0)
		return (int)len;
	ret = net_rx_copy(rx, plain, stream->in + stream->in_start + LENGTH_LEN, (size_t)len);
	if (ret == 1)
		stream->in_start += LENGTH_LEN + (size_t)len;
	return ret ? ret : -EAGAIN;
}

/* What sendmsg(2) did not take: from byte @done of @iov on. */
static void keep_rest(struct stream *stream, const struct iovec *iov, unsigned nr, size_t done)
{
	stream->out_start = stream->out_end = 0;
	for (unsigned i = 0; i < nr; i++) {
		size_t skip = min_u64(done, iov[i].iov_len);

		done -= skip;
		memcpy(stream->out + stream->out_end, (const uint8_t *)iov[i].iov_base + skip,
		       iov[i].iov_len - skip);
		stream->out_end += iov[i].iov_len - skip;
	}
}

static int send_error(void)
{
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

static int stream_flush(struct net_backend *backend)
{
	struct stream *stream = container_of(backend, struct stream, base);

	while (stream->out_start < stream->out_end) {
		ssize_t done =
			send(backend->fd, stream->out + stream->out_start,
			     stream->out_end - stream->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return send_error();
		stream->out_start += (size_t)done;
	}
	return 0;
}

/* @iov without its first NET_HDR_LEN bytes, behind @length. Returns the number of parts. */
static unsigned frame_parts(struct iovec *parts, uint32_t *length, const struct iovec *iov,
			    unsigned nr)
{
	size_t skip = NET_HDR_LEN;
	unsigned n = 0;

	parts[n++] = (struct iovec){ .iov_base = length, .iov_len = sizeof(*length) };
	for (unsigned i = 0; i < nr; i++) {
		size_t part = min_u64(skip, iov[i].iov_len);

		skip -= part;
		if (iov[i].iov_len > part)
			parts[n++] = (struct iovec){
				.iov_base = (uint8_t *)iov[i].iov_base + part,
				.iov_len = iov[i].iov_len - part,
			};
	}
	return n;
}

static int stream_send(struct net_backend *backend, const struct iovec *iov, unsigned nr,
		       size_t len)
{
	struct stream *stream = container_of(backend, struct stream, base);
	struct iovec parts[VIRTQ_IOV_MAX + 1];
	struct msghdr msg = { .msg_iov = parts };
	uint32_t length;
	ssize_t done;
	int ret;

	if (len > NET_HDR_LEN + NET_FRAME_MAX)
		return -EMSGSIZE;
	ret = stream_flush(backend);
	if (ret)
		return ret;
	length = htonl((uint32_t)(len - NET_HDR_LEN));
	msg.msg_iovlen = frame_parts(parts, &length, iov, nr);
	do
		done = sendmsg(backend->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return send_error();
	if ((size_t)done < LENGTH_LEN + len - NET_HDR_LEN)
		keep_rest(stream, parts, (unsigned)msg.msg_iovlen, (size_t)done);
	return 0;
}

static void stream_close(struct net_backend *backend)
{
	struct stream *stream = container_of(backend, struct stream, base);

	close_fd(&backend->fd);
	free(stream);
}

static const struct net_backend_ops stream_ops = {
	.receive = stream_receive,
	.send = stream_send,
	.flush = stream_flush,
	.close = stream_close,
};

int net_passt_backend(int fd, struct net_backend **ret)
{
	/* Not cleared: pages that no stream needs are never there. */
	struct stream *stream = malloc(sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->base = (struct net_backend){ .ops = &stream_ops, .fd = fd };
	stream->in_start = stream->in_end = 0;
	stream->out_start = stream->out_end = 0;
	*ret = &stream->base;
	return 0;
}

bool net_passt_alive(const struct net_backend *backend)
{
	struct pollfd fd = { .fd = backend->fd, .events = POLLRDHUP };

	return poll(&fd, 1, 0) == 0;
}

int net_passt_absent(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	close(ends[1]);
	return ends[0];
}

static const char *connect_hint(int err)
{
	switch (err) {
	case ENOENT:
		return ": start passt with --socket and this path before";
	case ECONNREFUSED:
		return ": nobody listens there; passt ends with its first connection";
	default:
		return "";
	}
}

int net_passt_connect(const char *path, char *why, size_t why_len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret;

	if (!*path || strlen(path) >= sizeof(addr.sun_path)) {
		snprintf(why, why_len, "socket=%s: a path has 1 to %zu bytes", path,
			 sizeof(addr.sun_path) - 1);
		return -EINVAL;
	}
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	ret = -errno;
	snprintf(why, why_len, "cannot connect to %s: %s%s", path, strerror(-ret),
		 connect_hint(-ret));
	close_fd(&fd);
	return ret;
}
