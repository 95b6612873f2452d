/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's end of a virtio socket: Unix sockets, and the line that a program begins with. */
#ifndef COLDVM_DEVICES_VIRTIO_VSOCK_UNIX_H
#define COLDVM_DEVICES_VIRTIO_VSOCK_UNIX_H

#include <stddef.h>
#include <stdint.h>

#define VSOCK_LINE_MAX 32 /* bytes, with the '\n' */

/* What of "CONNECT PORT\n" has come in. */
struct vsock_line {
	char text[VSOCK_LINE_MAX];
	unsigned len;
};

/* Reads from @fd (nonblocking) up to the end of the line and no byte further: 1 with *ret_port when
 * it is complete, 0 when there is more to come; -EPROTO for another or longer line, -ECONNRESET
 * when the program has gone. */
int vsock_line_read(struct vsock_line *line, int fd, uint32_t *ret_port);
/* Sends "OK @port\n". -errno; a socket that does not take it at once is one of them. */
int vsock_line_answer(int fd, uint32_t port);

/* Connects to "@path_@port", as unix_socket_dial(). */
int vsock_unix_dial(const char *path, uint32_t port);

#endif
