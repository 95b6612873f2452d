/* SPDX-License-Identifier: BSD-3-Clause */
/* A network device with its driver in front and a fake host behind it. */
#include "tests/unit/net_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices/virtio/net_host.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

struct net_rig_host net_rig_host;
static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- the fake host ---------------------------------------------------------------------------- */

static int fake_open(const char *path)
{
	int fd;

	if (net_rig_host.open_err && !net_rig_host.open_ok--)
		return net_rig_host.open_err;
	ck_assert_str_eq(path, "/dev/vhost-net");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void answer(unsigned long request, void *arg)
{
	if (request == TUNGETIFF) {
		struct ifreq *ifr = arg;

		memset(ifr, 0, sizeof(*ifr));
		strcpy(ifr->ifr_name, "faketap");
		ifr->ifr_flags = net_rig_host.if_flags;
	} else if (request == VHOST_GET_FEATURES) {
		memcpy(arg, &net_rig_host.vhost_features, sizeof(uint64_t));
	} else if (request == VHOST_GET_VRING_BASE) {
		((struct vhost_vring_state *)arg)->num = net_rig_host.vring_base;
	}
}

static size_t arg_size(unsigned long request)
{
	if (request == VHOST_SET_MEM_TABLE)
		return sizeof(struct vhost_memory) + sizeof(struct vhost_memory_region);
	if (request == VHOST_SET_OWNER)
		return 0;
	if (request == TUNSETQUEUE || request == TUNGETIFF || request == SIOCSIFMTU ||
	    request == SIOCGIFMTU)
		return sizeof(struct ifreq);
	return _IOC_SIZE(request);
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct net_rig_call *call;
	int ret = 0;

	pthread_mutex_lock(&host_lock);
	ck_assert_uint_lt(net_rig_host.nr, NET_CALLS);
	call = &net_rig_host.calls[net_rig_host.nr++];
	memset(call, 0, sizeof(*call));
	call->fd = fd;
	call->request = request;
	if (request == net_rig_host.refuse)
		ret = net_rig_host.refuse_err;
	else
		answer(request, arg);
	if (request == TUNSETOFFLOAD)
		call->number = (uintptr_t)arg;
	else if (arg)
		memcpy(call->bytes, arg, min_u64(arg_size(request), sizeof(call->bytes)));
	pthread_mutex_unlock(&host_lock);
	return ret;
}

static int fake_statistic(const char *name, const char *counter, uint64_t *ret)
{
	const struct net_rig_statistics *s = &net_rig_host.statistics;
	const struct {
		const char *name;
		uint64_t value;
	} known[] = {
		{ "rx_packets", s->rx_packets }, { "rx_bytes", s->rx_bytes },
		{ "rx_dropped", s->rx_dropped }, { "tx_packets", s->tx_packets },
		{ "tx_bytes", s->tx_bytes },	 { "tx_dropped", s->tx_dropped },
	};

	ck_assert_str_eq(name, "faketap");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, counter))
			*ret = known[i].value;
	return net_rig_host.statistics_err;
}

const struct net_host net_rig_host_ops = {
	.open = fake_open,
	.ioctl = fake_ioctl,
	.statistic = fake_statistic,
};

unsigned net_rig_calls(unsigned long request)
{
	unsigned n = 0;

	pthread_mutex_lock(&host_lock);
	for (unsigned i = 0; i < net_rig_host.nr; i++)
		n += net_rig_host.calls[i].request == request;
	pthread_mutex_unlock(&host_lock);
	return n;
}

const struct net_rig_call *net_rig_last_call(unsigned long request)
{
	const struct net_rig_call *found = NULL;

	pthread_mutex_lock(&host_lock);
	for (unsigned i = 0; i < net_rig_host.nr; i++)
		if (net_rig_host.calls[i].request == request)
			found = &net_rig_host.calls[i];
	pthread_mutex_unlock(&host_lock);
	ck_assert_ptr_nonnull(found);
	return found;
}

/* --- life ------------------------------------------------------------------------------------- */

void net_rig_init(struct net_rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	net_rig_host = (struct net_rig_host){
		.if_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
		.vhost_features = ~UINT64_C(0),
	};
	virtio_rig_init(&rig->guest, false);
	for (unsigned i = 0; i < NET_MAX_PAIRS; i++)
		rig->outside[i] = -1;
	rig->config = (struct net_config){
		.name = "net0",
		.nr_pairs = 1,
		.queue_size = 256,
		.vhost = NET_VHOST_OFF,
		.host = &net_rig_host_ops,
	};
}

void net_rig_exit(struct net_rig *rig)
{
	net_destroy(rig->net);
	for (unsigned i = 0; i < NET_MAX_PAIRS; i++)
		close_fd(&rig->outside[i]);
	virtio_rig_exit(&rig->guest);
}

void net_rig_taps(struct net_rig *rig, unsigned nr)
{
	rig->config.nr_fds = nr;
	rig->config.nr_pairs = nr;
	for (unsigned i = 0; i < nr; i++) {
		int ends[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
		rig->config.fds[i] = ends[0];
		rig->outside[i] = ends[1];
	}
}

void net_rig_create(struct net_rig *rig)
{
	int err =
		net_create(&rig->config, &rig->guest.memory, &rig->net, rig->why, sizeof(rig->why));

	ck_assert_msg(!err, "%d: %s", err, rig->why);
	rig->device = net_device(rig->net);
}

void net_rig_refused(struct net_rig *rig, int err, const char *words)
{
	ck_assert_int_eq(
		net_create(&rig->config, &rig->guest.memory, &rig->net, rig->why, sizeof(rig->why)),
		err);
	ck_assert_ptr_null(rig->net);
	ck_assert_msg(strstr(rig->why, words), "'%s' lacks '%s'", rig->why, words);
}

void net_rig_start(struct net_rig *rig, uint64_t features, unsigned nr_queues)
{
	virtio_rig_start(&rig->guest, rig->device, features, nr_queues);
}

/* --- frames ----------------------------------------------------------------------------------- */

uint64_t net_rig_offer(struct net_rig *rig, unsigned queue, uint32_t len)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig->guest, len, 16),
		.len = len,
		.write = true,
	};

	memset(virtio_rig_at(&rig->guest, buffer.gpa, len), 0xee, len);
	virtio_rig_add(&rig->guest, queue, &buffer, 1);
	return buffer.gpa;
}

void net_rig_send(struct net_rig *rig, unsigned queue, const void *frame, uint32_t len)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig->guest, NET_HDR_LEN + len, 16),
		.len = NET_HDR_LEN + len,
	};
	uint16_t head, used;

	memcpy(virtio_rig_at(&rig->guest, buffer.gpa + NET_HDR_LEN, len), frame, len);
	head = virtio_rig_add(&rig->guest, queue, &buffer, 1);
	virtio_rig_kick(&rig->guest, queue);
	ck_assert(virtio_rig_used(&rig->guest, queue, NET_WAIT_MS, &used, NULL));
	ck_assert_uint_eq(used, head);
}

void net_rig_pattern(uint8_t *frame, uint32_t len, uint8_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(seed + i * 7);
}

static void wait_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&poll_fd, 1, NET_WAIT_MS), 1);
}

void net_rig_host_write(int fd, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len) {
		ssize_t done = send(fd, from, len, MSG_NOSIGNAL);

		ck_assert_int_gt(done, 0);
		from += done;
		len -= (size_t)done;
	}
}

size_t net_rig_host_read(int fd, void *data, size_t size)
{
	ssize_t len;

	wait_readable(fd);
	len = read(fd, data, size);
	ck_assert_int_ge(len, 0);
	return (size_t)len;
}

void net_rig_host_read_all(int fd, void *data, size_t len)
{
	uint8_t *to = data;

	while (len) {
		size_t n = net_rig_host_read(fd, to, len);

		ck_assert_uint_gt(n, 0);
		to += n;
		len -= n;
	}
}

/* Counters move without an interrupt, so they are looked at again and again. */
struct net_counters net_rig_wait_dropped(struct net_rig *rig, uint64_t rx, uint64_t tx)
{
	struct net_counters counters;

	for (unsigned i = 0; i < NET_WAIT_MS; i++) {
		ck_assert_int_eq(net_count(rig->net, &counters), 0);
		if (counters.rx_dropped >= rx && counters.tx_dropped >= tx)
			break;
		poll(NULL, 0, 1);
	}
	ck_assert_uint_eq(counters.rx_dropped, rx);
	ck_assert_uint_eq(counters.tx_dropped, tx);
	return counters;
}

struct virtio_net_config net_rig_config(struct net_rig *rig)
{
	struct virtio_net_config config = { 0 };

	pthread_mutex_lock(&rig->device->lock);
	rig->device->ops->config_read(rig->device, 0, &config, rig->device->config_size);
	pthread_mutex_unlock(&rig->device->lock);
	return config;
}

bool net_rig_link(struct net_rig *rig)
{
	return net_rig_config(rig).status & VIRTIO_NET_S_LINK_UP;
}

bool net_rig_wait_down(struct net_rig *rig)
{
	for (unsigned i = 0; i < NET_WAIT_MS && net_rig_link(rig); i++)
		poll(NULL, 0, 1);
	return !net_rig_link(rig);
}
