/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's side of tap and vhost-net, as Linux has it. */
#include "devices/virtio/net_host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

static int host_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int host_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

const struct net_host net_host_linux = {
	.open = host_open,
	.ioctl = host_ioctl,
};
