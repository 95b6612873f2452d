/* SPDX-License-Identifier: BSD-3-Clause */
/* The control queue of a network device (Virtio 1.2, 5.1.6.5): how many queue pairs the driver
 * uses. Filters for received frames are not offered; what asks for them is refused. */
#ifndef COLDVM_DEVICES_VIRTIO_NET_CTRL_H
#define COLDVM_DEVICES_VIRTIO_NET_CTRL_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/queue.h"

struct virtio_device;

struct net_ctrl {
	struct virtio_device *device;
	unsigned max_pairs; /* 1: VIRTIO_NET_F_MQ was not accepted */
	/* The driver uses pairs 0 to @nr - 1 from now on: 0, or -errno to refuse. */
	int (*set_pairs)(void *opaque, unsigned nr);
	void *opaque;
	struct virtq_chain chain;
};

/* Carries out what is in @queue, a bounded number of commands; true if there may be more. */
bool net_ctrl_serve(struct net_ctrl *ctrl, struct virtq *queue);

#endif
