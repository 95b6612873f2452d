/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user daemon that can lie. */
#include "tests/unit/daemon_rig.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

void daemon_rig_init(struct daemon_rig *daemon)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(daemon, 0, sizeof(*daemon));
	strcpy(daemon->dir, "/tmp/check_daemon.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->dir));
	snprintf(daemon->path, sizeof(daemon->path), "%s/d", daemon->dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", daemon->path);
	daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(daemon->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(daemon->listener, 1), 0);
	daemon->conn = -1;
	daemon->features = UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES |
			   UINT64_C(1) << VIRTIO_F_VERSION_1 |
			   UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX | UINT64_C(1) << 26;
	daemon->protocol = 0x7ff;
	daemon->nr_queues = 3;
}

/* The next message with its descriptors; false at the end. */
static bool receive(struct daemon_rig *daemon, struct daemon_message *in)
{
	char control[CMSG_SPACE(sizeof(in->fds))];
	struct iovec iov = { .iov_base = &in->message, .iov_len = VHOST_USER_HEADER };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(daemon->conn, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL) != VHOST_USER_HEADER)
		return false;
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg) {
		in->nr_fds = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(in->fds, CMSG_DATA(cmsg), in->nr_fds * sizeof(int));
	}
	/* A recv(2) of nothing would wait for more. */
	return !in->message.size || (in->message.size <= sizeof(in->message.payload) &&
				     recv(daemon->conn, &in->message.payload, in->message.size,
					  MSG_WAITALL) == (ssize_t)in->message.size);
}

/* The answer to @in; false: it needs none. */
static bool answer(const struct daemon_rig *daemon, const struct vhost_user_message *in,
		   struct vhost_user_message *out)
{
	*out = (struct vhost_user_message){
		.request = in->request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
		.size = sizeof(uint64_t),
	};
	switch (in->request) {
	case VHOST_USER_GET_FEATURES:
		out->payload.number = daemon->features;
		return true;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		out->payload.number = daemon->protocol;
		return true;
	case VHOST_USER_GET_QUEUE_NUM:
		out->payload.number = daemon->nr_queues;
		return true;
	case VHOST_USER_GET_VRING_BASE:
		out->payload.state = in->payload.state;
		return true;
	default:
		return in->flags & VHOST_USER_NEED_REPLY;
	}
}

/* Spoils an answer; false: it is not to be sent. */
static bool spoil(struct daemon_rig *daemon, struct vhost_user_message *out)
{
	switch (daemon->lie) {
	case DAEMON_SILENT:
		return false;
	case DAEMON_ENDS:
		shutdown(daemon->conn, SHUT_RDWR);
		return false;
	case DAEMON_ENDS_HALFWAY:
		ck_assert_int_eq(send(daemon->conn, out, 7, MSG_NOSIGNAL), 7);
		shutdown(daemon->conn, SHUT_RDWR);
		return false;
	case DAEMON_WRONG_REQUEST:
		out->request++;
		return true;
	case DAEMON_WRONG_SIZE:
		out->size = 4;
		return true;
	case DAEMON_HUGE_SIZE:
		out->size = UINT32_MAX;
		return true;
	case DAEMON_NO_REPLY_FLAG:
		out->flags &= ~VHOST_USER_REPLY;
		return true;
	case DAEMON_WRONG_VERSION:
		out->flags ^= 3;
		return true;
	case DAEMON_REFUSES:
		out->payload.number = 1;
		return true;
	case DAEMON_WRONG_INDEX:
		out->payload.state.index++;
		return true;
	default:
		return true;
	}
}

static void *serve(void *opaque)
{
	struct daemon_rig *daemon = opaque;

	while (daemon->nr < DAEMON_MAX_MESSAGES) {
		struct daemon_message *in = &daemon->messages[daemon->nr];
		struct vhost_user_message out;
		size_t len;

		if (!receive(daemon, in))
			break;
		daemon->nr++;
		if (!answer(daemon, &in->message, &out))
			continue;
		if (daemon->lie && in->message.request == daemon->lie_at) {
			if (!spoil(daemon, &out))
				continue;
		}
		len = VHOST_USER_HEADER + min_u64(out.size, sizeof(out.payload));
		if (send(daemon->conn, &out, len, MSG_NOSIGNAL) != (ssize_t)len)
			break;
	}
	return NULL;
}

static void *accept_and_serve(void *opaque)
{
	struct daemon_rig *daemon = opaque;

	daemon->conn = accept4(daemon->listener, NULL, NULL, SOCK_CLOEXEC);
	return daemon->conn < 0 ? NULL : serve(daemon);
}

void daemon_rig_start(struct daemon_rig *daemon)
{
	ck_assert_int_eq(pthread_create(&daemon->thread, NULL, accept_and_serve, daemon), 0);
}

void daemon_rig_die(struct daemon_rig *daemon)
{
	shutdown(daemon->conn, SHUT_RDWR);
}

void daemon_rig_exit(struct daemon_rig *daemon)
{
	/* Also when nobody has connected. */
	shutdown(daemon->listener, SHUT_RDWR);
	ck_assert_int_eq(pthread_join(daemon->thread, NULL), 0);
	for (unsigned i = 0; i < daemon->nr; i++)
		for (unsigned n = 0; n < daemon->messages[i].nr_fds; n++)
			close(daemon->messages[i].fds[n]);
	close_fd(&daemon->conn);
	close_fd(&daemon->listener);
	unlink(daemon->path);
	ck_assert_int_eq(rmdir(daemon->dir), 0);
}

unsigned daemon_rig_count(struct daemon_rig *daemon, uint32_t request,
			  const struct daemon_message **ret)
{
	unsigned count = 0;

	for (unsigned i = 0; i < daemon->nr; i++) {
		if (daemon->messages[i].message.request != request)
			continue;
		count++;
		if (ret)
			*ret = &daemon->messages[i];
	}
	return count;
}
