/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket: made at a path, or taken over. */
#include "vmm/api_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/bits.h"

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static int take_over(struct api_socket *sock, int fd, char *why, size_t why_len)
{
	if (option(fd, SO_DOMAIN) != AF_UNIX || option(fd, SO_TYPE) != SOCK_STREAM ||
	    option(fd, SO_ACCEPTCONN) != 1) {
		snprintf(why, why_len,
			 "--api-socket: descriptor %d is no Unix stream socket that listens", fd);
		return -ENOTSOCK;
	}
	sock->fd = fd;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int api_socket_open(struct api_socket *sock, const char *path, int fd, char *why, size_t why_len)
{
	char reason[256];
	int r;

	*sock = (struct api_socket){ .fd = -1, .file = { .fd = -1 } };
	why[0] = '\0';
	if (path) {
		r = unix_socket_listen(&sock->file, path, reason, sizeof(reason));
		if (r < 0)
			snprintf(why, why_len, "--api-socket: %s", reason);
		sock->fd = sock->file.fd;
		return r;
	}
	r = fd >= 0 ? take_over(sock, fd, why, why_len) : 0;
	if (r < 0 && !why[0])
		snprintf(why, why_len, "--api-socket: cannot listen on it: %s", strerror(-r));
	if (r < 0)
		api_socket_close(sock);
	return r;
}

void api_socket_close(struct api_socket *sock)
{
	if (sock->file.path)
		unix_socket_close(&sock->file);
	else
		close_fd(&sock->fd);
	sock->fd = -1;
}
