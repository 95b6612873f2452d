/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio disk: what the guest is told of it, and the life of its queues. */
#include "devices/virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/blk_image.h"
#include "devices/virtio/blk_queue.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/log.h"
#include "vmm/rate_limit.h"

#define PCI_CLASS_DISK 0x018000 /* mass storage, other */

/* Secure erase is not offered. */
#define CONFIG_SIZE offsetof(struct virtio_blk_config, max_secure_erase_sectors)

#define ERRNO_WORDS 4 /* of 64: more than Linux has error numbers */

struct blk {
	struct virtio_device device;
	struct blk_image image;
	struct blk_limits limits;
	struct virtio_blk_config config;
	char serial[BLK_SERIAL_LEN]; /* padded with zeroes */
	unsigned nr_queues;
	struct blk_queue *queues[BLK_MAX_QUEUES];
	atomic_uint stopping;		    /* queues that have not stopped yet */
	_Atomic uint64_t said[ERRNO_WORDS]; /* a bit for each errno that the log has named */
	struct event_monitor *events;	    /* NULL: nobody listens */
	pthread_mutex_t errors_lock;
	struct rate_limit errors; /* of events; guarded by errors_lock */
};

static struct blk *to_blk(struct virtio_device *device)
{
	return container_of(device, struct blk, device);
}

static void config_read(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	memcpy(data, (const uint8_t *)&to_blk(device)->config + off, size);
}

static int start(struct virtio_device *device)
{
	struct blk *blk = to_blk(device);
	bool writethrough = !virtio_device_has(device, VIRTIO_BLK_F_FLUSH);

	for (unsigned i = 0; i < blk->nr_queues; i++)
		if (device->queues[i].enabled)
			blk_queue_start(blk->queues[i], writethrough);
	return 0;
}

static bool stop(struct virtio_device *device)
{
	struct blk *blk = to_blk(device);
	unsigned nr = 0;

	for (unsigned i = 0; i < blk->nr_queues; i++)
		nr += device->queues[i].enabled;
	if (!nr)
		return true;
	atomic_store(&blk->stopping, nr);
	for (unsigned i = 0; i < blk->nr_queues; i++)
		if (device->queues[i].enabled)
			blk_queue_stop(blk->queues[i]);
	return false;
}

static const struct virtio_ops blk_ops = {
	.config_read = config_read,
	.start = start,
	.stop = stop,
};

static void queue_stopped(void *opaque)
{
	struct blk *blk = opaque;

	if (atomic_fetch_sub(&blk->stopping, 1) == 1)
		virtio_device_stopped(&blk->device);
}

static void tell_failed(struct blk *blk, const char *operation, uint64_t offset, int err)
{
	uint64_t t_ns = now_ns(), suppressed = 0;
	const char *word = strerrorname_np(-err);
	bool say;

	pthread_mutex_lock(&blk->errors_lock);
	say = rate_limit_take(&blk->errors, t_ns, &suppressed);
	pthread_mutex_unlock(&blk->errors_lock);
	if (say && blk->events)
		event_emit(
			blk->events, "device", "disk-io-error", t_ns,
			json_pack("{s:s, s:s, s:I, s:s, s:I}", "id", blk->device.name, "operation",
				  operation, "sector", (json_int_t)(offset / BLK_SECTOR), "errno",
				  word ? word : "unknown", "suppressed", (json_int_t)suppressed));
}

/* A guest can repeat what fails as often as it likes: each kind of failure is one line. */
static void queue_failed(void *opaque, const char *operation, uint64_t offset, int err)
{
	struct blk *blk = opaque;
	unsigned number = (unsigned)-err % (64 * ERRNO_WORDS);
	uint64_t bit = UINT64_C(1) << number % 64;

	tell_failed(blk, operation, offset, err);
	if (atomic_fetch_or(&blk->said[number / 64], bit) & bit)
		return;
	log_warn(blk->device.name,
		 "%s at byte %llu failed: %s; the guest got an I/O error (said once)", operation,
		 (unsigned long long)offset, strerror(-err));
}

/* --- what the guest is told ------------------------------------------------------------------- */

static uint64_t bit(unsigned feature)
{
	return UINT64_C(1) << feature;
}

static uint64_t features(const struct blk *blk)
{
	uint64_t offered = bit(VIRTIO_BLK_F_SEG_MAX) | bit(VIRTIO_BLK_F_BLK_SIZE) |
			   bit(VIRTIO_BLK_F_FLUSH) | bit(VIRTIO_BLK_F_TOPOLOGY);

	if (blk->nr_queues > 1)
		offered |= bit(VIRTIO_BLK_F_MQ);
	if (blk->image.readonly)
		return offered | bit(VIRTIO_BLK_F_RO);
	if (blk->limits.discard)
		offered |= bit(VIRTIO_BLK_F_DISCARD);
	return offered | bit(VIRTIO_BLK_F_WRITE_ZEROES);
}

static unsigned log2_of(uint32_t power_of_two)
{
	return (unsigned)__builtin_ctz(power_of_two);
}

static void fill_config(struct blk *blk, uint16_t queue_size)
{
	const struct blk_image *image = &blk->image;
	struct virtio_blk_config *config = &blk->config;
	uint32_t blocks = image->physical_block / image->block_size;
	/* Two of a chain's buffers are header and status. */
	uint32_t chain = (uint32_t)min_u64(queue_size, VIRTQ_IOV_MAX);

	config->capacity = htole64(blk->limits.capacity);
	config->seg_max = htole32(chain > 2 ? chain - 2 : 1);
	config->blk_size = htole32(image->block_size);
	config->physical_block_exp = (uint8_t)log2_of(blocks);
	config->min_io_size = htole16((uint16_t)min_u64(blocks, UINT16_MAX));
	config->opt_io_size = htole32(image->opt_io_size / image->block_size);
	config->num_queues = htole16((uint16_t)blk->nr_queues);
	config->max_discard_sectors = htole32(BLK_MAX_SECTORS);
	config->max_discard_seg = htole32(BLK_MAX_RANGES);
	config->discard_sector_alignment = htole32(image->discard_align / BLK_SECTOR);
	config->max_write_zeroes_sectors = htole32(BLK_MAX_SECTORS);
	config->max_write_zeroes_seg = htole32(BLK_MAX_RANGES);
	config->write_zeroes_may_unmap = 1;
}

/* --- life ------------------------------------------------------------------------------------- */

static int make_queues(struct blk *blk)
{
	for (unsigned i = 0; i < blk->nr_queues; i++) {
		struct blk_queue_config config = {
			.name = blk->device.name,
			.index = i,
			.size = blk->device.queues[i].size_max,
			.device = &blk->device,
			.image = &blk->image,
			.limits = &blk->limits,
			.serial = blk->serial,
			.failed = queue_failed,
			.stopped = queue_stopped,
			.opaque = blk,
		};
		int err = blk_queue_create(&config, &blk->queues[i]);

		if (err)
			return err;
	}
	return 0;
}

static const char *ring_remedy(int err)
{
	switch (err) {
	case -EPERM:
	case -ENOSYS:
		return ": io_uring is switched off on this host (sysctl kernel.io_uring_disabled)";
	case -EOPNOTSUPP:
		return ": a disk needs Linux 5.13 or later";
	}
	return "";
}

static int make_device(struct blk *blk, const struct blk_config *config, char *why, size_t why_len)
{
	int err = virtio_device_init(&blk->device, config->nr_queues, config->queue_size);

	if (err) {
		snprintf(why, why_len, "%s: no queues: %s", config->path, strerror(-err));
		return err;
	}
	fill_config(blk, config->queue_size);
	err = make_queues(blk);
	if (err)
		snprintf(why, why_len, "%s: no io_uring: %s%s", config->path, strerror(-err),
			 ring_remedy(err));
	return err;
}

static void set_up(struct blk *blk, const struct blk_config *config, const struct memory *memory)
{
	blk->nr_queues = config->nr_queues;
	blk->events = config->events;
	blk->limits = (struct blk_limits){
		.capacity = blk->image.size / BLK_SECTOR,
		.readonly = blk->image.readonly,
		.discard = blk->image.discard,
	};
	if (config->serial)
		memcpy(blk->serial, config->serial, strnlen(config->serial, BLK_SERIAL_LEN));
	blk->device.ops = &blk_ops;
	blk->device.name = config->name;
	blk->device.type = VIRTIO_ID_BLOCK;
	blk->device.pci_class = PCI_CLASS_DISK;
	blk->device.config_size = CONFIG_SIZE;
	blk->device.offered = features(blk);
	blk->device.memory = memory;
}

int blk_create(const struct blk_config *config, const struct memory *memory, struct blk **ret,
	       char *why, size_t why_len)
{
	struct blk_image_config image = {
		.path = config->path,
		.readonly = config->readonly,
		.direct = config->direct,
	};
	struct blk *blk;
	int err;

	if (!config->nr_queues || config->nr_queues > BLK_MAX_QUEUES) {
		snprintf(why, why_len, "%s: %u queues, and 1 to %u are possible", config->path,
			 config->nr_queues, BLK_MAX_QUEUES);
		return -EINVAL;
	}
	blk = calloc(1, sizeof(*blk));
	if (!blk) {
		snprintf(why, why_len, "%s: out of memory", config->path);
		return -ENOMEM;
	}
	pthread_mutex_init(&blk->errors_lock, NULL);
	err = blk_image_open(&blk->image, &image, config->name, why, why_len);
	if (!err) {
		set_up(blk, config, memory);
		err = make_device(blk, config, why, why_len);
	}
	if (err) {
		blk_destroy(blk);
		return err;
	}
	*ret = blk;
	return 0;
}

struct virtio_device *blk_device(struct blk *blk)
{
	return &blk->device;
}

void blk_count(const struct blk *blk, struct blk_counters *ret)
{
	*ret = (struct blk_counters){ 0 };
	for (unsigned i = 0; i < blk->nr_queues; i++)
		blk_queue_count(blk->queues[i], ret);
}

void blk_destroy(struct blk *blk)
{
	if (!blk)
		return;
	/* In this order: a reset waits for the threads, which use the eventfds until they end. */
	if (blk->device.nr_queues)
		virtio_device_reset(&blk->device);
	for (unsigned i = 0; i < blk->nr_queues; i++)
		blk_queue_destroy(blk->queues[i]);
	virtio_device_exit(&blk->device);
	blk_image_close(&blk->image);
	pthread_mutex_destroy(&blk->errors_lock);
	free(blk);
}
