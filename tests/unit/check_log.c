/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines for people: what they look like, and that a guest cannot fill a disk with them. */
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tests/unit/log_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

START_TEST(a_line_has_its_level_and_device)
{
	log_rig_begin();
	log_warn("nvme0", "%d of %s", 3, "them");
	ck_assert_uint_eq(log_rig_lines(), 1);
	ck_assert_str_eq(log_rig.text, "coldvm: warning: nvme0: 3 of them\n");
	log_info("nvme0", "not without -v");
	ck_assert_uint_eq(log_rig_lines(), 0);
	log_set_level(LOG_DEBUG);
	log_debug("nvme0", "now");
	ck_assert_uint_eq(log_rig_lines(), 1);
	ck_assert_int_eq(log_rig.text[0], '[');
	log_rig_end();
}
END_TEST

START_TEST(bytes_of_a_guest_make_no_second_line)
{
	errno = ENOSPC;
	log_rig_begin();
	log_warn("x", "%s", "a\nb\x1b[2Jc\x7f");
	ck_assert_uint_eq(log_rig_lines(), 1);
	log_rig_end();
	ck_assert_str_eq(log_rig.text, "coldvm: warning: x: a b [2Jc \n");
	ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
	static char text[8192];

	memset(text, 'x', sizeof(text) - 1);
	log_rig_begin();
	log_warn("x", "%s", text);
	ck_assert_uint_eq(log_rig_lines(), 1);
	log_rig_end();
}
END_TEST

/* Standard error into a file, since no pipe holds so much; how many lines it has got. */
static unsigned flood(unsigned nr, int *fd)
{
	char byte[4096];
	unsigned lines = 0;
	ssize_t len;

	*fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(dup2(*fd, STDERR_FILENO), 0);
	for (unsigned i = 0; i < nr; i++)
		log_warn("x", "line %u", i);
	ck_assert_int_eq(lseek(*fd, 0, SEEK_SET), 0);
	while ((len = read(*fd, byte, sizeof(byte))) > 0)
		for (ssize_t i = 0; i < len; i++)
			lines += byte[i] == '\n';
	return lines;
}

START_TEST(a_flood_of_lines_ends)
{
	uint64_t begin = now_ns();
	unsigned lines;
	int fd;

	lines = flood(20000, &fd);
	ck_assert_uint_ge(lines, LOG_BURST);
	/* The lines that say how many were left out count as well. */
	ck_assert_uint_le(lines, LOG_BURST + 2 * ((now_ns() - begin) / LOG_PERIOD_NS + 1));
	close(fd);
}
END_TEST

START_TEST(an_error_is_said_among_a_flood_of_warnings)
{
	char text[256] = "";
	off_t end;
	int fd;

	flood(20000, &fd);
	end = lseek(fd, 0, SEEK_END);
	log_error("y", "the host is on fire");
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, end), 0);
	ck_assert_str_eq(text, "coldvm: error: y: the host is on fire\n");
	close(fd);
}
END_TEST

START_TEST(what_was_left_out_is_counted)
{
	const struct timespec pause = { .tv_nsec = LOG_PERIOD_NS * 2 };
	char text[256] = "";
	unsigned lines, left_out = 0;
	off_t end;
	int fd;

	lines = flood(3000, &fd);
	end = lseek(fd, 0, SEEK_END);
	nanosleep(&pause, NULL);
	log_warn("x", "on again");
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, end), 0);
	ck_assert_int_eq(
		sscanf(text, "coldvm: warning: log: %u lines were left out here", &left_out), 1);
	ck_assert_uint_ge(left_out, 1);
	ck_assert_uint_le(left_out, 3000 - LOG_BURST);
	ck_assert_uint_le(lines, 3000);
	ck_assert_ptr_nonnull(strstr(text, "\ncoldvm: warning: x: on again\n"));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = suite_case(suite, "log", NULL, NULL);

	tcase_add_test(tcase, a_line_has_its_level_and_device);
	tcase_add_test(tcase, bytes_of_a_guest_make_no_second_line);
	tcase_add_test(tcase, a_long_line_is_cut_and_still_ends);
	tcase_add_test(tcase, a_flood_of_lines_ends);
	tcase_add_test(tcase, an_error_is_said_among_a_flood_of_warnings);
	tcase_add_test(tcase, what_was_left_out_is_counted);
	return suite_run(suite);
}
