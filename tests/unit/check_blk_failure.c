/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host that fails: the guest gets an I/O error for that request, the log one line, and the disk
 * goes on. Each failure here is a real one of the kernel: a full file system, a limit, a seal, a
 * file that somebody made shorter.
 */
#include "devices/virtio/blk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/blk_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define SECTOR 512u

static int log_pipe[2], saved_stderr;

static void setup(void)
{
	blk_rig_setup();
	ck_assert_int_eq(pipe2(log_pipe, O_NONBLOCK | O_CLOEXEC), 0);
	saved_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(log_pipe[1], STDERR_FILENO), 0);
}

static void teardown(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	blk_rig_teardown();
}

/* Exactly one line of the log so far, and it says @words. */
static void expect_one_line(const char *words)
{
	char text[4096];
	ssize_t len = read(log_pipe[0], text, sizeof(text) - 1);

	ck_assert_int_gt(len, 0);
	text[len] = '\0';
	ck_assert_msg(strstr(text, words), "no \"%s\": %s", words, text);
	ck_assert_msg(strchr(text, '\n') == text + len - 1, "more than one line: %s", text);
}

static void expect_alive(void)
{
	uint8_t data[SECTOR];

	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 3, data, SECTOR), VIRTIO_BLK_S_OK);
}

START_TEST(a_file_that_became_shorter_is_an_io_error)
{
	uint8_t data[2 * SECTOR];

	blk_rig_start_default();
	ck_assert_int_eq(truncate(blk_rig_path, 100 * SECTOR), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 100, data, SECTOR), VIRTIO_BLK_S_IOERR);
	/* The first half is there. */
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 99, data, 2 * SECTOR), VIRTIO_BLK_S_IOERR);
	expect_one_line("read at byte 51200 failed");
	expect_alive();
}
END_TEST

START_TEST(each_kind_of_failure_is_one_line)
{
	uint8_t data[SECTOR];

	blk_rig_start_default();
	ck_assert_int_eq(truncate(blk_rig_path, 100 * SECTOR), 0);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 200 + i, data, SECTOR),
				 VIRTIO_BLK_S_IOERR);
	expect_one_line("Input/output error");
}
END_TEST

START_TEST(a_write_to_a_readonly_disk_does_not_reach_the_host)
{
	struct blk_config config = blk_rig_config();
	uint8_t data[SECTOR] = { 0 };

	config.readonly = true;
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_IOERR);
	/* The host would have refused, in a line. */
	ck_assert_int_lt(read(log_pipe[0], data, sizeof(data)), 0);
}
END_TEST

START_TEST(a_file_size_limit_is_an_io_error)
{
	struct rlimit before, low;
	uint8_t data[SECTOR] = { 1 };

	blk_rig_start_default();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = MIB(1);
	/* Who goes over the limit gets the signal too. */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 4096, data, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_one_line("File too large");
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 4096, data, SECTOR), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_host_that_forbids_writing_is_an_io_error)
{
	struct blk_config config = blk_rig_config();
	uint8_t data[SECTOR] = { 1 };
	char path[64];
	int fd = memfd_create("disk", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, MIB(1)), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config.path = path;
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_IOERR);
	expect_one_line("Operation not permitted");
	expect_alive();
	close(fd);
}
END_TEST

/* A small file system of the test's own, over its directory. False where this user may not. */
static bool mount_small(void)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	/* Nothing of it may be seen outside. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("small", blk_rig_dir, "tmpfs", 0, "size=256k") == 0;
}

START_TEST(a_full_file_system_is_an_io_error_and_room_makes_it_work_again)
{
	char filler[160];
	uint8_t *data;
	int fd;

	if (!mount_small()) {
		printf("not tried: no mount here: %s\n", strerror(errno));
		return;
	}
	fd = open(blk_rig_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, MIB(1)), 0); /* sparse, and more than there is */
	close(fd);
	data = virtio_rig_at(&blk_rig, MIB(8), 65536);
	memset(data, 0x77, 65536);
	snprintf(filler, sizeof(filler), "%s/filler", blk_rig_dir);
	fd = open(filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, data, 65536), 65536);
	close(fd);

	blk_rig_start_default();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, i * 128, data, 57344),
				 VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 512, data, 65536), VIRTIO_BLK_S_IOERR);
	expect_one_line("No space left on device");
	expect_alive();
	ck_assert_int_eq(unlink(filler), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 512, data, 65536), VIRTIO_BLK_S_OK);
	blk_destroy(blk_rig_blk);
	blk_rig_blk = NULL;
	ck_assert_int_eq(umount2(blk_rig_dir, MNT_DETACH), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_failure");
	TCase *tcase;

	tcase = suite_case(suite, "host", setup, teardown);
	tcase_add_test(tcase, a_file_that_became_shorter_is_an_io_error);
	tcase_add_test(tcase, each_kind_of_failure_is_one_line);
	tcase_add_test(tcase, a_write_to_a_readonly_disk_does_not_reach_the_host);
	tcase_add_test(tcase, a_file_size_limit_is_an_io_error);
	tcase_add_test(tcase, a_host_that_forbids_writing_is_an_io_error);
	tcase_add_test(tcase, a_full_file_system_is_an_io_error_and_room_makes_it_work_again);
	return blk_rig_run(suite);
}
