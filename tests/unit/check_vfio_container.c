/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, IOVA ranges, locked memory, and what is said about groups. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "tests/fake/fake_sysfs.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/memory.h"

/* --- addresses -----------------------------------------------------------------------------------
 */

static const struct {
	const char *path, *bdf;
} good_paths[] = {
	{ "0000:01:00.0", "0000:01:00.0" },
	{ "01:00.0", "0000:01:00.0" },
	{ "0001:FF:1F.7", "0001:ff:1f.7" },
	{ "10000:e1:00.0", "10000:e1:00.0" },
	{ "/sys/bus/pci/devices/0000:01:00.0", "0000:01:00.0" },
	{ "/sys/bus/pci/devices/0000:01:00.0/", "0000:01:00.0" },
	{ "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.1//", "0000:01:00.1" },
};

START_TEST(path_gives_the_address)
{
	char bdf[HOST_BDF_LEN];

	ck_assert_int_eq(vfio_parse_path(good_paths[_i].path, bdf), 0);
	ck_assert_str_eq(bdf, good_paths[_i].bdf);
}
END_TEST

static const char *const bad_paths[] = {
	"",
	"/",
	"0000:01:00",
	"01:00.8",
	"01:20.0",
	"1:00.0",
	"0000:01:0.0",
	"0000:01:00.0x",
	"x0000:01:00.0",
	"000:01:00.0",
	"01:00.0.0",
	"nvme0",
	"0000:01:00.",
	"0000:0:01:00.0",
	"1234567:01:00.0",
	"/sys/class/net/eth0",
};

START_TEST(other_text_is_no_address)
{
	char bdf[HOST_BDF_LEN];

	ck_assert_int_eq(vfio_parse_path(bad_paths[_i], bdf), -EINVAL);
}
END_TEST

/* --- IOVA ranges ---------------------------------------------------------------------------------
 */

struct answer {
	struct vfio_iommu_type1_info head;
	struct { /* struct vfio_iommu_type1_info_cap_iova_range without its open end */
		struct vfio_info_cap_header header;
		uint32_t nr_iovas, reserved;
	} cap;
	struct vfio_iova_range ranges[40];
};

static struct vfio_container container;
static struct memory memory;

/* The answer of an x86 host: everything below 39 bits but the interrupt window. */
static void answer_x86(struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->head.argsz = sizeof(*answer);
	answer->head.flags = VFIO_IOMMU_INFO_CAPS;
	answer->head.cap_offset = offsetof(struct answer, cap);
	answer->cap.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	answer->cap.nr_iovas = 2;
	answer->ranges[0] = (struct vfio_iova_range){ 0, 0xfedfffff };
	answer->ranges[1] = (struct vfio_iova_range){ 0xfef00000, 0x7fffffffff };
}

static void set_up(void)
{
	memset(&memory, 0, sizeof(memory));
	vfio_container_init(&container, &memory, -1);
}

START_TEST(iova_ranges_are_taken_from_the_answer)
{
	struct answer answer;

	answer_x86(&answer);
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	ck_assert_uint_eq(container.nr_iova, 2);
	ck_assert_uint_eq(container.iova[1].start, 0xfef00000);
	ck_assert_uint_eq(container.iova[1].last, 0x7fffffffff);
}
END_TEST

START_TEST(without_the_capability_everything_is_mappable)
{
	struct answer answer;

	answer_x86(&answer);
	answer.cap.header.id = 99;
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	ck_assert_uint_eq(container.nr_iova, 1);
	ck_assert(vfio_container_covers(&container, 0, UINT64_MAX));
}
END_TEST

START_TEST(capability_that_loops_ends_the_search)
{
	struct answer answer;

	answer_x86(&answer);
	answer.cap.header.id = 99;
	answer.cap.header.next = offsetof(struct answer, cap);
	ck_assert_ptr_null(vfio_container_find_cap(&answer, sizeof(answer), answer.head.cap_offset,
						   VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 8));
}
END_TEST

START_TEST(capability_outside_of_the_answer_is_none)
{
	static const uint32_t offsets[] = { sizeof(struct answer) - 4, sizeof(struct answer),
					    0xfffffffc, 0x7ffffffc, 25 };
	struct answer answer;

	answer_x86(&answer);
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		ck_assert_ptr_null(
			vfio_container_find_cap(&answer, sizeof(answer), offsets[i], 0, 8));
}
END_TEST

START_TEST(capability_cut_short_is_none)
{
	struct answer answer;

	answer_x86(&answer);
	ck_assert_ptr_null(vfio_container_find_cap(
		&answer, offsetof(struct answer, cap) + 8, answer.head.cap_offset,
		VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, sizeof(answer.cap)));
}
END_TEST

START_TEST(count_of_ranges_beyond_the_answer_is_cut)
{
	struct answer answer;

	answer_x86(&answer);
	answer.cap.nr_iovas = UINT32_MAX;
	iommu_type1_parse_info(&container, &answer, offsetof(struct answer, ranges[3]));
	ck_assert_uint_eq(container.nr_iova, 3);
}
END_TEST

START_TEST(more_ranges_than_room_are_cut)
{
	struct answer answer;

	answer_x86(&answer);
	answer.cap.nr_iovas = ARRAY_SIZE(answer.ranges);
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	ck_assert_uint_eq(container.nr_iova, VFIO_MAX_IOVA);
}
END_TEST

static const struct {
	uint64_t iova, size;
	bool covered;
} covers[] = {
	{ 0, 0xfee00000, true },	 { 0, 0xfee00001, false },
	{ 0xfed00000, 0x300000, false }, /* across the hole */
	{ 0xfee00000, 0x1000, false },	 { 0xfef00000, 0x1000, true },
	{ 0x7ffffff000, 0x1000, true },	 { 0x7ffffff000, 0x1001, false },
	{ 0x8000000000, 0x1000, false }, { 0x1000, 0, false },
	{ UINT64_MAX, 2, false },
};

START_TEST(range_is_covered_by_one_of_the_iommus)
{
	struct answer answer;

	answer_x86(&answer);
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	ck_assert_int_eq(vfio_container_covers(&container, covers[_i].iova, covers[_i].size),
			 covers[_i].covered);
}
END_TEST

START_TEST(dma_map_outside_of_the_ranges_is_refused)
{
	struct answer answer;

	answer_x86(&answer);
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	ck_assert_int_eq(vfio_container_dma_map(&container, 0x8000000000, 4096, &answer), -EINVAL);
}
END_TEST

START_TEST(ram_outside_of_the_ranges_is_named)
{
	struct answer answer;
	char why[VFIO_WHY_SIZE];

	answer_x86(&answer);
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	memory.nr_ram = 2;
	memory.ram[0] = (struct memory_region){ .gpa = 0, .size = 0xc0000000 };
	memory.ram[1] = (struct memory_region){ .gpa = 0x100000000, .size = 0x8000000000 };
	ck_assert_int_eq(vfio_container_check_ram(&container, why, sizeof(why)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "0x100000000-0x80ffffffff"));
	ck_assert_ptr_nonnull(strstr(why, "0xfef00000-0x7fffffffff"));
	memory.ram[1].size = 0x1000;
	ck_assert_int_eq(vfio_container_check_ram(&container, why, sizeof(why)), 0);
}
END_TEST

START_TEST(explanation_of_ram_fits_a_small_buffer)
{
	struct answer answer;
	char why[40];

	answer_x86(&answer);
	iommu_type1_parse_info(&container, &answer, sizeof(answer));
	memory.nr_ram = 1;
	memory.ram[0] = (struct memory_region){ .gpa = 0xfee00000, .size = 0x1000 };
	ck_assert_int_eq(vfio_container_check_ram(&container, why, sizeof(why)), -EINVAL);
	ck_assert_uint_lt(strlen(why), sizeof(why));
}
END_TEST

/* --- locked memory -------------------------------------------------------------------------------
 */

START_TEST(memlock_that_holds_the_ram_is_enough)
{
	char why[VFIO_WHY_SIZE];

	ck_assert_int_eq(
		vfio_container_check_memlock(MIB(512), 0, MIB(512), MIB(64), why, sizeof(why)), 0);
}
END_TEST

START_TEST(memlock_too_small_says_what_is_needed)
{
	char why[VFIO_WHY_SIZE];

	ck_assert_int_eq(
		vfio_container_check_memlock(MIB(8), 0, MIB(512), MIB(64), why, sizeof(why)),
		-ENOMEM);
	ck_assert_ptr_nonnull(strstr(why, "576 MiB"));
	ck_assert_ptr_nonnull(strstr(why, "ulimit -l 589824"));
	ck_assert_ptr_nonnull(strstr(why, "LimitMEMLOCK=576M"));
}
END_TEST

START_TEST(memory_locked_already_counts)
{
	char why[VFIO_WHY_SIZE];

	ck_assert_int_eq(
		vfio_container_check_memlock(MIB(512), KIB(4), MIB(512), 0, why, sizeof(why)),
		-ENOMEM);
	ck_assert_int_eq(vfio_container_check_memlock(KIB(1), KIB(4), 0, 0, why, sizeof(why)),
			 -ENOMEM);
}
END_TEST

/* --- what is said about the host -----------------------------------------------------------------
 */

static struct fake_sysfs sysfs;
static char why_text[VFIO_WHY_SIZE];
static int group;

#define PORT "pci0000:00/0000:00:01.0"

static void make_sysfs(void)
{
	fake_sysfs_make(&sysfs);
	fake_sysfs_device(&sysfs, PORT, "pcieport", 5);
	group = -1;
}

static void remove_sysfs(void)
{
	fake_sysfs_remove(&sysfs);
}

static int check(const char *bdf)
{
	return host_check_device(sysfs.root, bdf, &group, why_text, sizeof(why_text));
}

START_TEST(device_bound_to_vfio_pci_has_its_group)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "vfio-pci", 12);
	ck_assert_int_eq(check("0000:01:00.0"), 0);
	ck_assert_int_eq(group, 12);
}
END_TEST

START_TEST(variant_driver_of_vfio_is_as_good)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "mlx5_vfio_pci", 12);
	ck_assert_int_eq(check("0000:01:00.0"), 0);
}
END_TEST

START_TEST(missing_device_is_named)
{
	ck_assert_int_eq(check("0000:07:00.0"), -ENODEV);
	ck_assert_ptr_nonnull(strstr(why_text, "0000:07:00.0"));
	ck_assert_int_eq(group, -1);
}
END_TEST

START_TEST(missing_iommu_is_explained)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "vfio-pci", -1);
	ck_assert_int_eq(check("0000:01:00.0"), -ENODEV);
	ck_assert_ptr_nonnull(strstr(why_text, "intel_iommu=on"));
}
END_TEST

START_TEST(device_of_another_driver_gets_the_commands_that_rebind)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "nvme", 12);
	ck_assert_int_eq(check("0000:01:00.0"), -EBUSY);
	ck_assert_ptr_nonnull(strstr(why_text, "bound to nvme"));
	ck_assert_ptr_nonnull(strstr(
		why_text, "echo vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override"));
	ck_assert_ptr_nonnull(strstr(
		why_text, "echo 0000:01:00.0 > /sys/bus/pci/devices/0000:01:00.0/driver/unbind"));
	ck_assert_ptr_nonnull(strstr(why_text, "echo 0000:01:00.0 > /sys/bus/pci/drivers_probe"));
}
END_TEST

START_TEST(device_without_driver_needs_no_unbind)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", NULL, 12);
	ck_assert_int_eq(check("0000:01:00.0"), -ENODEV);
	ck_assert_ptr_nonnull(strstr(why_text, "drivers_probe"));
	ck_assert_ptr_null(strstr(why_text, "unbind"));
}
END_TEST

START_TEST(group_that_is_not_viable_names_each_other_device)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "vfio-pci", 5);
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.1", "snd_hda_intel", 5);
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.2", "xhci_hcd", 5);
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.3", NULL, 5);
	host_explain_group(sysfs.root, 5, why_text, sizeof(why_text));
	ck_assert_ptr_nonnull(strstr(why_text, "group 5"));
	ck_assert_ptr_nonnull(strstr(why_text, "0000:01:00.1 (snd_hda_intel)"));
	ck_assert_ptr_nonnull(strstr(why_text, "0000:01:00.2 (xhci_hcd)"));
	ck_assert_ptr_nonnull(strstr(why_text, "echo $d > /sys/bus/pci/devices/$d/driver/unbind"));
}
END_TEST

START_TEST(harmless_members_of_a_group_are_not_named)
{
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.0", "vfio-pci", 5);
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.1", "snd_hda_intel", 5);
	fake_sysfs_device(&sysfs, PORT "/0000:01:00.3", NULL, 5);
	host_explain_group(sysfs.root, 5, why_text, sizeof(why_text));
	ck_assert_ptr_null(strstr(why_text, "0000:00:01.0")); /* pcieport */
	ck_assert_ptr_null(strstr(why_text, "0000:01:00.0"));
	ck_assert_ptr_null(strstr(why_text, "0000:01:00.3"));
}
END_TEST

START_TEST(large_group_does_not_overrun_the_text)
{
	char path[64], small[100];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), PORT "/0000:%02x:00.0", i + 1);
		fake_sysfs_device(&sysfs, path, "a_driver_with_a_rather_long_name", 5);
	}
	host_explain_group(sysfs.root, 5, why_text, sizeof(why_text));
	ck_assert_uint_lt(strlen(why_text), sizeof(why_text));
	host_explain_group(sysfs.root, 5, small, sizeof(small));
	ck_assert_uint_lt(strlen(small), sizeof(small));
}
END_TEST

START_TEST(port_above_is_the_parent_in_the_path)
{
	char bdf[HOST_BDF_LEN], path[256];

	ck_assert_int_eq(host_parent("/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0", bdf, path,
				     sizeof(path)),
			 0);
	ck_assert_str_eq(bdf, "0000:00:01.0");
	ck_assert_str_eq(path, "/sys/devices/pci0000:00/0000:00:01.0");
	ck_assert_int_eq(host_parent(path, bdf, path, sizeof(path)), -ENOENT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vfio_container");
	TCase *pure = tcase_create("pure"), *host = tcase_create("host");

	tcase_add_checked_fixture(pure, set_up, NULL);
	tcase_add_loop_test(pure, path_gives_the_address, 0, ARRAY_SIZE(good_paths));
	tcase_add_loop_test(pure, other_text_is_no_address, 0, ARRAY_SIZE(bad_paths));
	tcase_add_test(pure, iova_ranges_are_taken_from_the_answer);
	tcase_add_test(pure, without_the_capability_everything_is_mappable);
	tcase_add_test(pure, capability_that_loops_ends_the_search);
	tcase_add_test(pure, capability_outside_of_the_answer_is_none);
	tcase_add_test(pure, capability_cut_short_is_none);
	tcase_add_test(pure, count_of_ranges_beyond_the_answer_is_cut);
	tcase_add_test(pure, more_ranges_than_room_are_cut);
	tcase_add_loop_test(pure, range_is_covered_by_one_of_the_iommus, 0, ARRAY_SIZE(covers));
	tcase_add_test(pure, dma_map_outside_of_the_ranges_is_refused);
	tcase_add_test(pure, ram_outside_of_the_ranges_is_named);
	tcase_add_test(pure, explanation_of_ram_fits_a_small_buffer);
	tcase_add_test(pure, memlock_that_holds_the_ram_is_enough);
	tcase_add_test(pure, memlock_too_small_says_what_is_needed);
	tcase_add_test(pure, memory_locked_already_counts);
	suite_add_tcase(s, pure);

	tcase_add_checked_fixture(host, make_sysfs, remove_sysfs);
	tcase_add_test(host, device_bound_to_vfio_pci_has_its_group);
	tcase_add_test(host, variant_driver_of_vfio_is_as_good);
	tcase_add_test(host, missing_device_is_named);
	tcase_add_test(host, missing_iommu_is_explained);
	tcase_add_test(host, device_of_another_driver_gets_the_commands_that_rebind);
	tcase_add_test(host, device_without_driver_needs_no_unbind);
	tcase_add_test(host, group_that_is_not_viable_names_each_other_device);
	tcase_add_test(host, harmless_members_of_a_group_are_not_named);
	tcase_add_test(host, large_group_does_not_overrun_the_text);
	tcase_add_test(host, port_above_is_the_parent_in_the_path);
	suite_add_tcase(s, host);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
