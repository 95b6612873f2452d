// SPDX-License-Identifier: BSD-3-Clause
// Both ends of stream sockets, for the virtio socket: AF_VSOCK in the guest, Unix sockets in the
// host. Each passes its input to the socket and what comes to its output, and keeps the ends of the
// two directions apart.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// Passes all of one to the other.
static void pass(int from, int to)
{
	char data[1 << 16];
	ssize_t done;
	int ret;

	while ((done = read(from, data, sizeof(data)))) {
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			die_errno("the connection fails");
		ret = write_all(to, data, (size_t)done);
		if (ret)
			die("the connection fails: %s", strerror(-ret));
	}
}

static void say_all(int fd, int in)
{
	pass(in, fd);
	if (shutdown(fd, SHUT_WR) && errno != ENOTCONN)
		die_errno("shutdown");
}

// Ends when both sides have said all. With answer set, this side says nothing before the other has.
// A process for each direction, as neither may wait for the other.
static int talk(int fd, int in, int out, bool answer)
{
	int status = 0;
	pid_t child = -1;

	if (!answer) {
		child = fork();
		if (child < 0)
			die_errno("fork");
		if (child == 0) {
			say_all(fd, in);
			exit(0);
		}
	}
	pass(fd, out);
	if (answer)
		say_all(fd, in);
	else if (waitpid(child, &status, 0) != child)
		die_errno("wait");
	return status ? 1 : 0;
}

static int vsock(unsigned int cid, const char *port, bool server)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = (unsigned int)parse_number(port),
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int (*begin)(int, const struct sockaddr *, socklen_t) = server ? bind : connect;

	if (fd < 0 || begin(fd, (struct sockaddr *)&address, sizeof(address)))
		die_errno("vsock %u:%s", cid, port);
	return fd;
}

static int unix_socket(const char *path, bool server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int (*begin)(int, const struct sockaddr *, socklen_t) = server ? bind : connect;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || begin(fd, (struct sockaddr *)&address, sizeof(address)))
		die_errno("%s", path);
	return fd;
}

// Listens; then a child serves one connection, so that the caller can go on. OUT gets its name when
// all is there.
static int serve(int fd, int argc, char **argv)
{
	bool answer = argc == 5 && !strcmp(argv[4], "answer");
	int in = open(argv[2], O_RDONLY | O_CLOEXEC), out, conn;
	char part[256];

	snprintf(part, sizeof(part), "%s.part", argv[3]);
	out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0)
		die_errno("%s or %s", argv[2], part);
	if (listen(fd, 1))
		die_errno("listen");
	switch (fork()) {
	case -1:
		die_errno("fork");
	case 0:
		break;
	default:
		return 0;
	}
	// Nobody waits for the end of what the caller reads.
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		return 1;
	conn = accept(fd, NULL, NULL);
	if (conn < 0)
		return 1;
	if (talk(conn, in, out, answer))
		return 1;
	return rename(part, argv[3]) ? 1 : 0;
}

// vsock-listen PORT IN OUT [answer]
int vsock_listen_main(int argc, char **argv)
{
	if (argc < 4)
		die("vsock-listen PORT IN OUT [answer]");
	return serve(vsock(VMADDR_CID_ANY, argv[1], true), argc, argv);
}

// unix-listen PATH IN OUT [answer]
int unix_listen_main(int argc, char **argv)
{
	if (argc < 4)
		die("unix-listen PATH IN OUT [answer]");
	return serve(unix_socket(argv[1], true), argc, argv);
}

// vsock-connect CID PORT
int vsock_connect_main(int argc, char **argv)
{
	if (argc != 3)
		die("vsock-connect CID PORT");
	return talk(vsock((unsigned int)parse_number(argv[1]), argv[2], false), STDIN_FILENO,
		    STDOUT_FILENO, false);
}

// unix-connect PATH PORT: by the line that coldvm asks for; prints its answer to standard error.
int unix_connect_main(int argc, char **argv)
{
	char line[64];
	size_t len = 0;
	int fd;

	if (argc != 3)
		die("unix-connect PATH PORT");
	fd = unix_socket(argv[1], false);
	snprintf(line, sizeof(line), "CONNECT %s\n", argv[2]);
	if (write_all(fd, line, strlen(line)))
		die("%s takes no line", argv[1]);
	do {
		if (len == sizeof(line) - 1 || read(fd, line + len, 1) != 1)
			die("port %s is refused", argv[2]);
	} while (line[len++] != '\n');
	line[len] = 0;
	if (strncmp(line, "OK ", 3))
		die("port %s: %s", argv[2], line);
	fputs(line, stderr);
	return talk(fd, STDIN_FILENO, STDOUT_FILENO, false);
}
