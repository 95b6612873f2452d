/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to the boot code: what boot.c, bzimage.c, pvh.c and file_kind.c share.
 *
 * Kernel and initramfs are files that anybody may have written: every offset in them is checked
 * against the file's size, and every guest address goes through memory_at().
 */
#ifndef COLDVM_VMM_X86_BOOT_IMAGE_H
#define COLDVM_VMM_X86_BOOT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/x86/boot.h"

#define BOOT_HEAD_SIZE 4096 /* more than any header that is looked at */
#define BOOT_MAP_MAX   8

/* E820 and PVH number the types alike: 1 is RAM, 2 is reserved. */
#define BOOT_MAP_RAM	  1
#define BOOT_MAP_RESERVED 2

struct boot_map_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
};

struct boot_file {
	const char *flag; /* the option that names it */
	const char *path;
	int fd; /* -1: no such file is wanted */
	uint64_t size;
};

/* One boot_load(). */
struct boot_job {
	struct memory *memory;
	const struct boot_config *config;
	struct boot_file kernel;
	struct boot_file initramfs;
	uint8_t head[BOOT_HEAD_SIZE]; /* start of the kernel file, filled up with zeros */
	const char *about;	      /* the option that a line begins with */
	char *why;
	size_t why_len;
};

/* Writes the line for people, which begins with job->about, and returns -@err. */
int boot_fail(struct boot_job *job, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads [off, off + len) of @file, whole or not at all. */
int boot_read(struct boot_job *job, const struct boot_file *file, uint64_t off, void *buf,
	      uint64_t len);

/* Finds room for a kernel that occupies [start, end) of low RAM and for the initramfs, which must
 * end at @limit at the latest. *ret_initramfs is 0 if there is none. */
int boot_plan(struct boot_job *job, uint64_t start, uint64_t end, uint64_t limit,
	      uint64_t *ret_initramfs);

/* Copies the initramfs to where boot_plan() said, and the command line. */
int boot_copy_initramfs(struct boot_job *job, uint64_t addr);
int boot_copy_cmdline(struct boot_job *job, uint64_t max_len);

/* The guest's memory map, in order of addresses. Returns the number of entries. */
unsigned boot_map(const struct memory *memory, struct boot_map_entry map[BOOT_MAP_MAX]);

/* What a file that is no kernel for coldvm seems to be, in a few words. */
void boot_file_kind(const uint8_t head[BOOT_HEAD_SIZE], uint64_t size, char *buf, size_t len);

int bzimage_load(struct boot_job *job, struct boot_entry *ret_entry);
int pvh_load(struct boot_job *job, struct boot_entry *ret_entry);

#endif
