/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front end of vhost-user.
 *
 * Every call has one deadline, however many messages it takes: it may run on a vCPU's thread. Where
 * the daemon can acknowledge (REPLY_ACK) each setting is, so that a refusal is seen; else the next
 * answer shows that those before were taken.
 */
#include "devices/virtio/vhost_user.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "devices/virtio/queue.h"
#include "devices/virtio/vhost_user_wire.h"
#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/unix_socket.h"

#define BIT(n) (UINT64_C(1) << (n))

static void set_deadline(struct vhost_user *user)
{
	user->deadline_ns = now_ns() + user->timeout_ms * UINT64_C(1000000);
}

void vhost_user_lose(struct vhost_user *user)
{
	/* ENOTCONN: the daemon was quicker. */
	if (user->fd >= 0)
		shutdown(user->fd, SHUT_RDWR);
}

/* --- messages ----------------------------------------------------------------------------------
 */

/* Waits until the socket is ready for @events. */
static int wait_for(const struct vhost_user *user, short events)
{
	struct pollfd poll_fd = { .fd = user->fd, .events = events };
	uint64_t now;
	int r;

	do {
		now = now_ns();
		if (now >= user->deadline_ns)
			return -ETIMEDOUT;
		r = poll(&poll_fd, 1, (int)((user->deadline_ns - now) / 1000000) + 1);
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 0;
}

/* -errno of @done, of send(2) or recv(2), or 0 to try again. */
static int try_again(const struct vhost_user *user, ssize_t done, short events)
{
	if (done == 0 || errno == EPIPE || errno == ECONNRESET)
		return -ECONNRESET;
	if (errno == EINTR)
		return 0;
	return errno == EAGAIN ? wait_for(user, events) : -errno;
}

/* Puts @nr descriptors beside a message. */
static void attach(struct msghdr *header, void *control, size_t control_len, const int *fds,
		   unsigned nr)
{
	struct cmsghdr *cmsg;

	memset(control, 0, control_len);
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(nr * sizeof(int));
	cmsg = CMSG_FIRSTHDR(header);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
}

static int send_message(struct vhost_user *user, struct vhost_user_message *message, const int *fds,
			unsigned nr_fds)
{
	char control[CMSG_SPACE(VHOST_USER_MAX_REGIONS * sizeof(int))];
	size_t len = VHOST_USER_HEADER + message->size, sent = 0;

	message->flags |= VHOST_USER_VERSION;
	while (sent < len) {
		struct iovec iov = { .iov_base = (char *)message + sent, .iov_len = len - sent };
		struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t done;
		int r;

		/* They go with the first byte. */
		if (nr_fds && !sent)
			attach(&header, control, sizeof(control), fds, nr_fds);
		done = sendmsg(user->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done > 0) {
			sent += (size_t)done;
			continue;
		}
		r = try_again(user, done, POLLOUT);
		if (r < 0)
			return r;
	}
	return 0;
}

static int receive(struct vhost_user *user, void *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t done = recv(user->fd, (char *)data + got, len - got, MSG_DONTWAIT);
		int r;

		if (done > 0) {
			got += (size_t)done;
			continue;
		}
		r = try_again(user, done, POLLIN);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The answer to @request, whose payload has @len bytes. Descriptors beside it are dropped by the
 * kernel, since no room for them is offered. */
static int receive_reply(struct vhost_user *user, uint32_t request, void *payload, uint32_t len)
{
	struct vhost_user_message reply;
	int r = receive(user, &reply, VHOST_USER_HEADER);

	if (r < 0)
		return r;
	if (reply.request != request || reply.size != len || !(reply.flags & VHOST_USER_REPLY) ||
	    (reply.flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return -EPROTO;
	return receive(user, payload, len);
}

static int acknowledged(struct vhost_user *user, uint32_t request)
{
	uint64_t refused;
	int r = receive_reply(user, request, &refused, sizeof(refused));

	if (r < 0)
		return r;
	return refused ? -EREMOTEIO : 0;
}

/* A failure is for good: what comes later could not be told from a late answer. */
static int finish(struct vhost_user *user, int r)
{
	if (r >= 0)
		return 0;
	user->lost = true;
	vhost_user_lose(user);
	return r;
}

/* Sends a setting, and hears whether it was taken, if the daemon says so. */
static int set_with(struct vhost_user *user, struct vhost_user_message *message, const int *fds,
		    unsigned nr_fds)
{
	bool ack = user->protocol & BIT(VHOST_USER_PROTOCOL_REPLY_ACK);
	int r;

	if (user->lost)
		return -ENOTCONN;
	if (ack)
		message->flags |= VHOST_USER_NEED_REPLY;
	r = send_message(user, message, fds, nr_fds);
	if (r == 0 && ack)
		r = acknowledged(user, message->request);
	return finish(user, r);
}

static int set_number(struct vhost_user *user, uint32_t request, uint64_t number)
{
	struct vhost_user_message message = { .request = request, .size = sizeof(number) };

	message.payload.number = number;
	return set_with(user, &message, NULL, 0);
}

static int get_number(struct vhost_user *user, uint32_t request, uint64_t *ret)
{
	struct vhost_user_message message = { .request = request };
	int r;

	if (user->lost)
		return -ENOTCONN;
	r = send_message(user, &message, NULL, 0);
	if (r == 0)
		r = receive_reply(user, request, ret, sizeof(*ret));
	return finish(user, r);
}

static int set_state(struct vhost_user *user, uint32_t request, unsigned index, unsigned num)
{
	struct vhost_user_message message = {
		.request = request,
		.size = sizeof(struct vhost_vring_state),
	};

	message.payload.state = (struct vhost_vring_state){ .index = index, .num = num };
	return set_with(user, &message, NULL, 0);
}

/* --- life --------------------------------------------------------------------------------------
 */

static int agree(struct vhost_user *user)
{
	uint64_t wanted = BIT(VHOST_USER_PROTOCOL_MQ) | BIT(VHOST_USER_PROTOCOL_REPLY_ACK);
	uint64_t protocol = 0;
	int r = get_number(user, VHOST_USER_GET_FEATURES, &user->features);

	if (r == 0 && user->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)) {
		r = get_number(user, VHOST_USER_GET_PROTOCOL_FEATURES, &protocol);
		protocol &= wanted;
		if (r == 0)
			r = set_number(user, VHOST_USER_SET_PROTOCOL_FEATURES, protocol);
	}
	user->protocol = protocol;
	if (r == 0 && protocol & BIT(VHOST_USER_PROTOCOL_MQ))
		r = get_number(user, VHOST_USER_GET_QUEUE_NUM, &user->nr_queues);
	if (r == 0) {
		struct vhost_user_message message = { .request = VHOST_USER_SET_OWNER };

		r = set_with(user, &message, NULL, 0);
	}
	return r;
}

int vhost_user_init(struct vhost_user *user, const char *path, unsigned timeout_ms)
{
	*user = (struct vhost_user){
		.fd = unix_socket_dial(path),
		.timeout_ms = timeout_ms,
		.nr_queues = UINT64_MAX,
	};
	if (user->fd < 0)
		return user->fd;
	set_deadline(user);
	return agree(user);
}

bool vhost_user_alive(const struct vhost_user *user)
{
	struct pollfd poll_fd = { .fd = user->fd, .events = POLLRDHUP };

	return user->fd >= 0 && !user->lost && poll(&poll_fd, 1, 0) == 0;
}

void vhost_user_exit(struct vhost_user *user)
{
	close_fd(&user->fd);
}

/* --- start and stop ----------------------------------------------------------------------------
 */

static int set_memory(struct vhost_user *user, const struct memory *memory)
{
	struct vhost_user_message message = { .request = VHOST_USER_SET_MEM_TABLE };
	struct vhost_user_memory table = { .nr = memory->nr_ram };
	int fds[VHOST_USER_MAX_REGIONS];

	if (memory->nr_ram > VHOST_USER_MAX_REGIONS)
		return -ENOSPC;
	for (unsigned i = 0; i < memory->nr_ram; i++) {
		const struct memory_region *ram = &memory->ram[i];

		table.regions[i] = (struct vhost_user_region){
			.guest_addr = ram->gpa,
			.size = ram->size,
			.user_addr = VHOST_USER_RAM + ram->gpa,
			.mmap_offset = ram->fd_at,
		};
		fds[i] = ram->fd;
	}
	message.payload.memory = table;
	message.size = (uint32_t)(offsetof(struct vhost_user_memory, regions) +
				  memory->nr_ram * sizeof(table.regions[0]));
	return set_with(user, &message, fds, memory->nr_ram);
}

/* The daemon has each region where it likes: a part of a ring that goes from one to the next would
 * go on in whatever lies behind the first. */
static bool ring_in_regions(const struct memory *memory, const struct virtq *queue)
{
	uint64_t n = queue->size;

	return memory_region_at(memory, queue->desc, n * sizeof(struct vring_desc)) &&
	       memory_region_at(memory, queue->avail, 6 + 2 * n) &&
	       memory_region_at(memory, queue->used, 6 + n * sizeof(struct vring_used_elem));
}

/* As VHOST_USER_RAM says. */
static int set_addresses(struct vhost_user *user, const struct virtq *queue)
{
	struct vhost_user_message message = {
		.request = VHOST_USER_SET_VRING_ADDR,
		.size = sizeof(struct vhost_vring_addr),
	};

	message.payload.addr = (struct vhost_vring_addr){
		.index = queue->index,
		.desc_user_addr = VHOST_USER_RAM + queue->desc,
		.avail_user_addr = VHOST_USER_RAM + queue->avail,
		.used_user_addr = VHOST_USER_RAM + queue->used,
	};
	return set_with(user, &message, NULL, 0);
}

static int set_eventfd(struct vhost_user *user, uint32_t request, unsigned index, int fd)
{
	struct vhost_user_message message = { .request = request, .size = sizeof(uint64_t) };

	message.payload.number = fd < 0 ? index | VHOST_USER_VRING_NO_FD : index;
	return set_with(user, &message, &fd, fd < 0 ? 0 : 1);
}

static int start_queue(struct vhost_user *user, const struct virtq *queue)
{
	int r = set_state(user, VHOST_USER_SET_VRING_NUM, queue->index, queue->size);

	if (r == 0)
		r = set_state(user, VHOST_USER_SET_VRING_BASE, queue->index, 0);
	if (r == 0)
		r = set_addresses(user, queue);
	if (r == 0)
		r = set_eventfd(user, VHOST_USER_SET_VRING_CALL, queue->index, queue->call_fd);
	if (r == 0)
		r = set_eventfd(user, VHOST_USER_SET_VRING_KICK, queue->index, queue->kick_fd);
	/* Without protocol features a ring is enabled from its start. */
	if (r == 0 && user->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES))
		r = set_state(user, VHOST_USER_SET_VRING_ENABLE, queue->index, 1);
	return r;
}

int vhost_user_start(struct vhost_user *user, const struct memory *memory, uint64_t accepted,
		     const struct virtq *queues, unsigned nr)
{
	uint64_t own = user->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	int r;

	if (!memory_is_shared(memory))
		return -ENOTSUP;
	for (unsigned i = 0; i < nr; i++)
		if (queues[i].enabled && !ring_in_regions(memory, &queues[i]))
			return -EFAULT;
	set_deadline(user);
	r = set_number(user, VHOST_USER_SET_FEATURES, accepted | own);
	if (r == 0)
		r = set_memory(user, memory);
	for (unsigned i = 0; r == 0 && i < nr; i++)
		if (queues[i].enabled)
			r = start_queue(user, &queues[i]);
	return r;
}

/* The answer to GET_VRING_BASE is the daemon's word that it is done with the ring. */
static int stop_queue(struct vhost_user *user, const struct virtq *queue)
{
	struct vhost_user_message message = {
		.request = VHOST_USER_GET_VRING_BASE,
		.size = sizeof(struct vhost_vring_state),
	};
	struct vhost_vring_state state;
	int r;

	if (user->lost)
		return -ENOTCONN;
	message.payload.state.index = queue->index;
	r = send_message(user, &message, NULL, 0);
	if (r == 0)
		r = receive_reply(user, message.request, &state, sizeof(state));
	if (r == 0 && state.index != queue->index)
		r = -EPROTO;
	return finish(user, r);
}

int vhost_user_stop(struct vhost_user *user, const struct virtq *queues, unsigned nr)
{
	int r = 0;

	set_deadline(user);
	for (unsigned i = 0; r == 0 && i < nr; i++)
		if (queues[i].enabled)
			r = stop_queue(user, &queues[i]);
	return r;
}
