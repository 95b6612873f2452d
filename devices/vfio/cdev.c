/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/vfio/cdev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "devices/vfio/host.h"

#define CDEV_CLASS "vfio-dev"

/* vfio_main.c: __vfio_register_dev() makes "vfio-dev/vfioN" below the device, one of it. */
int cdev_name(const char *root, const char *bdf, char *name, size_t len)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = -ENOENT;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/" CDEV_CLASS, root, bdf);
	dir = opendir(path);
	while (dir && err && (entry = readdir(dir))) {
		/* Without VFIO_DEVICE_CDEV the folder is there, and has no number. */
		if (strncmp(entry->d_name, "vfio", 4) || strlen(entry->d_name) >= len ||
		    !host_exists("%s/%s/dev", path, entry->d_name))
			continue;
		strcpy(name, entry->d_name);
		err = 0;
	}
	if (dir)
		closedir(dir);
	return err;
}

static int node_path(const char *root, const char *name, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/../dev/vfio/devices/%s", root, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int cdev_open(const char *root, const char *name)
{
	char path[PATH_MAX];
	int fd, err = node_path(root, name, path);

	if (err)
		return err;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cdev_may_open(const char *root, const char *name)
{
	char path[PATH_MAX];
	int err = node_path(root, name, path);

	if (err)
		return err;
	return access(path, R_OK | W_OK) < 0 ? -errno : 0;
}

int cdev_address(const char *root, int fd, char *bdf)
{
	char link[PATH_MAX], path[PATH_MAX], parent[PATH_MAX], *class;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENODEV;
	snprintf(link, sizeof(link), "%s/dev/char/%u:%u", root, major(st.st_rdev),
		 minor(st.st_rdev));
	if (!realpath(link, path))
		return -ENODEV;
	/* .../0000:01:00.0/vfio-dev/vfio0 */
	class = strrchr(path, '/');
	if (!class || strncmp(class, "/vfio", 5))
		return -ENODEV;
	*class = '\0';
	class = strrchr(path, '/');
	if (!class || strcmp(class, "/" CDEV_CLASS))
		return -ENODEV;
	return host_parent(path, bdf, parent, sizeof(parent)) ? -ENODEV : 0;
}
