/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said about a file that is no kernel. */
#include "vmm/x86/boot.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/boot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/x86/layout.h"

static const struct {
	const char *bytes;
	size_t len;
	size_t off;
	const char *words;
} kinds[] = {
	{ "\x1f\x8b\x08", 3, 0, "gzip" },
	{ "\3757zXZ\0", 6, 0, "xz" },
	{ "\x28\xb5\x2f\xfd", 4, 0, "zstd" },
	{ "BZh9", 4, 0, "bzip2" },
	{ "\x02\x21\x4c\x18", 4, 0, "lz4" },
	{ "\x7f"
	  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xb7\0",
	  20, 0, "arm64" },
	{ "\x7f"
	  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0",
	  20, 0, "object" },
	{ "\x7f"
	  "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x03\0",
	  20, 0, "32-bit" },
	{ "\x7f"
	  "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0",
	  20, 0, "32-bit" },
	{ "\x7f"
	  "ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\x16",
	  20, 0, "s390" },
	{ "ARM\x64", 4, 0x38, "arm64" },
	{ "MZ", 2, 0, "EFI" },
	{ "#!/bin/sh\n", 10, 0, "script" },
	{ "070701", 6, 0, "cpio" },
	{ "QFI\xfb", 4, 0, "qcow2" },
	{ "\x55\xaa", 2, 510, "disk image" },
	{ "\x01\x02", 2, 3000, "unknown data" },
};

START_TEST(file_that_is_no_kernel_is_named)
{
	uint8_t data[4096] = { 0 };

	memcpy(data + kinds[_i].off, kinds[_i].bytes, kinds[_i].len);
	write_file(kernel, data, sizeof(data));
	refused(ENOEXEC, kinds[_i].words);
	ck_assert_ptr_nonnull(strstr(why, kernel));
	/* The same, cut right behind what it is known by. */
	write_file(kernel, data, kinds[_i].off + kinds[_i].len);
	ck_assert_int_eq(load(), -ENOEXEC);
}
END_TEST

START_TEST(elf_file_cut_short_is_named)
{
	write_file(kernel, ELFMAG, SELFMAG);
	refused(ENOEXEC, "cut short (4 bytes)");
}
END_TEST

START_TEST(text_is_named)
{
	write_file(kernel, "console=ttyS0\n", 14);
	refused(ENOEXEC, "a text file");
}
END_TEST

START_TEST(empty_file_is_named)
{
	write_file(kernel, "", 0);
	refused(ENOEXEC, "is empty");
}
END_TEST

START_TEST(directory_is_named)
{
	config.kernel = dir;
	refused(EISDIR, "is a directory");
}
END_TEST

START_TEST(missing_file_is_named)
{
	refused(ENOENT, "No such file");
	ck_assert_ptr_nonnull(strstr(why, kernel));
}
END_TEST

START_TEST(fifo_is_refused_and_not_waited_for)
{
	ck_assert_int_eq(mkfifo(kernel, 0600), 0);
	refused(EINVAL, "not a regular file");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file_kind");
	TCase *other = suite_case(suite, "other", boot_setup, boot_teardown);

	tcase_add_loop_test(other, file_that_is_no_kernel_is_named, 0, ARRAY_SIZE(kinds));
	tcase_add_test(other, elf_file_cut_short_is_named);
	tcase_add_test(other, text_is_named);
	tcase_add_test(other, empty_file_is_named);
	tcase_add_test(other, directory_is_named);
	tcase_add_test(other, missing_file_is_named);
	tcase_add_test(other, fifo_is_refused_and_not_waited_for);
	return suite_run(suite);
}
