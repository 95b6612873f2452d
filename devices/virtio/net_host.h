/* SPDX-License-Identifier: BSD-3-Clause */
/* What a network device asks of the host's tap and vhost-net drivers: a table that tests replace.
 */
#ifndef COLDVM_DEVICES_VIRTIO_NET_HOST_H
#define COLDVM_DEVICES_VIRTIO_NET_HOST_H

#include <stdint.h>

struct net_host {
	/* Opens for reading and writing, not blocking, closed on exec. The descriptor or -errno. */
	int (*open)(const char *path);
	/* ioctl(2) with a pointer, or a number in its place. What it returns, or -errno. */
	int (*ioctl)(int fd, unsigned long request, void *arg);
	/* A counter of the network interface @name, such as "rx_bytes". -errno. */
	int (*statistic)(const char *name, const char *counter, uint64_t *ret);
};

extern const struct net_host net_host_linux;

#endif
