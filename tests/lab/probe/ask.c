// SPDX-License-Identifier: BSD-3-Clause
// Many questions to a VM's control socket, on one connection.
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Takes one response off the socket; its body is the last thing in the text.
static const char *receive(int fd, char *text, size_t size)
{
	size_t len = 0, wanted = 0;
	const char *body = NULL;

	while (!body || len < wanted) {
		ssize_t done = recv(fd, text + len, size - 1 - len, 0);
		const char *length;

		if (done <= 0)
			die("the response ends after %zu bytes", len);
		len += done;
		text[len] = 0;
		body = strstr(text, "\r\n\r\n");
		if (!body)
			continue;
		body += 4;
		length = strstr(text, "Content-Length: ");
		if (strncmp(text, "HTTP/1.1 200 ", 13) || !length)
			die("%s", text);
		wanted = body - text + strtoul(length + strlen("Content-Length: "), NULL, 10);
		if (wanted >= size)
			die("a response of %zu bytes", wanted);
	}
	return body;
}

// ask SOCKET TARGET COUNT: GET, that often; prints the last answer.
int ask_main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static char text[1 << 16];
	const char *body = "";
	char request[256];
	int fd, ret;

	if (argc != 4)
		die("ask SOCKET TARGET COUNT");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: vm\r\n\r\n", argv[2]);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die_errno("%s", argv[1]);
	for (uint64_t n = parse_number(argv[3]); n; n--) {
		ret = write_all(fd, request, strlen(request));
		if (ret)
			die("%s: %s", argv[1], strerror(-ret));
		body = receive(fd, text, sizeof(text));
	}
	puts(body);
	return 0;
}
