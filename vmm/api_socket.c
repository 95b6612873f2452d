/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and removing the control socket's file, and nobody else's. */
#include "vmm/api_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/bits.h"

#define BACKLOG 32

static int make_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (!*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

/* 0 if a socket is at @address and nobody listens there. */
static int check_stale(const struct sockaddr_un *address, char *why, size_t why_len)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, why_len,
			 "--api-socket: %s exists and is no socket: remove it or choose another "
			 "path",
			 path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(fd);
	if (r == -ECONNREFUSED)
		return 0;
	if (r == 0 || r == -EAGAIN) {
		snprintf(why, why_len,
			 "--api-socket: somebody listens on %s: another VM? choose another path",
			 path);
		return -EADDRINUSE;
	}
	return r;
}

/* The mode of the file is that of the descriptor, minus the umask (net/unix/af_unix.c:
 * unix_bind()): never open for others, not even for a moment. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return 0;
}

static int listen_at(struct api_socket *sock, const char *path, char *why, size_t why_len)
{
	struct sockaddr_un address;
	struct stat st;
	int r = make_address(&address, path);

	if (r < 0)
		return r;
	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->fd < 0)
		return -errno;
	r = bind_private(sock->fd, &address);
	if (r == -EADDRINUSE) {
		r = check_stale(&address, why, why_len);
		if (r < 0)
			return r;
		if (unlink(path) < 0 && errno != ENOENT)
			return -errno;
		r = bind_private(sock->fd, &address);
	}
	if (r < 0)
		return r;
	if (lstat(path, &st) < 0)
		return -errno;
	sock->path = path;
	sock->device = st.st_dev;
	sock->inode = st.st_ino;
	return listen(sock->fd, BACKLOG) < 0 ? -errno : 0;
}

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
	int r = 0;

	*sock = (struct api_socket){ .fd = -1 };
	why[0] = '\0';
	if (path)
		r = listen_at(sock, path, why, why_len);
	else if (fd >= 0)
		r = take_over(sock, fd, why, why_len);
	if (r < 0 && !why[0])
		snprintf(why, why_len, "--api-socket: cannot listen on %s: %s", path ? path : "it",
			 strerror(-r));
	if (r < 0)
		api_socket_close(sock);
	return r;
}

void api_socket_close(struct api_socket *sock)
{
	struct stat st;

	close_fd(&sock->fd);
	if (sock->path && lstat(sock->path, &st) == 0 && st.st_dev == sock->device &&
	    st.st_ino == sock->inode)
		unlink(sock->path);
	sock->path = NULL;
}
