/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread of one queue pair.
 *
 * A round moves up to BATCH frames each way, with one interrupt for each queue, and kicks switched
 * off while there is work. It holds the pair's lock, so net_pair_stop() waits for a round at most.
 * Without room in the guest nothing is read from the backend until the guest kicks; without room
 * in the backend nothing is taken from the guest until the backend says that there is.
 */
#include "devices/virtio/net_pair.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

#define BATCH 64

/* epoll's word for who is ready: a watch, or one of these. */
#define READY_BACKEND 100
#define READY_RX      101
#define READY_TX      102
#define READY_WAKE    103

/* --- frames, under the lock ------------------------------------------------------------------- */

/* True if a frame is to be tried again at once. */
static bool receive_blocked(struct net_pair *pair)
{
	pair->rx_blocked = !virtq_want_kicks(pair->rx_queue, true);
	return !pair->rx_blocked;
}

/* 0 or the -errno by which the backend was lost. *busy: there may be more. */
static int receive(struct net_pair *pair, bool *busy)
{
	int ret = 1;

	for (unsigned i = 0; ret == 1 && i < BATCH; i++) {
		ret = pair->backend->ops->receive(pair->backend, &pair->rx);
		if (ret == -EAGAIN && receive_blocked(pair))
			ret = 1;
	}
	virtq_signal(pair->rx_queue);
	switch (ret) {
	case 1:
		*busy = true;
		return 0;
	case 0:
		pair->readable = false;
		return pair->ending ? -EPIPE : 0;
	case -EAGAIN:
		return 0;
	case -EPROTO:
		pair->rx_blocked = true;
		virtio_device_break(pair->device, pair->rx_queue, pair->rx_queue->why);
		return 0;
	default:
		return ret;
	}
}

/* True: the guest has its chain back. False: not now. *lost as send_frame() of the backend. */
static bool send_chain(struct net_pair *pair, int *lost)
{
	struct virtq_chain *chain = &pair->chain;
	int ret = -EMSGSIZE;

	if (chain->out_len >= NET_HDR_LEN + NET_FRAME_MIN && !pair->gone)
		ret = pair->backend->ops->send(pair->backend, chain->iov, chain->nr_out,
					       chain->out_len);
	if (ret == -EAGAIN) {
		virtq_unpop(pair->tx_queue);
		pair->tx_blocked = true;
		return false;
	}
	if (ret == 0) {
		pair->tx_frames++;
		pair->tx_bytes += chain->out_len - NET_HDR_LEN;
	} else {
		pair->tx_dropped++;
		if (ret != -EMSGSIZE)
			*lost = ret;
	}
	virtq_push(pair->tx_queue, chain->head, 0);
	return true;
}

/* As receive(). */
static int transmit(struct net_pair *pair, bool *busy)
{
	int lost = 0;

	virtq_want_kicks(pair->tx_queue, false);
	for (unsigned i = 0; !lost; i++) {
		int ret;

		if (i == BATCH) {
			*busy = true;
			break;
		}
		ret = virtq_pop(pair->tx_queue, &pair->chain);
		if (ret == 0 && virtq_want_kicks(pair->tx_queue, true))
			continue;
		if (ret < 0)
			virtio_device_break(pair->device, pair->tx_queue, pair->tx_queue->why);
		if (ret <= 0 || !send_chain(pair, &lost))
			break;
	}
	virtq_signal(pair->tx_queue);
	return lost;
}

/* The rest of a frame goes out, though its guest may be gone: the stream would have no sense. */
static int flush(struct net_pair *pair)
{
	int ret = pair->backend->ops->flush ? pair->backend->ops->flush(pair->backend) : 0;

	pair->tx_blocked = ret == -EAGAIN;
	return pair->tx_blocked ? 0 : ret;
}

static int serve(struct net_pair *pair, bool *busy)
{
	int ret = 0;

	if (pair->by_kernel)
		return 0;
	if (!pair->gone)
		ret = flush(pair);
	if (pair->active && !ret && !pair->gone && pair->readable && !pair->rx_blocked)
		ret = receive(pair, busy);
	if (pair->active && !ret && !pair->tx_blocked)
		ret = transmit(pair, busy);
	/* Of the last frame a part may be left, for which nobody kicks. */
	if (!ret && !pair->tx_blocked && !pair->gone)
		ret = flush(pair);
	return ret;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* A level, not an edge: what was not read is told again. HUP and ERR are told in any case. */
static uint32_t wanted(const struct net_pair *pair)
{
	uint32_t events = 0;

	if (pair->by_kernel)
		return 0;
	if (pair->active && !pair->rx_blocked)
		events |= EPOLLIN;
	if (pair->tx_blocked)
		events |= EPOLLOUT;
	return events;
}

static int set_interest(struct net_pair *pair)
{
	struct epoll_event event = { .events = wanted(pair), .data.u32 = READY_BACKEND };

	if (pair->gone || event.events == pair->interest)
		return 0;
	pair->interest = event.events;
	return epoll_ctl(pair->epoll_fd, EPOLL_CTL_MOD, pair->backend->fd, &event) < 0 ? -errno : 0;
}

static void drop_backend(struct net_pair *pair)
{
	pair->gone = true;
	pair->tx_blocked = false;
	if (epoll_ctl(pair->epoll_fd, EPOLL_CTL_DEL, pair->backend->fd, NULL) < 0)
		log_warn(pair->device->name, "cannot forget the backend: %s", strerror(errno));
}

/* 0, or the error that ends the backend. What came in before its end is read first, if there is
 * somebody to read it. */
static int note_backend(struct net_pair *pair, uint32_t events)
{
	if (events & EPOLLIN)
		pair->readable = true;
	if (events & EPOLLOUT)
		pair->tx_blocked = false;
	if (!(events & (EPOLLERR | EPOLLHUP)))
		return 0;
	pair->ending = true;
	if (!(wanted(pair) & EPOLLIN))
		return -EPIPE;
	/* HUP is told without IN where nobody wanted IN yet when the thread went to sleep. */
	pair->readable = true;
	return 0;
}

static int note(struct net_pair *pair, const struct epoll_event *event)
{
	switch (event->data.u32) {
	case READY_BACKEND:
		return note_backend(pair, event->events);
	case READY_RX:
		if (pair->active) {
			pair->rx_blocked = pair->rx_queue->broken;
			virtq_want_kicks(pair->rx_queue, false);
		}
		return 0;
	default:
		return 0;
	}
}

static void call_watches(struct net_pair *pair, const struct epoll_event *events, int nr)
{
	for (int i = 0; i < nr; i++)
		if (events[i].data.u32 < pair->nr_watches) {
			struct net_watch *watch = &pair->watches[events[i].data.u32];

			watch->ready(watch->opaque);
		}
}

/* One turn; false to end the thread. */
static bool turn(struct net_pair *pair, const struct epoll_event *events, int nr, bool *busy)
{
	int err = 0;
	bool quit;

	pthread_mutex_lock(&pair->lock);
	for (int i = 0; i < nr; i++)
		if (!err && !pair->gone)
			err = note(pair, &events[i]);
	*busy = false;
	if (!err && pair->hung_up && !pair->gone)
		err = -EPIPE;
	if (!err)
		err = serve(pair, busy);
	if (!err)
		err = set_interest(pair);
	if (err && !pair->gone) {
		drop_backend(pair);
		*busy = true; /* what the guest sends is dropped from now on */
	} else {
		err = 0;
	}
	quit = pair->quit;
	pthread_mutex_unlock(&pair->lock);
	if (err && !quit)
		pair->lost(pair->opaque, err);
	return !quit;
}

static void *pair_main(void *opaque)
{
	struct net_pair *pair = opaque;
	struct epoll_event events[8];
	bool busy = true;
	int nr = 0;

	while (turn(pair, events, nr, &busy)) {
		nr = epoll_wait(pair->epoll_fd, events, ARRAY_SIZE(events), busy ? 0 : -1);
		if (nr < 0 && errno != EINTR) {
			log_error(pair->device->name, "no more frames: %s", strerror(errno));
			break;
		}
		if (nr < 0)
			nr = 0;
		call_watches(pair, events, nr);
	}
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

static void wake(struct net_pair *pair)
{
	eventfd_t one = 1;

	/* EAGAIN: so many wakes that nobody has read, which nobody does. */
	if (write(pair->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error(pair->device->name, "cannot wake a thread: %s", strerror(errno));
}

static int watch_fd(struct net_pair *pair, int fd, uint32_t events, uint32_t who)
{
	struct epoll_event event = { .events = events, .data.u32 = who };

	return epoll_ctl(pair->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int net_pair_watch(struct net_pair *pair, const struct net_watch *watch)
{
	unsigned i = pair->nr_watches;
	int err;

	if (i == NET_PAIR_EXTRA)
		return -ENOSPC;
	pair->watches[i] = *watch;
	err = watch_fd(pair, watch->fd, watch->level ? EPOLLIN : EPOLLIN | EPOLLET, i);
	if (!err)
		pair->nr_watches++;
	return err;
}

static int open_fds(struct net_pair *pair)
{
	int err;

	pair->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (pair->epoll_fd < 0)
		return -errno;
	pair->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pair->wake_fd < 0)
		return -errno;
	err = watch_fd(pair, pair->wake_fd, EPOLLIN | EPOLLET, READY_WAKE);
	if (!err)
		err = watch_fd(pair, pair->backend->fd, 0, READY_BACKEND);
	if (!err && !pair->by_kernel) {
		err = watch_fd(pair, pair->rx_queue->kick_fd, EPOLLIN | EPOLLET, READY_RX);
		if (!err)
			err = watch_fd(pair, pair->tx_queue->kick_fd, EPOLLIN | EPOLLET, READY_TX);
	}
	return err;
}

int net_pair_run(struct net_pair *pair)
{
	char name[16];
	int err;

	err = -pthread_create(&pair->thread, NULL, pair_main, pair);
	if (err)
		return err;
	pair->has_thread = true;
	snprintf(name, sizeof(name), "_%.9s_qp%u", pair->device->name, pair->index);
	/* The name is for people only. */
	pthread_setname_np(pair->thread, name);
	return 0;
}

static void close_fds(struct net_pair *pair)
{
	close_fd(&pair->epoll_fd);
	close_fd(&pair->wake_fd);
}

int net_pair_init(struct net_pair *pair)
{
	int err;

	pair->epoll_fd = pair->wake_fd = -1;
	pthread_mutex_init(&pair->lock, NULL);
	err = open_fds(pair);
	if (err) {
		close_fds(pair);
		pthread_mutex_destroy(&pair->lock);
	} else {
		pair->ready = true;
	}
	return err;
}

static void end_thread(struct net_pair *pair)
{
	pthread_mutex_lock(&pair->lock);
	pair->quit = true;
	pthread_mutex_unlock(&pair->lock);
	wake(pair);
	pthread_join(pair->thread, NULL);
	pair->has_thread = false;
}

void net_pair_exit(struct net_pair *pair)
{
	if (!pair->ready)
		return;
	if (pair->has_thread)
		end_thread(pair);
	close_fds(pair);
	pthread_mutex_destroy(&pair->lock);
	pair->ready = false;
}

void net_pair_start(struct net_pair *pair, bool mergeable)
{
	pthread_mutex_lock(&pair->lock);
	net_rx_start(&pair->rx, pair->rx_queue, mergeable);
	if (!pair->by_kernel)
		virtq_want_kicks(pair->rx_queue, false);
	pair->rx_blocked = false;
	pair->readable = true;
	pair->active = true;
	pthread_mutex_unlock(&pair->lock);
	wake(pair);
}

void net_pair_stop(struct net_pair *pair)
{
	pthread_mutex_lock(&pair->lock);
	pair->active = false;
	if (pair->backend->ops->forget)
		pair->backend->ops->forget(pair->backend);
	net_rx_stop(&pair->rx);
	pthread_mutex_unlock(&pair->lock);
	wake(pair);
}

void net_pair_check(struct net_pair *pair)
{
	struct pollfd fd = { .fd = pair->backend->fd, .events = 0 };

	pthread_mutex_lock(&pair->lock);
	if (!pair->gone && poll(&fd, 1, 0) > 0 && (fd.revents & (POLLERR | POLLHUP)))
		pair->hung_up = true;
	pthread_mutex_unlock(&pair->lock);
}

void net_pair_count(struct net_pair *pair, struct net_counters *counters)
{
	pthread_mutex_lock(&pair->lock);
	counters->rx_frames += pair->rx.frames;
	counters->rx_bytes += pair->rx.bytes;
	counters->rx_dropped += pair->rx.dropped;
	counters->tx_frames += pair->tx_frames;
	counters->tx_bytes += pair->tx_bytes;
	counters->tx_dropped += pair->tx_dropped;
	pthread_mutex_unlock(&pair->lock);
}
