/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the host's sysfs says about PCI devices and IOMMU groups. Reads only, and only attributes
 * that the kernel answers from memory: nothing here wakes a device (`config` and the link
 * attributes would). @root is HOST_SYSFS, or a made-up tree in tests.
 */
#ifndef COLDVM_DEVICES_VFIO_HOST_H
#define COLDVM_DEVICES_VFIO_HOST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define HOST_SYSFS   "/sys"
#define HOST_BDF_LEN 16

/* The first line of the file that the format names, without its newline. -errno. */
int host_read(char *buf, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The last component of what the symbolic link that the format names points at. -errno. */
int host_link(char *buf, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool host_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* @path with all links resolved, of the device @bdf. -ENODEV if it is not there. */
int host_device_path(const char *root, const char *bdf, char *path, size_t len);
/* Splits the address of the PCI device right above off @path: "-ENOENT" on a root bus. @ret_path
 * (@len bytes) is the path of that device. */
int host_parent(const char *path, char *bdf, char *ret_path, size_t len);
/* True if the firmware gives the device at @path a power resource for D3hot (_PR3). */
bool host_has_resource(const char *path);
/* True if @name is a PCI address as sysfs writes it: "0000:01:00.0". */
bool host_is_bdf(const char *name);

/* Checks that @bdf exists, has an IOMMU group and is bound to vfio-pci (or a driver made from it).
 * If not, @why says which commands make it so. -errno. */
int host_check_device(const char *root, const char *bdf, int *ret_group, char *why, size_t why_len);
/* The shell commands, "; " between them, that give @bdf to vfio-pci; @bound: it has a driver now.
 */
#define HOST_COMMANDS 512
void host_bind_commands(const char *bdf, bool bound, char *buf, size_t len);
/* True for vfio-pci and the drivers made from it. */
bool host_driver_is_vfio(const char *driver);

/* Devices of a group that a driver of the host holds, so that the group is not viable. */
struct host_holders {
	char held[512];	 /* "0000:01:00.1 (snd_hda_intel), ...": as many as fit */
	char names[512]; /* the same devices, addresses only, spaces between them */
};
/* Fills @ret and returns how many there are; @except (NULL: none) is not looked at. */
unsigned host_group_holders(const char *root, int number, const char *except,
			    struct host_holders *ret);
/* Why group @number is not viable: each device of it that a driver of the host holds, that driver,
 * and the command that gives them to vfio-pci. */
void host_explain_group(const char *root, int number, char *why, size_t why_len);

#endif
