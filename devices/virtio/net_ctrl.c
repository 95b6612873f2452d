/* SPDX-License-Identifier: BSD-3-Clause */
/* The control queue of a network device. */
#include "devices/virtio/net_ctrl.h"

#include <endian.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "devices/virtio/device.h"

/* A guest that asks without end leaves its frames time. */
#define BATCH 16

static bool set_pairs(struct net_ctrl *ctrl)
{
	struct virtio_net_ctrl_mq mq;
	unsigned nr;

	if (virtq_chain_read(&ctrl->chain, sizeof(struct virtio_net_ctrl_hdr), &mq, sizeof(mq)) !=
	    sizeof(mq))
		return false;
	nr = le16toh(mq.virtqueue_pairs);
	return nr >= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN && nr <= ctrl->max_pairs &&
	       !ctrl->set_pairs(ctrl->opaque, nr);
}

static bool carry_out(struct net_ctrl *ctrl)
{
	struct virtio_net_ctrl_hdr hdr;

	if (virtq_chain_read(&ctrl->chain, 0, &hdr, sizeof(hdr)) != sizeof(hdr))
		return false;
	return hdr.class == VIRTIO_NET_CTRL_MQ && hdr.cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET &&
	       set_pairs(ctrl);
}

bool net_ctrl_serve(struct net_ctrl *ctrl, struct virtq *queue)
{
	int ret = 1;

	for (unsigned i = 0; ret == 1 && i < BATCH; i++) {
		virtio_net_ctrl_ack ack;

		ret = virtq_pop(queue, &ctrl->chain);
		if (ret < 0)
			virtio_device_break(ctrl->device, queue, queue->why);
		if (ret != 1)
			break;
		ack = carry_out(ctrl) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
		virtq_push(queue, ctrl->chain.head,
			   (uint32_t)virtq_chain_write(&ctrl->chain, 0, &ack, sizeof(ack)));
	}
	virtq_signal(queue);
	return ret == 1;
}
