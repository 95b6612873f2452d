/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio device apart from how the guest reaches it: features, status, configuration, queues.
 * The transport (pci.c) calls in, the kind of device (blk.c, net.c, ...) is behind virtio_ops.
 *
 * Life: virtio_device_init(), virtio_pci_init(), then any number of start and stop, then
 * virtio_pci_exit(), virtio_device_exit(). @lock guards status, the features and the queues'
 * configuration, and is held around every call of virtio_ops.
 *
 * Work runs where the device wants it: on the main loop (sources added before the vCPUs start,
 * with the queues' kick_fd, and deaf while the device is stopped), or on threads of its own. Both
 * take what they share with start() and stop() under a lock of the device's own.
 */
#ifndef COLDVM_DEVICES_VIRTIO_DEVICE_H
#define COLDVM_DEVICES_VIRTIO_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/queue.h"

struct memory;
struct virtio_device;

#define VIRTIO_MAX_QUEUES 64

struct virtio_ops {
	/* @off and @size (1 to 8) lie inside config_size. On a vCPU thread; must not wait. */
	void (*config_read)(struct virtio_device *device, unsigned off, void *data, unsigned size);
	/* May be NULL: writes are dropped. */
	void (*config_write)(struct virtio_device *device, unsigned off, const void *data,
			     unsigned size);
	/* DRIVER_OK: features and queues are settled, the enabled queues started. On a vCPU thread.
	 * -errno: the guest finds DEVICE_NEEDS_RESET. Requests may be there already, and their
	 * kick may have come before: look at every queue once. */
	int (*start)(struct virtio_device *device);
	/* Reset by the guest, or the end. After it returned true nothing of the device touches
	 * guest memory. False: requests are still at work; the device calls virtio_device_stopped()
	 * on any thread when they are not, and until then the guest's reset is not complete. */
	bool (*stop)(struct virtio_device *device);
};

struct virtio_device {
	/* Given to virtio_device_init(). */
	const struct virtio_ops *ops;
	const char *name;     /* for log and events: "disk0", "net1"; owned by the caller */
	uint16_t type;	      /* VIRTIO_ID_* */
	uint32_t pci_class;   /* 24 bits */
	unsigned config_size; /* bytes of device configuration */
	uint64_t offered;     /* VIRTIO_F_VERSION_1, EVENT_IDX and INDIRECT_DESC come by themselves,
			       * unless bare_rings is set */
	bool bare_rings;
	const struct memory *memory;

	pthread_mutex_t lock;
	pthread_cond_t idle; /* stopping ended */
	uint8_t status;	     /* VIRTIO_CONFIG_S_*; atomic: virtio_device_break() takes no lock */
	uint64_t accepted;   /* features that the driver took */
	bool started;
	bool stopping;	     /* ops->stop() said false */
	uint8_t generation;  /* of the configuration; atomic */
	unsigned complaints; /* lines about the guest so far; atomic */
	unsigned nr_queues;
	struct virtq queues[VIRTIO_MAX_QUEUES];

	/* Set by the transport. @config_changed interrupts the guest. */
	void (*config_changed)(void *transport);
	void *transport;
};

/* Makes the queues' eventfds. @size_max: of every queue, a power of two up to VIRTQ_SIZE_MAX.
 * -EINVAL, or -errno of eventfd(2). */
int virtio_device_init(struct virtio_device *device, unsigned nr_queues, uint16_t size_max);
/* Stops it if it runs, and waits until it is idle. */
void virtio_device_exit(struct virtio_device *device);

/* --- for the transport, any vCPU thread ------------------------------------------------------- */

/* The guest writes the status register; 0 resets. Unknown steps and features that were not offered
 * are refused as Virtio 1.2, 3.1 says. */
void virtio_device_set_status(struct virtio_device *device, uint8_t status);
/* What the status register reads: not 0 before a reset is complete. */
uint8_t virtio_device_status(struct virtio_device *device);
/* Everything that virtio_device_init() offers, and the device's own. */
uint64_t virtio_device_features(const struct virtio_device *device);
/* The guest takes the features of word @select (0: bits 0 to 31, 1: 32 to 63; there are no more).
 * Ignored once FEATURES_OK is set. */
void virtio_device_accept(struct virtio_device *device, uint32_t select, uint32_t features);
uint32_t virtio_device_accepted(struct virtio_device *device, uint32_t select);
/* True while the guest may configure queues: not yet started, and no reset at work. Under @lock. */
bool virtio_device_configurable(const struct virtio_device *device);
/* Waits until the device is stopped and idle; not under its lock. */
void virtio_device_reset(struct virtio_device *device);

/* --- for the devices ---------------------------------------------------------------------------
 */

/* The guest's rings make no sense: DEVICE_NEEDS_RESET, a warning that names @queue (NULL: the
 * device as a whole) and @why, and no request until the reset. Any thread; takes no lock. A guest
 * that does it again and again gets a few warnings only. */
void virtio_device_break(struct virtio_device *device, const struct virtq *queue, const char *why);
/* The stop that ops->stop() left open is complete: no thread of the device touches guest memory or
 * queues any more. Takes @lock, so not from ops and not under a lock that they take. */
void virtio_device_stopped(struct virtio_device *device);
/* The configuration that config_read() gives has changed: next generation, and an interrupt. */
void virtio_device_config_changed(struct virtio_device *device);
static inline bool virtio_device_has(const struct virtio_device *device, unsigned feature)
{
	return device->accepted & (UINT64_C(1) << feature);
}

#endif
