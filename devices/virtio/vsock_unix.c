/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's end of a virtio socket. */
#include "devices/virtio/vsock_unix.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/unix_socket.h"

/* A port in decimal that fills its text; VMADDR_PORT_ANY (all ones) is none. */
static bool parse_port(const char *text, uint32_t *ret)
{
	uint64_t port = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		port = port * 10 + (uint64_t)(*text - '0');
		if (port >= UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)port;
	return true;
}

/* @text: the line without its end; one with a NUL in it is none. */
static int parse_line(char *text, size_t len, uint32_t *ret_port)
{
	static const char word[] = "CONNECT ";

	text[len] = '\0';
	if (strlen(text) != len || strncmp(text, word, sizeof(word) - 1) ||
	    !parse_port(text + sizeof(word) - 1, ret_port))
		return -EPROTO;
	return 1;
}

/* What @done, of recv(2), says when it is no data. */
static int no_data(ssize_t done)
{
	if (done == 0)
		return -ECONNRESET;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

int vsock_line_read(struct vsock_line *line, int fd, uint32_t *ret_port)
{
	char *at = line->text + line->len;
	ssize_t done = recv(fd, at, sizeof(line->text) - line->len, MSG_PEEK | MSG_DONTWAIT);
	size_t take;
	char *end;

	if (done <= 0)
		return no_data(done);
	end = memchr(at, '\n', (size_t)done);
	take = end ? (size_t)(end - at) + 1 : (size_t)done;
	/* What comes behind the line is for the guest. */
	if (recv(fd, at, take, MSG_DONTWAIT) != (ssize_t)take)
		return -EPROTO;
	line->len += (unsigned)take;
	if (end)
		return parse_line(line->text, (size_t)(end - line->text), ret_port);
	return line->len == sizeof(line->text) ? -EPROTO : 0;
}

int vsock_line_answer(int fd, uint32_t port)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "OK %" PRIu32 "\n", port);
	ssize_t done = send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0)
		return -errno;
	return done == len ? 0 : -EAGAIN;
}

int vsock_unix_dial(const char *path, uint32_t port)
{
	char name[PATH_MAX];
	int len = snprintf(name, sizeof(name), "%s_%" PRIu32, path, port);

	return len < (int)sizeof(name) ? unix_socket_dial(name) : -ENAMETOOLONG;
}
