/* SPDX-License-Identifier: BSD-3-Clause */
/* RAM and files for the suites about loading a kernel. */
#include "tests/unit/boot_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/x86/layout.h"

static struct kvm kvm;
struct memory memory;
char dir[] = "/tmp/check_boot.XXXXXX";
char kernel[64], initramfs[64];
struct boot_config config;
struct boot_entry entry;
char why[256];

void boot_setup_with(uint64_t size, uint64_t low_limit)
{
	const struct memory_config ram = { .size = size, .low_limit = low_limit };
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(memory_init(&memory, &kvm, &ram), 0);
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(kernel, sizeof(kernel), "%s/kernel", dir);
	snprintf(initramfs, sizeof(initramfs), "%s/initramfs", dir);
	config = (struct boot_config){ .kernel = kernel, .cmdline = "a=b", .acpi_rsdp = 0xe0000 };
	memset(&entry, 0, sizeof(entry));
	why[0] = '\0';
}

void boot_setup(void)
{
	boot_setup_with(RAM_SIZE, LAYOUT_RAM_LOW_LIMIT);
}

void boot_teardown(void)
{
	unlink(kernel);
	unlink(initramfs);
	rmdir(dir);
	memory_exit(&memory);
}

int load(void)
{
	return boot_load(&memory, &config, &entry, why, sizeof(why));
}

void write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

void give_initramfs(size_t size)
{
	uint8_t *data = calloc(1, size);

	data[0] = 0x11;
	data[size - 1] = 0x99;
	write_file(initramfs, data, size);
	free(data);
	config.initramfs = initramfs;
}

void *at(uint64_t gpa)
{
	return memory_at(&memory, gpa, 1);
}

void refused(int err, const char *words)
{
	ck_assert_int_eq(load(), -err);
	ck_assert_msg(strstr(why, words), "\"%s\" does not say \"%s\"", why, words);
	ck_assert_ptr_null(strchr(why, '\n'));
	ck_assert_uint_eq(entry.rip, 0);
}
