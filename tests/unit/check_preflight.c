/* SPDX-License-Identifier: BSD-3-Clause */
/* What the preflight says about made-up hosts. Each test spoils one thing of a good one. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/preflight.h"
#include "tests/fake/fake_sysfs.h"

#define PORT   "pci0000:00/0000:00:01.0"
#define DEVICE PORT "/0000:01:00.0"
#define BDF    "0000:01:00.0"

static struct fake_sysfs sysfs;
static struct preflight report;

static void make_port(const char *path)
{
	fake_sysfs_device(&sysfs, path, "pcieport", -1);
	fake_sysfs_file(&sysfs, "100", "sys/devices/%s/power/autosuspend_delay_ms", path);
	fake_sysfs_file(&sysfs, "auto", "sys/devices/%s/power/control", path);
	fake_sysfs_file(&sysfs, "1", "sys/devices/%s/d3cold_allowed", path);
	fake_sysfs_file(&sysfs, "active", "sys/devices/%s/power/runtime_status", path);
}

static void make_function(const char *path, const char *driver)
{
	fake_sysfs_device(&sysfs, path, driver, 12);
	fake_sysfs_file(&sysfs, "auto", "sys/devices/%s/power/control", path);
	fake_sysfs_file(&sysfs, "suspended", "sys/devices/%s/power/runtime_status", path);
	fake_sysfs_file(&sysfs, "1", "sys/devices/%s/d3cold_allowed", path);
}

/* A host on which nothing stands in the way. */
static void set_up(void)
{
	fake_sysfs_make(&sysfs);
	make_port(PORT);
	fake_sysfs_file(&sysfs, "",
			"sys/devices/%s/firmware_node/power_resources_D3hot/LNXPOWER:00", PORT);
	make_function(DEVICE, "vfio-pci");
	fake_sysfs_file(&sysfs, "05/11/2023", "sys/class/dmi/id/bios_date");
	fake_sysfs_file(&sysfs, "quiet intel_iommu=on", "proc/cmdline");
	fake_sysfs_file(&sysfs, "N", "sys/module/vfio_pci/parameters/disable_idle_d3");
}

static void tear_down(void)
{
	fake_sysfs_remove(&sysfs);
}

static void run(void)
{
	ck_assert_int_eq(preflight_report(sysfs.root, BDF, &report), 0);
}

/* The report has one item, which limits to @limit and says @words. */
static void expect_one(enum host_power limit, const char *words)
{
	run();
	ck_assert_uint_eq(report.nr, 1);
	ck_assert_int_eq(report.deepest, limit);
	ck_assert_int_eq(report.items[0].limit, limit);
	ck_assert_msg(strstr(report.items[0].text, words), "\"%s\" is not in: %s", words,
		      report.items[0].text);
}

/* The port's driver has not turned autosuspend on: reading the delay fails. */
static void port_stays_on(void)
{
	fake_sysfs_delete(&sysfs, "sys/devices/" PORT "/power/autosuspend_delay_ms");
}

START_TEST(good_host_reaches_d3cold)
{
	run();
	ck_assert_int_eq(report.deepest, HOST_POWER_D3COLD);
	ck_assert_uint_eq(report.nr, 0);
}
END_TEST

START_TEST(missing_device_is_an_error)
{
	report.nr = 77;
	ck_assert_int_eq(preflight_report(sysfs.root, "0000:09:00.0", &report), -ENODEV);
	ck_assert_uint_eq(report.nr, 77);
}
END_TEST

START_TEST(control_on_keeps_the_device_in_d0)
{
	fake_sysfs_file(&sysfs, "on", "sys/devices/" DEVICE "/power/control");
	expect_one(HOST_POWER_D0, "echo auto > /sys/bus/pci/devices/0000:01:00.0/power/control");
}
END_TEST

START_TEST(virtual_functions_keep_the_device_in_d0)
{
	fake_sysfs_file(&sysfs, "4", "sys/devices/" DEVICE "/sriov_numvfs");
	expect_one(HOST_POWER_D0, "sriov_numvfs is 4");
}
END_TEST

START_TEST(no_virtual_functions_do_not_matter)
{
	fake_sysfs_file(&sysfs, "0", "sys/devices/" DEVICE "/sriov_numvfs");
	run();
	ck_assert_uint_eq(report.nr, 0);
}
END_TEST

START_TEST(d3cold_not_allowed_for_the_device_ends_at_d3hot)
{
	fake_sysfs_file(&sysfs, "0", "sys/devices/" DEVICE "/d3cold_allowed");
	expect_one(HOST_POWER_D3HOT, "/sys/bus/pci/devices/0000:01:00.0/d3cold_allowed");
}
END_TEST

START_TEST(d3cold_not_allowed_for_the_port_ends_at_d3hot)
{
	fake_sysfs_file(&sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	expect_one(HOST_POWER_D3HOT, "/sys/bus/pci/devices/0000:00:01.0/d3cold_allowed");
}
END_TEST

START_TEST(control_on_at_the_port_ends_at_d3hot)
{
	fake_sysfs_file(&sysfs, "on", "sys/devices/" PORT "/power/control");
	expect_one(HOST_POWER_D3HOT, "port 0000:00:01.0: power/control is 'on'");
}
END_TEST

START_TEST(disable_idle_d3_is_worth_a_line_and_no_obstacle)
{
	fake_sysfs_file(&sysfs, "Y", "sys/module/vfio_pci/parameters/disable_idle_d3");
	expect_one(HOST_POWER_D3COLD, "disable_idle_d3=Y");
}
END_TEST

START_TEST(port_without_power_resource_ends_at_d3hot)
{
	fake_sysfs_delete(&sysfs,
			  "sys/devices/" PORT "/firmware_node/power_resources_D3hot/LNXPOWER:00");
	fake_sysfs_delete(&sysfs, "sys/devices/" PORT "/firmware_node/power_resources_D3hot");
	expect_one(HOST_POWER_D3HOT, "_PR3");
}
END_TEST

START_TEST(device_with_its_own_power_resource_needs_no_port)
{
	port_stays_on();
	fake_sysfs_file(&sysfs, "", "sys/devices/" DEVICE "/firmware_node/power_resources_D3hot/x");
	run();
	ck_assert_int_eq(report.deepest, HOST_POWER_D3COLD);
	ck_assert_uint_eq(report.nr, 0);
}
END_TEST

START_TEST(device_on_the_root_bus_has_nothing_that_cuts_its_power)
{
	make_function("pci0000:00/0000:00:1f.2", "vfio-pci");
	ck_assert_int_eq(preflight_report(sysfs.root, "0000:00:1f.2", &report), 0);
	ck_assert_int_eq(report.deepest, HOST_POWER_D3HOT);
	ck_assert_ptr_nonnull(strstr(report.items[0].text, "root bus"));
}
END_TEST

START_TEST(port_without_its_driver_stays_on)
{
	fake_sysfs_delete(&sysfs, "sys/devices/" PORT "/driver");
	expect_one(HOST_POWER_D3HOT, "not bound to pcieport");
}
END_TEST

START_TEST(port_of_another_driver_stays_on)
{
	fake_sysfs_link(&sysfs, "/drivers/shpchp", "sys/devices/" PORT "/driver");
	expect_one(HOST_POWER_D3HOT, "not bound to pcieport");
}
END_TEST

START_TEST(kernel_that_forbids_ports_to_sleep_is_named)
{
	port_stays_on();
	fake_sysfs_file(&sysfs, "quiet pcie_port_pm=off", "proc/cmdline");
	expect_one(HOST_POWER_D3HOT, "pcie_port_pm=off");
}
END_TEST

START_TEST(old_bios_is_named)
{
	port_stays_on();
	fake_sysfs_file(&sysfs, "04/01/2014", "sys/class/dmi/id/bios_date");
	expect_one(HOST_POWER_D3HOT, "of 2014");
}
END_TEST

/* Hot-plug ports of such a host may sleep all the same; so may forced ones. */
START_TEST(old_bios_is_no_obstacle_to_a_port_that_may_sleep)
{
	fake_sysfs_file(&sysfs, "04/01/2014", "sys/class/dmi/id/bios_date");
	run();
	ck_assert_int_eq(report.deepest, HOST_POWER_D3COLD);
}
END_TEST

START_TEST(host_without_a_bios_date_counts_as_old)
{
	port_stays_on();
	fake_sysfs_delete(&sysfs, "sys/class/dmi/id/bios_date");
	expect_one(HOST_POWER_D3HOT, "BIOS");
}
END_TEST

START_TEST(hotplug_port_that_may_not_sleep_is_named)
{
	port_stays_on();
	fake_sysfs_file(&sysfs, "", "sys/devices/" PORT "/0000:00:01.0:pcie004/uevent");
	expect_one(HOST_POWER_D3HOT, "hot-plug port");
}
END_TEST

START_TEST(forced_port_that_stays_on_blames_the_firmware)
{
	port_stays_on();
	fake_sysfs_file(&sysfs, "pcie_port_pm=force", "proc/cmdline");
	expect_one(HOST_POWER_D3HOT, "firmware");
}
END_TEST

START_TEST(new_bios_and_still_no_is_said_plainly)
{
	port_stays_on();
	expect_one(HOST_POWER_D3HOT, "does not let this port sleep");
}
END_TEST

START_TEST(active_sibling_of_another_driver_is_named)
{
	make_function(PORT "/0000:01:00.1", "snd_hda_intel");
	fake_sysfs_file(&sysfs, "active", "sys/devices/" PORT "/0000:01:00.1/power/runtime_status");
	expect_one(HOST_POWER_D3HOT, "0000:01:00.1 (snd_hda_intel)");
}
END_TEST

START_TEST(sibling_without_a_driver_that_is_active_is_named)
{
	make_function(PORT "/0000:01:00.1", NULL);
	fake_sysfs_file(&sysfs, "active", "sys/devices/" PORT "/0000:01:00.1/power/runtime_status");
	expect_one(HOST_POWER_D3HOT, "0000:01:00.1 (no driver)");
}
END_TEST

START_TEST(suspended_sibling_is_no_obstacle)
{
	make_function(PORT "/0000:01:00.1", "snd_hda_intel");
	run();
	ck_assert_uint_eq(report.nr, 0);
}
END_TEST

/* It may be a function of this VM, open and awake just now. */
START_TEST(active_sibling_of_vfio_pci_is_no_obstacle)
{
	make_function(PORT "/0000:01:00.1", "vfio-pci");
	fake_sysfs_file(&sysfs, "active", "sys/devices/" PORT "/0000:01:00.1/power/runtime_status");
	run();
	ck_assert_uint_eq(report.nr, 0);
}
END_TEST

START_TEST(sibling_that_may_not_be_cold_keeps_the_port_on)
{
	make_function(PORT "/0000:01:00.1", "vfio-pci");
	fake_sysfs_file(&sysfs, "0", "sys/devices/" PORT "/0000:01:00.1/d3cold_allowed");
	expect_one(HOST_POWER_D3HOT, "0000:01:00.1 shares the power");
}
END_TEST

#define SWITCH_UP   PORT "/0000:02:00.0"
#define SWITCH_DOWN SWITCH_UP "/0000:03:00.0"
#define BEHIND	    SWITCH_DOWN "/0000:04:00.0"

START_TEST(every_port_up_to_the_power_resource_counts)
{
	fake_sysfs_delete(&sysfs, "sys/bus/pci/devices/" BDF);
	make_port(SWITCH_UP);
	make_port(SWITCH_DOWN);
	make_port(SWITCH_UP "/0000:03:01.0");
	fake_sysfs_file(&sysfs, "suspended",
			"sys/devices/" SWITCH_UP "/0000:03:01.0/power/runtime_status");
	make_function(BEHIND, "vfio-pci");
	ck_assert_int_eq(preflight_report(sysfs.root, "0000:04:00.0", &report), 0);
	ck_assert_int_eq(report.deepest, HOST_POWER_D3COLD);
	fake_sysfs_file(&sysfs, "on", "sys/devices/" SWITCH_UP "/power/control");
	fake_sysfs_file(&sysfs, "active",
			"sys/devices/" SWITCH_UP "/0000:03:01.0/power/runtime_status");
	ck_assert_int_eq(preflight_report(sysfs.root, "0000:04:00.0", &report), 0);
	ck_assert_int_eq(report.deepest, HOST_POWER_D3HOT);
	ck_assert_uint_eq(report.nr, 2);
}
END_TEST

START_TEST(several_obstacles_are_all_named_and_the_worst_counts)
{
	fake_sysfs_file(&sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	fake_sysfs_file(&sysfs, "on", "sys/devices/" DEVICE "/power/control");
	run();
	ck_assert_uint_eq(report.nr, 2);
	ck_assert_int_eq(report.deepest, HOST_POWER_D0);
}
END_TEST

START_TEST(more_obstacles_than_room_are_counted_in_the_result)
{
	char path[128];

	for (unsigned i = 0; i < 31; i++) {
		snprintf(path, sizeof(path), PORT "/0000:01:%02x.0", i + 1);
		make_function(path, "snd_hda_intel");
		fake_sysfs_file(&sysfs, "active", "sys/devices/%s/power/runtime_status", path);
	}
	run();
	ck_assert_uint_eq(report.nr, PREFLIGHT_MAX_ITEMS);
	ck_assert_int_eq(report.deepest, HOST_POWER_D3HOT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("preflight");
	TCase *t = tcase_create("hosts");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, good_host_reaches_d3cold);
	tcase_add_test(t, missing_device_is_an_error);
	tcase_add_test(t, control_on_keeps_the_device_in_d0);
	tcase_add_test(t, virtual_functions_keep_the_device_in_d0);
	tcase_add_test(t, no_virtual_functions_do_not_matter);
	tcase_add_test(t, d3cold_not_allowed_for_the_device_ends_at_d3hot);
	tcase_add_test(t, d3cold_not_allowed_for_the_port_ends_at_d3hot);
	tcase_add_test(t, control_on_at_the_port_ends_at_d3hot);
	tcase_add_test(t, disable_idle_d3_is_worth_a_line_and_no_obstacle);
	tcase_add_test(t, port_without_power_resource_ends_at_d3hot);
	tcase_add_test(t, device_with_its_own_power_resource_needs_no_port);
	tcase_add_test(t, device_on_the_root_bus_has_nothing_that_cuts_its_power);
	tcase_add_test(t, port_without_its_driver_stays_on);
	tcase_add_test(t, port_of_another_driver_stays_on);
	tcase_add_test(t, kernel_that_forbids_ports_to_sleep_is_named);
	tcase_add_test(t, old_bios_is_named);
	tcase_add_test(t, old_bios_is_no_obstacle_to_a_port_that_may_sleep);
	tcase_add_test(t, host_without_a_bios_date_counts_as_old);
	tcase_add_test(t, hotplug_port_that_may_not_sleep_is_named);
	tcase_add_test(t, forced_port_that_stays_on_blames_the_firmware);
	tcase_add_test(t, new_bios_and_still_no_is_said_plainly);
	tcase_add_test(t, active_sibling_of_another_driver_is_named);
	tcase_add_test(t, sibling_without_a_driver_that_is_active_is_named);
	tcase_add_test(t, suspended_sibling_is_no_obstacle);
	tcase_add_test(t, active_sibling_of_vfio_pci_is_no_obstacle);
	tcase_add_test(t, sibling_that_may_not_be_cold_keeps_the_port_on);
	tcase_add_test(t, every_port_up_to_the_power_resource_counts);
	tcase_add_test(t, several_obstacles_are_all_named_and_the_worst_counts);
	tcase_add_test(t, more_obstacles_than_room_are_counted_in_the_result);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
