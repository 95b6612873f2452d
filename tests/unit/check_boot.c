/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading a bzImage from a file that anybody may have written. */
#include "vmm/x86/boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <asm/bootparam.h>

#include "acpi/abi.h"
#include "tests/unit/boot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/x86/layout.h"

#define SETUP_SECTS 3
#define CODE_OFF    ((SETUP_SECTS + 1) * 512)
#define CODE_SIZE   0x2000

static struct {
	uint8_t setup[CODE_OFF];
	uint8_t code[CODE_SIZE];
} image;

static struct setup_header *hdr(void)
{
	return (struct setup_header *)(image.setup + 0x1f1);
}

static void make_bzimage(void)
{
	memset(&image, 0xff, sizeof(image)); /* what must not be copied shows */
	memset(hdr(), 0, sizeof(*hdr()));
	hdr()->setup_sects = SETUP_SECTS;
	hdr()->syssize = CODE_SIZE / 16;
	hdr()->boot_flag = 0xaa55;
	hdr()->jump = 0x6aeb; /* to 0x26c */
	memcpy(&hdr()->header, "HdrS", 4);
	hdr()->version = 0x020f;
	hdr()->loadflags = LOADED_HIGH;
	hdr()->initrd_addr_max = 0x7fffffff;
	hdr()->kernel_alignment = 0x200000;
	hdr()->relocatable_kernel = 1;
	hdr()->xloadflags = XLF_KERNEL_64;
	hdr()->cmdline_size = 2047;
	hdr()->pref_address = 0x1000000;
	hdr()->init_size = MIB(32);
	memset(image.code, 0xc0, sizeof(image.code));
}

static void write_bzimage(void)
{
	write_file(kernel, &image, sizeof(image));
}

static void setup_bzimage(void)
{
	boot_setup();
	make_bzimage();
}

static const struct boot_params *zero_page(void)
{
	return memory_at(&memory, LAYOUT_ZERO_PAGE, sizeof(struct boot_params));
}

START_TEST(bzimage_is_loaded_where_it_prefers)
{
	write_bzimage();
	ck_assert_msg(load() == 0, "%s", why);
	ck_assert_int_eq(entry.protocol, BOOT_LINUX64);
	ck_assert_uint_eq(entry.rip, 0x1000200);
	ck_assert_uint_eq(entry.info, LAYOUT_ZERO_PAGE);
	ck_assert_int_eq(memcmp(at(0x1000000), image.code, sizeof(image.code)), 0);
	ck_assert_uint_eq(*(uint8_t *)at(0x1000000 + CODE_SIZE), 0);
}
END_TEST

START_TEST(zero_page_has_the_header_and_nothing_else_of_the_file)
{
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.version, 0x020f);
	ck_assert_uint_eq(zero_page()->hdr.type_of_loader, 0xff);
	ck_assert_uint_eq(zero_page()->hdr.init_size, MIB(32));
	ck_assert_uint_eq(zero_page()->sentinel, 0);
	ck_assert_uint_eq(zero_page()->_pad7[0], 0);
	ck_assert_uint_eq(zero_page()->acpi_rsdp_addr, 0xe0000);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_size, 0);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_image, 0);
}
END_TEST

START_TEST(command_line_is_copied_with_its_end)
{
	memset(at(LAYOUT_CMDLINE), 'x', 10);
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.cmd_line_ptr, LAYOUT_CMDLINE);
	ck_assert_str_eq(at(LAYOUT_CMDLINE), "a=b");
}
END_TEST

START_TEST(command_line_may_be_as_long_as_the_kernel_says)
{
	char line[2049];

	memset(line, 'x', sizeof(line));
	config.cmdline = line;
	write_bzimage();
	line[2047] = '\0';
	ck_assert_int_eq(load(), 0);
	entry.rip = 0;
	line[2047] = 'x';
	line[2048] = '\0';
	refused(E2BIG, "2048 characters");
}
END_TEST

START_TEST(command_line_stays_in_its_area)
{
	char *line = calloc(1, LAYOUT_CMDLINE_SIZE + 1);

	memset(line, 'x', LAYOUT_CMDLINE_SIZE);
	config.cmdline = line;
	hdr()->cmdline_size = UINT32_MAX;
	write_bzimage();
	refused(E2BIG, "takes 65535");
	free(line);
}
END_TEST

START_TEST(memory_map_is_ram_without_the_firmware_and_with_ecam_reserved)
{
	const struct boot_e820_entry *map;

	write_bzimage();
	ck_assert_int_eq(load(), 0);
	map = zero_page()->e820_table;
	ck_assert_uint_eq(zero_page()->e820_entries, 4);
	ck_assert_uint_eq(map[0].addr, 0);
	ck_assert_uint_eq(map[0].size, LAYOUT_LOW_RAM_END);
	ck_assert_uint_eq(map[0].type, 1);
	ck_assert_uint_eq(map[1].addr, LAYOUT_LOW_RAM_END);
	ck_assert_uint_eq(map[1].type, 2);
	ck_assert_uint_eq(map[2].addr, LAYOUT_HIGH_RAM);
	ck_assert_uint_eq(map[1].addr + map[1].size, map[2].addr);
	ck_assert_uint_eq(map[2].size, RAM_SIZE - LAYOUT_HIGH_RAM);
	ck_assert_uint_eq(map[2].type, 1);
	ck_assert_uint_eq(map[3].addr, LAYOUT_ECAM);
	ck_assert_uint_eq(map[3].size, LAYOUT_ECAM_SIZE);
	ck_assert_uint_eq(map[3].type, 2);
}
END_TEST

START_TEST(memory_above_4_gib_is_in_the_map)
{
	const struct boot_e820_entry *map;

	boot_teardown();
	boot_setup_with(RAM_SIZE, MIB(64));
	write_bzimage();
	ck_assert_msg(load() == 0, "%s", why);
	map = zero_page()->e820_table;
	ck_assert_uint_eq(zero_page()->e820_entries, 5);
	ck_assert_uint_eq(map[2].size, MIB(63));
	ck_assert_uint_eq(map[4].addr, GIB(4));
	ck_assert_uint_eq(map[4].size, MIB(32));
	ck_assert_uint_eq(map[4].type, 1);
}
END_TEST

START_TEST(initramfs_lies_as_high_as_it_can)
{
	write_bzimage();
	give_initramfs(5000);
	ck_assert_msg(load() == 0, "%s", why);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_image, RAM_SIZE - 8192);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_size, 5000);
	ck_assert_uint_eq(*(uint8_t *)at(RAM_SIZE - 8192), 0x11);
	ck_assert_uint_eq(*(uint8_t *)at(RAM_SIZE - 8192 + 4999), 0x99);
}
END_TEST

START_TEST(initramfs_ends_where_the_kernel_says)
{
	hdr()->initrd_addr_max = MIB(64) - 1;
	write_bzimage();
	give_initramfs(4096);
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_image, MIB(64) - 4096);
}
END_TEST

START_TEST(initramfs_stays_out_of_what_the_kernel_will_use)
{
	hdr()->init_size = RAM_SIZE - MIB(16) - 8192;
	write_bzimage();
	give_initramfs(8192);
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_image, RAM_SIZE - 8192);
	give_initramfs(8193);
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_image, MIB(16) - 12288);
}
END_TEST

START_TEST(memory_too_small_for_the_kernel_names_the_size)
{
	hdr()->init_size = RAM_SIZE - MIB(16) + 1;
	write_bzimage();
	refused(ENOMEM,
		"--memory: size=96M is too small for this kernel: it needs at least 97 MiB");
}
END_TEST

START_TEST(memory_too_small_for_the_initramfs_names_the_size)
{
	hdr()->init_size = RAM_SIZE - MIB(16);
	write_bzimage();
	give_initramfs(MIB(20));
	refused(ENOMEM, "they need at least 116 MiB");
}
END_TEST

START_TEST(initramfs_stays_out_of_the_first_mib)
{
	hdr()->init_size = RAM_SIZE - MIB(16);
	write_bzimage();
	give_initramfs(MIB(15));
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_image, LAYOUT_HIGH_RAM);
	entry.rip = 0;
	give_initramfs(MIB(15) + 1);
	refused(ENOMEM, "at least 112 MiB");
}
END_TEST

START_TEST(initramfs_that_fits_nowhere_below_the_limit_is_refused)
{
	hdr()->initrd_addr_max = MIB(40);
	write_bzimage();
	give_initramfs(MIB(20));
	refused(ENOMEM, initramfs);
}
END_TEST

START_TEST(kernel_that_prefers_the_end_of_the_address_space_is_refused)
{
	hdr()->pref_address = UINT64_MAX - 0xfff;
	write_bzimage();
	refused(ENOEXEC, "0xfffffffffffff000");
	hdr()->pref_address = UINT64_MAX - MIB(64);
	write_bzimage();
	refused(ENOMEM, "too small");
}
END_TEST

START_TEST(kernel_that_prefers_the_boot_structures_is_moved_or_refused)
{
	hdr()->pref_address = 0x7000;
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(entry.rip, MIB(2) + 0x200);
	entry.rip = 0;
	hdr()->relocatable_kernel = 0;
	write_bzimage();
	refused(ENOEXEC, "0x7000");
	hdr()->relocatable_kernel = 1;
	hdr()->kernel_alignment = 0x201000;
	write_bzimage();
	refused(ENOEXEC, "0x7000");
}
END_TEST

START_TEST(image_larger_than_its_init_size_needs_its_own_size)
{
	hdr()->init_size = 0;
	hdr()->pref_address = RAM_SIZE - CODE_SIZE + 4096;
	write_bzimage();
	refused(ENOMEM, "too small");
}
END_TEST

START_TEST(image_cut_short_is_refused)
{
	write_file(kernel, &image, sizeof(image) - 16);
	refused(ENOEXEC, "cut short");
	write_file(kernel, &image, CODE_OFF);
	refused(ENOEXEC, "cut short");
	write_file(kernel, &image, CODE_OFF - 512);
	refused(ENOEXEC, "cut short");
	write_file(kernel, &image, 0x210);
	refused(ENOEXEC, "ends in its header");
}
END_TEST

START_TEST(header_that_claims_to_be_long_is_cut)
{
	hdr()->jump = 0xffeb;
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->edd_mbr_sig_buffer[0], 0);
	ck_assert_uint_eq(zero_page()->e820_table[0].type, 1);
}
END_TEST

START_TEST(header_ends_where_it_says)
{
	hdr()->jump = 0x62eb; /* to 0x264 */
	hdr()->handover_offset = 0xdeadbeef;
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(zero_page()->hdr.init_size, MIB(32));
	ck_assert_uint_eq(zero_page()->hdr.handover_offset, 0);
}
END_TEST

START_TEST(setup_sects_of_0_mean_4)
{
	hdr()->setup_sects = 0;
	hdr()->syssize = (CODE_SIZE - 512) / 16;
	image.code[512] = 0x5a;
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(*(uint8_t *)at(0x1000000), 0x5a);
}
END_TEST

START_TEST(old_protocol_is_refused)
{
	hdr()->version = 0x020b;
	write_bzimage();
	refused(ENOEXEC, "boot protocol 2.11");
}
END_TEST

START_TEST(kernel_for_32_bits_is_refused)
{
	hdr()->xloadflags = 0;
	write_bzimage();
	refused(ENOEXEC, "32-bit");
}
END_TEST

START_TEST(initramfs_that_is_none_is_refused)
{
	write_bzimage();
	config.initramfs = initramfs;
	refused(ENOENT, "cannot open /tmp/check_boot.");
	write_file(initramfs, "", 0);
	refused(ENOEXEC, "is empty");
	config.initramfs = dir;
	refused(EISDIR, "is a directory");
}
END_TEST

START_TEST(reset_vector_writes_acpis_reset_register)
{
	static const uint8_t code[] = { 0xb0, 0x01, 0xba, 0x02, 0x06, 0xee };

	ck_assert_uint_eq(CVM_RESET_PORT, 0x602);
	ck_assert_uint_eq(CVM_RESET_VALUE, 1);
	write_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_int_eq(memcmp(at(0xffff0), code, sizeof(code)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("boot");
	TCase *bzimage = suite_case(suite, "bzimage", setup_bzimage, boot_teardown);

	tcase_add_test(bzimage, bzimage_is_loaded_where_it_prefers);
	tcase_add_test(bzimage, zero_page_has_the_header_and_nothing_else_of_the_file);
	tcase_add_test(bzimage, command_line_is_copied_with_its_end);
	tcase_add_test(bzimage, command_line_may_be_as_long_as_the_kernel_says);
	tcase_add_test(bzimage, command_line_stays_in_its_area);
	tcase_add_test(bzimage, memory_map_is_ram_without_the_firmware_and_with_ecam_reserved);
	tcase_add_test(bzimage, memory_above_4_gib_is_in_the_map);
	tcase_add_test(bzimage, initramfs_lies_as_high_as_it_can);
	tcase_add_test(bzimage, initramfs_ends_where_the_kernel_says);
	tcase_add_test(bzimage, initramfs_stays_out_of_what_the_kernel_will_use);
	tcase_add_test(bzimage, memory_too_small_for_the_kernel_names_the_size);
	tcase_add_test(bzimage, memory_too_small_for_the_initramfs_names_the_size);
	tcase_add_test(bzimage, initramfs_stays_out_of_the_first_mib);
	tcase_add_test(bzimage, initramfs_that_fits_nowhere_below_the_limit_is_refused);
	tcase_add_test(bzimage, kernel_that_prefers_the_end_of_the_address_space_is_refused);
	tcase_add_test(bzimage, kernel_that_prefers_the_boot_structures_is_moved_or_refused);
	tcase_add_test(bzimage, image_larger_than_its_init_size_needs_its_own_size);
	tcase_add_test(bzimage, image_cut_short_is_refused);
	tcase_add_test(bzimage, header_that_claims_to_be_long_is_cut);
	tcase_add_test(bzimage, header_ends_where_it_says);
	tcase_add_test(bzimage, setup_sects_of_0_mean_4);
	tcase_add_test(bzimage, old_protocol_is_refused);
	tcase_add_test(bzimage, kernel_for_32_bits_is_refused);
	tcase_add_test(bzimage, initramfs_that_is_none_is_refused);
	tcase_add_test(bzimage, reset_vector_writes_acpis_reset_register);
	return suite_run(suite);
}
