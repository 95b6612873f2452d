/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ELF vmlinux by PVH: the note says where its 32-bit entry point is (xen/include/public/elfnote.h),
 * start_info.h (xen/include/public/arch-x86/hvm/) what it is given.
 */
#include "vmm/x86/boot_image.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/x86/layout.h"

#define NOTE_PHYS32_ENTRY 18
#define NOTES_MAX	  KIB(64) /* Linux has 600 bytes */

/* Linux maps what the boot loader placed above with 2 MiB pages as it goes, but a bzImage of the
 * same kernel would ask for this limit (arch/x86/boot/header.S: initrd_addr_max). */
#define INITRAMFS_LIMIT 0x80000000

#define START_INFO_MAGIC 0x336ec578 /* "xEn3", bit 7 of the E set */

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr; /* version 1 from here on */
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct start_module {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};

struct start_memmap {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* The page at LAYOUT_ZERO_PAGE. */
struct start_page {
	struct start_info info;
	struct start_module module;
	struct start_memmap memmap[BOOT_MAP_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "start_info.h");
_Static_assert(sizeof(struct start_module) == 32, "start_info.h");
_Static_assert(sizeof(struct start_memmap) == 24, "start_info.h");
_Static_assert(sizeof(struct start_page) <= 4096, "one page");

struct image {
	Elf64_Ehdr elf;
	uint64_t start; /* the segments together occupy [start, end) */
	uint64_t end;
	uint64_t entry; /* 0: no note found */
};

/* The sum does not wrap: header 0 was read first, so e_phoff is inside the file. */
static int read_phdr(struct boot_job *job, const struct image *image, unsigned i, Elf64_Phdr *phdr)
{
	return boot_read(job, &job->kernel, image->elf.e_phoff + (uint64_t)i * sizeof(*phdr), phdr,
			 sizeof(*phdr));
}

/* One note of @notes at *off: true if it is the one; *off moves on, to len when they end. */
static bool match_note(const uint8_t *notes, uint64_t len, uint64_t align, uint64_t *off,
		       uint64_t *ret_entry)
{
	Elf64_Nhdr note;
	uint64_t name = *off + sizeof(note), desc;
	uint32_t entry32;

	if (!range_inside(*off, sizeof(note), 0, len)) {
		*off = len;
		return false;
	}
	memcpy(&note, notes + *off, sizeof(note));
	desc = align_up(name + note.n_namesz, align);
	*off = min_u64(align_up(desc + note.n_descsz, align), len);
	if (note.n_type != NOTE_PHYS32_ENTRY || note.n_namesz != sizeof("Xen") ||
	    (note.n_descsz != 4 && note.n_descsz != 8) ||
	    !range_inside(desc, note.n_descsz, 0, len) || memcmp(notes + name, "Xen", 4))
		return false;
	/* 32 bits, also where a 64-bit kernel writes 8 bytes: the upper half is 0 then. */
	memcpy(&entry32, notes + desc, sizeof(entry32));
	*ret_entry = entry32;
	return true;
}

static int scan_notes(struct boot_job *job, struct image *image, const Elf64_Phdr *phdr)
{
	uint8_t notes[NOTES_MAX];
	uint64_t len = min_u64(phdr->p_filesz, sizeof(notes)), off = 0;
	int ret;

	ret = boot_read(job, &job->kernel, phdr->p_offset, notes, len);
	if (ret)
		return ret;
	while (off < len)
		if (match_note(notes, len, phdr->p_align == 8 ? 8 : 4, &off, &image->entry))
			break;
	return 0;
}

/* Takes a PT_LOAD into account. Nothing is read yet. */
static int add_segment(struct boot_job *job, struct image *image, const Elf64_Phdr *phdr)
{
	uint64_t end;

	if (!phdr->p_memsz)
		return 0;
	if (phdr->p_filesz > phdr->p_memsz || phdr->p_paddr < LAYOUT_HIGH_RAM ||
	    __builtin_add_overflow(phdr->p_paddr, phdr->p_memsz, &end) || end > UINT32_MAX)
		return boot_fail(job, ENOEXEC,
				 "%s wants 0x%" PRIx64 " bytes of file and 0x%" PRIx64
				 " bytes of memory at 0x%" PRIx64 ", which no PVH kernel can have",
				 job->kernel.path, (uint64_t)phdr->p_filesz,
				 (uint64_t)phdr->p_memsz, (uint64_t)phdr->p_paddr);
	image->start = min_u64(image->start, phdr->p_paddr);
	image->end = max_u64(image->end, end);
	return 0;
}

static int parse(struct boot_job *job, struct image *image)
{
	Elf64_Phdr phdr;
	int ret;

	*image = (struct image){ .start = UINT64_MAX };
	memcpy(&image->elf, job->head, sizeof(image->elf));
	if (image->elf.e_phentsize != sizeof(phdr) && image->elf.e_phnum)
		return boot_fail(job, ENOEXEC,
				 "%s is a damaged ELF file: program headers of %u "
				 "bytes",
				 job->kernel.path, image->elf.e_phentsize);
	for (unsigned i = 0; i < image->elf.e_phnum; i++) {
		ret = read_phdr(job, image, i, &phdr);
		if (!ret && phdr.p_type == PT_INTERP)
			ret = boot_fail(job, ENOEXEC, "%s is a program, not a kernel",
					job->kernel.path);
		if (!ret && phdr.p_type == PT_NOTE && !image->entry)
			ret = scan_notes(job, image, &phdr);
		if (!ret && phdr.p_type == PT_LOAD)
			ret = add_segment(job, image, &phdr);
		if (ret)
			return ret;
	}
	if (!image->entry)
		return boot_fail(job, ENOEXEC,
				 "%s is an ELF file without a PVH note: a vmlinux built without "
				 "CONFIG_PVH, or no kernel",
				 job->kernel.path);
	if (!range_inside(image->entry, 1, image->start, image->end - image->start))
		return boot_fail(job, ENOEXEC, "%s: its entry point 0x%" PRIx64 " is in no segment",
				 job->kernel.path, image->entry);
	return 0;
}

static int load_segments(struct boot_job *job, const struct image *image)
{
	Elf64_Phdr phdr;
	uint8_t *to;
	int ret;

	for (unsigned i = 0; i < image->elf.e_phnum; i++) {
		ret = read_phdr(job, image, i, &phdr);
		if (ret)
			return ret;
		if (phdr.p_type != PT_LOAD || !phdr.p_memsz)
			continue;
		to = memory_at(job->memory, phdr.p_paddr, phdr.p_memsz);
		/* filesz again: the file may have been written to since parse(). */
		if (!to || phdr.p_filesz > phdr.p_memsz || phdr.p_paddr < LAYOUT_HIGH_RAM)
			return boot_fail(job, EFAULT, "%s: no RAM at 0x%" PRIx64, job->kernel.path,
					 (uint64_t)phdr.p_paddr);
		ret = boot_read(job, &job->kernel, phdr.p_offset, to, phdr.p_filesz);
		if (ret)
			return ret;
		memset(to + phdr.p_filesz, 0, phdr.p_memsz - phdr.p_filesz);
	}
	return 0;
}

static int write_start_info(struct boot_job *job, uint64_t initramfs)
{
	struct boot_map_entry map[BOOT_MAP_MAX];
	struct start_page *page;
	unsigned nr;

	page = memory_at(job->memory, LAYOUT_ZERO_PAGE, sizeof(*page));
	if (!page)
		return boot_fail(job, EFAULT, "no RAM for the start info");
	memset(page, 0, sizeof(*page));
	nr = boot_map(job->memory, map);
	for (unsigned i = 0; i < nr; i++)
		page->memmap[i] = (struct start_memmap){ .addr = map[i].addr,
							 .size = map[i].size,
							 .type = map[i].type };
	page->info = (struct start_info){
		.magic = START_INFO_MAGIC,
		.version = 1,
		.cmdline_paddr = LAYOUT_CMDLINE,
		.rsdp_paddr = job->config->acpi_rsdp,
		.memmap_paddr = LAYOUT_ZERO_PAGE + offsetof(struct start_page, memmap),
		.memmap_entries = nr,
	};
	if (job->initramfs.fd < 0)
		return 0;
	page->info.nr_modules = 1;
	page->info.modlist_paddr = LAYOUT_ZERO_PAGE + offsetof(struct start_page, module);
	page->module.paddr = initramfs;
	page->module.size = job->initramfs.size;
	return 0;
}

int pvh_load(struct boot_job *job, struct boot_entry *ret_entry)
{
	struct image image;
	uint64_t initramfs;
	int ret;

	ret = parse(job, &image);
	if (ret)
		return ret;
	ret = boot_plan(job, image.start, image.end, INITRAMFS_LIMIT, &initramfs);
	if (ret)
		return ret;
	ret = load_segments(job, &image);
	if (ret)
		return ret;
	ret = boot_copy_initramfs(job, initramfs);
	if (ret)
		return ret;
	ret = boot_copy_cmdline(job, LAYOUT_CMDLINE_SIZE - 1);
	if (ret)
		return ret;
	ret = write_start_info(job, initramfs);
	if (ret)
		return ret;
	*ret_entry = (struct boot_entry){
		.protocol = BOOT_PVH,
		.rip = image.entry,
		.info = LAYOUT_ZERO_PAGE,
	};
	return 0;
}
