/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio socket: the device, and the round that the main loop calls.
 *
 *   host program   --CONNECT PORT-->  vsock_unix.c  --REQUEST-->   guest     RESPONSE: "OK PORT"
 *   guest          --REQUEST-->       SOCKET_PORT is dialled       guest <-- RESPONSE or RST
 *   then           bytes both ways    vsock_conn.c, as far as each side's credit goes
 *
 * A round takes what is ready, tells the guest what came of it, and then sets what is waited for.
 * The guest's reset, on a vCPU thread, closes all connections at once.
 */
#include "devices/virtio/vsock_set.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include <linux/virtio_ids.h>

#include "vmm/bits.h"
#include "vmm/log.h"

#define QUEUE_SIZE	  256
#define PCI_CLASS_COMM	  0x078000   /* communication controller, other */
#define FIRST_PORT	  (1u << 30) /* of host programs; below are those that somebody listens on */
#define MIN_CID		  3
#define SECOND		  UINT64_C(1000000000)
#define TIME_LIMIT_S	  5
#define EVENTS_PER_ROUND  64
#define ACCEPTS_PER_ROUND 16

/* Keys of what is waited for; those of connections are above. */
enum { KEY_LISTENER, KEY_RX, KEY_TX, KEY_TIMER, NR_KEYS };

static struct vsock *vsock_of(struct virtio_device *device)
{
	return container_of(device, struct vsock, device);
}

void vsock_complain(struct vsock *vsock, int errnum)
{
	/* Nobody listens there just now: that is the guest's business. */
	if (errnum == ENOENT || errnum == ECONNREFUSED || errnum == EAGAIN || vsock->complained)
		return;
	vsock->complained = true;
	log_warn(vsock->device.name, "a connection failed on the host: %s", strerror(errnum));
}

/* --- connections -------------------------------------------------------------------------------
 */

struct vsock_conn *vsock_add(struct vsock *vsock, struct vsock_conn *conn)
{
	unsigned slot = 0;

	if (!conn)
		return NULL;
	while (slot < VSOCK_MAX_CONNECTIONS && vsock->conns[slot])
		slot++;
	if (slot == VSOCK_MAX_CONNECTIONS) {
		vsock_conn_destroy(conn);
		return NULL;
	}
	vsock->conns[slot] = conn;
	vsock->nr_conns++;
	/* A serial of 0 is left to the keys above. */
	if (!++vsock->serial)
		vsock->serial = 1;
	conn->key = (uint64_t)vsock->serial << 32 | slot;
	return conn;
}

static void drop(struct vsock *vsock, unsigned slot)
{
	vsock_conn_destroy(vsock->conns[slot]);
	vsock->conns[slot] = NULL;
	vsock->nr_conns--;
}

/* EPOLL* that @conn is waited for with; EPOLLHUP comes by itself. */
static uint32_t wanted(const struct vsock_conn *conn)
{
	uint32_t events = 0;

	if (conn->state == VSOCK_GREETING || (vsock_conn_room(conn) && !conn->starved))
		events |= EPOLLIN;
	if (conn->buffered)
		events |= EPOLLOUT;
	return events;
}

/* A socket that has hung up says so for ever, so it is watched only for what can still be done. */
static int watch_conn(struct vsock *vsock, struct vsock_conn *conn)
{
	struct epoll_event event = { .events = wanted(conn), .data.u64 = conn->key };
	bool in = event.events || !conn->hung_up;
	int op = conn->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (conn->fd < 0 || (in == conn->in_epoll && event.events == conn->watched))
		return 0;
	if (in || conn->in_epoll)
		if (epoll_ctl(vsock->source.fd, in ? op : EPOLL_CTL_DEL, conn->fd, &event) < 0)
			return -errno;
	conn->in_epoll = in;
	conn->watched = event.events;
	return 0;
}

/* A port that no connection of the same guest port has: they come back after 2^30 connections. */
static uint32_t assign_port(struct vsock *vsock)
{
	return FIRST_PORT | (vsock->next_port++ & (FIRST_PORT - 1));
}

static void greet(struct vsock *vsock, struct vsock_conn *conn)
{
	int r = vsock_line_read(&conn->line, conn->fd, &conn->guest_port);

	if (r < 0) {
		conn->state = VSOCK_OVER;
	} else if (r) {
		conn->state = VSOCK_REQUESTED;
		conn->host_port = assign_port(vsock);
		conn->pending = 1u << VIRTIO_VSOCK_OP_REQUEST;
		conn->deadline_ns = now_ns() + vsock->time_limit_s * SECOND;
	}
}

static void conn_ready(struct vsock *vsock, struct vsock_conn *conn, uint32_t events)
{
	if (conn->state == VSOCK_GREETING) {
		greet(vsock, conn);
		return;
	}
	if (events & EPOLLOUT)
		vsock_conn_flush(conn);
	if (events & (EPOLLHUP | EPOLLERR))
		vsock_conn_hung_up(conn);
	if (events & EPOLLIN && conn->state == VSOCK_OPEN)
		vsock_deliver(vsock, conn);
}

/* --- new ones ----------------------------------------------------------------------------------
 */

static void accept_one(struct vsock *vsock, int fd)
{
	struct vsock_conn *conn = NULL;

	if (vsock->running)
		conn = vsock_conn_create(VSOCK_GREETING, fd);
	if (!conn)
		close(fd);
	conn = vsock_add(vsock, conn);
	if (conn)
		conn->deadline_ns = now_ns() + vsock->time_limit_s * SECOND;
}

static int listen_on(struct vsock *vsock, bool on)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = KEY_LISTENER };

	if (on == vsock->listening)
		return 0;
	if (epoll_ctl(vsock->source.fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, vsock->listener.fd,
		      &event) < 0)
		return -errno;
	vsock->listening = on;
	return 0;
}

static void accept_some(struct vsock *vsock)
{
	for (unsigned i = 0; i < ACCEPTS_PER_ROUND; i++) {
		int fd = accept4(vsock->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			accept_one(vsock, fd);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Without descriptors or memory the socket stays ready: the timer tries again. */
		vsock_complain(vsock, errno);
		listen_on(vsock, false);
		return;
	}
}

/* --- time --------------------------------------------------------------------------------------
 */

static void expire(struct vsock *vsock)
{
	uint64_t now = now_ns();

	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		struct vsock_conn *conn = vsock->conns[i];

		if (!conn || !conn->deadline_ns || now < conn->deadline_ns)
			continue;
		if (conn->state == VSOCK_GREETING)
			conn->state = VSOCK_OVER;
		else
			vsock_conn_reset(conn);
	}
	listen_on(vsock, true);
}

static void tick(struct vsock *vsock, bool on)
{
	const struct itimerspec second = {
		.it_value = { .tv_sec = on },
		.it_interval = { .tv_sec = on },
	};

	if (vsock->ticking == on)
		return;
	vsock->ticking = on;
	if (timerfd_settime(vsock->timer_fd, 0, &second, NULL) < 0)
		vsock_complain(vsock, errno);
}

/* --- a round -----------------------------------------------------------------------------------
 */

/* The guest has given buffers: whoever waited for one is read again. */
static void feed(struct vsock *vsock)
{
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		if (vsock->conns[i])
			vsock->conns[i]->starved = false;
}

static void dispatch(struct vsock *vsock, uint64_t key, uint32_t events)
{
	static const unsigned queue_of[] = { [KEY_RX] = VSOCK_QUEUE_RX, [KEY_TX] = VSOCK_QUEUE_TX };
	unsigned slot = (uint32_t)key;
	uint64_t count;
	int fd;

	if (key == KEY_LISTENER) {
		accept_some(vsock);
		return;
	}
	if (key >= NR_KEYS) {
		/* Not one that was closed a moment ago in this round. */
		if (vsock->conns[slot] && vsock->conns[slot]->key == key)
			conn_ready(vsock, vsock->conns[slot], events);
		return;
	}
	fd = key == KEY_TIMER ? vsock->timer_fd : vsock->device.queues[queue_of[key]].kick_fd;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	if (key == KEY_TIMER)
		expire(vsock);
	else if (key == KEY_RX)
		feed(vsock);
	else if (vsock->running)
		vsock_take_packets(vsock);
}

/* Frees what is over and sets what is waited for. */
static void settle(struct vsock *vsock)
{
	bool deadlines = !vsock->listening;

	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		struct vsock_conn *conn = vsock->conns[i];

		if (!conn)
			continue;
		if (conn->state != VSOCK_OVER && watch_conn(vsock, conn) < 0)
			vsock_conn_reset(conn);
		if (conn->state == VSOCK_OVER)
			drop(vsock, i);
		else
			deadlines |= conn->deadline_ns != 0;
	}
	tick(vsock, deadlines);
}

static void ready(struct loop_source *source, int revents)
{
	struct vsock *vsock = source->opaque;
	struct epoll_event events[EVENTS_PER_ROUND];
	int n;

	(void)revents;
	pthread_mutex_lock(&vsock->lock);
	/* Under the lock: what it reports is still there. */
	n = epoll_wait(source->fd, events, EVENTS_PER_ROUND, 0);
	for (int i = 0; i < n; i++)
		dispatch(vsock, events[i].data.u64, events[i].events);
	if (vsock->running)
		vsock_tell(vsock);
	settle(vsock);
	pthread_mutex_unlock(&vsock->lock);
}

/* --- the device --------------------------------------------------------------------------------
 */

static void vsock_config_read(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	const struct virtio_vsock_config config = { .guest_cid = htole64(vsock_of(device)->cid) };

	memcpy(data, (const char *)&config + off, size);
}

static int vsock_start(struct virtio_device *device)
{
	struct vsock *vsock = vsock_of(device);

	pthread_mutex_lock(&vsock->lock);
	vsock->running = true;
	pthread_mutex_unlock(&vsock->lock);
	/* Look at both queues once. */
	if (eventfd_write(device->queues[VSOCK_QUEUE_RX].kick_fd, 1) ||
	    eventfd_write(device->queues[VSOCK_QUEUE_TX].kick_fd, 1))
		return -errno;
	return 0;
}

static bool vsock_stop(struct virtio_device *device)
{
	struct vsock *vsock = vsock_of(device);

	pthread_mutex_lock(&vsock->lock);
	vsock->running = false;
	vsock->nr_resets = 0;
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		if (vsock->conns[i])
			drop(vsock, i);
	pthread_mutex_unlock(&vsock->lock);
	return true;
}

static const struct virtio_ops vsock_ops = {
	.config_read = vsock_config_read,
	.start = vsock_start,
	.stop = vsock_stop,
};

static int watch(struct vsock *vsock, int fd, uint64_t key)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = key };

	return fd < 0 || epoll_ctl(vsock->source.fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Everything but the listener. -errno. */
static int open_all(struct vsock *vsock)
{
	int r = virtio_device_init(&vsock->device, VSOCK_NR_QUEUES, QUEUE_SIZE);

	if (r < 0)
		return r;
	vsock->source.fd = epoll_create1(EPOLL_CLOEXEC);
	if (vsock->source.fd < 0)
		return -errno;
	vsock->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	r = watch(vsock, vsock->timer_fd, KEY_TIMER);
	if (r == 0)
		r = watch(vsock, vsock->device.queues[VSOCK_QUEUE_RX].kick_fd, KEY_RX);
	if (r == 0)
		r = watch(vsock, vsock->device.queues[VSOCK_QUEUE_TX].kick_fd, KEY_TX);
	return r < 0 ? r : loop_add(vsock->loop, &vsock->source);
}

static int check(const struct vsock_config *config, char *why, size_t why_len)
{
	/* "_PORT" of the longest port comes behind it. */
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("_4294967295");

	if (config->cid < MIN_CID || config->cid == UINT32_MAX) {
		snprintf(why, why_len, "cid=%u is reserved: use %u or more", config->cid, MIN_CID);
		return -EINVAL;
	}
	if (strlen(config->socket) > max) {
		snprintf(why, why_len, "socket=%s is too long: %zu bytes at most", config->socket,
			 max);
		return -ENAMETOOLONG;
	}
	return 0;
}

static struct vsock *make(const struct vsock_config *config, const struct memory *memory,
			  struct loop *loop)
{
	struct vsock *vsock = calloc(1, sizeof(*vsock));

	if (!vsock)
		return NULL;
	vsock->device.ops = &vsock_ops;
	vsock->device.name = config->name;
	vsock->device.type = VIRTIO_ID_VSOCK;
	vsock->device.pci_class = PCI_CLASS_COMM;
	vsock->device.config_size = sizeof(struct virtio_vsock_config);
	vsock->device.memory = memory;
	vsock->loop = loop;
	vsock->source = (struct loop_source){
		.fd = -1,
		.events = POLLIN,
		.ready = ready,
		.opaque = vsock,
	};
	vsock->timer_fd = -1;
	vsock->listener.fd = -1;
	vsock->cid = config->cid;
	vsock->time_limit_s = config->time_limit_s ? config->time_limit_s : TIME_LIMIT_S;
	vsock->path = strdup(config->socket);
	pthread_mutex_init(&vsock->lock, NULL);
	return vsock;
}

int vsock_create(const struct vsock_config *config, const struct memory *memory, struct loop *loop,
		 struct vsock **ret, char *why, size_t why_len)
{
	struct vsock *vsock;
	int r = check(config, why, why_len);

	if (r < 0)
		return r;
	vsock = make(config, memory, loop);
	r = vsock && vsock->path ? open_all(vsock) : -ENOMEM;
	if (r < 0)
		snprintf(why, why_len, "%s", strerror(-r));
	else
		r = unix_socket_listen(&vsock->listener, vsock->path, why, why_len);
	if (r == 0 && listen_on(vsock, true) < 0) {
		r = -errno;
		snprintf(why, why_len, "%s", strerror(-r));
	}
	if (r < 0) {
		vsock_destroy(vsock);
		return r;
	}
	*ret = vsock;
	return 0;
}

struct virtio_device *vsock_device(struct vsock *vsock)
{
	return &vsock->device;
}

void vsock_destroy(struct vsock *vsock)
{
	if (!vsock)
		return;
	loop_del(vsock->loop, &vsock->source);
	vsock_stop(&vsock->device);
	virtio_device_exit(&vsock->device);
	unix_socket_close(&vsock->listener);
	close_fd(&vsock->timer_fd);
	close_fd(&vsock->source.fd);
	pthread_mutex_destroy(&vsock->lock);
	free(vsock->path);
	free(vsock);
}
