/* SPDX-License-Identifier: BSD-3-Clause */
/* bzImage by the 64-bit boot protocol (Documentation/arch/x86/boot.rst, "64-bit BOOT PROTOCOL"). */
#include "vmm/x86/boot_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <asm/bootparam.h>

#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/x86/layout.h"

#define HEADER_START 0x1f1
#define HEADER_END   0x290 /* boot_params has the next field here */
#define SECTOR	     512
#define ENTRY_64     0x200 /* of the 64-bit entry point, from the load address */

#define MIN_VERSION	      0x020c /* 2.12: xloadflags */
#define LOADER_UNDEFINED_TYPE 0xff

_Static_assert(offsetof(struct boot_params, acpi_rsdp_addr) == 0x70, "zero page layout");
_Static_assert(offsetof(struct boot_params, hdr) == HEADER_START, "zero page layout");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "zero page layout");
_Static_assert(sizeof(struct boot_params) == 4096, "zero page layout");
_Static_assert(BOOT_MAP_MAX <= E820_MAX_ENTRIES_ZEROPAGE, "map fits");

struct image {
	struct setup_header hdr;
	uint64_t code_off; /* of the protected-mode code in the file */
	uint64_t code_size;
	uint64_t load; /* where it goes; it may use [load, end) before it is a kernel */
	uint64_t end;
};

/* The header ends where the byte at 0x201 (the offset of a jump over it) says. */
static void copy_header(const struct boot_job *job, struct setup_header *hdr)
{
	size_t len = min_u64(0x202 + (uint64_t)job->head[0x201] - HEADER_START, sizeof(*hdr));

	memset(hdr, 0, sizeof(*hdr));
	memcpy(hdr, job->head + HEADER_START, len);
}

static int check_version(struct boot_job *job, const struct setup_header *hdr)
{
	if (hdr->version < MIN_VERSION)
		return boot_fail(job, ENOEXEC,
				 "%s speaks boot protocol %u.%02u, wanted is 2.12 (Linux 3.8)",
				 job->kernel.path, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->xloadflags & XLF_KERNEL_64) || !(hdr->loadflags & LOADED_HIGH))
		return boot_fail(job, ENOEXEC, "%s is a 32-bit kernel; wanted is one for x86-64",
				 job->kernel.path);
	return 0;
}

static int parse(struct boot_job *job, struct image *image)
{
	struct setup_header *hdr = &image->hdr;
	unsigned sectors;
	int ret;

	if (job->kernel.size < HEADER_END)
		return boot_fail(job, ENOEXEC, "%s is cut short: it ends in its header",
				 job->kernel.path);
	copy_header(job, hdr);
	ret = check_version(job, hdr);
	if (ret)
		return ret;

	sectors = hdr->setup_sects ? hdr->setup_sects : 4; /* boot.rst: 0 means 4 */
	image->code_off = (sectors + 1) * SECTOR;
	/* Up to 15 bytes less than whole paragraphs are fine. */
	if (job->kernel.size <= image->code_off ||
	    job->kernel.size - image->code_off + 15 < (uint64_t)hdr->syssize * 16)
		return boot_fail(job, ENOEXEC,
				 "%s is cut short: its header speaks of %" PRIu64
				 " bytes, it has %" PRIu64,
				 job->kernel.path, image->code_off + (uint64_t)hdr->syssize * 16,
				 job->kernel.size);
	image->code_size = job->kernel.size - image->code_off;
	return 0;
}

/*
 * A relocatable kernel that is loaded below its preferred address only moves itself up to there
 * (arch/x86/boot/compressed/head_64.S), so the preferred address it is. init_size counts from it.
 */
static int place(struct boot_job *job, struct image *image)
{
	const struct setup_header *hdr = &image->hdr;
	uint64_t align = max_u64(hdr->kernel_alignment, KIB(4));
	uint64_t size = max_u64(hdr->init_size, image->code_size);

	image->load = hdr->pref_address;
	if (image->load < LAYOUT_HIGH_RAM && hdr->relocatable_kernel && !(align & (align - 1)))
		image->load = align_up(LAYOUT_HIGH_RAM, align);
	image->end = image->load + size;
	if (image->load < LAYOUT_HIGH_RAM || image->end < image->load)
		return boot_fail(job, ENOEXEC,
				 "%s wants to be loaded at 0x%" PRIx64 ", where it cannot be",
				 job->kernel.path, (uint64_t)hdr->pref_address);
	return 0;
}

static int write_zero_page(struct boot_job *job, const struct image *image, uint64_t initramfs)
{
	struct boot_map_entry map[BOOT_MAP_MAX];
	struct boot_params *zero_page;

	zero_page = memory_at(job->memory, LAYOUT_ZERO_PAGE, sizeof(*zero_page));
	if (!zero_page)
		return boot_fail(job, EFAULT, "no RAM for the zero page");
	memset(zero_page, 0, sizeof(*zero_page));
	zero_page->hdr = image->hdr;
	zero_page->hdr.type_of_loader = LOADER_UNDEFINED_TYPE;
	zero_page->hdr.code32_start = (uint32_t)image->load;
	zero_page->hdr.cmd_line_ptr = LAYOUT_CMDLINE;
	zero_page->hdr.ramdisk_image = (uint32_t)initramfs;
	zero_page->hdr.ramdisk_size = (uint32_t)job->initramfs.size;
	zero_page->hdr.setup_data = 0;
	zero_page->acpi_rsdp_addr = job->config->acpi_rsdp;

	zero_page->e820_entries = (uint8_t)boot_map(job->memory, map);
	for (unsigned i = 0; i < zero_page->e820_entries; i++) {
		zero_page->e820_table[i].addr = map[i].addr;
		zero_page->e820_table[i].size = map[i].size;
		zero_page->e820_table[i].type = map[i].type;
	}
	return 0;
}

int bzimage_load(struct boot_job *job, struct boot_entry *ret_entry)
{
	struct image image;
	uint64_t initramfs;
	void *code;
	int ret;

	ret = parse(job, &image);
	if (ret)
		return ret;
	ret = place(job, &image);
	if (ret)
		return ret;
	ret = boot_plan(job, image.load, image.end, (uint64_t)image.hdr.initrd_addr_max + 1,
			&initramfs);
	if (ret)
		return ret;
	code = memory_at(job->memory, image.load, image.code_size);
	if (!code)
		return boot_fail(job, EFAULT, "%s: no RAM at 0x%" PRIx64, job->kernel.path,
				 image.load);
	ret = boot_read(job, &job->kernel, image.code_off, code, image.code_size);
	if (ret)
		return ret;
	ret = boot_copy_initramfs(job, initramfs);
	if (ret)
		return ret;
	ret = boot_copy_cmdline(job, image.hdr.cmdline_size);
	if (ret)
		return ret;
	ret = write_zero_page(job, &image, initramfs);
	if (ret)
		return ret;
	*ret_entry = (struct boot_entry){
		.protocol = BOOT_LINUX64,
		.rip = image.load + ENTRY_64,
		.info = LAYOUT_ZERO_PAGE,
	};
	return 0;
}
