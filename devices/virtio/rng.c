/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The source is never polled: /dev/hwrng cannot say when it has more, and a terminal's end would
 * be reported without end. It is read when the guest asks, and by a timer while it has nothing.
 */
#include "devices/virtio/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/virtio_ids.h>

#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#define QUEUE_SIZE	   64
#define PCI_CLASS_OTHER	   0xff0000
#define REQUEST_MAX	   KIB(64)
#define REQUESTS_PER_ROUND 4
#define EMPTY_RETRY_MS	   10	/* the source has nothing just now */
#define FAILED_RETRY_MS	   1000 /* it may be plugged in again */

struct rng {
	struct virtio_device device;
	struct loop *loop;
	struct loop_source kick, timer;
	int src_fd;
	bool complained;
	pthread_mutex_t lock; /* guards running, and with it the queue */
	bool running;
	struct virtq_chain chain; /* too large for the stack */
	uint8_t data[REQUEST_MAX];
};

static struct rng *rng_of(struct virtio_device *device)
{
	return container_of(device, struct rng, device);
}

static void retry_in(struct rng *rng, unsigned ms)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 },
	};

	if (timerfd_settime(rng->timer.fd, 0, &when, NULL) < 0)
		log_error(rng->device.name, "no timer, so the guest waits for entropy: %s",
			  strerror(errno));
}

/* The source gave nothing: @r is 0 at its end, or -errno. */
static void wait_for_source(struct rng *rng, ssize_t r)
{
	if (r == -EAGAIN || r == -EINTR) {
		retry_in(rng, EMPTY_RETRY_MS);
		return;
	}
	if (!rng->complained)
		log_warn(rng->device.name, "no more entropy from the source: %s; trying on",
			 r ? strerror((int)-r) : "it has ended");
	rng->complained = true;
	retry_in(rng, FAILED_RETRY_MS);
}

/* Answers the popped request. False if the source has nothing. */
static bool answer(struct rng *rng, struct virtq *queue)
{
	struct virtq_chain *chain = &rng->chain;
	ssize_t n = 0;

	if (chain->in_len) {
		n = read(rng->src_fd, rng->data, min_u64(chain->in_len, sizeof(rng->data)));
		if (n <= 0) {
			virtq_unpop(queue);
			wait_for_source(rng, n < 0 ? -errno : 0);
			return false;
		}
		virtq_chain_write(chain, 0, rng->data, (size_t)n);
	}
	virtq_push(queue, chain->head, (uint32_t)n);
	return true;
}

/* One round; lock held. What the guest asks beyond it waits for the loop's next turn. */
static void serve(struct rng *rng)
{
	struct virtq *queue = &rng->device.queues[0];
	unsigned n;
	int r = 0;

	for (n = 0; n < REQUESTS_PER_ROUND; n++) {
		r = virtq_pop(queue, &rng->chain);
		if (r <= 0 || !answer(rng, queue))
			break;
	}
	if (n)
		virtq_signal(queue);
	if (r < 0)
		virtio_device_break(&rng->device, queue, queue->why);
	if (n == REQUESTS_PER_ROUND)
		eventfd_write(queue->kick_fd, 1);
}

static void look(struct rng *rng)
{
	pthread_mutex_lock(&rng->lock);
	if (rng->running)
		serve(rng);
	pthread_mutex_unlock(&rng->lock);
}

/* The kick and the timer: both are 8 bytes to be read, and nobody else reads them. */
static void ready(struct loop_source *source, int revents)
{
	uint64_t count;

	(void)revents;
	if (read(source->fd, &count, sizeof(count)) == sizeof(count))
		look(source->opaque);
}

static void no_config(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	(void)device;
	(void)off;
	memset(data, 0, size);
}

static int rng_start(struct virtio_device *device)
{
	struct rng *rng = rng_of(device);

	pthread_mutex_lock(&rng->lock);
	rng->running = true;
	pthread_mutex_unlock(&rng->lock);
	return eventfd_write(device->queues[0].kick_fd, 1) ? -errno : 0;
}

static bool rng_stop(struct virtio_device *device)
{
	struct rng *rng = rng_of(device);

	pthread_mutex_lock(&rng->lock);
	rng->running = false;
	pthread_mutex_unlock(&rng->lock);
	return true;
}

static const struct virtio_ops rng_ops = {
	.config_read = no_config,
	.start = rng_start,
	.stop = rng_stop,
};

static int open_source(struct rng *rng, const char *path, char *why, size_t why_len)
{
	struct stat st;
	int r;

	rng->src_fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (rng->src_fd < 0 || fstat(rng->src_fd, &st) < 0) {
		r = -errno;
		snprintf(why, why_len, "cannot open %s: %s", path, strerror(-r));
		return r;
	}
	if (S_ISCHR(st.st_mode))
		return 0;
	snprintf(why, why_len, "%s is no character device; use /dev/urandom, for example", path);
	return -EINVAL;
}

static int start_sources(struct rng *rng)
{
	int r;

	rng->kick = (struct loop_source){
		.fd = rng->device.queues[0].kick_fd,
		.events = POLLIN,
		.ready = ready,
		.opaque = rng,
	};
	rng->timer = (struct loop_source){
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		.events = POLLIN,
		.ready = ready,
		.opaque = rng,
	};
	if (rng->timer.fd < 0)
		return -errno;
	r = loop_add(rng->loop, &rng->kick);
	return r ? r : loop_add(rng->loop, &rng->timer);
}

int rng_create(const struct rng_config *config, const struct memory *memory, struct loop *loop,
	       struct rng **ret, char *why, size_t why_len)
{
	struct rng *rng = calloc(1, sizeof(*rng));
	int r;

	if (!rng) {
		snprintf(why, why_len, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	rng->loop = loop;
	rng->timer.fd = -1;
	rng->device.ops = &rng_ops;
	rng->device.name = config->name;
	rng->device.type = VIRTIO_ID_RNG;
	rng->device.pci_class = PCI_CLASS_OTHER;
	rng->device.memory = memory;
	pthread_mutex_init(&rng->lock, NULL);
	r = open_source(rng, config->src, why, why_len);
	if (r < 0)
		goto destroy;
	r = virtio_device_init(&rng->device, 1, QUEUE_SIZE);
	if (r == 0)
		r = start_sources(rng);
	if (r < 0) {
		snprintf(why, why_len, "%s", strerror(-r));
		goto destroy;
	}
	*ret = rng;
	return 0;

destroy:
	rng_destroy(rng);
	return r;
}

struct virtio_device *rng_device(struct rng *rng)
{
	return &rng->device;
}

void rng_destroy(struct rng *rng)
{
	if (!rng)
		return;
	loop_del(rng->loop, &rng->kick);
	loop_del(rng->loop, &rng->timer);
	virtio_device_exit(&rng->device);
	close_fd(&rng->timer.fd);
	close_fd(&rng->src_fd);
	pthread_mutex_destroy(&rng->lock);
	free(rng);
}
