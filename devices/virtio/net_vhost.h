/* SPDX-License-Identifier: BSD-3-Clause */
/* The host kernel serves a queue pair itself (uapi/linux/vhost.h, drivers/vhost/net.c): kicks go to
 * it by the queues' kick_fd, interrupts come by their call_fd, and no frame passes coldvm. */
#ifndef COLDVM_DEVICES_VIRTIO_NET_VHOST_H
#define COLDVM_DEVICES_VIRTIO_NET_VHOST_H

#include <stddef.h>
#include <stdint.h>

struct memory;
struct net_host;
struct virtq;

/* A descriptor of /dev/vhost-net for one queue pair, or -errno with one line in @why. */
int net_vhost_open(const struct net_host *host, char *why, size_t why_len);
/* Serves the started queues @rx and @tx with the tap @tap_fd. @error_fds: eventfds, one each, that
 * hear of rings that make no sense. On failure nothing is served. */
int net_vhost_start(const struct net_host *host, int fd, const struct memory *memory,
		    uint64_t features, struct virtq *rx, struct virtq *tx, int tap_fd,
		    const int error_fds[2]);
/* When it returns 0 the kernel does not touch the guest's memory for them any more. */
int net_vhost_stop(const struct net_host *host, int fd, struct virtq *rx, struct virtq *tx);

#endif
