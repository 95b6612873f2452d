/* SPDX-License-Identifier: BSD-3-Clause */
/* iommufd or groups: by what the host has and by what was asked for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "devices/vfio/cdev.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommu_choice.h"
#include "devices/vfio/vfio.h"
#include "tests/fake/fake_iommufd.h"
#include "tests/fake/fake_sysfs.h"
#include "tests/unit/suite.h"

#define PORT  "pci0000:00/0000:00:01.0"
#define FIRST PORT "/0000:01:00.0"
#define OTHER PORT "/0000:01:00.1"

static struct fake_sysfs sysfs;
static struct iommu_device devices[2];
static struct iommu_request request;
static struct iommu_choice choice;
static char why[VFIO_WHY_SIZE];

static void setup(void)
{
	fake_sysfs_make(&sysfs);
	fake_sysfs_device(&sysfs, FIRST, "vfio-pci", 5);
	fake_sysfs_cdev(&sysfs, FIRST, "vfio0");
	fake_sysfs_device(&sysfs, OTHER, "vfio-pci", 5);
	fake_sysfs_cdev(&sysfs, OTHER, "vfio1");
	fake_sysfs_file(&sysfs, "", "dev/iommu");
	fake_iommufd_reset();
	devices[0] = (struct iommu_device){ .bdf = "0000:01:00.0", .fd = -1 };
	devices[1] = (struct iommu_device){ .bdf = "0000:01:00.1", .fd = -1 };
	request = (struct iommu_request){ .iommufd = -1, .devices = devices, .nr = 2 };
	choice.iommufd = -1;
	why[0] = '\0';
}

static void teardown(void)
{
	iommu_choice_end(&choice);
	fake_sysfs_remove(&sysfs);
}

static int choose(enum iommu_wish wish)
{
	request.wish = wish;
	return iommu_choose(sysfs.root, &request, &choice, why, sizeof(why));
}

static void remove_node(const char *path)
{
	fake_sysfs_delete(&sysfs, path);
}

/* A directory cannot be opened for writing, by root either. */
static void spoil_node(const char *path)
{
	char full[160];

	fake_sysfs_delete(&sysfs, path);
	snprintf(full, sizeof(full), "%s/%s", sysfs.dir, path);
	ck_assert_int_eq(mkdir(full, 0700), 0);
}

/* --- what the host has ---------------------------------------------------------------------------
 */

START_TEST(host_that_has_it_for_every_device_uses_iommufd)
{
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), 0);
	ck_assert_int_ge(choice.iommufd, 0);
	ck_assert_str_eq(choice.reason, "the host has it for every device");
	ck_assert_uint_eq(fake_iommufd.nr_ioas, 0);
	ck_assert_uint_eq(fake_iommufd.nr_binds, 0);
}
END_TEST

static void no_iommu(void)
{
	remove_node("dev/iommu");
}

static void iommu_not_ours(void)
{
	spoil_node("dev/iommu");
}

static void iommu_without_spaces(void)
{
	fake_iommufd_refuse("ioas_alloc", EINVAL, 0);
}

static void no_cdev(void)
{
	remove_node("sys/devices/" OTHER "/vfio-dev/vfio1/dev");
}

static void cdev_not_ours(void)
{
	spoil_node("dev/vfio/devices/vfio1");
}

static void cdev_without_node(void)
{
	remove_node("dev/vfio/devices/vfio1");
}

static void not_bound(void)
{
	no_cdev();
	fake_sysfs_device(&sysfs, OTHER, "nvme", 5);
}

static const struct {
	void (*spoil)(void);
	const char *said;
} lacks[] = {
	{ no_iommu, "this host has no /dev/iommu" },
	{ iommu_not_ours, "cannot open /dev/iommu: Is a directory" },
	{ iommu_without_spaces, "/dev/iommu cannot be used: Invalid argument" },
	{ no_cdev, "0000:01:00.1 has no character device" },
	{ cdev_not_ours, "cannot open /dev/vfio/devices/vfio1 of 0000:01:00.1: Is a directory" },
	{ cdev_without_node, "cannot open /dev/vfio/devices/vfio1 of 0000:01:00.1: No such file" },
	{ not_bound, "0000:01:00.1 is bound to nvme, not to vfio-pci" },
};

START_TEST(host_that_lacks_something_uses_groups_and_says_what)
{
	lacks[_i].spoil();
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), 0);
	ck_assert_int_eq(choice.iommufd, -1);
	ck_assert_msg(strstr(choice.reason, lacks[_i].said) != NULL, "%s", choice.reason);
}
END_TEST

START_TEST(host_that_lacks_something_refuses_iommufd_on)
{
	lacks[_i].spoil();
	ck_assert_int_eq(choose(IOMMU_WISH_IOMMUFD), -EOPNOTSUPP);
	ck_assert_int_eq(choice.iommufd, -1);
	ck_assert_ptr_eq(strstr(why, "--platform: iommufd=on: "), why);
	ck_assert_msg(strstr(why, lacks[_i].said) != NULL, "%s", why);
}
END_TEST

START_TEST(iommufd_off_uses_groups_whatever_the_host_has)
{
	ck_assert_int_eq(choose(IOMMU_WISH_GROUPS), 0);
	ck_assert_int_eq(choice.iommufd, -1);
	ck_assert_str_eq(choice.reason, "iommufd=off");
}
END_TEST

START_TEST(iommufd_on_is_the_reason_where_it_was_given)
{
	ck_assert_int_eq(choose(IOMMU_WISH_IOMMUFD), 0);
	ck_assert_int_ge(choice.iommufd, 0);
	ck_assert_str_eq(choice.reason, "iommufd=on");
}
END_TEST

START_TEST(missing_rights_get_advice)
{
	/* Root may open everything. */
	char path[160];

	snprintf(path, sizeof(path), "%s/dev/iommu", sysfs.dir);
	ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), 0);
	if (geteuid() == 0)
		return;
	ck_assert_int_eq(choice.iommufd, -1);
	ck_assert_ptr_nonnull(strstr(choice.reason, "Permission denied (give yourself access"));
}
END_TEST

/* --- passed in -----------------------------------------------------------------------------------
 */

static int open_node(const char *path)
{
	char full[160];

	snprintf(full, sizeof(full), "%s/%s", sysfs.dir, path);
	return open(full, O_RDWR | O_CLOEXEC);
}

START_TEST(iommufd_passed_in_is_copied)
{
	request.iommufd = open_node("dev/iommu");
	fcntl(request.iommufd, F_SETFD, 0);
	remove_node("dev/iommu");
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), 0);
	ck_assert_int_ge(choice.iommufd, 0);
	ck_assert_int_ne(choice.iommufd, request.iommufd);
	ck_assert_str_eq(choice.reason, "descriptors were passed in");
	iommu_choice_end(&choice);
	ck_assert_int_eq(fcntl(request.iommufd, F_GETFD), FD_CLOEXEC);
	close(request.iommufd);
}
END_TEST

START_TEST(what_is_no_iommufd_is_bad_usage)
{
	request.iommufd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "iommufd_fd="));
	ck_assert_ptr_nonnull(strstr(why, "is no open /dev/iommu: Inappropriate ioctl"));
	close(request.iommufd);
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "Bad file descriptor"));
	ck_assert_int_eq(choice.iommufd, -1);
}
END_TEST

START_TEST(device_passed_in_needs_no_node)
{
	devices[1].fd = open_node("dev/vfio/devices/vfio1");
	fcntl(devices[1].fd, F_SETFD, 0);
	remove_node("dev/vfio/devices/vfio1");
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), 0);
	ck_assert_int_ge(choice.iommufd, 0);
	ck_assert_int_eq(fcntl(devices[1].fd, F_GETFD), FD_CLOEXEC);
	close(devices[1].fd);
}
END_TEST

START_TEST(device_passed_in_is_never_opened_by_group)
{
	devices[1].fd = open_node("dev/vfio/devices/vfio1");
	remove_node("dev/iommu");
	ck_assert_int_eq(choose(IOMMU_WISH_AUTO), -EOPNOTSUPP);
	ck_assert_ptr_eq(
		strstr(why, "--device: descriptors that are passed in need iommufd: this host"),
		why);
	close(devices[1].fd);
}
END_TEST

/* --- what doctor asks ----------------------------------------------------------------------------
 */

START_TEST(question_opens_nothing_and_has_the_same_answer)
{
	ck_assert(iommu_may_use_iommufd(sysfs.root, "0000:01:00.1", why, sizeof(why)));
	cdev_without_node();
	ck_assert(!iommu_may_use_iommufd(sysfs.root, "0000:01:00.1", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "cannot open /dev/vfio/devices/vfio1: No such file"));
	no_cdev();
	ck_assert(!iommu_may_use_iommufd(sysfs.root, "0000:01:00.1", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "has no character device"));
	no_iommu();
	ck_assert(!iommu_may_use_iommufd(sysfs.root, "0000:01:00.1", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "no /dev/iommu"));
}
END_TEST

/* --- descriptor to address -----------------------------------------------------------------------
 */

/* /dev/null stands for the character device: its number leads to @target. */
static int null_means(const char *target)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	fake_sysfs_link(&sysfs, target, "sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return fd;
}

START_TEST(descriptor_says_which_device_it_is)
{
	char bdf[HOST_BDF_LEN];
	int fd = null_means("../../devices/" OTHER "/vfio-dev/vfio1");

	ck_assert_int_eq(cdev_address(sysfs.root, fd, bdf), 0);
	ck_assert_str_eq(bdf, "0000:01:00.1");
	close(fd);
	ck_assert_int_eq(cdev_address(sysfs.root, fd, bdf), -EBADF);
}
END_TEST

static const char *const strangers[] = {
	"../../devices/virtual/mem/null",
	"../../devices/" OTHER "/drm/vfio1",
	"../../devices/platform/some/vfio-dev/vfio2",
	"../../devices/nowhere",
};

START_TEST(descriptor_of_anything_else_is_no_device)
{
	char bdf[HOST_BDF_LEN];
	int fd = null_means(strangers[_i]);

	fake_sysfs_file(&sysfs, "", "sys/devices/virtual/mem/null/dev");
	fake_sysfs_file(&sysfs, "", "sys/devices/" OTHER "/drm/vfio1/dev");
	fake_sysfs_file(&sysfs, "", "sys/devices/platform/some/vfio-dev/vfio2/dev");
	ck_assert_int_eq(cdev_address(sysfs.root, fd, bdf), -ENODEV);
	close(fd);
	fd = open_node("dev/iommu"); /* an ordinary file here */
	ck_assert_int_eq(cdev_address(sysfs.root, fd, bdf), -ENODEV);
	close(fd);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("iommu_choice");
	TCase *t = suite_case(s, "host", setup, teardown);

	tcase_add_test(t, host_that_has_it_for_every_device_uses_iommufd);
	tcase_add_loop_test(t, host_that_lacks_something_uses_groups_and_says_what, 0,
			    sizeof(lacks) / sizeof(lacks[0]));
	tcase_add_loop_test(t, host_that_lacks_something_refuses_iommufd_on, 0,
			    sizeof(lacks) / sizeof(lacks[0]));
	tcase_add_test(t, iommufd_off_uses_groups_whatever_the_host_has);
	tcase_add_test(t, iommufd_on_is_the_reason_where_it_was_given);
	tcase_add_test(t, missing_rights_get_advice);

	t = suite_case(s, "given", setup, teardown);
	tcase_add_test(t, iommufd_passed_in_is_copied);
	tcase_add_test(t, what_is_no_iommufd_is_bad_usage);
	tcase_add_test(t, device_passed_in_needs_no_node);
	tcase_add_test(t, device_passed_in_is_never_opened_by_group);

	t = suite_case(s, "question", setup, teardown);
	tcase_add_test(t, question_opens_nothing_and_has_the_same_answer);

	t = suite_case(s, "address", setup, teardown);
	tcase_add_test(t, descriptor_says_which_device_it_is);
	tcase_add_loop_test(t, descriptor_of_anything_else_is_no_device, 0,
			    sizeof(strangers) / sizeof(strangers[0]));
	return s;
}

int main(void)
{
	return suite_run(suite());
}
