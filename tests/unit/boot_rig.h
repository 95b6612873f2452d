/* SPDX-License-Identifier: BSD-3-Clause */
/* What the suites about loading a kernel share: RAM without a VM, and files to load from. */
#ifndef COLDVM_TESTS_UNIT_BOOT_RIG_H
#define COLDVM_TESTS_UNIT_BOOT_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/memory.h"
#include "vmm/bits.h"
#include "vmm/x86/boot.h"

/* Of the test that runs; made by boot_setup(). */
extern struct memory memory;
extern struct boot_config config; /* kernel file, command line "a=b" */
extern struct boot_entry entry;
extern char why[256];
extern char dir[];
extern char kernel[64], initramfs[64]; /* paths; nothing is there yet */

#define RAM_SIZE MIB(96)

/* RAM_SIZE, or as much as a test needs. */
void boot_setup(void);
void boot_setup_with(uint64_t size, uint64_t low_limit);
void boot_teardown(void);

int load(void);
void write_file(const char *path, const void *data, size_t size);
/* An initramfs of @size bytes, the first and the last of which can be recognised. */
void give_initramfs(size_t size);
void *at(uint64_t gpa);
/* Loading fails with -@err and one line that has @words in it. */
void refused(int err, const char *words);

#endif
