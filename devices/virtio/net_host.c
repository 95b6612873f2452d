/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's side of tap and vhost-net, as Linux has it. */
#include "devices/virtio/net_host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
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

static int host_statistic(const char *name, const char *counter, uint64_t *ret)
{
	char path[96];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", name, counter);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	n = fscanf(file, "%" SCNu64, ret);
	fclose(file);
	return n == 1 ? 0 : -EIO;
}

const struct net_host net_host_linux = {
	.open = host_open,
	.ioctl = host_ioctl,
	.statistic = host_statistic,
};
