/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading a kernel: opens the files, finds out what they are, and what both protocols share. */
#include "vmm/x86/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/x86/boot_image.h"
#include "vmm/x86/layout.h"

#define PAGE KIB(4)

int boot_fail(struct boot_job *job, int err, const char *fmt, ...)
{
	int len = snprintf(job->why, job->why_len, "%s: ", job->about);
	va_list args;

	va_start(args, fmt);
	if (len > 0 && (size_t)len < job->why_len)
		vsnprintf(job->why + len, job->why_len - (size_t)len, fmt, args);
	va_end(args);
	return -err;
}

int boot_read(struct boot_job *job, const struct boot_file *file, uint64_t off, void *buf,
	      uint64_t len)
{
	uint8_t *to = buf;

	if (!len)
		return 0;
	if (!range_inside(off, len, 0, file->size))
		return boot_fail(job, ENOEXEC,
				 "%s is cut short: %" PRIu64 " bytes are wanted at offset %" PRIu64
				 ", it has %" PRIu64,
				 file->path, len, off, file->size);
	while (len) {
		ssize_t done = pread(file->fd, to, min_u64(len, GIB(1)), (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return boot_fail(job, errno, "cannot read %s: %s", file->path,
					 strerror(errno));
		if (!done)
			return boot_fail(job, EIO, "%s became shorter while it was read",
					 file->path);
		to += done;
		off += (uint64_t)done;
		len -= (uint64_t)done;
	}
	return 0;
}

/* O_NONBLOCK: a FIFO must not keep the start waiting. */
static int open_file(struct boot_job *job, struct boot_file *file)
{
	struct stat st;
	int ret;

	job->about = file->flag;
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0 || fstat(file->fd, &st) < 0) {
		ret = boot_fail(job, errno, "cannot open %s: %s", file->path, strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		ret = boot_fail(job, EISDIR, "%s is a directory", file->path);
	} else if (!S_ISREG(st.st_mode)) {
		ret = boot_fail(job, EINVAL, "%s is not a regular file", file->path);
	} else if (!st.st_size) {
		ret = boot_fail(job, ENOEXEC, "%s is empty", file->path);
	} else {
		file->size = (uint64_t)st.st_size;
		return 0;
	}
	close_fd(&file->fd);
	return ret;
}

static uint64_t to_mib(uint64_t size)
{
	return (size >> 20) + (size % MIB(1) ? 1 : 0);
}

/* RAM ends below what is needed. Says the number to ask for. */
static int too_small(struct boot_job *job, uint64_t need)
{
	const struct memory *memory = job->memory;
	uint64_t low = memory->low;
	const char *what =
		job->initramfs.fd < 0 ? "kernel: it needs" : "kernel and initramfs: they need";

	job->about = "--memory";
	if (memory->high)
		return boot_fail(job, ENOMEM,
				 "%s: %" PRIu64
				 " MiB below 4 GiB are too small for this %s %" PRIu64 " MiB there",
				 job->kernel.path, to_mib(low), what, to_mib(need));
	return boot_fail(
		job, ENOMEM, "size=%" PRIu64 "%c is too small for this %s at least %" PRIu64 " MiB",
		low % MIB(1) ? low >> 10 : low >> 20, low % MIB(1) ? 'K' : 'M', what, to_mib(need));
}

int boot_plan(struct boot_job *job, uint64_t start, uint64_t end, uint64_t limit,
	      uint64_t *ret_initramfs)
{
	uint64_t low = job->memory->low;
	uint64_t top = align_down(min_u64(low, limit), PAGE);
	uint64_t size = align_up(job->initramfs.size, PAGE);

	if (end > low)
		return too_small(job, end);
	*ret_initramfs = 0;
	if (job->initramfs.fd < 0)
		return 0;
	/* As high as possible: what lies in the kernel's way makes it move (KASLR, bss). */
	if (size <= top && top - size >= end) {
		*ret_initramfs = top - size;
		return 0;
	}
	start = align_down(start, PAGE);
	if (size <= start && start - size >= LAYOUT_HIGH_RAM) {
		*ret_initramfs = start - size;
		return 0;
	}
	if (limit >= low)
		return too_small(job, align_up(end, PAGE) + size);
	job->about = job->initramfs.flag;
	return boot_fail(job, ENOMEM,
			 "%s: an initramfs of %" PRIu64 " MiB does not fit between the kernel and "
			 "0x%" PRIx64 ", where this kernel wants it to end",
			 job->initramfs.path, to_mib(size), limit);
}

int boot_copy_initramfs(struct boot_job *job, uint64_t addr)
{
	const struct boot_file *file = &job->initramfs;
	void *to;
	int ret;

	if (file->fd < 0)
		return 0;
	to = memory_at(job->memory, addr, file->size);
	if (!to)
		return boot_fail(job, EFAULT, "%s: no RAM at 0x%" PRIx64, file->path, addr);
	job->about = file->flag;
	ret = boot_read(job, file, 0, to, file->size);
	job->about = job->kernel.flag;
	return ret;
}

int boot_copy_cmdline(struct boot_job *job, uint64_t max_len)
{
	size_t len = strlen(job->config->cmdline);
	void *to;

	max_len = min_u64(max_len, LAYOUT_CMDLINE_SIZE - 1);
	if (len > max_len) {
		job->about = "--cmdline";
		return boot_fail(job, E2BIG,
				 "the kernel command line has %zu characters, %s takes %" PRIu64,
				 len, job->kernel.path, max_len);
	}
	to = memory_at(job->memory, LAYOUT_CMDLINE, len + 1);
	if (!to)
		return boot_fail(job, EFAULT, "no RAM for the kernel command line");
	memcpy(to, job->config->cmdline, len + 1);
	return 0;
}

/* ECAM is in the map because Linux uses MCFG only if the area is reserved by E820 or by ACPI
 * (arch/x86/pci/mmconfig-shared.c: pci_mmcfg_reject_broken()). Low RAM reaches beyond 1 MiB, or
 * boot_plan() would have refused the kernel. */
unsigned boot_map(const struct memory *memory, struct boot_map_entry map[BOOT_MAP_MAX])
{
	unsigned nr = 0;

	map[nr++] = (struct boot_map_entry){ 0, LAYOUT_LOW_RAM_END, BOOT_MAP_RAM };
	map[nr++] =
		(struct boot_map_entry){ LAYOUT_LOW_RAM_END, LAYOUT_HIGH_RAM - LAYOUT_LOW_RAM_END,
					 BOOT_MAP_RESERVED };
	map[nr++] = (struct boot_map_entry){ LAYOUT_HIGH_RAM, memory->low - LAYOUT_HIGH_RAM,
					     BOOT_MAP_RAM };
	map[nr++] = (struct boot_map_entry){ LAYOUT_ECAM, LAYOUT_ECAM_SIZE, BOOT_MAP_RESERVED };
	if (memory->high)
		map[nr++] = (struct boot_map_entry){ LAYOUT_RAM_HIGH, memory->high, BOOT_MAP_RAM };
	return nr;
}

/*
 * Linux takes a machine with hardware-reduced ACPI for one with EFI, does not try ACPI's reset
 * register, and without EFI jumps to a BIOS's reset vector (arch/x86/kernel/reboot.c:
 * reboot_init(), native_machine_emergency_restart()). So there is code there that writes that
 * register.
 */
static int write_reset_vector(struct boot_job *job)
{
	/* mov $value, %al; mov $port, %dx; out %al, (%dx); 1: hlt; jmp 1b */
	static const uint8_t code[] = { 0xb0,
					CVM_RESET_VALUE,
					0xba,
					CVM_RESET_PORT & 0xff,
					CVM_RESET_PORT >> 8,
					0xee,
					0xf4,
					0xeb,
					0xfd };
	void *to = memory_at(job->memory, LAYOUT_RESET_VECTOR, sizeof(code));

	if (!to)
		return boot_fail(job, EFAULT, "no RAM for the reset vector");
	memcpy(to, code, sizeof(code));
	return 0;
}

static int load_kernel(struct boot_job *job, struct boot_entry *ret_entry)
{
	char kind[160];
	int ret;

	job->about = job->kernel.flag;
	ret = boot_read(job, &job->kernel, 0, job->head, min_u64(job->kernel.size, BOOT_HEAD_SIZE));
	if (ret)
		return ret;
	/* "HdrS" at 0x202: the Linux boot protocol, 2.00 or later (boot.rst). */
	if (!memcmp(job->head + 0x202, "HdrS", 4))
		return bzimage_load(job, ret_entry);
	boot_file_kind(job->head, job->kernel.size, kind, sizeof(kind));
	if (!kind[0])
		return pvh_load(job, ret_entry);
	return boot_fail(job, ENOEXEC,
			 "%s is %s; wanted is a bzImage or an x86-64 ELF vmlinux with a PVH note",
			 job->kernel.path, kind);
}

int boot_load(struct memory *memory, const struct boot_config *config, struct boot_entry *ret_entry,
	      char *why, size_t why_len)
{
	struct boot_job job = {
		.memory = memory,
		.config = config,
		.kernel = { .flag = "--kernel", .path = config->kernel, .fd = -1 },
		.initramfs = { .flag = "--initramfs", .path = config->initramfs, .fd = -1 },
		.why = why,
		.why_len = why_len,
	};
	int ret;

	ret = open_file(&job, &job.kernel);
	if (ret)
		return ret;
	if (config->initramfs) {
		ret = open_file(&job, &job.initramfs);
		if (ret)
			goto close_kernel;
	}
	ret = load_kernel(&job, ret_entry);
	if (!ret)
		ret = write_reset_vector(&job);
	close_fd(&job.initramfs.fd);
close_kernel:
	close_fd(&job.kernel.fd);
	return ret;
}
