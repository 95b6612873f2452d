/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio network: configuration, start and stop, control; frames are the pairs' business. */
#include "devices/virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices/virtio/net_state.h"
#include "devices/virtio/net_tap.h"
#include "devices/virtio/net_vhost.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/log.h"

#define LOST_MS 1000

static bool accepted(const struct net *net, unsigned feature)
{
	return virtio_device_has(&net->device, feature);
}

/* --- the device ------------------------------------------------------------------------------- */

static void config_read(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	struct net *net = container_of(device, struct net, device);
	struct virtio_net_config config = net->config;
	bool down = __atomic_load_n(&net->down, __ATOMIC_ACQUIRE);

	config.status = htole16(down ? 0 : VIRTIO_NET_S_LINK_UP);
	memcpy(data, (const uint8_t *)&config + off, size);
}

int net_attach_taps(void *opaque, unsigned nr)
{
	struct net *net = opaque;

	while (net->attached != nr) {
		bool attach = net->attached < nr;
		unsigned i = attach ? net->attached : net->attached - 1;
		int err = net_tap_attach(net->host, net->tap_fds[i], attach);

		if (err)
			return err;
		net->attached = attach ? i + 1 : i;
	}
	return 0;
}

/* Under @ctrl_lock. */
static bool first(struct net *net)
{
	bool said = net->said;

	net->said = true;
	return !said;
}

/* On pair 0's thread. */
void net_ctrl_ready(void *opaque)
{
	struct net *net = opaque;
	eventfd_t one = 1;
	bool more = false;

	pthread_mutex_lock(&net->ctrl_lock);
	if (net->ctrl_queue)
		more = net_ctrl_serve(&net->ctrl, net->ctrl_queue);
	/* An edge of our own, for the next round. */
	if (more && write(net->ctrl_queue->kick_fd, &one, sizeof(one)) < 0 && errno != EAGAIN &&
	    first(net))
		log_warn(net->device.name, "control queue: %s", strerror(errno));
	pthread_mutex_unlock(&net->ctrl_lock);
}

/* Virtio 1.2, 5.1.2: behind the pairs that the driver knows of. */
static void start_ctrl(struct net *net)
{
	struct virtq *queue;

	if (!accepted(net, VIRTIO_NET_F_CTRL_VQ))
		return;
	net->ctrl.max_pairs = accepted(net, VIRTIO_NET_F_MQ) ? net->nr_pairs : 1;
	queue = &net->device.queues[2 * net->ctrl.max_pairs];
	pthread_mutex_lock(&net->ctrl_lock);
	net->ctrl_queue = queue->enabled ? queue : NULL;
	pthread_mutex_unlock(&net->ctrl_lock);
	net_ctrl_ready(net);
}

static void stop_vhost(struct net *net, unsigned i)
{
	struct net_vhost_pair *vhost = &net->vhost[i];
	int err;

	if (!vhost->running)
		return;
	vhost->running = false;
	err = net_vhost_stop(net->host, vhost->fd, net_rx_queue(net, i), net_tx_queue(net, i));
	if (!err)
		return;
	/* Closing it ends it in any case. */
	log_error(net->device.name, "vhost-net does not stop: %s; no more frames for pair %u",
		  strerror(-err), i);
	close_fd(&vhost->fd);
}

static void stop_pairs(struct net *net)
{
	for (unsigned i = 0; i < net->nr_pairs; i++) {
		net_pair_stop(&net->pairs[i]);
		stop_vhost(net, i);
	}
}

static int start_vhost(struct net *net, unsigned i)
{
	struct net_vhost_pair *vhost = &net->vhost[i];
	int err;

	if (vhost->fd < 0)
		return -ENODEV;
	err = net_vhost_start(net->host, vhost->fd, net->device.memory, net->device.accepted,
			      net_rx_queue(net, i), net_tx_queue(net, i), net->tap_fds[i],
			      vhost->error_fds);
	if (!err)
		vhost->running = true;
	return err;
}

/* A driver may leave out pairs behind those it uses. */
static int start_pairs(struct net *net)
{
	unsigned nr = accepted(net, VIRTIO_NET_F_MQ) ? net->nr_pairs : 1;
	int err = 0;

	for (unsigned i = 0; !err && i < nr; i++) {
		if (!net_rx_queue(net, i)->enabled || !net_tx_queue(net, i)->enabled)
			continue;
		if (net->pairs[i].by_kernel && !__atomic_load_n(&net->down, __ATOMIC_ACQUIRE))
			err = start_vhost(net, i);
		if (!err)
			net_pair_start(&net->pairs[i], accepted(net, VIRTIO_NET_F_MRG_RXBUF));
	}
	return err;
}

static int net_start(struct virtio_device *device)
{
	struct net *net = container_of(device, struct net, device);
	int err = 0;

	if (net->tap_fds[0] >= 0 && !__atomic_load_n(&net->down, __ATOMIC_ACQUIRE))
		err = net_tap_offload(net->host, net->tap_fds[0], device->accepted);
	if (!err)
		err = start_pairs(net);
	if (err) {
		stop_pairs(net);
		return err;
	}
	start_ctrl(net);
	return 0;
}

/* The next driver begins with one pair, and takes nothing unfinished until it says so. */
static void reset_taps(struct net *net)
{
	int err;

	if (net->tap_fds[0] < 0 || __atomic_load_n(&net->down, __ATOMIC_ACQUIRE))
		return;
	err = net_tap_offload(net->host, net->tap_fds[0], 0);
	if (!err)
		err = net_attach_taps(net, 1);
	/* A tap that is just going away is said by its pair. */
	if (err && first(net))
		log_info(net->device.name, "cannot reset the tap: %s", strerror(-err));
}

static bool net_stop(struct virtio_device *device)
{
	struct net *net = container_of(device, struct net, device);

	pthread_mutex_lock(&net->ctrl_lock);
	net->ctrl_queue = NULL;
	pthread_mutex_unlock(&net->ctrl_lock);
	stop_pairs(net);
	pthread_mutex_lock(&net->ctrl_lock);
	reset_taps(net);
	pthread_mutex_unlock(&net->ctrl_lock);
	return true;
}

const struct virtio_ops net_ops = {
	.config_read = config_read,
	.start = net_start,
	.stop = net_stop,
};

/* --- what happens to the host's side ---------------------------------------------------------- */

static void tell_lost(struct net *net, const char *what, int err, const char *how)
{
	const char *why = *how ? how : strerror(-err);

	log_error(net->device.name, "%s is gone (%s): the guest's link is down", what, why);
	if (net->events)
		event_emit(net->events, "device", "net-backend-lost", now_ns(),
			   json_pack("{s:s, s:s}", "id", net->device.name, "reason", why));
}

/* On the thread of a pair. The taps of the other pairs end with that of the first. */
void net_lost(void *opaque, int err)
{
	struct net *net = opaque;
	char how[300] = "";
	bool tap = net->tap_fds[0] >= 0;

	if (__atomic_exchange_n(&net->down, true, __ATOMIC_ACQ_REL))
		return;
	virtio_device_config_changed(&net->device);
	snprintf(how, sizeof(how), "%s", net->absent);
	/* passt's stream ends just before passt does, which then tells why. */
	if (!*how)
		net_passt_wait(&net->passt, LOST_MS, how, sizeof(how));
	if (!*how && err == -EPIPE)
		snprintf(how, sizeof(how), tap ? "its interface was removed" : "it hung up");
	if (!*how && err == -EBADMSG)
		snprintf(how, sizeof(how), "it sent a length that no frame has");
	tell_lost(net, tap ? "the tap" : "passt", err, how);
}

struct virtio_device *net_device(struct net *net)
{
	return &net->device;
}

static int count_tap(const struct net *net, struct net_counters *ret)
{
	const struct net_counters *before = &net->before;
	int err = net_tap_count(net->host, net->tap_fds[0], ret);

	if (err)
		return err;
	ret->rx_frames -= before->rx_frames;
	ret->rx_bytes -= before->rx_bytes;
	ret->rx_dropped -= before->rx_dropped;
	ret->tx_frames -= before->tx_frames;
	ret->tx_bytes -= before->tx_bytes;
	ret->tx_dropped -= before->tx_dropped;
	return 0;
}

int net_count(struct net *net, struct net_counters *ret)
{
	*ret = (struct net_counters){ 0 };
	if (net->pairs[0].by_kernel)
		return net->uncounted ? net->uncounted : count_tap(net, ret);
	for (unsigned i = 0; i < net->nr_pairs; i++)
		net_pair_count(&net->pairs[i], ret);
	return 0;
}
