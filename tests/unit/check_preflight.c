/* SPDX-License-Identifier: BSD-3-Clause */
/* What the preflight says about the device, its group and its neighbours. Each test spoils one
 * thing of a good host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/host_rig.h"
#include "tests/unit/suite.h"

#define SECOND PORT "/0000:01:00.1"

START_TEST(good_host_reaches_d3cold)
{
	rig_expect_none();
}
END_TEST

START_TEST(each_link_has_an_item_in_order)
{
	enum preflight_link last = PREFLIGHT_IOMMU;
	unsigned seen = 0;

	rig_run(BDF);
	for (unsigned i = 0; i < rig_report.nr; i++) {
		ck_assert_int_ge(rig_report.items[i].link, last);
		last = rig_report.items[i].link;
		seen |= 1u << last;
	}
	/* RLIMIT_MEMLOCK is the caller's to add. */
	ck_assert_uint_eq(seen, (1u << PREFLIGHT_MEMLOCK) - 1);
}
END_TEST

START_TEST(device_is_identified)
{
	rig_run(BDF);
	ck_assert_str_eq(rig_report.bdf, BDF);
	ck_assert_str_eq(rig_report.driver, "vfio-pci");
	ck_assert_uint_eq(rig_report.vendor, 0x1af4);
	ck_assert_uint_eq(rig_report.device, 0x1050);
	ck_assert_uint_eq(rig_report.class, 0x030000);
}
END_TEST

START_TEST(missing_device_is_an_error)
{
	rig_report.nr = 77;
	ck_assert_int_eq(preflight_report(rig_sysfs.root, "0000:09:00.0", &rig_report), -ENODEV);
	ck_assert_uint_eq(rig_report.nr, 77);
}
END_TEST

/* --- can a VM have it ----------------------------------------------------------------------------
 */

static void remove_group(void)
{
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/iommu_group");
}

START_TEST(iommu_that_is_off_blocks)
{
	remove_group();
	rig_run(BDF);
	ck_assert(rig_report.blocked);
	ck_assert_int_eq(rig_item(PREFLIGHT_IOMMU, "the IOMMU is off")->status, PREFLIGHT_BLOCKS);
	rig_item(PREFLIGHT_IOMMU, "in the firmware");
	ck_assert_ptr_eq(preflight_reason(&rig_report), rig_item(PREFLIGHT_IOMMU, "off"));
	/* Blocked or not, the power links still tell what would be. */
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3COLD);
}
END_TEST

START_TEST(iommu_that_the_firmware_offers_is_switched_on_by_the_command_line)
{
	remove_group();
	fake_sysfs_file(&rig_sysfs, "", "sys/firmware/acpi/tables/DMAR");
	rig_run(BDF);
	rig_item(PREFLIGHT_IOMMU, "# boot the host with intel_iommu=on on");
	fake_sysfs_delete(&rig_sysfs, "sys/firmware/acpi/tables/DMAR");
	fake_sysfs_file(&rig_sysfs, "", "sys/firmware/acpi/tables/IVRS");
	rig_run(BDF);
	rig_item(PREFLIGHT_IOMMU, "amd_iommu=off");
}
END_TEST

START_TEST(device_that_no_iommu_translates_for_blocks)
{
	remove_group();
	fake_sysfs_file(&rig_sysfs, "DMA", "sys/kernel/iommu_groups/0/type");
	rig_run(BDF);
	rig_item(PREFLIGHT_IOMMU, "no IOMMU translates for it");
}
END_TEST

START_TEST(group_name_that_is_no_number_blocks)
{
	fake_sysfs_link(&rig_sysfs, "/x/12a", "sys/devices/" DEVICE "/iommu_group");
	rig_run(BDF);
	ck_assert(rig_report.blocked);
	rig_item(PREFLIGHT_IOMMU, "'12a'");
}
END_TEST

START_TEST(group_with_a_device_of_a_host_driver_blocks)
{
	rig_make_function("pci0000:00/0000:00:1f.0", "snd_hda_intel");
	rig_expect_one(PREFLIGHT_GROUP, PREFLIGHT_BLOCKS, HOST_POWER_D3COLD,
		       "0000:00:1f.0 (snd_hda_intel)");
	rig_item(PREFLIGHT_GROUP, "for d in 0000:00:1f.0; do");
}
END_TEST

START_TEST(group_members_of_vfio_of_pcieport_or_without_driver_do_not_matter)
{
	rig_make_function("pci0000:00/0000:00:1f.0", "vfio-pci");
	rig_make_function("pci0000:00/0000:00:1f.1", "pcieport");
	rig_make_function("pci0000:00/0000:00:1f.2", NULL);
	rig_expect_none();
}
END_TEST

START_TEST(host_driver_blocks_and_the_fix_rebinds)
{
	const struct preflight_item *item;

	fake_sysfs_link(&rig_sysfs, "/x/drivers/nvme", "sys/devices/" DEVICE "/driver");
	rig_expect_one(PREFLIGHT_DRIVER, PREFLIGHT_BLOCKS, HOST_POWER_D3COLD,
		       "is bound to nvme, not to vfio-pci");
	item = rig_item(PREFLIGHT_DRIVER, "nvme");
	ck_assert_str_eq(item->fix, "modprobe vfio-pci\n"
				    "echo vfio-pci > /sys/bus/pci/devices/" BDF "/driver_override\n"
				    "echo " BDF " > /sys/bus/pci/devices/" BDF "/driver/unbind\n"
				    "echo " BDF " > /sys/bus/pci/drivers_probe");
}
END_TEST

START_TEST(no_driver_blocks_and_nothing_is_unbound)
{
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/driver");
	rig_expect_one(PREFLIGHT_DRIVER, PREFLIGHT_BLOCKS, HOST_POWER_D3COLD,
		       "is not bound to vfio-pci");
	ck_assert_ptr_null(strstr(rig_item(PREFLIGHT_DRIVER, "bound")->fix, "unbind"));
}
END_TEST

START_TEST(way_to_the_device_is_named)
{
	rig_run(BDF);
	rig_item(PREFLIGHT_DRIVER, "by its group, /dev/vfio/12: this host has no /dev/iommu");
	fake_sysfs_file(&rig_sysfs, "", "dev/iommu");
	rig_run(BDF);
	rig_item(PREFLIGHT_DRIVER, "by its group, /dev/vfio/12: " BDF " has no character device");
	fake_sysfs_cdev(&rig_sysfs, DEVICE, "vfio3");
	rig_run(BDF);
	rig_item(PREFLIGHT_DRIVER, "a VM opens it through iommufd");
	rig_expect_none();
}
END_TEST

START_TEST(driver_made_from_vfio_pci_will_do)
{
	fake_sysfs_link(&rig_sysfs, "/x/drivers/mlx5_vfio_pci", "sys/devices/" DEVICE "/driver");
	rig_expect_none();
}
END_TEST

START_TEST(group_file_of_somebody_else_blocks)
{
	char path[128];

	fake_sysfs_file(&rig_sysfs, "", "dev/vfio/12");
	snprintf(path, sizeof(path), "%s/dev/vfio/12", rig_sysfs.dir);
	rig_expect_none();
	ck_assert_int_eq(chmod(path, 0), 0);
	/* Root may open everything and has nothing to be told. */
	if (geteuid() == 0)
		rig_expect_none();
	else
		rig_expect_one(PREFLIGHT_DRIVER, PREFLIGHT_BLOCKS, HOST_POWER_D3COLD, "chown");
}
END_TEST

START_TEST(disable_idle_d3_is_worth_a_line_and_no_obstacle)
{
	fake_sysfs_file(&rig_sysfs, "Y", "sys/module/vfio_pci/parameters/disable_idle_d3");
	rig_expect_note(PREFLIGHT_IDLE, "disable_idle_d3=Y");
}
END_TEST

START_TEST(vfio_pci_that_is_not_loaded_is_no_obstacle)
{
	fake_sysfs_delete(&rig_sysfs, "sys/module/vfio_pci/parameters/disable_idle_d3");
	rig_expect_none();
}
END_TEST

/* --- the device's own settings -------------------------------------------------------------------
 */

START_TEST(armed_wake_is_worth_a_line)
{
	fake_sysfs_file(&rig_sysfs, "enabled", "sys/devices/" DEVICE "/power/wakeup");
	rig_expect_note(PREFLIGHT_WAKE,
			"echo disabled > /sys/bus/pci/devices/" BDF "/power/wakeup");
}
END_TEST

START_TEST(armed_wake_of_a_sibling_is_worth_a_line)
{
	rig_make_function(SECOND, "vfio-pci");
	fake_sysfs_file(&rig_sysfs, "enabled", "sys/devices/" SECOND "/power/wakeup");
	rig_expect_note(PREFLIGHT_WAKE, "0000:01:00.1 is armed");
}
END_TEST

START_TEST(state_and_wake_are_told)
{
	rig_run(BDF);
	rig_item(PREFLIGHT_WAKE, "in D3cold now; its wake signal (PME) is disabled");
}
END_TEST

START_TEST(control_on_keeps_the_device_in_d0)
{
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" DEVICE "/power/control");
	rig_expect_limit(PREFLIGHT_CONTROL, HOST_POWER_D0,
			 "echo auto > /sys/bus/pci/devices/0000:01:00.0/power/control");
}
END_TEST

START_TEST(virtual_functions_keep_the_device_in_d0)
{
	fake_sysfs_file(&rig_sysfs, "4", "sys/devices/" DEVICE "/sriov_numvfs");
	rig_expect_limit(PREFLIGHT_CONTROL, HOST_POWER_D0, "sriov_numvfs is 4");
}
END_TEST

START_TEST(no_virtual_functions_do_not_matter)
{
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" DEVICE "/sriov_numvfs");
	rig_expect_none();
}
END_TEST

START_TEST(d3cold_not_allowed_for_the_device_ends_at_d3hot)
{
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" DEVICE "/d3cold_allowed");
	rig_expect_limit(PREFLIGHT_ALLOWED, HOST_POWER_D3HOT,
			 "echo 1 > /sys/bus/pci/devices/0000:01:00.0/d3cold_allowed");
}
END_TEST

/* --- what shares the power -----------------------------------------------------------------------
 */

START_TEST(active_sibling_of_another_driver_is_named)
{
	rig_make_function(SECOND, "e1000e");
	fake_sysfs_delete(&rig_sysfs, "sys/kernel/iommu_groups/12/devices/0000:01:00.1");
	fake_sysfs_file(&rig_sysfs, "active", "sys/devices/" SECOND "/power/runtime_status");
	rig_expect_limit(PREFLIGHT_SIBLINGS, HOST_POWER_D3HOT,
			 "0000:01:00.1 (e1000e) shares the power and is active");
	rig_item(PREFLIGHT_SIBLINGS, "echo 0000:01:00.1 > /sys/bus/pci/drivers_probe");
	rig_item(PREFLIGHT_SIBLINGS, "echo auto > /sys/bus/pci/devices/0000:01:00.1/power/control");
}
END_TEST

START_TEST(sibling_without_a_driver_that_is_active_is_named)
{
	rig_make_function(SECOND, NULL);
	fake_sysfs_file(&rig_sysfs, "active", "sys/devices/" SECOND "/power/runtime_status");
	rig_expect_limit(PREFLIGHT_SIBLINGS, HOST_POWER_D3HOT, "0000:01:00.1 (no driver)");
}
END_TEST

START_TEST(sibling_whose_state_cannot_be_read_is_named)
{
	rig_make_function(SECOND, NULL);
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" SECOND "/power/runtime_status");
	rig_expect_limit(PREFLIGHT_SIBLINGS, HOST_POWER_D3HOT, "of unknown state");
}
END_TEST

START_TEST(suspended_sibling_is_no_obstacle)
{
	rig_make_function(SECOND, NULL);
	rig_expect_none();
	rig_item(PREFLIGHT_SIBLINGS, "0000:01:00.1 (no driver) shares the power and sleeps");
}
END_TEST

/* It may be a function of this VM, open and awake just now. */
START_TEST(active_sibling_of_vfio_pci_is_no_obstacle)
{
	rig_make_function(SECOND, "vfio-pci");
	fake_sysfs_file(&rig_sysfs, "active", "sys/devices/" SECOND "/power/runtime_status");
	rig_expect_none();
}
END_TEST

START_TEST(sibling_that_may_not_be_cold_keeps_the_port_on)
{
	rig_make_function(SECOND, "vfio-pci");
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" SECOND "/d3cold_allowed");
	rig_expect_limit(PREFLIGHT_ALLOWED, HOST_POWER_D3HOT, "0000:01:00.1 shares the power");
}
END_TEST

/* --- the report ----------------------------------------------------------------------------------
 */

START_TEST(several_obstacles_are_all_named_and_the_worst_counts)
{
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" DEVICE "/power/control");
	rig_run(BDF);
	ck_assert_uint_eq(rig_bad_items(), 2);
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D0);
	ck_assert_ptr_eq(preflight_reason(&rig_report),
			 rig_item(PREFLIGHT_CONTROL, "power/control"));
}
END_TEST

START_TEST(more_obstacles_than_room_are_counted_in_the_result)
{
	char path[128];

	for (unsigned i = 8; i < 8 + PREFLIGHT_MAX_ITEMS; i++) {
		snprintf(path, sizeof(path), PORT "/0000:01:%02x.%x", i / 8, i % 8);
		rig_make_function(path, NULL);
		fake_sysfs_file(&rig_sysfs, "active", "sys/devices/%s/power/runtime_status", path);
	}
	/* Its item has no room left. */
	fake_sysfs_file(&rig_sysfs, "5.10.0", "proc/sys/kernel/osrelease");
	rig_run(BDF);
	ck_assert_uint_eq(rig_report.nr, PREFLIGHT_MAX_ITEMS);
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3HOT);
	ck_assert_ptr_nonnull(preflight_reason(&rig_report));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("preflight");
	TCase *t = suite_case(s, "hosts", rig_make_host, rig_remove_host);

	tcase_add_test(t, good_host_reaches_d3cold);
	tcase_add_test(t, each_link_has_an_item_in_order);
	tcase_add_test(t, device_is_identified);
	tcase_add_test(t, missing_device_is_an_error);
	tcase_add_test(t, iommu_that_is_off_blocks);
	tcase_add_test(t, iommu_that_the_firmware_offers_is_switched_on_by_the_command_line);
	tcase_add_test(t, device_that_no_iommu_translates_for_blocks);
	tcase_add_test(t, group_name_that_is_no_number_blocks);
	tcase_add_test(t, group_with_a_device_of_a_host_driver_blocks);
	tcase_add_test(t, group_members_of_vfio_of_pcieport_or_without_driver_do_not_matter);
	tcase_add_test(t, host_driver_blocks_and_the_fix_rebinds);
	tcase_add_test(t, no_driver_blocks_and_nothing_is_unbound);
	tcase_add_test(t, way_to_the_device_is_named);
	tcase_add_test(t, driver_made_from_vfio_pci_will_do);
	tcase_add_test(t, group_file_of_somebody_else_blocks);
	tcase_add_test(t, disable_idle_d3_is_worth_a_line_and_no_obstacle);
	tcase_add_test(t, vfio_pci_that_is_not_loaded_is_no_obstacle);
	tcase_add_test(t, armed_wake_is_worth_a_line);
	tcase_add_test(t, armed_wake_of_a_sibling_is_worth_a_line);
	tcase_add_test(t, state_and_wake_are_told);
	tcase_add_test(t, control_on_keeps_the_device_in_d0);
	tcase_add_test(t, virtual_functions_keep_the_device_in_d0);
	tcase_add_test(t, no_virtual_functions_do_not_matter);
	tcase_add_test(t, d3cold_not_allowed_for_the_device_ends_at_d3hot);
	tcase_add_test(t, active_sibling_of_another_driver_is_named);
	tcase_add_test(t, sibling_without_a_driver_that_is_active_is_named);
	tcase_add_test(t, sibling_whose_state_cannot_be_read_is_named);
	tcase_add_test(t, suspended_sibling_is_no_obstacle);
	tcase_add_test(t, active_sibling_of_vfio_pci_is_no_obstacle);
	tcase_add_test(t, sibling_that_may_not_be_cold_keeps_the_port_on);
	tcase_add_test(t, several_obstacles_are_all_named_and_the_worst_counts);
	tcase_add_test(t, more_obstacles_than_room_are_counted_in_the_result);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
