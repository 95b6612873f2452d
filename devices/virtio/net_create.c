/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a network device: its way out first, then queues and threads. */
#include "devices/virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_ids.h>

#include "devices/virtio/net_host.h"
#include "devices/virtio/net_passt.h"
#include "devices/virtio/net_state.h"
#include "devices/virtio/net_tap.h"
#include "devices/virtio/net_vhost.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define BIT(n)	      (UINT64_C(1) << (n))
#define PCI_CLASS_NET 0x020000
#define MTU_MIN	      68 /* Virtio 1.2, 5.1.4.1 */

/* Up to the MTU: no field behind it is offered. */
#define CONFIG_SIZE (offsetof(struct virtio_net_config, mtu) + sizeof(__virtio16))

#define TAP_FEATURES                                                                           \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | \
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                          \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))

static int check_config(const struct net_config *config, char *why, size_t why_len)
{
	bool taps = config->tap || config->nr_fds;

	if (!config->nr_pairs || config->nr_pairs > NET_MAX_PAIRS)
		snprintf(why, why_len, "num_queues: 2 for each pair, %d pairs at most",
			 NET_MAX_PAIRS);
	else if ((config->tap != NULL) + (config->nr_fds > 0) + (config->socket != NULL) +
			 config->passt !=
		 1)
		snprintf(why, why_len, "give one of tap, fd, socket and passt");
	else if (config->nr_fds && config->nr_fds != config->nr_pairs)
		snprintf(why, why_len, "num_queues=%u takes %u descriptors in fd, not %u",
			 2 * config->nr_pairs, config->nr_pairs, config->nr_fds);
	else if (!taps && config->nr_pairs != 1)
		snprintf(why, why_len, "passt has one stream: num_queues is 2 with it");
	else if (!taps && config->vhost == NET_VHOST_ON)
		snprintf(why, why_len, "vhost=on takes a tap: passt is not in the kernel");
	else if (config->has_mac && (config->mac[0] & 1))
		snprintf(why, why_len,
			 "mac=%02x:... is a multicast address: the first byte is even",
			 config->mac[0]);
	else if (config->mtu && config->mtu < MTU_MIN)
		snprintf(why, why_len, "mtu=%u is below %u", config->mtu, MTU_MIN);
	else
		return 0;
	return -EINVAL;
}

static int set_mac(struct net *net, const struct net_config *config, char *why, size_t why_len)
{
	uint8_t *mac = net->config.mac;

	if (config->has_mac) {
		memcpy(mac, config->mac, sizeof(config->mac));
		return 0;
	}
	if (config->link && config->link->met) {
		memcpy(mac, config->link->mac, sizeof(config->mac));
		return 0;
	}
	if (getrandom(mac, sizeof(config->mac), 0) != (ssize_t)sizeof(config->mac)) {
		int err = -errno;

		snprintf(why, why_len, "no random MAC address: %s", strerror(-err));
		return err;
	}
	mac[0] = (uint8_t)((mac[0] | 2) & ~1); /* locally administered, of one station */
	return 0;
}

static void set_features(struct net *net, const struct net_config *config)
{
	struct virtio_device *device = &net->device;

	device->offered =
		BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MRG_RXBUF);
	if (config->tap || config->nr_fds)
		device->offered |= TAP_FEATURES;
	if (config->mtu)
		device->offered |= BIT(VIRTIO_NET_F_MTU);
	if (config->nr_pairs > 1)
		device->offered |= BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_MQ);
	net->config.mtu = htole16(config->mtu);
	net->config.max_virtqueue_pairs = htole16((uint16_t)config->nr_pairs);
}

/* The stream of the card before, if its passt is still there. */
static bool take_stream(struct net *net, struct net_link *link)
{
	struct net_backend *stream = link ? link->stream : NULL;

	if (!stream)
		return false;
	link->stream = NULL;
	if (net_passt_alive(stream)) {
		net->pairs[0].backend = stream;
		return true;
	}
	stream->ops->close(stream);
	return false;
}

/* A descriptor, or -errno. */
static int connect_stream(struct net *net, const struct net_config *config, char *why,
			  size_t why_len)
{
	int fd = net_passt_connect(config->socket, why, why_len);

	/* A guest that reboots is not lost for its network. */
	if (fd < 0 && config->link && config->link->met) {
		snprintf(net->absent, sizeof(net->absent), "%s", why);
		fd = net_passt_absent();
	}
	return fd;
}

static int open_stream(struct net *net, const struct net_config *config, char *why, size_t why_len)
{
	int fd, err;

	if (config->socket) {
		net->keeps_stream = config->link;
		if (take_stream(net, config->link))
			return 0;
		fd = connect_stream(net, config, why, why_len);
		if (fd < 0)
			return fd;
	} else {
		err = net_passt_start(&net->passt, config->name, config->passt_args, &fd, why,
				      why_len);
		if (err)
			return err;
	}
	err = net_passt_backend(fd, &net->pairs[0].backend);
	if (err) {
		snprintf(why, why_len, "%s", strerror(-err));
		close(fd);
	}
	return err;
}

static int open_taps(struct net *net, const struct net_config *config, char *why, size_t why_len)
{
	unsigned nr = config->nr_pairs;
	int err;

	if (config->tap) {
		err = net_tap_open(net->host, config->tap, nr, config->mtu, net->tap_fds, why,
				   why_len);
	} else {
		memcpy(net->tap_fds, config->fds, nr * sizeof(net->tap_fds[0]));
		err = net_tap_adopt(net->host, net->tap_fds,
				    config->told_fds ? config->told_fds : config->fds, nr,
				    config->mtu, why, why_len);
	}
	net->attached = nr;
	if (!err) {
		err = net_attach_taps(net, 1);
		if (err)
			snprintf(why, why_len, "cannot detach a queue of the tap: %s",
				 strerror(-err));
	}
	net->links_fd = net_tap_hear_of_links();
	if (net->links_fd < 0)
		log_info(config->name, "the end of an idle tap may not be noticed: %s",
			 strerror(-net->links_fd));
	for (unsigned i = 0; !err && i < nr; i++) {
		err = net_tap_backend(net->tap_fds[i], &net->pairs[i].backend);
		if (err)
			snprintf(why, why_len, "%s", strerror(-err));
	}
	return err;
}

static int open_vhost_pair(struct net *net, unsigned i, char *why, size_t why_len)
{
	struct net_vhost_pair *vhost = &net->vhost[i];

	for (unsigned j = 0; j < 2; j++) {
		vhost->error_fds[j] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vhost->error_fds[j] < 0) {
			int err = -errno;

			snprintf(why, why_len, "eventfd: %s", strerror(-err));
			return err;
		}
	}
	vhost->fd = net_vhost_open(net->host, why, why_len);
	return vhost->fd < 0 ? vhost->fd : 0;
}

static void close_vhost(struct net *net)
{
	for (unsigned i = 0; i < NET_MAX_PAIRS; i++) {
		close_fd(&net->vhost[i].fd);
		close_fd(&net->vhost[i].error_fds[0]);
		close_fd(&net->vhost[i].error_fds[1]);
	}
}

/* All pairs or none. */
static int open_vhost(struct net *net, const struct net_config *config, char *why, size_t why_len)
{
	int err = 0;

	if (config->vhost == NET_VHOST_OFF || net->tap_fds[0] < 0)
		return 0;
	for (unsigned i = 0; !err && i < config->nr_pairs; i++)
		err = open_vhost_pair(net, i, why, why_len);
	if (!err)
		return 0;
	close_vhost(net);
	if (config->vhost == NET_VHOST_ON)
		return err;
	log_info(config->name, "not by vhost-net, but by a thread: %s", why);
	return 0;
}

/* On pair 0's thread. */
static void links_changed(void *opaque)
{
	struct net *net = opaque;
	uint8_t message[64];

	/* Whatever it says, also that some were too many to be told, the tap knows better. */
	for (unsigned i = 0; i < 16 && recv(net->links_fd, message, sizeof(message), 0) > 0; i++)
		;
	net_pair_check(&net->pairs[0]);
}

static void passt_stderr_ready(void *opaque)
{
	net_passt_read_stderr(opaque);
}

/* On the pair's thread: vhost-net found a ring that makes no sense. */
static void vhost_failed(struct net_vhost_pair *vhost, struct virtq *queue)
{
	eventfd_t count;

	if (eventfd_read(vhost->error_fds[queue->index % 2], &count) == 0)
		virtio_device_break(&vhost->net->device, queue, "a ring that vhost-net cannot use");
}

static void vhost_rx_failed(void *opaque)
{
	struct net_vhost_pair *vhost = opaque;

	vhost_failed(vhost, net_rx_queue(vhost->net, vhost->index));
}

static void vhost_tx_failed(void *opaque)
{
	struct net_vhost_pair *vhost = opaque;

	vhost_failed(vhost, net_tx_queue(vhost->net, vhost->index));
}

static int watch_vhost(struct net *net, unsigned i)
{
	struct net_vhost_pair *vhost = &net->vhost[i];
	const struct net_watch rx = {
		.fd = vhost->error_fds[0],
		.level = true,
		.ready = vhost_rx_failed,
		.opaque = vhost,
	};
	const struct net_watch tx = {
		.fd = vhost->error_fds[1],
		.level = true,
		.ready = vhost_tx_failed,
		.opaque = vhost,
	};
	int err = net_pair_watch(&net->pairs[i], &rx);

	return err ? err : net_pair_watch(&net->pairs[i], &tx);
}

/* Of pair 0's thread: the control queue, wherever the driver will have it, and passt's words. */
static int watch_first(struct net *net)
{
	const struct net_watch words = {
		.fd = net->passt.stderr_fd,
		.level = true,
		.ready = passt_stderr_ready,
		.opaque = &net->passt,
	};
	const struct net_watch links = {
		.fd = net->links_fd,
		.level = true,
		.ready = links_changed,
		.opaque = net,
	};
	unsigned nr = net->nr_pairs;
	int err = 0;

	if (net->links_fd >= 0)
		err = net_pair_watch(&net->pairs[0], &links);
	if (!err && net->passt.stderr_fd >= 0)
		err = net_pair_watch(&net->pairs[0], &words);
	if (nr == 1)
		return err;
	for (unsigned i = 0; !err && i < 2; i++) {
		const struct virtq *queue = &net->device.queues[i ? 2 * nr : 2];
		const struct net_watch kick = {
			.fd = queue->kick_fd,
			.ready = net_ctrl_ready,
			.opaque = net,
		};

		err = net_pair_watch(&net->pairs[0], &kick);
	}
	return err;
}

static int init_pair(struct net *net, unsigned i)
{
	struct net_pair *pair = &net->pairs[i];
	int err;

	pair->device = &net->device;
	pair->rx_queue = net_rx_queue(net, i);
	pair->tx_queue = net_tx_queue(net, i);
	pair->by_kernel = net->vhost[i].fd >= 0;
	pair->index = i;
	pair->lost = net_lost;
	pair->opaque = net;
	err = net_pair_init(pair);
	if (!err && pair->by_kernel)
		err = watch_vhost(net, i);
	if (!err && i == 0)
		err = watch_first(net);
	return err ? err : net_pair_run(pair);
}

static int init_device(struct net *net, const struct net_config *config,
		       const struct memory *memory)
{
	unsigned nr = config->nr_pairs;
	int err;

	net->device.ops = &net_ops;
	net->device.name = config->name;
	net->device.type = VIRTIO_ID_NET;
	net->device.pci_class = PCI_CLASS_NET;
	net->device.config_size = CONFIG_SIZE;
	net->device.memory = memory;
	net->nr_pairs = nr;
	net->ctrl = (struct net_ctrl){
		.device = &net->device,
		.set_pairs = net_attach_taps,
		.opaque = net,
	};
	err = virtio_device_init(&net->device, 2 * nr + (nr > 1), config->queue_size);
	for (unsigned i = 0; !err && i < nr; i++)
		err = init_pair(net, i);
	return err;
}

static int open_backend(struct net *net, const struct net_config *config, char *why, size_t why_len)
{
	int err;

	if (config->tap || config->nr_fds)
		err = open_taps(net, config, why, why_len);
	else
		err = open_stream(net, config, why, why_len);
	if (!err)
		err = open_vhost(net, config, why, why_len);
	if (!err && net->vhost[0].fd >= 0)
		net->uncounted = net_tap_count(net->host, net->tap_fds[0], &net->before);
	return err;
}

static struct net *allocate(const struct net_config *config)
{
	struct net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->host = config->host ? config->host : &net_host_linux;
	net->events = config->events;
	net->link = config->link;
	net->links_fd = -1;
	net->passt.pid_fd = net->passt.stderr_fd = -1;
	for (unsigned i = 0; i < NET_MAX_PAIRS; i++) {
		net->tap_fds[i] = -1;
		net->vhost[i] = (struct net_vhost_pair){
			.net = net,
			.index = i,
			.fd = -1,
			.error_fds = { -1, -1 },
		};
	}
	pthread_mutex_init(&net->ctrl_lock, NULL);
	return net;
}

int net_create(const struct net_config *config, const struct memory *memory, struct net **ret,
	       char *why, size_t why_len)
{
	struct net *net = allocate(config);
	int err = -ENOMEM;

	if (net) {
		err = check_config(config, why, why_len);
		if (!err)
			err = set_mac(net, config, why, why_len);
		if (!err)
			err = open_backend(net, config, why, why_len);
		if (!err) {
			set_features(net, config);
			err = init_device(net, config, memory);
			if (err)
				snprintf(why, why_len, "%s", strerror(-err));
		}
	} else {
		snprintf(why, why_len, "%s", strerror(ENOMEM));
	}
	if (!err) {
		if (config->link) {
			config->link->met = true;
			memcpy(config->link->mac, net->config.mac, sizeof(config->link->mac));
		}
		*ret = net;
		return 0;
	}
	/* Taken over in any case; those that came as far as @tap_fds go with it. */
	for (unsigned i = 0; i < config->nr_fds && (!net || net->tap_fds[0] < 0); i++)
		close(config->fds[i]);
	net_destroy(net);
	return err;
}

/* A tap without a backend is closed here. */
static void close_backend(struct net *net, unsigned i)
{
	struct net_backend *backend = net->pairs[i].backend;

	net_pair_exit(&net->pairs[i]);
	if (!backend)
		close_fd(&net->tap_fds[i]);
	else if (net->keeps_stream && net->link->met && !net->down)
		net->link->stream = backend;
	else
		backend->ops->close(backend);
}

void net_link_exit(struct net_link *link)
{
	if (link->stream)
		link->stream->ops->close(link->stream);
	link->stream = NULL;
}

void net_destroy(struct net *net)
{
	if (!net)
		return;
	virtio_device_exit(&net->device);
	for (unsigned i = 0; i < NET_MAX_PAIRS; i++)
		close_backend(net, i);
	close_fd(&net->links_fd);
	close_vhost(net);
	net_passt_stop(&net->passt);
	pthread_mutex_destroy(&net->ctrl_lock);
	free(net);
}
