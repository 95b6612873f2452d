/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread sleeps in poll(2) on the queues' kicks. It looks at @running between two calls that
 * take time, so that a reset waits for one of them at most; a request that a reset cuts short is
 * not given back.
 */
#include "devices/virtio/balloon.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <linux/virtio_balloon.h>

#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/memory.h"

#define PCI_CLASS_OTHER 0xff0000
#define PFN_SHIFT	VIRTIO_BALLOON_PFN_SHIFT
#define QUEUE_SIZE	128 /* Linux wants 32 for reporting (mm/page_reporting.h) */
#define PFNS_AT_ONCE	1024
#define CONFIG_SIZE	8 /* num_pages and actual: what the offered features need */

/* Without the optional queues between them, as drivers count: virtio_pci_common.c:
 * vp_find_vqs_msix() */
enum {
	QUEUE_INFLATE,
	QUEUE_DEFLATE,
	QUEUE_REPORTING,
	NR_QUEUES,
};

struct balloon {
	struct virtio_device device;
	const struct memory *memory;
	pthread_t thread;
	bool threaded;
	int wake_fd;
	bool complained; /* the host refused to take pages; the thread's own */

	pthread_mutex_t lock;	/* guards what follows */
	uint32_t pages, actual; /* of 4 KiB: wanted, and given up */
	bool running;		/* also read without the lock, as a hint to end */
	bool busy;		/* the thread is at the queues */
	bool stop_asked;	/* while it was */
	bool quit;

	struct virtq_chain chain; /* the thread's own, as the next */
	__le32 pfns[PFNS_AT_ONCE];
};

static struct balloon *balloon_of(struct virtio_device *device)
{
	return container_of(device, struct balloon, device);
}

static bool running(const struct balloon *balloon)
{
	return __atomic_load_n(&balloon->running, __ATOMIC_RELAXED);
}

/* The whole pages of the host in [gpa, gpa + len), which is RAM. */
static void discard(struct balloon *balloon, uint64_t gpa, uint64_t len)
{
	uint64_t page = balloon->memory->page;
	uint64_t start = align_up(gpa, page), end = align_down(gpa + len, page);
	int r;

	if (start >= end)
		return;
	r = memory_discard(balloon->memory, start, end - start);
	if (r < 0 && !balloon->complained) {
		log_warn(balloon->device.name, "the host does not take pages back: %s",
			 strerror(-r));
		balloon->complained = true;
	}
}

static int compare_pfns(const void *a, const void *b)
{
	uint32_t x = *(const __le32 *)a, y = *(const __le32 *)b;

	return x < y ? -1 : x > y;
}

/* Gives @nr pages back, neighbours in one call; Linux names them in any order. False if one is not
 * RAM. */
static bool discard_pfns(struct balloon *balloon, unsigned nr)
{
	const __le32 *pfns = balloon->pfns;
	unsigned from = 0, to;

	for (unsigned i = 0; i < nr; i++)
		if (!memory_at(balloon->memory, (uint64_t)pfns[i] << PFN_SHIFT, 1 << PFN_SHIFT))
			return false;
	qsort(balloon->pfns, nr, sizeof(*pfns), compare_pfns);
	for (; from < nr && running(balloon); from = to) {
		for (to = from + 1; to < nr && pfns[to] - pfns[to - 1] <= 1; to++)
			;
		discard(balloon, (uint64_t)pfns[from] << PFN_SHIFT,
			(uint64_t)(pfns[to - 1] - pfns[from] + 1) << PFN_SHIFT);
	}
	return true;
}

static const char *inflate(struct balloon *balloon)
{
	const struct virtq_chain *chain = &balloon->chain;
	size_t off = 0, len;

	for (; off < chain->out_len && running(balloon); off += len) {
		len = virtq_chain_read(chain, off, balloon->pfns, sizeof(balloon->pfns));
		if (!discard_pfns(balloon, (unsigned)(len / sizeof(balloon->pfns[0]))))
			return "a page that is not RAM";
	}
	return NULL;
}

/* The pages are the guest's already; the first touch brings each back. */
static const char *deflate(struct balloon *balloon)
{
	(void)balloon;
	return NULL;
}

static const char *report(struct balloon *balloon)
{
	struct virtq_chain *chain = &balloon->chain;
	const struct iovec *in = virtq_chain_in(chain);

	for (unsigned i = 0; i < chain->nr_in && running(balloon); i++)
		discard(balloon, memory_gpa(balloon->memory, in[i].iov_base), in[i].iov_len);
	return NULL;
}

/* What is there in one queue, until the device is stopped. */
static void serve(struct balloon *balloon, unsigned index)
{
	static const char *(*const serve_one[NR_QUEUES])(struct balloon *) = {
		[QUEUE_INFLATE] = inflate,
		[QUEUE_DEFLATE] = deflate,
		[QUEUE_REPORTING] = report,
	};
	struct virtq *queue = &balloon->device.queues[index];
	const char *why = NULL;
	int r = 0;

	while (running(balloon) && !why) {
		r = virtq_pop(queue, &balloon->chain);
		if (r <= 0)
			break;
		why = serve_one[index](balloon);
		if (why || !running(balloon))
			break;
		virtq_push(queue, balloon->chain.head, 0);
		virtq_signal(queue);
	}
	if (why)
		queue->broken = true;
	if (why || r < 0)
		virtio_device_break(&balloon->device, queue, why ? why : queue->why);
}

/* False if there is nothing to do. */
static bool begin(struct balloon *balloon)
{
	pthread_mutex_lock(&balloon->lock);
	balloon->busy = balloon->running;
	pthread_mutex_unlock(&balloon->lock);
	return balloon->busy;
}

static void end(struct balloon *balloon)
{
	bool stopped;

	pthread_mutex_lock(&balloon->lock);
	balloon->busy = false;
	stopped = balloon->stop_asked;
	balloon->stop_asked = false;
	pthread_mutex_unlock(&balloon->lock);
	if (stopped)
		virtio_device_stopped(&balloon->device);
}

/* Waits for a kick. False at the end. */
static bool wait_for_work(struct balloon *balloon)
{
	struct pollfd fds[NR_QUEUES + 1] = { { .fd = balloon->wake_fd, .events = POLLIN } };
	unsigned nr = balloon->device.nr_queues + 1;
	eventfd_t count;
	bool quit;

	for (unsigned i = 1; i < nr; i++) {
		fds[i].fd = balloon->device.queues[i - 1].kick_fd;
		fds[i].events = POLLIN;
	}
	if (poll(fds, nr, -1) < 0 && errno != EINTR) {
		log_error(balloon->device.name, "the balloon stays as it is: poll: %s",
			  strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < nr; i++)
		if (fds[i].revents)
			eventfd_read(fds[i].fd, &count);
	pthread_mutex_lock(&balloon->lock);
	quit = balloon->quit;
	pthread_mutex_unlock(&balloon->lock);
	return !quit;
}

static void *work(void *opaque)
{
	struct balloon *balloon = opaque;

	while (wait_for_work(balloon)) {
		if (!begin(balloon))
			continue;
		for (unsigned i = 0; i < balloon->device.nr_queues; i++)
			serve(balloon, i);
		end(balloon);
	}
	return NULL;
}

static void read_config(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	struct balloon *balloon = balloon_of(device);
	__le32 config[CONFIG_SIZE / 4];

	pthread_mutex_lock(&balloon->lock);
	config[0] = balloon->pages;
	config[1] = balloon->actual;
	pthread_mutex_unlock(&balloon->lock);
	memcpy(data, (const uint8_t *)config + off, size);
}

/* Only @actual is the guest's to write, and Linux does so as a whole. */
static void write_config(struct virtio_device *device, unsigned off, const void *data,
			 unsigned size)
{
	struct balloon *balloon = balloon_of(device);

	if (off != 4 || size != 4)
		return;
	pthread_mutex_lock(&balloon->lock);
	memcpy(&balloon->actual, data, size);
	pthread_mutex_unlock(&balloon->lock);
}

static void set_running(struct balloon *balloon, bool on)
{
	__atomic_store_n(&balloon->running, on, __ATOMIC_RELAXED);
}

static int start(struct virtio_device *device)
{
	struct balloon *balloon = balloon_of(device);

	pthread_mutex_lock(&balloon->lock);
	set_running(balloon, true);
	pthread_mutex_unlock(&balloon->lock);
	return eventfd_write(balloon->wake_fd, 1) ? -errno : 0;
}

/* A guest that starts anew has all of its memory. */
static bool stop(struct virtio_device *device)
{
	struct balloon *balloon = balloon_of(device);
	bool idle;

	pthread_mutex_lock(&balloon->lock);
	set_running(balloon, false);
	balloon->actual = 0;
	idle = !balloon->busy;
	balloon->stop_asked = !idle;
	pthread_mutex_unlock(&balloon->lock);
	return idle;
}

static const struct virtio_ops balloon_ops = {
	.config_read = read_config,
	.config_write = write_config,
	.start = start,
	.stop = stop,
};

static int start_thread(struct balloon *balloon)
{
	int r;

	balloon->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (balloon->wake_fd < 0)
		return -errno;
	r = pthread_create(&balloon->thread, NULL, work, balloon);
	if (r)
		return -r;
	balloon->threaded = true;
	/* For ps and top alone; a thread without its name works as well. */
	pthread_setname_np(balloon->thread, "_balloon");
	return 0;
}

static void set_up_device(struct balloon *balloon, const struct balloon_config *config)
{
	struct virtio_device *device = &balloon->device;

	device->ops = &balloon_ops;
	device->name = config->name;
	device->type = VIRTIO_ID_BALLOON;
	device->pci_class = PCI_CLASS_OTHER;
	device->config_size = CONFIG_SIZE;
	device->memory = balloon->memory;
	if (config->deflate_on_oom)
		device->offered |= UINT64_C(1) << VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
	if (config->free_page_reporting)
		device->offered |= UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING;
}

int balloon_create(const struct balloon_config *config, const struct memory *memory,
		   struct balloon **ret)
{
	struct balloon *balloon;
	int r;

	if (config->size >> PFN_SHIFT > UINT32_MAX)
		return -EINVAL;
	balloon = calloc(1, sizeof(*balloon));
	if (!balloon)
		return -ENOMEM;
	balloon->memory = memory;
	balloon->wake_fd = -1;
	balloon->pages = (uint32_t)(config->size >> PFN_SHIFT);
	pthread_mutex_init(&balloon->lock, NULL);
	set_up_device(balloon, config);
	r = virtio_device_init(&balloon->device,
			       config->free_page_reporting ? NR_QUEUES : QUEUE_REPORTING,
			       QUEUE_SIZE);
	if (r == 0)
		r = start_thread(balloon);
	if (r < 0) {
		balloon_destroy(balloon);
		return r;
	}
	*ret = balloon;
	return 0;
}

struct virtio_device *balloon_device(struct balloon *balloon)
{
	return &balloon->device;
}

void balloon_resize(struct balloon *balloon, uint64_t size)
{
	uint32_t pages = (uint32_t)min_u64(size >> PFN_SHIFT, UINT32_MAX);
	bool changed;

	pthread_mutex_lock(&balloon->lock);
	changed = pages != balloon->pages;
	balloon->pages = pages;
	pthread_mutex_unlock(&balloon->lock);
	if (changed)
		virtio_device_config_changed(&balloon->device);
}

uint64_t balloon_actual(struct balloon *balloon)
{
	uint64_t pages;

	pthread_mutex_lock(&balloon->lock);
	pages = balloon->actual;
	pthread_mutex_unlock(&balloon->lock);
	return pages << PFN_SHIFT;
}

/* The thread goes last but for the queues: a reset may wait for it. */
void balloon_destroy(struct balloon *balloon)
{
	if (!balloon)
		return;
	if (balloon->device.nr_queues)
		virtio_device_reset(&balloon->device);
	if (balloon->threaded) {
		pthread_mutex_lock(&balloon->lock);
		balloon->quit = true;
		pthread_mutex_unlock(&balloon->lock);
		/* It fails only when the count is full, and then the thread wakes as well. */
		(void)eventfd_write(balloon->wake_fd, 1);
		pthread_join(balloon->thread, NULL);
	}
	virtio_device_exit(&balloon->device);
	close_fd(&balloon->wake_fd);
	pthread_mutex_destroy(&balloon->lock);
	free(balloon);
}
