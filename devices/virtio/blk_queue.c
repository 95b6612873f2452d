/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One queue of a disk. Its thread does the same round for ever:
 *
 *   take results out of the ring    finished requests go back to the guest
 *   take requests from the guest    unless told to stop
 *   one interrupt                   for all that went back in this round
 *   one io_uring_enter(2)           submits all operations of this round, and waits
 *
 * The guest is asked not to notify until the thread is about to wait. Notifications reach the ring
 * by a multishot poll of the eventfd, which is never read: each write to it is an edge, so that a
 * kick costs no system call here. Orders of other threads (start, stop, exit) come the same way.
 */
#include "devices/virtio/blk_queue.h"

#include <errno.h>
#include <liburing.h>
#include <linux/virtio_blk.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "devices/virtio/blk.h"
#include "devices/virtio/blk_image.h"
#include "devices/virtio/blk_places.h"
#include "devices/virtio/blk_work.h"
#include "devices/virtio/device.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define SQ_ENTRIES  64u
#define BOUNCE_SIZE KIB(128)
#define BACKOFF_NS  10000000
#define CQ_ENTRIES  (2 * BLK_MAX_WORKS)
/* Room for the results of all operations, the poll and its end. */
#define MAX_IN_FLIGHT (CQ_ENTRIES - 2)

/* User data that names no work. */
#define KICK   UINT64_MAX
#define CANCEL (UINT64_MAX - 1)

/* Orders to the thread. A bit each, so that none is missed: a guest that resets the disk right
 * after it started it has both done, in this order. */
#define ORDER_START 1u
#define ORDER_STOP  2u
#define ORDER_EXIT  4u

struct blk_queue {
	struct blk_queue_config config;
	struct virtq *virtq;
	pthread_t thread;
	atomic_uint orders;
	atomic_bool writethrough; /* valid with ORDER_START */

	/* The thread's own from here on. */
	struct io_uring ring;
	bool kick_armed;
	bool running;  /* between start and stopped */
	bool stopping; /* waits for what is in flight */
	bool exiting;
	bool unsignalled; /* something was pushed */
	bool said_broken; /* the ring itself failed: said once */
	unsigned in_flight;

	struct blk_host host;
	struct iovec bounce;
	struct blk_work *bounce_owner;
	struct blk_list todo;	 /* want an operation */
	struct blk_list waiting; /* for the bounce buffer */

	struct blk_places places;
	struct virtq_chain chain;

	struct blk_counters done; /* written by the thread, and read by any */
};

static void reset_work(struct blk_queue *queue)
{
	blk_places_reset(&queue->places);
	queue->bounce_owner = NULL;
	blk_list_init(&queue->todo);
	blk_list_init(&queue->waiting);
}

/* --- requests --------------------------------------------------------------------------------- */

/* The thread is the only writer. */
static void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void count_transfer(struct blk_counters *done, const struct blk_request *request)
{
	if (request->type == VIRTIO_BLK_T_IN) {
		count(&done->read_ops, 1);
		count(&done->read_bytes, request->len);
	} else if (request->type == VIRTIO_BLK_T_OUT) {
		count(&done->write_ops, 1);
		count(&done->write_bytes, request->len);
	}
}

void blk_queue_count(const struct blk_queue *queue, struct blk_counters *counters)
{
	const struct blk_counters *done = &queue->done;

	counters->read_ops += __atomic_load_n(&done->read_ops, __ATOMIC_RELAXED);
	counters->read_bytes += __atomic_load_n(&done->read_bytes, __ATOMIC_RELAXED);
	counters->write_ops += __atomic_load_n(&done->write_ops, __ATOMIC_RELAXED);
	counters->write_bytes += __atomic_load_n(&done->write_bytes, __ATOMIC_RELAXED);
	counters->io_errors += __atomic_load_n(&done->io_errors, __ATOMIC_RELAXED);
}

/* Gives the request back to the guest. */
static void finish(struct blk_queue *queue, struct blk_work *work, int status)
{
	if (status == VIRTIO_BLK_S_OK)
		count_transfer(&queue->done, &work->request);
	*work->request.status = (uint8_t)status;
	virtq_push(queue->virtq, work->request.head, work->request.written);
	queue->unsignalled = true;
	blk_places_put(&queue->places, work);
}

static const char *operation(uint32_t type)
{
	switch (type) {
	case VIRTIO_BLK_T_IN:
		return "read";
	case VIRTIO_BLK_T_OUT:
		return "write";
	case VIRTIO_BLK_T_FLUSH:
		return "flush";
	case VIRTIO_BLK_T_DISCARD:
		return "discard";
	}
	return "write-zeroes";
}

static void finish_failed(struct blk_queue *queue, struct blk_work *work, int err)
{
	const struct blk_queue_config *config = &queue->config;

	count(&queue->done.io_errors, 1);
	config->failed(config->opaque, operation(work->request.type), work->offset, err);
	finish(queue, work, err == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR);
}

/* True if the request needs more room than there is just now. */
static bool take_data(struct blk_queue *queue, struct blk_work *work)
{
	bool in = work->request.type == VIRTIO_BLK_T_IN;
	unsigned nr = in ? queue->chain.nr_in : queue->chain.nr_out;

	if (nr > BLK_FEW_BUFFERS && !blk_places_get_many(&queue->places, work))
		return true;
	work->nr = (uint16_t)blk_request_data(&queue->chain, &work->request,
					      work->many ? work->many->iov : work->few);
	blk_work_begin(work, &queue->host);
	blk_list_add(&queue->todo, work);
	return false;
}

static bool take_ranges(struct blk_queue *queue, struct blk_work *work)
{
	unsigned nr = 0;
	int status;

	if (!blk_places_get_many(&queue->places, work))
		return true;
	status = blk_request_ranges(queue->config.limits, &queue->chain, &work->request,
				    work->many->ranges, &nr);
	if (status != VIRTIO_BLK_S_OK) {
		finish(queue, work, status);
		return false;
	}
	work->nr = (uint16_t)nr;
	blk_work_begin(work, &queue->host);
	blk_list_add(&queue->todo, work);
	return false;
}

/* Begins what can be begun; the rest is finished. True if there is no room for it. */
static bool begin(struct blk_queue *queue, struct blk_work *work)
{
	struct blk_request *request = &work->request;

	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		if (request->len)
			return take_data(queue, work);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return take_ranges(queue, work);
	case VIRTIO_BLK_T_FLUSH:
		work->offset = 0;
		blk_work_begin(work, &queue->host);
		blk_list_add(&queue->todo, work);
		return false;
	case VIRTIO_BLK_T_GET_ID:
		virtq_chain_write(&queue->chain, 0, queue->config.serial, (size_t)request->len);
		break;
	}
	finish(queue, work, VIRTIO_BLK_S_OK);
	return false;
}

/* The request in queue->chain. True if there is no room for it. */
static bool accept_request(struct blk_queue *queue, struct blk_work *work)
{
	int status = blk_request_parse(queue->config.limits, &queue->chain, &work->request);

	if (status == VIRTIO_BLK_S_OK)
		return begin(queue, work);
	if (status > 0) {
		finish(queue, work, status);
		return false;
	}
	blk_places_put(&queue->places, work);
	queue->virtq->broken = true;
	virtio_device_break(queue->config.device, queue->virtq,
			    "a request without room for its status");
	return false;
}

/* True if the guest may have more requests that could be taken at once. At most a ring's worth: a
 * guest that never ends asking must not keep results and orders waiting. */
static bool take_requests(struct blk_queue *queue)
{
	for (unsigned n = 0; n < queue->virtq->size; n++) {
		struct blk_work *work = blk_places_get(&queue->places);
		int ret;

		if (!work)
			return false;
		ret = virtq_pop(queue->virtq, &queue->chain);
		if (ret <= 0) {
			blk_places_put(&queue->places, work);
			if (ret < 0)
				virtio_device_break(queue->config.device, queue->virtq,
						    queue->virtq->why);
			/* Only now is the wish for kicks worth its two barriers. */
			return ret == 0 && virtq_want_kicks(queue->virtq, true);
		}
		if (n == 0)
			virtq_want_kicks(queue->virtq, false);
		if (accept_request(queue, work)) {
			virtq_unpop(queue->virtq);
			blk_places_put(&queue->places, work);
			return false;
		}
	}
	return true;
}

/* --- the ring --------------------------------------------------------------------------------- */

/* A free entry, or NULL if the kernel takes none just now. */
static struct io_uring_sqe *get_sqe(struct blk_queue *queue)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&queue->ring);

	if (!sqe && io_uring_submit(&queue->ring) > 0)
		sqe = io_uring_get_sqe(&queue->ring);
	return sqe;
}

static void arm_kick(struct blk_queue *queue)
{
	struct io_uring_sqe *sqe = queue->kick_armed ? NULL : get_sqe(queue);

	if (!sqe)
		return;
	io_uring_prep_poll_multishot(sqe, queue->virtq->kick_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, KICK);
	queue->kick_armed = true;
}

/* Makes an operation for each request that wants one, and several for one that wants pieces. */
static void issue(struct blk_queue *queue)
{
	while (queue->todo.head && queue->in_flight < MAX_IN_FLIGHT) {
		struct blk_work *work = queue->todo.head;
		struct io_uring_sqe *sqe;
		bool more;

		if (work->bounced && queue->bounce_owner && queue->bounce_owner != work) {
			blk_list_add(&queue->waiting, blk_list_take(&queue->todo));
			continue;
		}
		sqe = get_sqe(queue);
		if (!sqe)
			return; /* results have to be taken first */
		if (work->bounced)
			queue->bounce_owner = work;
		more = blk_work_prepare(work, &queue->host, sqe);
		if (!more)
			blk_list_take(&queue->todo);
		io_uring_sqe_set_data64(sqe, (uint64_t)(work - queue->places.works));
		work->busy = true;
		queue->in_flight++;
	}
}

static void leave_bounce(struct blk_queue *queue, const struct blk_work *work)
{
	struct blk_work *next;

	if (queue->bounce_owner != work)
		return;
	queue->bounce_owner = NULL;
	next = blk_list_take(&queue->waiting);
	if (next)
		blk_list_add(&queue->todo, next);
}

static void take_result(struct blk_queue *queue, struct blk_work *work, int result)
{
	int ret;

	queue->in_flight--;
	if (queue->stopping) {
		work->busy = false;
		return; /* the guest has reset the disk and expects nothing */
	}
	ret = blk_work_result(work, &queue->host, result);
	if (ret == -EINPROGRESS)
		return;
	work->busy = false;
	if (ret > 0) {
		blk_list_add(&queue->todo, work);
		return;
	}
	leave_bounce(queue, work);
	if (ret)
		finish_failed(queue, work, ret);
	else
		finish(queue, work, VIRTIO_BLK_S_OK);
}

/* True if there were any. */
static bool take_results(struct blk_queue *queue)
{
	struct io_uring_cqe *cqe;
	unsigned head, nr = 0;

	io_uring_for_each_cqe(&queue->ring, head, cqe)
	{
		uint64_t key = io_uring_cqe_get_data64(cqe);

		nr++;
		if (key == KICK)
			queue->kick_armed = cqe->flags & IORING_CQE_F_MORE;
		else if (key != CANCEL)
			take_result(queue, &queue->places.works[key], cqe->res);
	}
	io_uring_cq_advance(&queue->ring, nr);
	return nr;
}

/* --- orders ----------------------------------------------------------------------------------- */

/* What waits behind other work in the kernel can be taken back; what is at the disk cannot. */
static void cancel_all(struct blk_queue *queue)
{
	for (unsigned i = 0; i < queue->places.fresh; i++) {
		struct io_uring_sqe *sqe = queue->places.works[i].busy ? get_sqe(queue) : NULL;

		if (!sqe)
			continue; /* then it is waited for */
		/* Of those in pieces all; before Linux 5.19 none, which is only slower. */
		io_uring_prep_cancel64(
			sqe, i,
			queue->places.works[i].pieces.in_flight ? IORING_ASYNC_CANCEL_ALL : 0);
		io_uring_sqe_set_data64(sqe, CANCEL);
	}
}

static void begin_serving(struct blk_queue *queue)
{
	queue->running = true;
	queue->unsignalled = false;
	queue->host.writethrough = atomic_load(&queue->writethrough);
	reset_work(queue);
}

static void begin_stopping(struct blk_queue *queue)
{
	queue->stopping = true;
	/* Requests without an operation are forgotten. */
	blk_list_init(&queue->todo);
	blk_list_init(&queue->waiting);
	cancel_all(queue);
}

static void obey(struct blk_queue *queue)
{
	unsigned orders = atomic_exchange(&queue->orders, 0);

	if (orders & ORDER_START)
		begin_serving(queue);
	if (orders & ORDER_STOP)
		begin_stopping(queue);
	if (orders & ORDER_EXIT)
		queue->exiting = true;
	if (queue->stopping && !queue->in_flight) {
		queue->running = false;
		queue->stopping = false;
		queue->config.stopped(queue->config.opaque);
	}
}

static void back_off(struct blk_queue *queue, int err)
{
	const struct timespec pause = { .tv_nsec = BACKOFF_NS };

	if (!queue->said_broken)
		log_error(queue->config.name, "io_uring of queue %u: %s; trying again",
			  queue->config.index, strerror(-err));
	queue->said_broken = true;
	nanosleep(&pause, NULL);
}

/* One round; false at the end. */
static bool do_round(struct blk_queue *queue)
{
	bool any, more = false;
	int ret;

	any = take_results(queue);
	obey(queue);
	if (queue->exiting)
		return false;
	if (queue->running && !queue->stopping)
		more = take_requests(queue);
	arm_kick(queue);
	issue(queue);
	if (queue->unsignalled && queue->running && !queue->stopping)
		virtq_signal(queue->virtq);
	queue->unsignalled = false;
	/* Waiting for one is right also with todo left over: then results are due. */
	ret = more ? io_uring_submit_and_get_events(&queue->ring)
		   : io_uring_submit_and_wait(&queue->ring, 1);
	if (ret < 0 && ret != -EINTR && !any)
		back_off(queue, ret);
	return true;
}

static void *run(void *opaque)
{
	struct blk_queue *queue = opaque;
	/* io_uring_enable_rings() is declared by liburing 2.3, and missing in its library. */
	int ret = io_uring_register((unsigned)queue->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
				    NULL, 0);

	if (ret < 0)
		back_off(queue, ret);
	/* Saves a reference to the ring's file in each call (Linux 5.18); works without. */
	if (io_uring_register_ring_fd(&queue->ring) < 0)
		log_debug(queue->config.name, "queue %u: its ring's descriptor stays unregistered",
			  queue->config.index);
	while (do_round(queue))
		;
	/* The ring itself ends a moment after it was closed, and must not keep the image open, and
	 * locked, for that long. Only the image is registered: this waits for requests that use
	 * registered files, and the poll of the kicks would last for ever. */
	ret = io_uring_unregister_files(&queue->ring);
	if (ret < 0)
		log_warn(queue->config.name, "queue %u holds the image a moment longer: %s",
			 queue->config.index, strerror(-ret));
	return NULL;
}

static void give_order(struct blk_queue *queue, unsigned order)
{
	const uint64_t one = 1;

	atomic_fetch_or(&queue->orders, order);
	/* Only a counter near 2^64 could refuse. */
	if (write(queue->virtq->kick_fd, &one, sizeof(one)) != sizeof(one))
		log_error(queue->config.name, "queue %u cannot be woken: %s", queue->config.index,
			  strerror(errno));
}

void blk_queue_start(struct blk_queue *queue, bool writethrough)
{
	atomic_store(&queue->writethrough, writethrough);
	give_order(queue, ORDER_START);
}

void blk_queue_stop(struct blk_queue *queue)
{
	give_order(queue, ORDER_STOP);
}

/* --- life ------------------------------------------------------------------------------------- */

/* The best that the kernel offers. Disabled at first: with SINGLE_ISSUER (Linux 6.0) the ring
 * belongs to the task that enables it. DEFER_TASKRUN (6.1) leaves results until they are asked for.
 */
static int make_ring(struct blk_queue *queue)
{
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	int ret = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && ret == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
			.cq_entries = CQ_ENTRIES,
		};

		ret = io_uring_queue_init_params(SQ_ENTRIES, &queue->ring, &params);
	}
	if (ret < 0)
		return ret;
	/* Came with the multishot poll, in Linux 5.13. */
	if (!(queue->ring.features & IORING_FEAT_RSRC_TAGS)) {
		io_uring_queue_exit(&queue->ring);
		return -EOPNOTSUPP;
	}
	return 0;
}

static void free_queue(struct blk_queue *queue)
{
	blk_places_exit(&queue->places);
	blk_unmap_pages(queue->bounce.iov_base, BOUNCE_SIZE);
	free(queue);
}

static int alloc_queue(const struct blk_queue_config *config, struct blk_queue **ret)
{
	struct blk_queue *queue = calloc(1, sizeof(*queue));
	int err;

	if (!queue)
		return -ENOMEM;
	queue->config = *config;
	queue->virtq = &config->device->queues[config->index];
	err = blk_places_init(&queue->places, (unsigned)min_u64(config->size, BLK_MAX_WORKS));
	if (!err && config->image->direct) {
		queue->bounce.iov_base = blk_map_pages(BOUNCE_SIZE);
		err = queue->bounce.iov_base ? 0 : -ENOMEM;
	}
	if (err) {
		free_queue(queue);
		return err;
	}
	queue->bounce.iov_len = BOUNCE_SIZE;
	queue->host.image = config->image;
	queue->host.bounce = &queue->bounce;
	blk_host_init(&queue->host);
	reset_work(queue);
	*ret = queue;
	return 0;
}

/* Signals are the main thread's. */
static int start_thread(struct blk_queue *queue)
{
	sigset_t all, before;
	char name[16], suffix[8];
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&queue->thread, NULL, run, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	/* A long name loses its end, not the queue's number. */
	snprintf(suffix, sizeof(suffix), "_q%u", queue->config.index % 1000);
	snprintf(name, sizeof(name), "_%.*s%s", (int)(sizeof(name) - 2 - strlen(suffix)),
		 queue->config.name, suffix);
	pthread_setname_np(queue->thread, name);
	return 0;
}

int blk_queue_create(const struct blk_queue_config *config, struct blk_queue **ret)
{
	struct blk_queue *queue;
	int err = alloc_queue(config, &queue);

	if (err)
		return err;
	err = make_ring(queue);
	if (err)
		goto free_queue;
	err = io_uring_register_files(&queue->ring, &config->image->fd, 1);
	if (!err)
		err = start_thread(queue);
	if (err)
		goto exit_ring;
	*ret = queue;
	return 0;

exit_ring:
	io_uring_queue_exit(&queue->ring);
free_queue:
	free_queue(queue);
	return err;
}

void blk_queue_destroy(struct blk_queue *queue)
{
	if (!queue)
		return;
	give_order(queue, ORDER_EXIT);
	pthread_join(queue->thread, NULL);
	io_uring_queue_exit(&queue->ring);
	free_queue(queue);
}
