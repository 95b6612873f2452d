/* SPDX-License-Identifier: BSD-3-Clause */
/* A container whose devices are opened as character devices and mapped by an iommufd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/iommufd.h"
#include "tests/fake/fake_iommufd.h"
#include "tests/fake/fake_sysfs.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/memory.h"

#define PORT "pci0000:00/0000:00:01.0"

static struct fake_sysfs sysfs;
static struct vfio_container container;
static struct memory memory;
static char why[VFIO_WHY_SIZE], node[128];
static int iommufd;

static void limit_memlock(uint64_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = min_u64(bytes, limit.rlim_max);
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static void setup(void)
{
	fake_sysfs_make(&sysfs);
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "vfio-pci", 5);
	fake_sysfs_cdev(&sysfs, PORT "/0000:01:00.0", "vfio0");
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.1", "vfio-pci", 5);
	fake_sysfs_cdev(&sysfs, PORT "/0000:01:00.1", "vfio1");
	fake_sysfs_file(&sysfs, "", "dev/iommu");
	snprintf(node, sizeof(node), "%s/dev/iommu", sysfs.dir);
	iommufd = open(node, O_RDWR | O_CLOEXEC);
	snprintf(node, sizeof(node), "%s/dev/vfio/devices/vfio0", sysfs.dir);
	fake_iommufd_reset();
	limit_memlock(MIB(4));
	memory = (struct memory){ .nr_ram = 2 };
	memory.ram[0] = (struct memory_region){ .gpa = 0, .size = KIB(640) };
	memory.ram[1] = (struct memory_region){ .gpa = MIB(1), .size = KIB(512) };
	vfio_container_init(&container, &memory, iommufd);
	container.sysfs = sysfs.root;
	why[0] = '\0';
}

static void teardown(void)
{
	vfio_container_exit(&container);
	close(iommufd);
	fake_sysfs_remove(&sysfs);
}

static int open_one(const char *bdf, int given)
{
	const struct iommu_device device = { .bdf = bdf, .group = 5, .fd = given };

	return vfio_container_open_device(&container, &device, why, sizeof(why));
}

static void close_one(int fd)
{
	vfio_container_close_device(&container, 5, &fd);
	ck_assert_int_eq(fd, -1);
}

/* What was begun is undone: nothing is left in the kernel's hands. */
static void nothing_is_left(void)
{
	fake_iommufd_look();
	ck_assert_uint_eq(fake_iommufd.nr_attached, 0);
	ck_assert_uint_eq(fake_iommufd.nr_bound, 0);
	ck_assert_uint_eq(fake_iommufd.nr_ioas, 0);
	ck_assert_uint_eq(fake_iommufd.nr_maps, 0);
	ck_assert_uint_eq(container.nr_devices, 0);
}

/* --- by path -------------------------------------------------------------------------------------
 */

START_TEST(devices_share_one_address_space)
{
	int a = open_one("0000:01:00.0", -1), b = open_one("0000:01:00.1", -1);

	ck_assert_int_ge(a, 0);
	ck_assert_int_ge(b, 0);
	ck_assert_uint_eq(fake_iommufd.nr_attached, 2);
	ck_assert_uint_eq(fake_iommufd.nr_ioas, 1);
	ck_assert_uint_eq(container.nr_devices, 2);
	close_one(a);
	ck_assert_uint_eq(fake_iommufd.nr_ioas, 1);
	close_one(b);
	nothing_is_left();
}
END_TEST

START_TEST(ram_is_mapped_once_at_its_guest_addresses)
{
	int fd = open_one("0000:01:00.0", -1);

	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), 0);
	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), 0);
	ck_assert_uint_eq(fake_iommufd.nr_maps, 2);
	ck_assert_uint_eq(fake_iommufd.maps[1].iova, MIB(1));
	ck_assert_uint_eq(fake_iommufd.maps[1].size, KIB(512));
	close_one(fd);
	nothing_is_left();
	/* As after a reboot. */
	fd = open_one("0000:01:00.0", -1);
	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), 0);
	ck_assert_uint_eq(fake_iommufd.nr_maps, 2);
	close_one(fd);
}
END_TEST

START_TEST(bar_is_mapped_and_unmapped)
{
	int fd = open_one("0000:01:00.0", -1);

	ck_assert_int_eq(vfio_container_dma_map(&container, GIB(3), KIB(16), &memory), 0);
	ck_assert_uint_eq(fake_iommufd.nr_maps, 1);
	ck_assert_int_eq(vfio_container_dma_unmap(&container, GIB(3), KIB(8)), -ENOENT);
	ck_assert_int_eq(vfio_container_dma_unmap(&container, GIB(3), KIB(16)), 0);
	ck_assert_uint_eq(fake_iommufd.nr_maps, 0);
	close_one(fd);
}
END_TEST

START_TEST(ranges_with_holes_are_what_the_iommufd_says)
{
	int fd;

	fake_iommufd.nr_ranges = 2;
	fake_iommufd.ranges[0].last = 0xfedfffff;
	fake_iommufd.ranges[1].start = 0xfef00000;
	fake_iommufd.ranges[1].last = 0x7fffffffff;
	fd = open_one("0000:01:00.0", -1);
	ck_assert_uint_eq(container.nr_iova, 2);
	ck_assert(vfio_container_covers(&container, 0xfef00000, 0x1000));
	ck_assert(!vfio_container_covers(&container, 0xfee00000, 0x1000));
	ck_assert_int_eq(vfio_container_dma_map(&container, 0xfee00000, 4096, &memory), -EINVAL);
	memory.ram[1].gpa = 0xfee00000;
	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "0xfef00000-0x7fffffffff"));
	ck_assert_uint_eq(fake_iommufd.nr_maps, 0);
	close_one(fd);
}
END_TEST

START_TEST(more_ranges_than_room_are_cut)
{
	int fd;

	fake_iommufd.nr_ranges = ARRAY_SIZE(fake_iommufd.ranges);
	fd = open_one("0000:01:00.0", -1);
	ck_assert_uint_eq(container.nr_iova, VFIO_MAX_IOVA);
	close_one(fd);
}
END_TEST

START_TEST(there_are_no_groups_for_a_hot_reset)
{
	int fd = open_one("0000:01:00.0", -1);

	ck_assert_int_eq(vfio_container_group_fd(&container, 5), -1);
	close_one(fd);
}
END_TEST

/* --- what goes wrong -----------------------------------------------------------------------------
 */

static const struct {
	const char *op;
	int error;
	const char *said;
} failures[] = {
	{ "bind", EPERM, "another VM or program has a device of its IOMMU group" },
	{ "bind", EBUSY, "another VM or program has its IOMMU group, through /dev/vfio/" },
	{ "bind", EINVAL, "another VM or program has it, or it is given twice" },
	{ "bind", ENOTTY, "no VFIO device" },
	{ "bind", EIO, "0000:01:00.0: vfio-pci does not bind it to the iommufd: Input/output" },
	{ "ioas_alloc", ENOMEM, "no address space in the iommufd: Cannot allocate memory" },
	{ "attach", EINVAL, "0000:01:00.0: the iommufd does not take it: Invalid argument" },
	{ "ioas_ranges", EFAULT, "0000:01:00.0: the iommufd does not tell what it maps" },
};

START_TEST(failure_is_named_and_leaves_nothing)
{
	fake_iommufd_refuse(failures[_i].op, failures[_i].error, 0);
	ck_assert_int_eq(open_one("0000:01:00.0", -1), -failures[_i].error);
	ck_assert_msg(strstr(why, failures[_i].said) != NULL, "%s", why);
	nothing_is_left();
}
END_TEST

START_TEST(failure_of_a_second_device_leaves_the_first)
{
	int fd = open_one("0000:01:00.0", -1);

	fake_iommufd_refuse(failures[_i].op, failures[_i].error, 0);
	if (strcmp(failures[_i].op, "ioas_alloc"))
		ck_assert_int_eq(open_one("0000:01:00.1", -1), -failures[_i].error);
	fake_iommufd_look();
	ck_assert_uint_eq(fake_iommufd.nr_attached, 1);
	ck_assert_uint_eq(fake_iommufd.nr_bound, 1);
	ck_assert_uint_eq(fake_iommufd.nr_ioas, 1);
	ck_assert_uint_eq(container.nr_devices, 1);
	fake_iommufd_refuse("", 0, 0);
	close_one(fd);
	nothing_is_left();
}
END_TEST

START_TEST(device_given_twice_is_refused)
{
	int fd = open_one("0000:01:00.0", -1);

	ck_assert_int_eq(open_one("0000:01:00.0", -1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "given twice"));
	close_one(fd);
}
END_TEST

START_TEST(other_devices_of_a_group_are_named_as_without_iommufd)
{
	char same[VFIO_WHY_SIZE];

	fake_sysfs_device(&sysfs, PORT "/0000:01:00.2", "snd_hda_intel", 5);
	fake_iommufd_refuse("bind", EPERM, 0);
	ck_assert_int_eq(open_one("0000:01:00.0", -1), -EPERM);
	host_explain_group(sysfs.root, 5, same, sizeof(same));
	ck_assert_str_eq(why, same);
	ck_assert_ptr_nonnull(strstr(why, "0000:01:00.2 (snd_hda_intel)"));
}
END_TEST

START_TEST(device_without_a_character_device_is_explained)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.3", "vfio-pci", 5);
	ck_assert_int_eq(open_one("0000:01:00.3", -1), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "VFIO_DEVICE_CDEV"));
	nothing_is_left();
}
END_TEST

START_TEST(node_that_is_not_there_is_named)
{
	unlink(node);
	ck_assert_int_eq(open_one("0000:01:00.0", -1), -ENOENT);
	ck_assert_str_eq(why, "cannot open /dev/vfio/devices/vfio0: No such file or directory");
}
END_TEST

START_TEST(failed_map_takes_the_ram_before_it_back)
{
	int fd = open_one("0000:01:00.0", -1);

	fake_iommufd_refuse("ioas_map", EFAULT, 1);
	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), -EFAULT);
	ck_assert_str_eq(why, "mapping guest memory 0x100000 for DMA failed: Bad address");
	ck_assert_uint_eq(fake_iommufd.nr_maps, 0);
	ck_assert(!container.mapped);
	close_one(fd);
}
END_TEST

/* --- locked memory -------------------------------------------------------------------------------
 */

START_TEST(limit_that_others_have_used_up_is_explained)
{
	static char locked[MIB(3)];
	int fd = open_one("0000:01:00.0", -1);

	/* It is enough for this VM, so what is missing is somebody else's; what this process has
	 * locked by itself does not count. */
	ck_assert_int_eq(mlock(locked, sizeof(locked)), 0);
	fake_iommufd_refuse("ioas_map", ENOMEM, 0);
	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(why, "mapping guest memory 0x0 for DMA failed"));
	ck_assert_ptr_nonnull(strstr(why, "all VMs of this user"));
	close_one(fd);
}
END_TEST

START_TEST(limit_below_the_ram_says_what_is_needed)
{
	int fd = open_one("0000:01:00.0", -1);

	/* Root finds out by the kernel's refusal, others before it. */
	limit_memlock(KIB(64));
	fake_iommufd_refuse("ioas_map", ENOMEM, 0);
	ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(why, "needs 2 MiB of locked memory"));
	ck_assert_ptr_null(strstr(why, "all VMs of this user"));
	close_one(fd);
}
END_TEST

/* --- passed in -----------------------------------------------------------------------------------
 */

START_TEST(descriptor_passed_in_is_bound_once_for_all_boots)
{
	int given = open(node, O_RDWR | O_CLOEXEC), fd;

	for (unsigned boot = 0; boot < 3; boot++) {
		fd = open_one("0000:01:00.0", given);
		ck_assert_msg(fd >= 0 && fd != given, "boot %u: %s", boot, why);
		ck_assert_int_eq(vfio_container_map_ram(&container, why, sizeof(why)), 0);
		ck_assert_uint_eq(fake_iommufd.nr_attached, 1);
		ck_assert_uint_eq(fake_iommufd.nr_maps, 2);
		close_one(fd);
		ck_assert_uint_eq(fake_iommufd.nr_attached, 0);
		ck_assert_uint_eq(fake_iommufd.nr_ioas, 0);
		ck_assert_int_ge(fcntl(given, F_GETFD), 0);
	}
	ck_assert_uint_eq(fake_iommufd.nr_binds, 1);
	close(given);
	nothing_is_left();
}
END_TEST

START_TEST(descriptor_bound_by_its_opener_is_taken_as_it_is)
{
	int given = open(node, O_RDWR | O_CLOEXEC), fd;

	ck_assert_int_eq(iommufd_bind(given, iommufd), 0);
	fd = open_one("0000:01:00.0", given);
	ck_assert_msg(fd >= 0, "%s", why);
	ck_assert_uint_eq(fake_iommufd.nr_binds, 1);
	close_one(fd);
	close(given);
}
END_TEST

START_TEST(descriptor_bound_to_another_iommufd_is_explained)
{
	int given = open(node, O_RDWR | O_CLOEXEC);

	fake_iommufd_bind_elsewhere(given);
	ck_assert_int_eq(open_one("0000:01:00.0", given), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "--platform iommufd_fd="));
	ck_assert_uint_eq(fake_iommufd.nr_ioas, 0);
	close(given);
}
END_TEST

START_TEST(descriptor_of_something_else_is_refused)
{
	int given = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(open_one("0000:01:00.0", given), -ENOTTY);
	ck_assert_ptr_nonnull(strstr(why, "no VFIO device"));
	close(given);
	ck_assert_int_eq(open_one("0000:01:00.0", given), -EBADF);
	nothing_is_left();
}
END_TEST

/* --- the kernel's numbers ------------------------------------------------------------------------
 */

START_TEST(interface_is_that_of_linux)
{
	ck_assert_uint_eq(IOMMU_DESTROY, 0x3b80);
	ck_assert_uint_eq(IOMMU_IOAS_ALLOC, 0x3b81);
	ck_assert_uint_eq(IOMMU_IOAS_IOVA_RANGES, 0x3b84);
	ck_assert_uint_eq(IOMMU_IOAS_MAP, 0x3b85);
	ck_assert_uint_eq(IOMMU_IOAS_UNMAP, 0x3b86);
	ck_assert_uint_eq(VFIO_DEVICE_BIND_IOMMUFD, 0x3b76);
	ck_assert_uint_eq(VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0x3b77);
	ck_assert_uint_eq(VFIO_DEVICE_DETACH_IOMMUFD_PT, 0x3b78);
	ck_assert_uint_eq(sizeof(struct iommu_ioas_alloc), 12);
	ck_assert_uint_eq(sizeof(struct iommu_ioas_iova_ranges), 32);
	ck_assert_uint_eq(sizeof(struct iommu_ioas_map), 40);
	ck_assert_uint_eq(sizeof(struct iommu_ioas_unmap), 24);
	ck_assert_uint_eq(sizeof(struct vfio_device_bind_iommufd), 16);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("iommufd");
	TCase *t = suite_case(s, "path", setup, teardown);

	tcase_add_test(t, devices_share_one_address_space);
	tcase_add_test(t, ram_is_mapped_once_at_its_guest_addresses);
	tcase_add_test(t, bar_is_mapped_and_unmapped);
	tcase_add_test(t, ranges_with_holes_are_what_the_iommufd_says);
	tcase_add_test(t, more_ranges_than_room_are_cut);
	tcase_add_test(t, there_are_no_groups_for_a_hot_reset);

	t = suite_case(s, "failure", setup, teardown);
	tcase_add_loop_test(t, failure_is_named_and_leaves_nothing, 0, ARRAY_SIZE(failures));
	tcase_add_loop_test(t, failure_of_a_second_device_leaves_the_first, 0,
			    ARRAY_SIZE(failures));
	tcase_add_test(t, device_given_twice_is_refused);
	tcase_add_test(t, other_devices_of_a_group_are_named_as_without_iommufd);
	tcase_add_test(t, device_without_a_character_device_is_explained);
	tcase_add_test(t, node_that_is_not_there_is_named);
	tcase_add_test(t, failed_map_takes_the_ram_before_it_back);

	t = suite_case(s, "memlock", setup, teardown);
	tcase_add_test(t, limit_that_others_have_used_up_is_explained);
	tcase_add_test(t, limit_below_the_ram_says_what_is_needed);

	t = suite_case(s, "given", setup, teardown);
	tcase_add_test(t, descriptor_passed_in_is_bound_once_for_all_boots);
	tcase_add_test(t, descriptor_bound_by_its_opener_is_taken_as_it_is);
	tcase_add_test(t, descriptor_bound_to_another_iommufd_is_explained);
	tcase_add_test(t, descriptor_of_something_else_is_refused);

	t = suite_case(s, "uapi", NULL, NULL);
	tcase_add_test(t, interface_is_that_of_linux);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
