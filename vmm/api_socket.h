/* SPDX-License-Identifier: BSD-3-Clause */
/* The listening socket of --api-socket: a path of our own, or a descriptor that was passed in. */
#ifndef COLDVM_VMM_API_SOCKET_H
#define COLDVM_VMM_API_SOCKET_H

#include <stddef.h>

#include "vmm/unix_socket.h"

struct api_socket {
	int fd;			 /* -1: none */
	struct unix_socket file; /* the same descriptor, when it is ours at a path */
};

/*
 * Makes a socket at @path (mode 0600), or takes @fd over if @path is NULL; with neither (@fd -1)
 * there is none. A socket at @path that nobody listens on is replaced; anything else there stays,
 * and is -EEXIST or -EADDRINUSE. On failure @why is one line for people. @path outlives the socket.
 */
int api_socket_open(struct api_socket *sock, const char *path, int fd, char *why, size_t why_len);
/* Closes it and removes what api_socket_open() made. */
void api_socket_close(struct api_socket *sock);

#endif
