/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network device with its driver in front and the host behind it. A tap is one end of a socket
 * pair that keeps records apart, as a tap does with frames; the ioctls go to a fake that writes
 * them down and refuses what a test wants refused.
 */
#ifndef COLDVM_TESTS_NET_RIG_H
#define COLDVM_TESTS_NET_RIG_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/net.h"
#include "devices/virtio/net_frame.h"
#include "tests/unit/virtio_rig.h"

#define NET_WAIT_MS 20000
#define NET_CALLS   256

#define NET_BIT(n) (UINT64_C(1) << (n))

struct net_rig_call {
	int fd;
	unsigned long request;
	union {
		unsigned char bytes[64]; /* of the argument, as far as its type goes */
		uint64_t number;	 /* TUNSETOFFLOAD: the argument itself */
	};
};

/* The fake host. Written by the device's threads; read when they are over or idle. */
struct net_rig_host {
	struct net_rig_call calls[NET_CALLS];
	unsigned nr;
	unsigned long refuse; /* this request fails ... */
	int refuse_err;	      /* ... with this -errno */
	int open_err;	      /* of /dev/vhost-net; 0: it opens */
	unsigned open_ok;     /* so often it does all the same */
	short if_flags;	      /* what TUNGETIFF says */
	uint64_t vhost_features;
	uint16_t vring_base; /* what VHOST_GET_VRING_BASE says */
	/* Of the interface: its counters in the order of the struct, and what they fail with. */
	struct net_rig_statistics {
		uint64_t rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped;
	} statistics;
	int statistics_err;
};

struct net_rig {
	struct virtio_rig guest;
	struct net *net;
	struct virtio_device *device;
	int outside[NET_MAX_PAIRS]; /* the other ends of the taps, or of passt's stream */
	struct net_config config;
	char why[300];
};

extern struct net_rig_host net_rig_host;
extern const struct net_host net_rig_host_ops;

/* Makes guest RAM, and forgets what the fake host knew: everything works. */
void net_rig_init(struct net_rig *rig);
void net_rig_exit(struct net_rig *rig);
/* @nr taps by descriptor, vhost off. */
void net_rig_taps(struct net_rig *rig, unsigned nr);
/* net_create(), which works. */
void net_rig_create(struct net_rig *rig);
/* net_create(), which fails with @err, and @words in its line. */
void net_rig_refused(struct net_rig *rig, int err, const char *words);
/* The driver takes @features and the first @nr_queues queues. */
void net_rig_start(struct net_rig *rig, uint64_t features, unsigned nr_queues);

/* A receive buffer of @len bytes, filled with @len times 0xee; its guest address. */
uint64_t net_rig_offer(struct net_rig *rig, unsigned queue, uint32_t len);
/* Sends a header and @frame, in one buffer, and waits until the device gives it back. */
void net_rig_send(struct net_rig *rig, unsigned queue, const void *frame, uint32_t len);
/* One frame of @len bytes with a pattern that begins with @seed. */
void net_rig_pattern(uint8_t *frame, uint32_t len, uint8_t seed);

/* The host writes one record, or bytes of a stream. */
void net_rig_host_write(int fd, const void *data, size_t len);
/* The next record within NET_WAIT_MS; its length. */
size_t net_rig_host_read(int fd, void *data, size_t size);
/* Exactly @len bytes of a stream. */
void net_rig_host_read_all(int fd, void *data, size_t len);

/* Waits until the counter is @value: condition is read by net_count(). */
struct net_counters net_rig_wait_dropped(struct net_rig *rig, uint64_t rx, uint64_t tx);
/* Waits until the configuration says that the link is up or down. */
bool net_rig_link(struct net_rig *rig);
bool net_rig_wait_down(struct net_rig *rig);
struct virtio_net_config net_rig_config(struct net_rig *rig);

/* The calls of @request since the beginning. */
unsigned net_rig_calls(unsigned long request);
/* The last of them; asserts that there is one. */
const struct net_rig_call *net_rig_last_call(unsigned long request);

#endif
