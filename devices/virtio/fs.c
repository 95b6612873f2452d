/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio file system: configuration here, requests in a daemon. */
#include "devices/virtio/fs.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>

#include "devices/virtio/vhost_user.h"
#include "devices/virtio/vhost_user_wire.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/log.h"
#include "vmm/loop.h"
#include "vmm/memory.h"

#define PCI_CLASS_STORAGE 0x018000 /* mass storage controller, other */
#define HIPRIO_QUEUES	  1	   /* before the request queues */

/* What the rings' code of the guest's driver and of a daemon agree on without us. */
#define RING_FEATURES                                                                          \
	(UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX | \
	 UINT64_C(1) << VIRTIO_F_VERSION_1)

struct fs {
	struct virtio_device device;
	struct virtio_fs_config config;
	struct loop *loop;
	struct event_monitor *events;
	struct loop_source source; /* the daemon's socket: its end */
	unsigned nr_queues;

	pthread_mutex_t lock; /* of what follows; below the device's */
	struct vhost_user *user;
	bool lost; /* said */

	struct vhost_user own; /* without one of the caller's */
};

static struct fs *fs_of(struct virtio_device *device)
{
	return container_of(device, struct fs, device);
}

static const char *reason(int err)
{
	switch (err) {
	case -ETIMEDOUT:
		return "does not answer";
	case -EPROTO:
		return "answers nonsense";
	case -EREMOTEIO:
		return "refuses what it is asked";
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ENOENT:
	case -ENOTCONN:
		return "has gone";
	default:
		return strerror(-err);
	}
}

/* Says it once. Lock held, on any thread. */
static void lose(struct fs *fs, int err)
{
	char text[120];

	vhost_user_lose(fs->user);
	fs->user->lost = true;
	if (fs->lost)
		return;
	fs->lost = true;
	snprintf(text, sizeof(text), "the daemon of this file system %s: the guest is without it",
		 reason(err));
	virtio_device_break(&fs->device, NULL, text);
	event_emit(fs->events, "device", "fs-backend-lost", now_ns(),
		   json_pack("{s:s, s:s}", "id", fs->device.name, "reason", reason(err)));
}

static void ended(struct loop_source *source, int revents)
{
	struct fs *fs = source->opaque;

	(void)revents;
	loop_del(fs->loop, source);
	pthread_mutex_lock(&fs->lock);
	lose(fs, -ECONNRESET);
	pthread_mutex_unlock(&fs->lock);
}

static void fs_config_read(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	memcpy(data, (const char *)&fs_of(device)->config + off, size);
}

static int fs_start(struct virtio_device *device)
{
	struct fs *fs = fs_of(device);
	int r;

	pthread_mutex_lock(&fs->lock);
	r = vhost_user_start(fs->user, device->memory, device->accepted, device->queues,
			     fs->nr_queues);
	if (r < 0)
		lose(fs, r);
	pthread_mutex_unlock(&fs->lock);
	return r;
}

static bool fs_stop(struct virtio_device *device)
{
	struct fs *fs = fs_of(device);
	int r;

	pthread_mutex_lock(&fs->lock);
	r = fs->lost ? 0 : vhost_user_stop(fs->user, device->queues, fs->nr_queues);
	if (r < 0)
		lose(fs, r);
	pthread_mutex_unlock(&fs->lock);
	return true;
}

static const struct virtio_ops fs_ops = {
	.config_read = fs_config_read,
	.start = fs_start,
	.stop = fs_stop,
};

static int check(const struct fs_config *config, const struct memory *memory, char *why,
		 size_t why_len)
{
	size_t max_tag = sizeof(((struct virtio_fs_config *)NULL)->tag);
	size_t tag = strlen(config->tag);

	if (!memory_is_shared(memory)) {
		snprintf(why, why_len,
			 "needs --memory shared=on, or that of each --memory-zone: the daemon maps "
			 "the guest's memory");
		return -ENOTSUP;
	}
	if (memory->nr_ram > VHOST_USER_MAX_REGIONS) {
		snprintf(why, why_len,
			 "the guest's memory has %u parts, and vhost-user has room for %u: make "
			 "fewer zones",
			 memory->nr_ram, VHOST_USER_MAX_REGIONS);
		return -ENOSPC;
	}
	if (!tag || tag > max_tag) {
		snprintf(why, why_len, "tag=%s: want 1 to %zu bytes", config->tag, max_tag);
		return -EINVAL;
	}
	if (!config->nr_queues || config->nr_queues > VIRTIO_MAX_QUEUES - HIPRIO_QUEUES) {
		snprintf(why, why_len, "num_queues=%u: want 1 to %u", config->nr_queues,
			 VIRTIO_MAX_QUEUES - HIPRIO_QUEUES);
		return -EINVAL;
	}
	return 0;
}

/* Meets the daemon. -errno with a line. */
static int meet(struct vhost_user *user, const struct fs_config *config, char *why, size_t why_len)
{
	int r = vhost_user_init(user, config->socket, VHOST_USER_TIMEOUT_MS);

	if (r == -ENOENT || r == -ECONNREFUSED) {
		snprintf(why, why_len, "nobody listens on %s (%s): start virtiofsd before",
			 config->socket, strerror(-r));
		return r;
	}
	if (r < 0) {
		snprintf(why, why_len, "%s: the daemon %s", config->socket, reason(r));
		return r;
	}
	if (!(user->features & UINT64_C(1) << VIRTIO_F_VERSION_1)) {
		snprintf(why, why_len, "%s: the daemon does not speak Virtio 1", config->socket);
		return -EPROTO;
	}
	if (user->nr_queues < config->nr_queues + HIPRIO_QUEUES) {
		snprintf(why, why_len, "num_queues=%u: the daemon of %s serves %llu at most",
			 config->nr_queues, config->socket,
			 (unsigned long long)(user->nr_queues ? user->nr_queues - HIPRIO_QUEUES
							      : 0));
		return -EINVAL;
	}
	return 0;
}

/* Goes on with the daemon of the boot before, or meets one. One that is missing now, but was there,
 * is what *ret_lost says; the features are its own then. */
static int meet_again(struct vhost_user *user, const struct fs_config *config, int *ret_lost,
		      char *why, size_t why_len)
{
	struct vhost_user before = *user;
	int r;

	*ret_lost = 0;
	if (vhost_user_alive(user))
		return 0;
	vhost_user_exit(user);
	r = meet(user, config, why, why_len);
	if (r == 0 || !before.features)
		return r;
	vhost_user_exit(user);
	*user = before;
	user->fd = -1;
	*ret_lost = r;
	return 0;
}

static struct fs *make(const struct fs_config *config, const struct memory *memory,
		       struct loop *loop, struct event_monitor *events)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return NULL;
	fs->device.ops = &fs_ops;
	fs->device.name = config->name;
	fs->device.type = VIRTIO_ID_FS;
	fs->device.pci_class = PCI_CLASS_STORAGE;
	fs->device.config_size = sizeof(fs->config);
	fs->device.bare_rings = true;
	fs->device.memory = memory;
	memcpy(fs->config.tag, config->tag, strlen(config->tag));
	fs->config.num_request_queues = htole32(config->nr_queues);
	fs->loop = loop;
	fs->events = events;
	fs->nr_queues = config->nr_queues + HIPRIO_QUEUES;
	fs->own.fd = -1;
	fs->user = config->link ? config->link : &fs->own;
	pthread_mutex_init(&fs->lock, NULL);
	return fs;
}

static int open_all(struct fs *fs, const struct fs_config *config, char *why, size_t why_len)
{
	int lost, r = meet_again(fs->user, config, &lost, why, why_len);

	if (r < 0)
		return r;
	fs->device.offered = fs->user->features & RING_FEATURES;
	r = virtio_device_init(&fs->device, fs->nr_queues, config->queue_size);
	if (r == 0 && lost) {
		lose(fs, lost);
	} else if (r == 0) {
		/* Not POLLIN: its answers are for whoever has asked. */
		fs->source = (struct loop_source){
			.fd = fs->user->fd,
			.events = POLLRDHUP,
			.ready = ended,
			.opaque = fs,
		};
		r = loop_add(fs->loop, &fs->source);
	}
	if (r < 0)
		snprintf(why, why_len, "%s", strerror(-r));
	return r;
}

int fs_create(const struct fs_config *config, const struct memory *memory, struct loop *loop,
	      struct event_monitor *events, struct fs **ret, char *why, size_t why_len)
{
	struct fs *fs;
	int r = check(config, memory, why, why_len);

	if (r < 0)
		return r;
	fs = make(config, memory, loop, events);
	if (!fs) {
		snprintf(why, why_len, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	r = open_all(fs, config, why, why_len);
	if (r < 0) {
		fs_destroy(fs);
		return r;
	}
	*ret = fs;
	return 0;
}

struct virtio_device *fs_device(struct fs *fs)
{
	return &fs->device;
}

void fs_destroy(struct fs *fs)
{
	if (!fs)
		return;
	loop_del(fs->loop, &fs->source);
	virtio_device_exit(&fs->device);
	vhost_user_exit(&fs->own);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}
