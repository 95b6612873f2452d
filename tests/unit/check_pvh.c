/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading an ELF vmlinux from a file that anybody may have written. */
#include "vmm/x86/boot.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/boot_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/x86/layout.h"

#define KERNEL_AT MIB(16)

static struct {
	Elf64_Ehdr elf;
	Elf64_Phdr note, text, data;
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint64_t desc;
	} notes[2];
	uint8_t bytes[0x100];
} vmlinux;

static void make_vmlinux(void)
{
	memset(&vmlinux, 0, sizeof(vmlinux));
	memcpy(vmlinux.elf.e_ident, ELFMAG, SELFMAG);
	vmlinux.elf.e_ident[EI_CLASS] = ELFCLASS64;
	vmlinux.elf.e_ident[EI_DATA] = ELFDATA2LSB;
	vmlinux.elf.e_type = ET_EXEC;
	vmlinux.elf.e_machine = EM_X86_64;
	vmlinux.elf.e_phoff = sizeof(vmlinux.elf);
	vmlinux.elf.e_phentsize = sizeof(Elf64_Phdr);
	vmlinux.elf.e_phnum = 3;
	vmlinux.note = (Elf64_Phdr){ .p_type = PT_NOTE,
				     .p_offset = offsetof(typeof(vmlinux), notes),
				     .p_filesz = sizeof(vmlinux.notes),
				     .p_align = 4 };
	vmlinux.text = (Elf64_Phdr){ .p_type = PT_LOAD,
				     .p_offset = offsetof(typeof(vmlinux), bytes),
				     .p_paddr = KERNEL_AT,
				     .p_filesz = 0x80,
				     .p_memsz = 0x80 };
	vmlinux.data = (Elf64_Phdr){ .p_type = PT_LOAD,
				     .p_offset = offsetof(typeof(vmlinux), bytes) + 0x80,
				     .p_paddr = KERNEL_AT + MIB(2),
				     .p_filesz = 0x80,
				     .p_memsz = MIB(4) };
	for (unsigned i = 0; i < 2; i++) {
		vmlinux.notes[i].head = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 8, .n_type = 3 };
		memcpy(vmlinux.notes[i].name, "Xen", 4);
		vmlinux.notes[i].desc = 0xbad;
	}
	vmlinux.notes[1].head.n_type = 18;
	vmlinux.notes[1].desc = KERNEL_AT + 0x10;
	memset(vmlinux.bytes, 0xc0, 0x80);
	memset(vmlinux.bytes + 0x80, 0xda, 0x80);
}

static void write_vmlinux(void)
{
	write_file(kernel, &vmlinux, sizeof(vmlinux));
}

static void setup_vmlinux(void)
{
	boot_setup();
	make_vmlinux();
}

/* As xen/include/public/arch-x86/hvm/start_info.h has them, by offset. */
static uint32_t info32(unsigned off)
{
	return *(uint32_t *)at(LAYOUT_ZERO_PAGE + off);
}

static uint64_t info64(unsigned off)
{
	return *(uint64_t *)at(LAYOUT_ZERO_PAGE + off);
}

START_TEST(vmlinux_segments_go_where_they_say)
{
	memset(at(KERNEL_AT + MIB(2)), 0xee, 0x200); /* bss must be 0 all the same */
	write_vmlinux();
	ck_assert_msg(load() == 0, "%s", why);
	ck_assert_int_eq(entry.protocol, BOOT_PVH);
	ck_assert_uint_eq(entry.rip, KERNEL_AT + 0x10);
	ck_assert_uint_eq(entry.info, LAYOUT_ZERO_PAGE);
	ck_assert_uint_eq(*(uint8_t *)at(KERNEL_AT), 0xc0);
	ck_assert_uint_eq(*(uint8_t *)at(KERNEL_AT + 0x80), 0);
	ck_assert_uint_eq(*(uint8_t *)at(KERNEL_AT + MIB(2) + 0x7f), 0xda);
	ck_assert_uint_eq(*(uint8_t *)at(KERNEL_AT + MIB(2) + 0x80), 0);
	ck_assert_uint_eq(*(uint8_t *)at(KERNEL_AT + MIB(2) + 0x1ff), 0);
}
END_TEST

START_TEST(start_info_names_everything)
{
	write_vmlinux();
	give_initramfs(5000);
	ck_assert_msg(load() == 0, "%s", why);
	ck_assert_uint_eq(info32(0), 0x336ec578);
	ck_assert_uint_eq(info32(4), 1);
	ck_assert_uint_eq(info32(12), 1);
	ck_assert_uint_eq(*(uint64_t *)at(info64(16)), RAM_SIZE - 8192);
	ck_assert_uint_eq(*(uint64_t *)at(info64(16) + 8), 5000);
	ck_assert_uint_eq(*(uint8_t *)at(RAM_SIZE - 8192), 0x11);
	ck_assert_str_eq(at(info64(24)), "a=b");
	ck_assert_uint_eq(info64(32), 0xe0000);
	ck_assert_uint_eq(info32(48), 4);
	ck_assert_uint_eq(*(uint64_t *)at(info64(40) + 3 * 24), LAYOUT_ECAM);
	ck_assert_uint_eq(*(uint32_t *)at(info64(40) + 3 * 24 + 16), 2);
}
END_TEST

START_TEST(start_info_without_initramfs_has_no_module)
{
	write_vmlinux();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(info32(12), 0);
	ck_assert_uint_eq(info64(16), 0);
}
END_TEST

START_TEST(segment_that_is_no_ram_is_refused)
{
	vmlinux.data.p_paddr = LAYOUT_ZERO_PAGE;
	write_vmlinux();
	refused(ENOEXEC, "0x7000");
	vmlinux.data.p_paddr = UINT64_MAX - 0xfff;
	write_vmlinux();
	refused(ENOEXEC, "no PVH kernel");
	vmlinux.data.p_paddr = GIB(5);
	write_vmlinux();
	refused(ENOEXEC, "no PVH kernel");
	vmlinux.data.p_paddr = RAM_SIZE - MIB(2);
	write_vmlinux();
	refused(ENOMEM, "at least 98 MiB");
}
END_TEST

START_TEST(segment_larger_in_the_file_than_in_memory_is_refused)
{
	vmlinux.data.p_memsz = 0x10;
	write_vmlinux();
	refused(ENOEXEC, "0x10 bytes of memory");
}
END_TEST

START_TEST(segment_outside_the_file_is_refused)
{
	vmlinux.data.p_offset = sizeof(vmlinux) - 0x7f;
	write_vmlinux();
	refused(ENOEXEC, "cut short");
	vmlinux.data.p_offset = UINT64_MAX - 0x10;
	write_vmlinux();
	refused(ENOEXEC, "cut short");
}
END_TEST

START_TEST(program_headers_outside_the_file_are_refused)
{
	vmlinux.elf.e_phoff = sizeof(vmlinux) - 4;
	write_vmlinux();
	refused(ENOEXEC, "cut short");
	vmlinux.elf.e_phoff = UINT64_MAX - 4;
	write_vmlinux();
	refused(ENOEXEC, "cut short");
	vmlinux.elf.e_phoff = UINT64_MAX - sizeof(Elf64_Phdr) + 1;
	vmlinux.elf.e_phnum = 65535;
	write_vmlinux();
	refused(ENOEXEC, "cut short");
	vmlinux.elf.e_phoff = sizeof(vmlinux.elf);
	vmlinux.elf.e_phentsize = 1;
	write_vmlinux();
	refused(ENOEXEC, "damaged");
}
END_TEST

START_TEST(note_that_leaves_its_segment_is_ignored)
{
	vmlinux.notes[0].head.n_namesz = UINT32_MAX;
	write_vmlinux();
	refused(ENOEXEC, "CONFIG_PVH");
	make_vmlinux();
	vmlinux.notes[0].head.n_descsz = UINT32_MAX;
	write_vmlinux();
	refused(ENOEXEC, "CONFIG_PVH");
	make_vmlinux();
	vmlinux.note.p_filesz -= 8;
	write_vmlinux();
	refused(ENOEXEC, "CONFIG_PVH");
}
END_TEST

START_TEST(vmlinux_without_the_note_is_named)
{
	vmlinux.notes[1].head.n_type = 17;
	write_vmlinux();
	refused(ENOEXEC, "built without CONFIG_PVH");
	vmlinux.notes[1].head.n_type = 18;
	memcpy(vmlinux.notes[1].name, "GNU", 4);
	write_vmlinux();
	refused(ENOEXEC, "built without CONFIG_PVH");
}
END_TEST

START_TEST(entry_point_outside_the_kernel_is_refused)
{
	vmlinux.notes[1].desc = KERNEL_AT - 1;
	write_vmlinux();
	refused(ENOEXEC, "entry point");
	vmlinux.elf.e_phnum = 1;
	write_vmlinux();
	refused(ENOEXEC, "entry point");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pvh");
	TCase *pvh = suite_case(suite, "pvh", setup_vmlinux, boot_teardown);

	tcase_add_test(pvh, vmlinux_segments_go_where_they_say);
	tcase_add_test(pvh, start_info_names_everything);
	tcase_add_test(pvh, start_info_without_initramfs_has_no_module);
	tcase_add_test(pvh, segment_that_is_no_ram_is_refused);
	tcase_add_test(pvh, segment_larger_in_the_file_than_in_memory_is_refused);
	tcase_add_test(pvh, segment_outside_the_file_is_refused);
	tcase_add_test(pvh, program_headers_outside_the_file_are_refused);
	tcase_add_test(pvh, note_that_leaves_its_segment_is_ignored);
	tcase_add_test(pvh, vmlinux_without_the_note_is_named);
	tcase_add_test(pvh, entry_point_outside_the_kernel_is_refused);
	return suite_run(suite);
}
