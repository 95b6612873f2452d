/* SPDX-License-Identifier: BSD-3-Clause */
/* What a file is that was given as a kernel and is none: a few words for the error message. */
#include "vmm/x86/boot_image.h"

#include <ctype.h>
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"

/* The first match counts: arm64 and riscv images that are EFI programs too begin with "MZ". */
static const struct {
	unsigned off;
	unsigned len;
	const char *bytes;
	const char *kind;
} magics[] = {
	{ 0x38, 4, "ARM\x64", "a kernel Image for arm64" },
	{ 0x38, 4, "RSC\x05", "a kernel Image for RISC-V" },
	{ 4, 4, "zimg", "an EFI zboot kernel (compressed; unpack it first)" },
	{ 0, 2, "MZ", "a PE/EFI program without a Linux boot header" },
	{ 0, 2, "\x1f\x8b", "gzip data (unpack a compressed kernel first)" },
	{ 0, 6, "\3757zXZ\0", "xz data (unpack a compressed kernel first)" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "zstd data (unpack a compressed kernel first)" },
	{ 0, 3, "BZh", "bzip2 data (unpack a compressed kernel first)" },
	{ 0, 4, "\x04\x22\x4d\x18", "lz4 data (unpack a compressed kernel first)" },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4 data (unpack a compressed kernel first)" },
	{ 0, 4, "\x89LZO", "lzop data (unpack a compressed kernel first)" },
	{ 0, 3, "\x5d\0\0", "lzma data (unpack a compressed kernel first)" },
	{ 0, 5, "07070", "a cpio archive (an initramfs?)" },
	{ 0, 4, "QFI\xfb", "a qcow2 disk image" },
	{ 0, 4, "\x27\x05\x19\x56", "a U-Boot image" },
	{ 0, 4, "\xd0\x0d\xfe\xed", "a device tree or FIT image" },
	{ 0, 8, "!<arch>\n", "an ar archive (a Debian package?)" },
	{ 0, 2, "#!", "a script" },
	{ 510, 2, "\x55\xaa", "a disk image or boot sector" },
};

static const struct {
	unsigned machine;
	const char *name;
} machines[] = {
	{ EM_386, "32-bit x86" }, { EM_AARCH64, "arm64" }, { EM_ARM, "32-bit arm" },
	{ EM_RISCV, "RISC-V" },	  { EM_PPC64, "ppc64" },   { EM_S390, "s390" },
	{ EM_MIPS, "MIPS" },	  { 258, "LoongArch" },
};

/* Empty for an ELF file that pvh_load() shall look at. */
static void elf_kind(const uint8_t *head, uint64_t size, char *buf, size_t len)
{
	const char *name = "an unknown machine";
	Elf64_Ehdr elf;

	if (size < sizeof(elf)) {
		snprintf(buf, len, "an ELF file cut short (%u bytes)", (unsigned)size);
		return;
	}
	/* e_type and e_machine are at the same place in the 32-bit header. */
	memcpy(&elf, head, sizeof(elf));
	if (elf.e_ident[EI_DATA] == ELFDATA2MSB)
		elf.e_machine = __builtin_bswap16(elf.e_machine);
	if (elf.e_machine == EM_X86_64 && elf.e_ident[EI_CLASS] == ELFCLASS64 &&
	    elf.e_ident[EI_DATA] == ELFDATA2LSB) {
		if (elf.e_type != ET_EXEC && elf.e_type != ET_DYN)
			snprintf(buf, len, "an ELF object (a kernel module?)");
		return;
	}
	if (elf.e_machine == EM_X86_64)
		name = "32-bit x86";
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == elf.e_machine)
			name = machines[i].name;
	snprintf(buf, len, "an ELF file for %s", name);
}

static bool is_text(const uint8_t *head, uint64_t size)
{
	size_t len = min_u64(size, 256);

	for (size_t i = 0; i < len; i++)
		if (!isprint(head[i]) && !isspace(head[i]) && head[i] < 0x80)
			return false;
	return true;
}

void boot_file_kind(const uint8_t head[BOOT_HEAD_SIZE], uint64_t size, char *buf, size_t len)
{
	buf[0] = '\0';
	if (!memcmp(head, ELFMAG, SELFMAG)) {
		elf_kind(head, size, buf, len);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		if (memcmp(head + magics[i].off, magics[i].bytes, magics[i].len))
			continue;
		snprintf(buf, len, "%s", magics[i].kind);
		return;
	}
	snprintf(buf, len, "%s", is_text(head, size) ? "a text file" : "unknown data");
}
