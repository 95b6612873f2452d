/* SPDX-License-Identifier: BSD-3-Clause */
/* A sysfs tree of a made-up host in a temporary directory. */
#include "tests/fake/fake_sysfs.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fake_sysfs_make(struct fake_sysfs *sysfs)
{
	strcpy(sysfs->dir, "/tmp/coldvm-sysfs-XXXXXX");
	if (!mkdtemp(sysfs->dir))
		abort();
	snprintf(sysfs->root, sizeof(sysfs->root), "%s/sys", sysfs->dir);
	if (mkdir(sysfs->root, 0700))
		abort();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fake_sysfs_remove(struct fake_sysfs *sysfs)
{
	nftw(sysfs->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directories above the last component of @path. */
static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			abort();
		*slash = '/';
	}
}

static void full_path(char full[PATH_MAX], const struct fake_sysfs *sysfs, const char *path,
		      va_list args)
{
	int n = snprintf(full, PATH_MAX, "%s/", sysfs->dir);

	vsnprintf(full + n, PATH_MAX - (size_t)n, path, args);
	make_parents(full);
}

void fake_sysfs_file(struct fake_sysfs *sysfs, const char *text, const char *path, ...)
{
	char full[PATH_MAX];
	va_list args;
	FILE *file;

	va_start(args, path);
	full_path(full, sysfs, path, args);
	va_end(args);
	file = fopen(full, "w");
	if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file))
		abort();
}

void fake_sysfs_link(struct fake_sysfs *sysfs, const char *target, const char *path, ...)
{
	char full[PATH_MAX];
	va_list args;

	va_start(args, path);
	full_path(full, sysfs, path, args);
	va_end(args);
	unlink(full);
	if (symlink(target, full))
		abort();
}

void fake_sysfs_delete(struct fake_sysfs *sysfs, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", sysfs->dir, path);
	if (remove(full))
		abort();
}

void fake_sysfs_device(struct fake_sysfs *sysfs, const char *path, const char *driver, int group)
{
	const char *bdf = strrchr(path, '/');
	char target[PATH_MAX];

	bdf = bdf ? bdf + 1 : path;
	fake_sysfs_file(sysfs, "0x8086", "sys/devices/%s/vendor", path);
	snprintf(target, sizeof(target), "../../../devices/%s", path);
	fake_sysfs_link(sysfs, target, "sys/bus/pci/devices/%s", bdf);
	if (driver) {
		snprintf(target, sizeof(target), "%s/bus/pci/drivers/%s", sysfs->root, driver);
		fake_sysfs_link(sysfs, target, "sys/devices/%s/driver", path);
	}
	if (group < 0)
		return;
	snprintf(target, sizeof(target), "%s/kernel/iommu_groups/%d", sysfs->root, group);
	fake_sysfs_link(sysfs, target, "sys/devices/%s/iommu_group", path);
	snprintf(target, sizeof(target), "%s/devices/%s", sysfs->root, path);
	fake_sysfs_link(sysfs, target, "sys/kernel/iommu_groups/%d/devices/%s", group, bdf);
}

void fake_sysfs_cdev(struct fake_sysfs *sysfs, const char *path, const char *name)
{
	fake_sysfs_file(sysfs, "510:0", "sys/devices/%s/vfio-dev/%s/dev", path, name);
	fake_sysfs_file(sysfs, "", "dev/vfio/devices/%s", name);
}
