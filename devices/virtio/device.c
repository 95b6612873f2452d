/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio device's status, features and queues (Virtio 1.2, 2.1, 2.2 and 3.1).
 *
 * The status is the one thing that several threads write: steps of the driver and resets under the
 * lock, DEVICE_NEEDS_RESET by any thread without it. So it is changed by atomic operations only.
 */
#include "devices/virtio/device.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <linux/virtio_config.h>

#include "vmm/bits.h"
#include "vmm/log.h"

/* Lines about one device that a guest can cause in the life of a VM. */
#define MAX_COMPLAINTS 4

#define STEPS                                                                                 \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED)

static uint8_t status_of(const struct virtio_device *device)
{
	return __atomic_load_n(&device->status, __ATOMIC_ACQUIRE);
}

static void add_status(struct virtio_device *device, uint8_t bits)
{
	__atomic_or_fetch(&device->status, bits, __ATOMIC_ACQ_REL);
}

static void forget_queue(struct virtq *queue)
{
	virtq_stop(queue);
	queue->size = queue->size_max;
	queue->enabled = false;
	queue->desc = 0;
	queue->avail = 0;
	queue->used = 0;
	queue->call_fd = -1;
}

static void close_queues(struct virtio_device *device)
{
	for (unsigned i = 0; i < device->nr_queues; i++)
		close_fd(&device->queues[i].kick_fd);
}

static int open_queues(struct virtio_device *device, uint16_t size_max)
{
	for (unsigned i = 0; i < device->nr_queues; i++)
		device->queues[i] = (struct virtq){
			.index = (uint16_t)i,
			.size_max = size_max,
			.kick_fd = -1,
		};
	for (unsigned i = 0; i < device->nr_queues; i++) {
		struct virtq *queue = &device->queues[i];

		forget_queue(queue);
		queue->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (queue->kick_fd < 0)
			return -errno;
	}
	return 0;
}

int virtio_device_init(struct virtio_device *device, unsigned nr_queues, uint16_t size_max)
{
	int err;

	if (!nr_queues || nr_queues > VIRTIO_MAX_QUEUES || !size_max || size_max > VIRTQ_SIZE_MAX ||
	    (size_max & (size_max - 1)))
		return -EINVAL;
	device->nr_queues = nr_queues;
	err = open_queues(device, size_max);
	if (err) {
		close_queues(device);
		device->nr_queues = 0;
		return err;
	}
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->idle, NULL);
	device->status = 0;
	device->accepted = 0;
	device->started = false;
	device->stopping = false;
	device->generation = 0;
	device->complaints = 0;
	device->config_changed = NULL;
	device->transport = NULL;
	return 0;
}

void virtio_device_exit(struct virtio_device *device)
{
	if (!device->nr_queues)
		return;
	virtio_device_reset(device);
	close_queues(device);
	pthread_cond_destroy(&device->idle);
	pthread_mutex_destroy(&device->lock);
	device->nr_queues = 0;
}

uint64_t virtio_device_features(const struct virtio_device *device)
{
	uint64_t rings = (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX) |
			 (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);

	return device->offered | (UINT64_C(1) << VIRTIO_F_VERSION_1) |
	       (device->bare_rings ? 0 : rings);
}

void virtio_device_accept(struct virtio_device *device, uint32_t select, uint32_t features)
{
	unsigned shift = 32 * select;

	if (select > 1)
		return;
	pthread_mutex_lock(&device->lock);
	if (!(status_of(device) & VIRTIO_CONFIG_S_FEATURES_OK))
		device->accepted = (device->accepted & ~(UINT64_C(0xffffffff) << shift)) |
				   ((uint64_t)features << shift);
	pthread_mutex_unlock(&device->lock);
}

uint32_t virtio_device_accepted(struct virtio_device *device, uint32_t select)
{
	uint64_t accepted;

	pthread_mutex_lock(&device->lock);
	accepted = device->accepted;
	pthread_mutex_unlock(&device->lock);
	return select > 1 ? 0 : (uint32_t)(accepted >> (32 * select));
}

bool virtio_device_configurable(const struct virtio_device *device)
{
	return !(status_of(device) & VIRTIO_CONFIG_S_DRIVER_OK) && !device->stopping;
}

/* Counts, so that a guest that is wrong for ever fills no log. */
static bool may_complain(struct virtio_device *device)
{
	return __atomic_fetch_add(&device->complaints, 1, __ATOMIC_RELAXED) < MAX_COMPLAINTS;
}

/* True for the first who says so since the reset. */
static bool needs_reset(struct virtio_device *device)
{
	uint8_t old =
		__atomic_fetch_or(&device->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_ACQ_REL);

	if (old & VIRTIO_CONFIG_S_NEEDS_RESET)
		return false;
	if (device->config_changed)
		device->config_changed(device->transport);
	return true;
}

void virtio_device_break(struct virtio_device *device, const struct virtq *queue, const char *why)
{
	if (!needs_reset(device) || !may_complain(device))
		return;
	if (queue)
		log_warn(device->name,
			 "the guest's queue %u has %s; the device waits for a reset by its driver",
			 queue->index, why);
	else
		log_warn(device->name, "%s; the device waits for a reset by its driver", why);
}

/* --- start and stop, under the lock ----------------------------------------------------------- */

static void stop_queues(struct virtio_device *device)
{
	for (unsigned i = 0; i < device->nr_queues; i++)
		virtq_stop(&device->queues[i]);
}

static int start_queues(struct virtio_device *device)
{
	for (unsigned i = 0; i < device->nr_queues; i++) {
		struct virtq *queue = &device->queues[i];
		int err;

		if (!queue->enabled)
			continue;
		err = virtq_start(queue, device->memory, device->accepted);
		if (err) {
			virtio_device_break(device, queue,
					    err == -EINVAL ? "a size that is none"
							   : "rings that are not in RAM");
			stop_queues(device);
			return err;
		}
	}
	return 0;
}

static void start(struct virtio_device *device)
{
	int err;

	add_status(device, VIRTIO_CONFIG_S_DRIVER_OK);
	if (start_queues(device))
		return;
	err = device->ops->start(device);
	if (!err) {
		device->started = true;
		return;
	}
	stop_queues(device);
	if (needs_reset(device) && may_complain(device))
		log_warn(device->name, "cannot serve the guest: %s", strerror(-err));
}

static void finish_reset(struct virtio_device *device)
{
	for (unsigned i = 0; i < device->nr_queues; i++)
		forget_queue(&device->queues[i]);
	device->accepted = 0;
	device->stopping = false;
	__atomic_store_n(&device->status, 0, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&device->idle);
}

static void reset(struct virtio_device *device)
{
	if (device->stopping)
		return;
	if (device->started) {
		device->started = false;
		if (!device->ops->stop(device)) {
			device->stopping = true;
			return;
		}
	}
	finish_reset(device);
}

void virtio_device_stopped(struct virtio_device *device)
{
	pthread_mutex_lock(&device->lock);
	if (device->stopping)
		finish_reset(device);
	pthread_mutex_unlock(&device->lock);
}

void virtio_device_reset(struct virtio_device *device)
{
	pthread_mutex_lock(&device->lock);
	reset(device);
	while (device->stopping)
		pthread_cond_wait(&device->idle, &device->lock);
	pthread_mutex_unlock(&device->lock);
}

/* --- the status register ---------------------------------------------------------------------- */

/* Virtio 1.2, 2.2.2 and 6.1: nothing that was not offered, and never the legacy interface. */
static bool features_ok(const struct virtio_device *device)
{
	return !(device->accepted & ~virtio_device_features(device)) &&
	       virtio_device_has(device, VIRTIO_F_VERSION_1);
}

/* True if @to are the steps of Virtio 1.2, 3.1.1 in their order: none without those before it. */
static bool in_order(uint8_t to)
{
	static const uint8_t order[] = {
		VIRTIO_CONFIG_S_ACKNOWLEDGE,
		VIRTIO_CONFIG_S_DRIVER,
		VIRTIO_CONFIG_S_FEATURES_OK,
		VIRTIO_CONFIG_S_DRIVER_OK,
	};

	for (unsigned i = 1; i < ARRAY_SIZE(order); i++)
		if ((to & order[i]) && !(to & order[i - 1]))
			return false;
	return true;
}

static void take_steps(struct virtio_device *device, uint8_t to)
{
	uint8_t from = status_of(device) & STEPS;
	uint8_t added = to & ~from;

	/* A driver gives up at any point. */
	if (added & VIRTIO_CONFIG_S_FAILED)
		add_status(device, VIRTIO_CONFIG_S_FAILED);
	/* Bits are only ever added: the one step back is to 0. Unknown ones have no effect. */
	if (!in_order(to))
		return;
	add_status(device, added & (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER));
	if (added & VIRTIO_CONFIG_S_FEATURES_OK) {
		if (!features_ok(device))
			return;
		add_status(device, VIRTIO_CONFIG_S_FEATURES_OK);
	}
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		start(device);
}

void virtio_device_set_status(struct virtio_device *device, uint8_t status)
{
	pthread_mutex_lock(&device->lock);
	if (!status)
		reset(device);
	else if (!device->stopping)
		/* The driver writes back what it has read, with DEVICE_NEEDS_RESET. */
		take_steps(device, status & (uint8_t)~VIRTIO_CONFIG_S_NEEDS_RESET);
	pthread_mutex_unlock(&device->lock);
}

uint8_t virtio_device_status(struct virtio_device *device)
{
	return status_of(device);
}

void virtio_device_config_changed(struct virtio_device *device)
{
	__atomic_add_fetch(&device->generation, 1, __ATOMIC_RELEASE);
	if (device->config_changed)
		device->config_changed(device->transport);
}
