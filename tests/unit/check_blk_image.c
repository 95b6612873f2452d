/* SPDX-License-Identifier: BSD-3-Clause */
/* Images that are no disks, and images that somebody else uses: one line says what is wrong. */
#include "devices/virtio/blk_image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devices/virtio/blk_lock.h"
#include "tests/unit/blk_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

/* The image is refused with @err, in one line that has the path and @words. */
static void expect_refused_config(const struct blk_config *config, int err, const char *words)
{
	ck_assert_int_eq(blk_rig_open(config), err);
	ck_assert_ptr_null(blk_rig_blk);
	ck_assert_msg(strstr(blk_rig_why, config->path), "no path: %s", blk_rig_why);
	ck_assert_msg(strstr(blk_rig_why, words), "no \"%s\": %s", words, blk_rig_why);
	ck_assert_ptr_null(strchr(blk_rig_why, '\n'));
}

static void expect_refused(int err, const char *words)
{
	struct blk_config config = blk_rig_config();

	expect_refused_config(&config, err, words);
}

static void put(const void *data, size_t len, off_t off)
{
	int fd = open(blk_rig_path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, len, off), (ssize_t)len);
	close(fd);
}

START_TEST(a_missing_image_is_named)
{
	ck_assert_int_eq(unlink(blk_rig_path), 0);
	expect_refused(-ENOENT, "No such file");
}
END_TEST

START_TEST(a_directory_is_no_image)
{
	struct blk_config config = blk_rig_config();

	config.path = blk_rig_dir;
	expect_refused_config(&config, -EISDIR, "is a directory");
}
END_TEST

START_TEST(a_character_device_is_no_image)
{
	struct blk_config config = blk_rig_config();

	config.path = "/dev/zero";
	expect_refused_config(&config, -EINVAL, "neither a file nor a block device");
}
END_TEST

START_TEST(a_fifo_is_no_image_and_keeps_nobody_waiting)
{
	ck_assert_int_eq(unlink(blk_rig_path), 0);
	ck_assert_int_eq(mkfifo(blk_rig_path, 0600), 0);
	expect_refused(-EINVAL, "neither a file nor a block device");
}
END_TEST

START_TEST(an_image_that_may_not_be_written_can_be_used_readonly)
{
	struct blk_config config = blk_rig_config();
	bool root = geteuid() == 0;

	ck_assert_int_eq(chmod(blk_rig_dir, 0755), 0);
	ck_assert_int_eq(chmod(blk_rig_path, 0444), 0);
	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	expect_refused(-EACCES, "readonly=on");
	config.readonly = true;
	ck_assert_int_eq(blk_rig_open(&config), 0);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(an_empty_image_is_refused)
{
	ck_assert_int_eq(truncate(blk_rig_path, 0), 0);
	expect_refused(-EINVAL, "is empty");
}
END_TEST

START_TEST(a_size_that_is_no_multiple_of_a_sector_is_refused)
{
	ck_assert_int_eq(truncate(blk_rig_path, 1000), 0);
	expect_refused(-EINVAL, "1000 bytes, which is no multiple of 512");
}
END_TEST

START_TEST(an_image_of_one_sector_is_a_disk)
{
	struct blk_config config = blk_rig_config();

	ck_assert_int_eq(truncate(blk_rig_path, 512), 0);
	ck_assert_int_eq(blk_rig_open(&config), 0);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	off_t off;
	const char *name, *remedy;
} formats[] = {
	{ "QFI\xfb\0\0\0\3", 8, 0, "qcow2", "qemu-img convert -O raw" },
	{ "QED", 4, 0, "QED", "qemu-img convert -O raw" },
	{ "KDMV", 4, 0, "VMDK", "qemu-img convert -O raw" },
	{ "COWD", 4, 0, "VMDK", "qemu-img convert -O raw" },
	{ "# Disk DescriptorFile\n", 22, 0, "VMDK", "qemu-img convert -O raw" },
	{ "\x7f\x10\xda\xbe", 4, 64, "VDI", "qemu-img convert -O raw" },
	{ "vhdxfile", 8, 0, "VHDX", "qemu-img convert -O raw" },
	{ "conectix", 8, 0, "VHD", "qemu-img convert -O raw" },
	{ "conectix", 8, BLK_RIG_SIZE - 512, "VHD", "qemu-img convert -O raw" },
	{ "WithouFreSpacExt", 16, 0, "Parallels", "qemu-img convert -O raw" },
	{ "\x1f\x8b\x08", 3, 0, "gzip", "gzip -d" },
	{ "\xfd\x37\x7a\x58\x5a", 6, 0, "xz", "xz -d" },
	{ "\x28\xb5\x2f\xfd", 4, 0, "zstd", "zstd -d" },
};

START_TEST(another_format_is_named_with_what_makes_it_raw)
{
	put(formats[_i].bytes, formats[_i].len, formats[_i].off);
	expect_refused(-EINVAL, formats[_i].name);
	ck_assert_ptr_nonnull(strstr(blk_rig_why, formats[_i].remedy));
}
END_TEST

START_TEST(a_magic_at_another_place_is_data)
{
	struct blk_config config = blk_rig_config();

	put("QFI\xfb", 4, 512);
	put("vhdxfile", 8, 8);
	ck_assert_int_eq(blk_rig_open(&config), 0);
}
END_TEST

/* A process that holds the image until its pipe is closed. */
static pid_t start_holder(bool shared, int *ret_pipe)
{
	int ready[2], end[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(end), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		char why[64];
		int fd = open(blk_rig_path, shared ? O_RDONLY : O_RDWR);

		close(end[1]);
		if (fd < 0 || blk_lock(fd, shared, why, sizeof(why)) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(end[0]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*ret_pipe = end[1];
	return pid;
}

static void end_holder(pid_t pid, int pipe_fd)
{
	int status;

	close(pipe_fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(an_image_in_use_names_the_process_that_uses_it)
{
	struct blk_config config = blk_rig_config();
	char words[64];
	int pipe_fd;
	pid_t pid = start_holder(false, &pipe_fd);

	snprintf(words, sizeof(words), "in use by process %d (", (int)pid);
	expect_refused(-EBUSY, words);
	config.readonly = true;
	expect_refused_config(&config, -EBUSY, words);
	end_holder(pid, pipe_fd);
	config.readonly = false;
	ck_assert_int_eq(blk_rig_open(&config), 0);
}
END_TEST

START_TEST(readers_share_an_image_and_keep_writers_out)
{
	struct blk_config config = blk_rig_config();
	int pipe_fd;
	pid_t pid = start_holder(true, &pipe_fd);

	expect_refused(-EBUSY, "readonly=on");
	config.readonly = true;
	ck_assert_int_eq(blk_rig_open(&config), 0);
	end_holder(pid, pipe_fd);
}
END_TEST

START_TEST(an_image_is_given_to_a_guest_once)
{
	struct blk_config config = blk_rig_config();
	struct blk *second = NULL;
	char why[512];

	ck_assert_int_eq(blk_rig_open(&config), 0);
	ck_assert_int_eq(blk_create(&config, &blk_rig.memory, &second, why, sizeof(why)), -EBUSY);
	ck_assert_msg(strstr(why, "this VM"), "%s", why);
}
END_TEST

START_TEST(the_lock_ends_with_the_disk)
{
	struct blk_config config = blk_rig_config();
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(blk_rig_path, O_RDWR | O_CLOEXEC);

	config.nr_queues = 4;
	ck_assert_int_eq(blk_rig_open(&config), 0);
	ck_assert_int_ne(fcntl(fd, F_OFD_SETLK, &lock), 0);
	blk_destroy(blk_rig_blk);
	blk_rig_blk = NULL;
	/* At once: no blk_lock(), which would wait. */
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	close(fd);
}
END_TEST

START_TEST(a_killed_vm_leaves_its_image_to_the_next_one)
{
	struct blk_config config = blk_rig_config();
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (blk_rig_open(&config) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_msg(blk_rig_open(&config) == 0, "%s", blk_rig_why);
}
END_TEST

START_TEST(opening_changes_nothing_in_the_image)
{
	struct blk_config config = blk_rig_config();
	struct stat before, after;
	uint8_t byte;

	ck_assert_int_eq(stat(blk_rig_path, &before), 0);
	ck_assert_int_eq(blk_rig_open(&config), 0);
	ck_assert_int_eq(stat(blk_rig_path, &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
	ck_assert_int_eq(before.st_blocks, after.st_blocks);
	for (uint64_t off = 0; off < BLK_RIG_SIZE; off += 4093) {
		blk_rig_look(&byte, 1, off);
		ck_assert_uint_eq(byte, blk_rig_byte(off));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_image");
	TCase *tcase;

	tcase = suite_case(suite, "no disks", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, a_missing_image_is_named);
	tcase_add_test(tcase, a_directory_is_no_image);
	tcase_add_test(tcase, a_character_device_is_no_image);
	tcase_add_test(tcase, a_fifo_is_no_image_and_keeps_nobody_waiting);
	tcase_add_test(tcase, an_image_that_may_not_be_written_can_be_used_readonly);
	tcase_add_test(tcase, an_empty_image_is_refused);
	tcase_add_test(tcase, a_size_that_is_no_multiple_of_a_sector_is_refused);
	tcase_add_test(tcase, an_image_of_one_sector_is_a_disk);
	tcase_add_test(tcase, opening_changes_nothing_in_the_image);
	tcase = suite_case(suite, "formats", blk_rig_setup, blk_rig_teardown);
	tcase_add_loop_test(tcase, another_format_is_named_with_what_makes_it_raw, 0,
			    ARRAY_SIZE(formats));
	tcase_add_test(tcase, a_magic_at_another_place_is_data);
	tcase = suite_case(suite, "locks", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, an_image_in_use_names_the_process_that_uses_it);
	tcase_add_test(tcase, readers_share_an_image_and_keep_writers_out);
	tcase_add_test(tcase, an_image_is_given_to_a_guest_once);
	tcase_add_test(tcase, the_lock_ends_with_the_disk);
	tcase_add_test(tcase, a_killed_vm_leaves_its_image_to_the_next_one);
	return blk_rig_run(suite);
}
