/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host's sysfs says about PCI devices and IOMMU groups: files, links, advice. */
#include "devices/vfio/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bits.h"

static int format_path(char path[PATH_MAX], const char *fmt, va_list args)
{
	int len = vsnprintf(path, PATH_MAX, fmt, args);

	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int host_read(char *buf, size_t len, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	ssize_t n;
	int fd, err;

	va_start(args, fmt);
	err = format_path(path, fmt, args);
	va_end(args);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	err = n < 0 ? -errno : 0;
	close_fd(&fd);
	if (err)
		return err;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int host_link(char *buf, size_t len, const char *fmt, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	va_list args;
	ssize_t n;
	int err;

	va_start(args, fmt);
	err = format_path(path, fmt, args);
	va_end(args);
	if (err)
		return err;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= len)
		return -ENAMETOOLONG;
	strcpy(buf, name);
	return 0;
}

bool host_exists(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	int err;

	va_start(args, fmt);
	err = format_path(path, fmt, args);
	va_end(args);
	return !err && !access(path, F_OK);
}

bool host_is_bdf(const char *name)
{
	unsigned domain, bus, dev, fn;
	int end = 0;

	if (strlen(name) >= HOST_BDF_LEN)
		return false;
	return sscanf(name, "%x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) == 4 &&
	       !name[end] && dev < 32 && fn < 8;
}

int host_device_path(const char *root, const char *bdf, char *path, size_t len)
{
	char link[PATH_MAX], resolved[PATH_MAX];

	if (snprintf(link, sizeof(link), "%s/bus/pci/devices/%s", root, bdf) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	if (!realpath(link, resolved))
		return -ENODEV;
	if (strlen(resolved) >= len)
		return -ENAMETOOLONG;
	strcpy(path, resolved);
	return 0;
}

int host_parent(const char *path, char *bdf, char *ret_path, size_t len)
{
	char copy[PATH_MAX], *slash, *name;

	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	slash = strrchr(copy, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	name = strrchr(copy, '/');
	if (!name || !host_is_bdf(name + 1))
		return -ENOENT;
	if (strlen(copy) >= len)
		return -ENAMETOOLONG;
	strcpy(bdf, name + 1);
	memmove(ret_path, copy, strlen(copy) + 1);
	return 0;
}

bool host_has_resource(const char *path)
{
	return host_exists("%s/firmware_node/power_resources_D3hot", path);
}

/* Drivers that leave a group viable: they declare driver_managed_dma (drivers/pci/pcie/portdrv.c,
 * pci-stub.c), or are made from vfio-pci ("mlx5_vfio_pci", "nvgrace-gpu-vfio-pci"). */
static bool driver_is_harmless(const char *driver)
{
	return strstr(driver, "vfio") || !strcmp(driver, "pci-stub") || !strcmp(driver, "pcieport");
}

void host_bind_commands(const char *bdf, bool bound, char *buf, size_t len)
{
	char unbind[96] = "";

	if (bound)
		snprintf(unbind, sizeof(unbind),
			 "echo %s > /sys/bus/pci/devices/%s/driver/unbind; ", bdf, bdf);
	snprintf(buf, len,
		 "modprobe vfio-pci; echo vfio-pci > /sys/bus/pci/devices/%s/driver_override; "
		 "%secho %s > /sys/bus/pci/drivers_probe",
		 bdf, unbind, bdf);
}

bool host_driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}

int host_check_device(const char *root, const char *bdf, int *ret_group, char *why, size_t why_len)
{
	char group[32], driver[64], commands[HOST_COMMANDS], *end;
	long number;

	if (!host_exists("%s/bus/pci/devices/%s", root, bdf)) {
		snprintf(why, why_len, "%s: no such PCI device on this host (see lspci -D)", bdf);
		return -ENODEV;
	}
	if (host_link(group, sizeof(group), "%s/bus/pci/devices/%s/iommu_group", root, bdf)) {
		snprintf(why, why_len,
			 "%s has no IOMMU group: the IOMMU is off; switch on VT-d or AMD-Vi in the "
			 "firmware and boot the host with intel_iommu=on or amd_iommu=on",
			 bdf);
		return -ENODEV;
	}
	if (host_link(driver, sizeof(driver), "%s/bus/pci/devices/%s/driver", root, bdf)) {
		host_bind_commands(bdf, false, commands, sizeof(commands));
		snprintf(why, why_len, "%s is not bound to vfio-pci; run: %s", bdf, commands);
		return -ENODEV;
	}
	if (!host_driver_is_vfio(driver)) {
		host_bind_commands(bdf, true, commands, sizeof(commands));
		snprintf(why, why_len, "%s is bound to %s, not to vfio-pci; run: %s", bdf, driver,
			 commands);
		return -EBUSY;
	}
	number = strtol(group, &end, 10);
	if (*end || end == group || number < 0 || number > INT_MAX) {
		snprintf(why, why_len, "%s: unknown IOMMU group %s", bdf, group);
		return -EINVAL;
	}
	*ret_group = (int)number;
	return 0;
}

unsigned host_group_holders(const char *root, int number, const char *except,
			    struct host_holders *ret)
{
	char path[PATH_MAX], driver[64];
	size_t held_len = 0, names_len = 0;
	struct dirent *entry;
	unsigned nr = 0;
	DIR *dir = NULL;

	ret->held[0] = ret->names[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", root, number) <
	    (int)sizeof(path))
		dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!host_is_bdf(entry->d_name) || (except && !strcmp(entry->d_name, except)) ||
		    host_link(driver, sizeof(driver), "%s/bus/pci/devices/%s/driver", root,
			      entry->d_name) ||
		    driver_is_harmless(driver))
			continue;
		nr++;
		if (held_len + sizeof(driver) + HOST_BDF_LEN + 8 > sizeof(ret->held))
			continue;
		held_len +=
			(size_t)snprintf(ret->held + held_len, sizeof(ret->held) - held_len,
					 "%s%s (%s)", held_len ? ", " : "", entry->d_name, driver);
		names_len +=
			(size_t)snprintf(ret->names + names_len, sizeof(ret->names) - names_len,
					 "%s%s", names_len ? " " : "", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return nr;
}

void host_explain_group(const char *root, int number, char *why, size_t why_len)
{
	struct host_holders holders;

	if (!host_group_holders(root, number, NULL, &holders)) {
		snprintf(why, why_len,
			 "IOMMU group %d is not viable, though no driver of the host holds a "
			 "device of it: see /sys/kernel/iommu_groups/%d/devices",
			 number, number);
		return;
	}
	snprintf(
		why, why_len,
		"IOMMU group %d is not viable: %s must be bound to vfio-pci too; run: for d in "
		"%s; do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; echo $d > "
		"/sys/bus/pci/devices/$d/driver/unbind; echo $d > /sys/bus/pci/drivers_probe; done",
		number, holders.held, holders.names);
}
