/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/vfio/iommu_choice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/cdev.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommufd.h"
#include "vmm/bits.h"

static const char *access_hint(int err)
{
	return err == -EACCES || err == -EPERM
		       ? " (give yourself access by chown or a udev rule, or run as root)"
		       : "";
}

/* Proves that it is one by what only an iommufd can do. */
static int prove(int fd)
{
	uint32_t ioas;
	int err = iommufd_ioas_alloc(fd, &ioas);

	return err ? err : iommufd_ioas_destroy(fd, ioas);
}

static int node_path(const char *root, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/../dev/iommu", root);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static void explain_node(int err, char *why, size_t why_len)
{
	if (err == -ENOENT)
		snprintf(why, why_len,
			 "this host has no /dev/iommu (modprobe iommufd, with a kernel built with "
			 "IOMMUFD)");
	else
		snprintf(why, why_len, "cannot open /dev/iommu: %s%s", strerror(-err),
			 access_hint(err));
}

/* What was passed in is not for programs that a VM starts. */
static int keep_to_ourselves(int fd, char *why, size_t why_len)
{
	int err = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;

	if (err)
		snprintf(why, why_len, "descriptor %d: %s", fd, strerror(-err));
	return err;
}

/* -EINVAL if what was passed in is none. */
static int check_given(int given, char *why, size_t why_len)
{
	int err = given < 0 ? 0 : prove(given);

	if (!err)
		return given < 0 ? 0 : keep_to_ourselves(given, why, why_len);
	snprintf(why, why_len, "--platform: iommufd_fd=%d is no open /dev/iommu: %s", given,
		 strerror(-err));
	return -EINVAL;
}

/* The iommufd: a copy of what was passed in, or one of our own. */
static int get_iommufd(const char *root, int given, char *why, size_t why_len)
{
	char path[PATH_MAX];
	int fd, err;

	if (given >= 0) {
		fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
		err = fd < 0 ? -errno : 0;
		if (err)
			snprintf(why, why_len, "iommufd_fd=%d: %s", given, strerror(-err));
		return err ? err : fd;
	}
	err = node_path(root, path);
	fd = err ? err : open(path, O_RDWR | O_CLOEXEC);
	if (!err && fd < 0)
		err = -errno;
	if (err) {
		explain_node(err, why, why_len);
		return err;
	}
	err = prove(fd);
	if (!err)
		return fd;
	snprintf(why, why_len, "/dev/iommu cannot be used: %s", strerror(-err));
	close_fd(&fd);
	return err;
}

static void explain_cdev(const char *root, const char *bdf, char *why, size_t why_len)
{
	int group;

	/* The likelier reason, and one that can be helped. */
	if (host_check_device(root, bdf, &group, why, why_len) == 0)
		snprintf(why, why_len,
			 "%s has no character device: Linux makes one from 6.6 on, built with "
			 "VFIO_DEVICE_CDEV",
			 bdf);
}

static int check_device(const char *root, const struct iommu_device *device, char *why,
			size_t why_len)
{
	char name[CDEV_NAME];
	int fd, err;

	if (device->fd >= 0)
		return keep_to_ourselves(device->fd, why, why_len);
	err = cdev_name(root, device->bdf, name, sizeof(name));
	if (err) {
		explain_cdev(root, device->bdf, why, why_len);
		return err;
	}
	fd = cdev_open(root, name);
	if (fd < 0) {
		snprintf(why, why_len, "cannot open /dev/vfio/devices/%s of %s: %s%s", name,
			 device->bdf, strerror(-fd), access_hint(fd));
		return fd;
	}
	close_fd(&fd);
	return 0;
}

/* The descriptor of an iommufd that serves every device. */
static int try_iommufd(const char *root, const struct iommu_request *request, char *why,
		       size_t why_len)
{
	int fd = get_iommufd(root, request->iommufd, why, why_len), err = 0;

	for (unsigned i = 0; fd >= 0 && !err && i < request->nr; i++)
		err = check_device(root, &request->devices[i], why, why_len);
	if (err)
		close_fd(&fd);
	return err ? err : fd;
}

/* Passed in, it can be used with iommufd alone. */
static bool is_given(const struct iommu_request *request)
{
	bool given = request->iommufd >= 0;

	for (unsigned i = 0; i < request->nr; i++)
		given |= request->devices[i].fd >= 0;
	return given;
}

int iommu_choose(const char *root, const struct iommu_request *request, struct iommu_choice *ret,
		 char *why, size_t why_len)
{
	char reason[sizeof(ret->reason)];
	int fd;

	ret->iommufd = -1;
	if (request->wish == IOMMU_WISH_GROUPS) {
		snprintf(ret->reason, sizeof(ret->reason), "iommufd=off");
		return 0;
	}
	if (check_given(request->iommufd, why, why_len))
		return -EINVAL;
	fd = try_iommufd(root, request, reason, sizeof(reason));
	if (fd >= 0) {
		ret->iommufd = fd;
		snprintf(ret->reason, sizeof(ret->reason), "%s",
			 request->wish == IOMMU_WISH_IOMMUFD ? "iommufd=on"
			 : is_given(request)		     ? "descriptors were passed in"
							     : "the host has it for every device");
		return 0;
	}
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
	if (request->wish == IOMMU_WISH_AUTO && !is_given(request))
		return 0;
	snprintf(why, why_len, "%s: %s",
		 request->wish == IOMMU_WISH_IOMMUFD
			 ? "--platform: iommufd=on"
			 : "--device: descriptors that are passed in need iommufd",
		 reason);
	return -EOPNOTSUPP;
}

void iommu_choice_end(struct iommu_choice *choice)
{
	close_fd(&choice->iommufd);
}

bool iommu_may_use_iommufd(const char *root, const char *bdf, char *why, size_t why_len)
{
	char path[PATH_MAX], name[CDEV_NAME];
	int err = node_path(root, path);

	if (!err && access(path, R_OK | W_OK) < 0)
		err = -errno;
	if (err) {
		explain_node(err, why, why_len);
		return false;
	}
	err = cdev_name(root, bdf, name, sizeof(name));
	if (err) {
		explain_cdev(root, bdf, why, why_len);
		return false;
	}
	err = cdev_may_open(root, name);
	if (err)
		snprintf(why, why_len, "cannot open /dev/vfio/devices/%s: %s%s", name,
			 strerror(-err), access_hint(err));
	return !err;
}
