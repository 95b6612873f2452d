/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening the event monitor's end: a file is written from its start, a FIFO waits for a reader.
 * That neither makes the VM wait afterwards is seen to in event.c. */
#include "vmm/monitor_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "vmm/options.h"

static int take_fd(int fd, char *why, size_t why_len)
{
	int flags = fcntl(fd, F_GETFL);
	int r = -errno;

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		snprintf(why, why_len, "--event-monitor: descriptor %d cannot be written to%s%s",
			 fd, flags < 0 ? ": " : "", flags < 0 ? strerror(-r) : "");
		return flags < 0 ? r : -EBADF;
	}
	/* O_NONBLOCK is event_monitor_init()'s: the open file may be shared with our parent. */
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		r = -errno;
		snprintf(why, why_len, "--event-monitor: descriptor %d: %s", fd, strerror(-r));
		return r;
	}
	return fd;
}

int monitor_file_open(const struct vm_options *options, int *ret_fd, char *why, size_t why_len)
{
	int fd = options->event_fd;

	if (options->event_path) {
		fd = open(options->event_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0) {
			int r = -errno;

			snprintf(why, why_len, "--event-monitor: cannot open %s: %s",
				 options->event_path, strerror(-r));
			return r;
		}
	}
	if (fd >= 0) {
		fd = take_fd(fd, why, why_len);
		if (fd < 0)
			return fd;
	}
	*ret_fd = fd;
	return 0;
}
