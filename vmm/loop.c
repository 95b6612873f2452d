/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main thread's event loop.
 *
 * Every source is one poll request of io_uring that completes once and is armed again after its
 * callback. Arming looks at the descriptor's state (io_uring_enter(2), IORING_OP_POLL_ADD), so a
 * callback that leaves something unread is called again: level triggered. A multishot poll would
 * save the arming and wait for an edge.
 */
#include "vmm/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define RING_ENTRIES 64
#define NO_SOURCE    UINT64_MAX /* user_data of requests whose completion nobody waits for */

static uint64_t make_key(const struct loop *loop, unsigned slot)
{
	return (uint64_t)loop->slots[slot].generation << 32 | slot;
}

/* A free submission entry; a full queue is handed to the kernel first. */
static int get_sqe(struct loop *loop, struct io_uring_sqe **ret_sqe)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);
	int ret;

	if (!sqe) {
		ret = io_uring_submit(&loop->ring);
		if (ret < 0)
			return ret;
		sqe = io_uring_get_sqe(&loop->ring);
	}
	if (!sqe)
		return -EBUSY;
	*ret_sqe = sqe;
	return 0;
}

static int arm(struct loop *loop, unsigned slot)
{
	const struct loop_source *source = loop->slots[slot].source;
	struct io_uring_sqe *sqe;
	int ret;

	ret = get_sqe(loop, &sqe);
	if (ret)
		return ret;
	io_uring_prep_poll_add(sqe, source->fd, (unsigned short)source->events);
	io_uring_sqe_set_data64(sqe, make_key(loop, slot));
	return 0;
}

/* From here on completions that carry the old key are strangers. */
static void release(struct loop *loop, unsigned slot)
{
	loop->slots[slot].source->active = false;
	loop->slots[slot].source = NULL;
	loop->slots[slot].generation++;
}

int loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	loop->running = true;
	return io_uring_queue_init(RING_ENTRIES, &loop->ring, 0);
}

void loop_exit(struct loop *loop)
{
	for (unsigned slot = 0; slot < LOOP_MAX_SOURCES; slot++)
		if (loop->slots[slot].source)
			release(loop, slot);
	io_uring_queue_exit(&loop->ring);
}

int loop_add(struct loop *loop, struct loop_source *source)
{
	unsigned slot;
	int ret;

	if (source->active)
		return -EBUSY;
	for (slot = 0; slot < LOOP_MAX_SOURCES; slot++)
		if (!loop->slots[slot].source)
			break;
	if (slot == LOOP_MAX_SOURCES)
		return -ENOSPC;

	loop->slots[slot].source = source;
	ret = arm(loop, slot);
	if (ret) {
		loop->slots[slot].source = NULL;
		return ret;
	}
	source->active = true;
	return 0;
}

void loop_del(struct loop *loop, struct loop_source *source)
{
	struct io_uring_sqe *sqe;
	unsigned slot;

	if (!source->active)
		return;
	for (slot = 0; loop->slots[slot].source != source; slot++)
		;
	/* Without a free entry the request stays in the kernel until its descriptor is ready; its
	 * completion is then ignored like any other of an old generation. */
	if (get_sqe(loop, &sqe) == 0) {
		io_uring_prep_poll_remove(sqe, make_key(loop, slot));
		io_uring_sqe_set_data64(sqe, NO_SOURCE);
		/* Now, because the caller closes the descriptor and its number may come back. */
		io_uring_submit(&loop->ring);
	}
	release(loop, slot);
}

/* Calls the source that a completion is about and arms it again if it still wants it. */
static int dispatch(struct loop *loop, uint64_t key, int result)
{
	unsigned slot = (uint32_t)key;
	struct loop_source *source;

	if (slot >= LOOP_MAX_SOURCES || make_key(loop, slot) != key || !loop->slots[slot].source)
		return 0;
	source = loop->slots[slot].source;
	if (result < 0) {
		release(loop, slot);
		source->ready(source, POLLNVAL);
		return 0;
	}
	source->ready(source, result);
	if (make_key(loop, slot) != key)
		return 0;
	return arm(loop, slot);
}

int loop_run(struct loop *loop)
{
	struct io_uring_cqe *cqe;
	int ret = 0;

	while (loop->running) {
		ret = io_uring_submit_and_wait(&loop->ring, 1);
		/* EBUSY, EAGAIN: completions have to be taken before the kernel takes more. */
		if (ret < 0 && ret != -EINTR && ret != -EBUSY && ret != -EAGAIN)
			break;
		ret = 0;
		while (loop->running && !ret && io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
			uint64_t key = io_uring_cqe_get_data64(cqe);
			int result = cqe->res;

			io_uring_cqe_seen(&loop->ring, cqe);
			ret = dispatch(loop, key, result);
		}
		if (ret)
			break;
	}
	loop->running = true;
	return ret;
}

void loop_quit(struct loop *loop)
{
	loop->running = false;
}
