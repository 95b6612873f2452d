/* SPDX-License-Identifier: BSD-3-Clause */
/* Where events go: files, descriptors of our parent, FIFOs, and what cannot be written to. */
#include "vmm/monitor_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/options.h"

static char dir[32], path[64], why[256];
static struct vm_options options;

static void setup(void)
{
	strcpy(dir, "/tmp/coldvm-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/events", dir);
	options = (struct vm_options){ .event_fd = -1 };
	why[0] = '\0';
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

static int open_ok(void)
{
	int fd = -2;

	ck_assert_msg(monitor_file_open(&options, &fd, why, sizeof(why)) == 0, "%s", why);
	return fd;
}

static void open_fails(int error, const char *complaint)
{
	int fd = -2;

	ck_assert_int_eq(monitor_file_open(&options, &fd, why, sizeof(why)), error);
	ck_assert_str_eq(why, complaint);
	ck_assert_int_eq(fd, -2);
}

START_TEST(without_the_option_nobody_listens)
{
	ck_assert_int_eq(open_ok(), -1);
}
END_TEST

START_TEST(a_file_is_made_and_begins_empty)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "old", 3), 3);
	close(fd);
	options.event_path = path;
	fd = open_ok();
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_one_line)
{
	char complaint[128];

	options.event_path = "/nowhere/events";
	open_fails(-ENOENT,
		   "--event-monitor: cannot open /nowhere/events: No such file or directory");
	options.event_path = dir;
	snprintf(complaint, sizeof(complaint), "--event-monitor: cannot open %s: Is a directory",
		 dir);
	open_fails(-EISDIR, complaint);
}
END_TEST

START_TEST(a_descriptor_of_our_parent_is_taken_as_it_is)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	options.event_fd = fds[1];
	ck_assert_int_eq(open_ok(), fds[1]);
	ck_assert_int_eq(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	/* The open file may be shared with a terminal's other users. */
	ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_is_one_line)
{
	options.event_fd = 1000;
	open_fails(-EBADF, "--event-monitor: descriptor 1000 cannot be written to: Bad file "
			   "descriptor");
}
END_TEST

START_TEST(a_descriptor_for_reading_is_one_line)
{
	char complaint[128];
	int fd = open("/dev/null", O_RDONLY);

	options.event_fd = fd;
	snprintf(complaint, sizeof(complaint),
		 "--event-monitor: descriptor %d cannot be written to", fd);
	open_fails(-EBADF, complaint);
	close(fd);
}
END_TEST

static void *open_reader(void *opaque)
{
	(void)opaque;
	return (void *)(intptr_t)open(path, O_RDONLY);
}

START_TEST(a_fifo_waits_for_its_reader)
{
	pthread_t reader;
	void *read_fd;
	char byte;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, open_reader, NULL), 0);
	options.event_path = path;
	int fd = open_ok();

	pthread_join(reader, &read_fd);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(read((int)(intptr_t)read_fd, &byte, 1), 1);
	close(fd);
	close((int)(intptr_t)read_fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("monitor_file");
	TCase *t = suite_case(s, "opening", setup, teardown);

	tcase_add_test(t, without_the_option_nobody_listens);
	tcase_add_test(t, a_file_is_made_and_begins_empty);
	tcase_add_test(t, a_path_that_cannot_be_opened_is_one_line);
	tcase_add_test(t, a_descriptor_of_our_parent_is_taken_as_it_is);
	tcase_add_test(t, a_descriptor_that_is_not_open_is_one_line);
	tcase_add_test(t, a_descriptor_for_reading_is_one_line);
	tcase_add_test(t, a_fifo_waits_for_its_reader);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
