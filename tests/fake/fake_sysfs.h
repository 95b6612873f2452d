/* SPDX-License-Identifier: BSD-3-Clause */
/* A sysfs tree of a made-up host in a temporary directory: <dir>/sys and <dir>/proc. */
#ifndef COLDVM_TESTS_FAKE_FAKE_SYSFS_H
#define COLDVM_TESTS_FAKE_FAKE_SYSFS_H

struct fake_sysfs {
	char dir[64];
	char root[80]; /* <dir>/sys: what the functions under test take for "/sys" */
};

void fake_sysfs_make(struct fake_sysfs *sysfs);
void fake_sysfs_remove(struct fake_sysfs *sysfs);
/* @path is relative to <dir>; directories above it are made. An old file is replaced. */
void fake_sysfs_file(struct fake_sysfs *sysfs, const char *text, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
void fake_sysfs_link(struct fake_sysfs *sysfs, const char *target, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
void fake_sysfs_delete(struct fake_sysfs *sysfs, const char *path);
/* A PCI device at @path below sys/devices, bound to @driver (NULL: none), in @group (-1: none). */
void fake_sysfs_device(struct fake_sysfs *sysfs, const char *path, const char *driver, int group);
/* Its character device, "vfio0", with a node that is an ordinary file. */
void fake_sysfs_cdev(struct fake_sysfs *sysfs, const char *path, const char *name);

#endif
