/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket's file: private, replaced only when nobody listens, removed at the end. */
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

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static char dir[32], path[64], why[256];
static struct api_socket sock;

static void setup(void)
{
	strcpy(dir, "/tmp/check_socket.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/api", dir);
	umask(0);
}

static void teardown(void)
{
	api_socket_close(&sock);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int try_open(const char *at, int fd)
{
	return api_socket_open(&sock, at, fd, why, sizeof(why));
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	strcpy(address.sun_path, path);
	r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static bool is_there(void)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

START_TEST(socket_is_private_and_accepts)
{
	struct stat st;

	ck_assert_int_eq(try_open(path, -1), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(dial(), 0);
	ck_assert_int_ne(fcntl(sock.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(sock.fd, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(end_removes_it)
{
	ck_assert_int_eq(try_open(path, -1), 0);
	api_socket_close(&sock);
	ck_assert(!is_there());
}
END_TEST

START_TEST(end_leaves_what_is_not_ours)
{
	ck_assert_int_eq(try_open(path, -1), 0);
	ck_assert_int_eq(unlink(path), 0);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	api_socket_close(&sock);
	ck_assert(is_there());
}
END_TEST

START_TEST(nothing_is_asked_nothing_is_made)
{
	ck_assert_int_eq(try_open(NULL, -1), 0);
	ck_assert_int_eq(sock.fd, -1);
}
END_TEST

START_TEST(file_is_left_alone)
{
	char line[256];

	close(open(path, O_WRONLY | O_CREAT, 0600));
	ck_assert_int_eq(try_open(path, -1), -EEXIST);
	snprintf(line, sizeof(line),
		 "--api-socket: %s exists and is no socket: remove it or choose another path",
		 path);
	ck_assert_str_eq(why, line);
	ck_assert(is_there());
}
END_TEST

START_TEST(socket_in_use_is_left_alone)
{
	struct api_socket other;

	ck_assert_int_eq(try_open(path, -1), 0);
	ck_assert_int_eq(api_socket_open(&other, path, -1, why, sizeof(why)), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(why, "somebody listens on "));
	ck_assert_int_eq(dial(), 0);
}
END_TEST

START_TEST(stale_socket_is_replaced)
{
	ck_assert_int_eq(try_open(path, -1), 0);
	close_fd(&sock.fd); /* as a VM that was killed leaves it */
	ck_assert_int_eq(dial(), -ECONNREFUSED);
	ck_assert_int_eq(try_open(path, -1), 0);
	ck_assert_int_eq(dial(), 0);
}
END_TEST

START_TEST(bad_paths_are_named)
{
	char longest[200];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(try_open(longest, -1), -ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(why, "File name too long"));
	ck_assert_int_eq(try_open("/nowhere/api", -1), -ENOENT);
	ck_assert_str_eq(why, "--api-socket: cannot listen on /nowhere/api: No such file or "
			      "directory");
}
END_TEST

START_TEST(descriptor_that_listens_is_taken_over)
{
	struct api_socket other;
	int fd;

	ck_assert_int_eq(api_socket_open(&other, path, -1, why, sizeof(why)), 0);
	fd = dup(other.fd);
	fcntl(fd, F_SETFL, 0);
	ck_assert_int_eq(try_open(NULL, fd), 0);
	ck_assert_int_eq(sock.fd, fd);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	api_socket_close(&sock);
	ck_assert(is_there());
	api_socket_close(&other);
}
END_TEST

START_TEST(other_descriptors_are_refused)
{
	int fds[2], deaf = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(try_open(NULL, deaf), -ENOTSOCK);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(try_open(NULL, fds[0]), -ENOTSOCK);
	ck_assert_int_eq(try_open(NULL, 999), -ENOTSOCK);
	ck_assert_str_eq(why, "--api-socket: descriptor 999 is no Unix stream socket that listens");
	/* A refused descriptor stays the caller's. */
	ck_assert_int_ge(fcntl(fds[0], F_GETFD), 0);
	close(deaf);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api socket");
	TCase *tcase = suite_case(suite, "socket", setup, teardown);

	tcase_add_test(tcase, socket_is_private_and_accepts);
	tcase_add_test(tcase, end_removes_it);
	tcase_add_test(tcase, end_leaves_what_is_not_ours);
	tcase_add_test(tcase, nothing_is_asked_nothing_is_made);
	tcase_add_test(tcase, file_is_left_alone);
	tcase_add_test(tcase, socket_in_use_is_left_alone);
	tcase_add_test(tcase, stale_socket_is_replaced);
	tcase_add_test(tcase, bad_paths_are_named);
	tcase_add_test(tcase, descriptor_that_listens_is_taken_over);
	tcase_add_test(tcase, other_descriptors_are_refused);
	return suite_run(suite);
}
