/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver for one virtio device: what Virtio 1.2, 2.7 and 3.1 want of the guest. */
#include "tests/unit/virtio_rig.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/loop.h"

#define FIRST_FREE KIB(64)
#define RESET_SECS 30

static int make_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* What was counted since the last time. */
static uint64_t take_events(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0)
		ck_assert_int_eq(errno, EAGAIN);
	return count;
}

static void add_event(int fd)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
}

static void count_config_change(void *transport)
{
	add_event(((struct virtio_rig *)transport)->config_fd);
}

void virtio_rig_init(struct virtio_rig *rig, bool shared)
{
	const struct memory_config config = {
		.size = VIRTIO_RIG_RAM,
		.shared = shared,
		.low_limit = GIB(3),
	};
	const char *missing;

	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&rig->kvm, &missing), 0);
	ck_assert_int_eq(memory_init(&rig->memory, &rig->kvm, &config), 0);
	rig->next = FIRST_FREE;
	rig->config_fd = make_event();
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		rig->queues[i].call_fd = -1;
}

void virtio_rig_exit(struct virtio_rig *rig)
{
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		close_fd(&rig->queues[i].call_fd);
	close_fd(&rig->config_fd);
	memory_exit(&rig->memory);
	kvm_close(&rig->kvm);
}

uint64_t virtio_rig_alloc(struct virtio_rig *rig, uint64_t len, uint64_t align)
{
	uint64_t gpa = align_up(rig->next, align);

	memset(virtio_rig_at(rig, gpa, len), 0, len);
	rig->next = gpa + len;
	return gpa;
}

void *virtio_rig_at(struct virtio_rig *rig, uint64_t gpa, uint64_t len)
{
	void *hva = memory_at(&rig->memory, gpa, len);

	ck_assert_ptr_nonnull(hva);
	return hva;
}

/* --- the steps of the driver ------------------------------------------------------------------ */

static void add_status(struct virtio_rig *rig, uint8_t bit)
{
	uint8_t status = virtio_device_status(rig->device);

	virtio_device_set_status(rig->device, status | bit);
	ck_assert_uint_eq(virtio_device_status(rig->device) & bit, bit);
}

void virtio_rig_negotiate(struct virtio_rig *rig, struct virtio_device *device, uint64_t features)
{
	uint64_t take =
		(features & virtio_device_features(device)) | (UINT64_C(1) << VIRTIO_F_VERSION_1);

	rig->device = device;
	if (!device->config_changed) {
		device->transport = rig;
		device->config_changed = count_config_change;
	}
	add_status(rig, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	add_status(rig, VIRTIO_CONFIG_S_DRIVER);
	virtio_device_accept(device, 0, (uint32_t)take);
	virtio_device_accept(device, 1, (uint32_t)(take >> 32));
	add_status(rig, VIRTIO_CONFIG_S_FEATURES_OK);
}

void virtio_rig_queue(struct virtio_rig *rig, unsigned index, uint16_t size)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	struct virtq *queue = &rig->device->queues[index];

	ck_assert_uint_lt(index, rig->device->nr_queues);
	ck_assert_uint_le(size, queue->size_max);
	if (mine->call_fd < 0)
		mine->call_fd = make_event();
	mine->size = size;
	mine->desc = virtio_rig_alloc(rig, size * sizeof(struct vring_desc), 16);
	mine->avail = virtio_rig_alloc(rig, 6 + 2 * (uint64_t)size, 2);
	mine->used = virtio_rig_alloc(rig, 6 + size * sizeof(struct vring_used_elem), 4);

	pthread_mutex_lock(&rig->device->lock);
	ck_assert(virtio_device_configurable(rig->device));
	queue->size = size;
	queue->desc = mine->desc;
	queue->avail = mine->avail;
	queue->used = mine->used;
	queue->call_fd = mine->call_fd;
	queue->enabled = true;
	pthread_mutex_unlock(&rig->device->lock);
}

void virtio_rig_ready(struct virtio_rig *rig)
{
	add_status(rig, VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_rig_start(struct virtio_rig *rig, struct virtio_device *device, uint64_t features,
		      unsigned nr_queues)
{
	virtio_rig_negotiate(rig, device, features);
	for (unsigned i = 0; i < nr_queues; i++)
		virtio_rig_queue(rig, i, (uint16_t)min_u64(64, device->queues[i].size_max));
	virtio_rig_ready(rig);
}

void virtio_rig_reset(struct virtio_rig *rig)
{
	struct virtio_device *device = rig->device;
	struct timespec end;
	int err = 0;

	virtio_device_set_status(device, 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += RESET_SECS;
	pthread_mutex_lock(&device->lock);
	while (device->stopping && !err)
		err = pthread_cond_timedwait(&device->idle, &device->lock, &end);
	pthread_mutex_unlock(&device->lock);
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(virtio_device_status(device), 0);

	take_events(rig->config_fd);
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
		int fd = rig->queues[i].call_fd;

		if (fd >= 0)
			take_events(fd);
		rig->queues[i] = (struct virtio_rig_queue){ .call_fd = fd };
	}
}

/* --- the rings -------------------------------------------------------------------------------- */

struct vring_desc *virtio_rig_desc(struct virtio_rig *rig, unsigned index, unsigned n)
{
	const struct virtio_rig_queue *mine = &rig->queues[index];

	ck_assert_uint_lt(n, mine->size);
	return (struct vring_desc *)virtio_rig_at(rig, mine->desc, mine->size * 16u) + n;
}

struct vring_avail *virtio_rig_avail(struct virtio_rig *rig, unsigned index)
{
	const struct virtio_rig_queue *mine = &rig->queues[index];

	return virtio_rig_at(rig, mine->avail, 6 + 2 * (uint64_t)mine->size);
}

struct vring_used *virtio_rig_used_ring(struct virtio_rig *rig, unsigned index)
{
	const struct virtio_rig_queue *mine = &rig->queues[index];

	return virtio_rig_at(rig, mine->used, 6 + 8 * (uint64_t)mine->size);
}

uint16_t virtio_rig_add(struct virtio_rig *rig, unsigned index,
			const struct virtio_rig_buffer *buffers, unsigned nr)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	struct vring_avail *avail = virtio_rig_avail(rig, index);
	uint16_t head = mine->free;

	ck_assert_uint_ge(nr, 1);
	ck_assert_uint_le(nr, mine->size);
	for (unsigned i = 0; i < nr; i++) {
		bool last = i + 1 == nr;
		uint16_t at = mine->free;

		mine->free = (uint16_t)((at + 1) % mine->size);
		*virtio_rig_desc(rig, index, at) = (struct vring_desc){
			.addr = buffers[i].gpa,
			.len = buffers[i].len,
			.flags = (uint16_t)((buffers[i].write ? VRING_DESC_F_WRITE : 0) |
					    (last ? 0 : VRING_DESC_F_NEXT)),
			.next = last ? 0 : mine->free,
		};
	}
	avail->ring[avail->idx % mine->size] = head;
	__atomic_store_n(&avail->idx, (uint16_t)(avail->idx + 1), __ATOMIC_RELEASE);
	return head;
}

static bool has_event_idx(const struct virtio_rig *rig)
{
	return virtio_device_has(rig->device, VIRTIO_RING_F_EVENT_IDX);
}

/* Whether the device asked to hear of what came into the available ring after @old. */
static bool wants_kick(struct virtio_rig *rig, unsigned index, uint16_t now, uint16_t old)
{
	const struct vring_used *used = virtio_rig_used_ring(rig, index);
	const uint16_t *avail_event = (const void *)&used->ring[rig->queues[index].size];

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!has_event_idx(rig))
		return !(__atomic_load_n(&used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
	return vring_need_event(__atomic_load_n(avail_event, __ATOMIC_RELAXED), now, old);
}

void virtio_rig_kick(struct virtio_rig *rig, unsigned index)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	uint16_t now = virtio_rig_avail(rig, index)->idx, old = mine->kicked;

	mine->kicked = now;
	if (now == old || wants_kick(rig, index, now, old))
		add_event(rig->device->queues[index].kick_fd);
}

static bool take_used(struct virtio_rig *rig, unsigned index, uint16_t *ret_head, uint32_t *ret_len)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	const struct vring_used *used = virtio_rig_used_ring(rig, index);
	const struct vring_used_elem *elem = &used->ring[mine->seen % mine->size];

	if (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) == mine->seen)
		return false;
	if (ret_head)
		*ret_head = (uint16_t)elem->id;
	if (ret_len)
		*ret_len = elem->len;
	mine->seen++;
	return true;
}

/* Asks for an interrupt with the next used entry. False if the test switched interrupts off. */
static bool want_interrupt(struct virtio_rig *rig, unsigned index)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	struct vring_avail *avail = virtio_rig_avail(rig, index);

	if (!has_event_idx(rig))
		return !(avail->flags & VRING_AVAIL_F_NO_INTERRUPT);
	__atomic_store_n(&avail->ring[mine->size], mine->seen, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return true;
}

/* Waits until @fd is readable or @end (now_ns()) has passed; false for the latter. */
static bool wait_readable(int fd, uint64_t end)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = now_ns();
		int ret = poll(&poll_fd, 1, now < end ? (int)((end - now + 999999) / 1000000) : 0);

		if (ret >= 0)
			return ret > 0;
		ck_assert_int_eq(errno, EINTR);
	}
}

bool virtio_rig_used(struct virtio_rig *rig, unsigned index, unsigned ms, uint16_t *ret_head,
		     uint32_t *ret_len)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	uint64_t end = now_ns() + ms * UINT64_C(1000000);
	bool interrupts;

	if (take_used(rig, index, ret_head, ret_len))
		return true;
	interrupts = want_interrupt(rig, index);
	for (;;) {
		if (take_used(rig, index, ret_head, ret_len))
			return true;
		if (!wait_readable(mine->call_fd, end))
			return !interrupts && take_used(rig, index, ret_head, ret_len);
		if (take_events(mine->call_fd))
			mine->interrupted = true;
	}
}

bool virtio_rig_interrupted(struct virtio_rig *rig, unsigned index)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	bool interrupted = take_events(mine->call_fd) || mine->interrupted;

	mine->interrupted = false;
	return interrupted;
}

uint64_t virtio_rig_config_changes(struct virtio_rig *rig)
{
	return take_events(rig->config_fd);
}

/* The status comes first, then the interrupt: one that was read away leaves the status. */
bool virtio_rig_needs_reset(struct virtio_rig *rig, unsigned ms)
{
	uint64_t end = now_ns() + ms * UINT64_C(1000000);

	while (!(virtio_device_status(rig->device) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		if (!wait_readable(rig->config_fd, end))
			return false;
		take_events(rig->config_fd);
	}
	return true;
}

/* --- devices on a loop ------------------------------------------------------------------------ */

static void quit(struct loop_source *source, int revents)
{
	(void)revents;
	loop_quit(source->opaque);
}

/* Runs @loop until one of @fd (-1: none) and a timer of @ms is readable. */
static void run_until(struct loop *loop, int fd, unsigned ms)
{
	struct loop_source event = { .fd = fd, .events = POLLIN, .ready = quit, .opaque = loop };
	struct loop_source timer = event;
	/* 0 would switch the timer off. */
	const struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L + 1 },
	};

	timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ck_assert_int_ge(timer.fd, 0);
	ck_assert_int_eq(timerfd_settime(timer.fd, 0, &when, NULL), 0);
	ck_assert_int_eq(loop_add(loop, &timer), 0);
	if (fd >= 0)
		ck_assert_int_eq(loop_add(loop, &event), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	if (fd >= 0)
		loop_del(loop, &event);
	loop_del(loop, &timer);
	close(timer.fd);
}

bool virtio_rig_loop_used(struct virtio_rig *rig, struct loop *loop, unsigned index, unsigned ms,
			  uint16_t *ret_head, uint32_t *ret_len)
{
	struct virtio_rig_queue *mine = &rig->queues[index];
	uint64_t end = now_ns() + ms * UINT64_C(1000000);

	for (;;) {
		uint64_t now = now_ns();
		bool interrupts;

		if (take_used(rig, index, ret_head, ret_len))
			return true;
		interrupts = want_interrupt(rig, index);
		if (take_used(rig, index, ret_head, ret_len))
			return true;
		if (now >= end)
			return false;
		run_until(loop, mine->call_fd, (unsigned)((end - now) / 1000000));
		if (take_events(mine->call_fd))
			mine->interrupted = true;
		else if (interrupts)
			return false;
	}
}

void virtio_rig_loop_run(struct loop *loop, unsigned ms)
{
	run_until(loop, -1, ms);
}
