/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading a Linux kernel without firmware: bzImage by the 64-bit boot protocol
 * (Documentation/arch/x86/boot.rst), ELF vmlinux by PVH
 * (xen/include/public/arch-x86/hvm/start_info.h).
 */
#ifndef COLDVM_VMM_X86_BOOT_H
#define COLDVM_VMM_X86_BOOT_H

#include <stddef.h>
#include <stdint.h>

struct memory;

enum boot_protocol {
	BOOT_LINUX64, /* long mode, rsi = zero page */
	BOOT_PVH,     /* 32-bit protected mode, rbx = start info */
};

struct boot_config {
	const char *kernel;
	const char *initramfs; /* NULL: none */
	const char *cmdline;
	uint64_t acpi_rsdp; /* guest address of the RSDP */
};

struct boot_entry {
	enum boot_protocol protocol;
	uint64_t rip;
	uint64_t info; /* guest address of the zero page or start info */
};

/* Loads kernel, initramfs, command line and the memory map. On failure one line for people in
 * @why: for a file that is no kernel, what it is instead and what is wanted. */
int boot_load(struct memory *memory, const struct boot_config *config, struct boot_entry *ret_entry,
	      char *why, size_t why_len);

#endif
