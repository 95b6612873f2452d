/* SPDX-License-Identifier: BSD-3-Clause */
/* Tap devices of Linux (Documentation/networking/tuntap.rst), with virtio headers in front of the
 * frames, so that checksums and segments can be left to whoever does them best. */
#ifndef COLDVM_DEVICES_VIRTIO_NET_TAP_H
#define COLDVM_DEVICES_VIRTIO_NET_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/net_frame.h"

struct net_counters;
struct net_host;

/* Opens tap device @name once for each of @nr queues, makes it if there is none, and brings it up
 * if that is allowed. @mtu: to be set, 0 for none. On failure no descriptor is open, and @why says
 * what to do. */
int net_tap_open(const struct net_host *host, const char *name, unsigned nr, uint16_t mtu,
		 int *ret_fds, char *why, size_t why_len);
/* The same for descriptors that somebody else has opened. They stay the caller's on failure.
 * @told: their numbers in @why. */
int net_tap_adopt(const struct net_host *host, const int *fds, const int *told, unsigned nr,
		  uint16_t mtu, char *why, size_t why_len);
/* What the guest takes unfinished: @features, as it has accepted them. */
int net_tap_offload(const struct net_host *host, int fd, uint64_t features);
/* Lets the kernel (not) put frames into the queue of @fd, one of several. */
int net_tap_attach(const struct net_host *host, int fd, bool attach);

/* What the kernel has counted of the tap since it was made, in the guest's view: the tap's receive
 * is the guest's transmit. -errno: it is gone, or has no statistics here. */
int net_tap_count(const struct net_host *host, int fd, struct net_counters *ret);

/* A descriptor that is readable when an interface of this network namespace came, went or changed;
 * what can be read of it is to be thrown away. A tap that is removed wakes nobody who does not wait
 * for frames (drivers/net/tun.c: tun_detach_all()). -errno. */
int net_tap_hear_of_links(void);

/* Takes @fd over. -ENOMEM. */
int net_tap_backend(int fd, struct net_backend **ret);

#endif
