/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix stream sockets with a file: making and removing ours and nobody else's, and dialling others.
 */
#ifndef COLDVM_VMM_UNIX_SOCKET_H
#define COLDVM_VMM_UNIX_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* A listening socket at a path. */
struct unix_socket {
	int fd;		  /* -1: none */
	const char *path; /* NULL: nothing to remove */
	dev_t device;	  /* what is at path, to remove nothing else */
	ino_t inode;
};

/*
 * Listens at @path (mode 0600, nonblocking). A socket there that nobody listens on is replaced;
 * anything else stays, and is -EEXIST or -EADDRINUSE. On failure @why is one line for people.
 * @path outlives the socket.
 */
int unix_socket_listen(struct unix_socket *sock, const char *path, char *why, size_t why_len);
/* Closes it and removes its file. For one that is not open, too. */
void unix_socket_close(struct unix_socket *sock);

/* A nonblocking socket connected to @path, or -errno: -EAGAIN if the listener's queue is full,
 * -ENAMETOOLONG, -ECONNREFUSED, -ENOENT. Does not wait. */
int unix_socket_dial(const char *path);

#endif
