/* SPDX-License-Identifier: BSD-3-Clause */
/* What the preflight says about the ports above a device: may they sleep, and what cuts the power.
 * Each test spoils one thing of a good host. */
#include <string.h>

#include "tests/unit/host_rig.h"
#include "tests/unit/suite.h"

/* --- settings ------------------------------------------------------------------------------------
 */

START_TEST(d3cold_not_allowed_for_the_port_ends_at_d3hot)
{
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	rig_expect_limit(PREFLIGHT_ALLOWED, HOST_POWER_D3HOT,
			 "echo 1 > /sys/bus/pci/devices/0000:00:01.0/d3cold_allowed");
}
END_TEST

START_TEST(control_on_at_the_port_ends_at_d3hot)
{
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" PORT "/power/control");
	rig_expect_limit(PREFLIGHT_CONTROL, HOST_POWER_D3HOT,
			 "port 0000:00:01.0: power/control is 'on'");
}
END_TEST

START_TEST(port_without_its_driver_stays_on)
{
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" PORT "/driver");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT,
			 "echo 0000:00:01.0 > /sys/bus/pci/drivers/pcieport/bind");
}
END_TEST

START_TEST(port_of_another_driver_stays_on)
{
	fake_sysfs_link(&rig_sysfs, "/drivers/shpchp", "sys/devices/" PORT "/driver");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "not bound to pcieport");
}
END_TEST

/* --- the kernel's rules, in its order ------------------------------------------------------------
 */

static void make_hotplug(void)
{
	fake_sysfs_file(&rig_sysfs, "", "sys/devices/" PORT "/0000:00:01.0:pcie004/uevent");
}

START_TEST(kernel_that_forbids_ports_to_sleep_is_named)
{
	rig_port_stays_on();
	fake_sysfs_file(&rig_sysfs, "quiet pcie_port_pm=off", "proc/cmdline");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "without pcie_port_pm=off");
}
END_TEST

/* pcie_port_pm_setup() remembers both words, and the rules ask for "off" first. */
START_TEST(off_comes_before_force)
{
	rig_port_stays_on();
	fake_sysfs_file(&rig_sysfs, "pcie_port_pm=force pcie_port_pm=off", "proc/cmdline");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "without pcie_port_pm=off");
}
END_TEST

START_TEST(old_bios_is_named)
{
	rig_port_stays_on();
	fake_sysfs_file(&rig_sysfs, "04/01/2014", "sys/class/dmi/id/bios_date");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "of 2014");
}
END_TEST

/* Hot-plug ports of such a host may sleep all the same; so may forced ones. */
START_TEST(old_bios_is_no_obstacle_to_a_port_that_may_sleep)
{
	fake_sysfs_file(&rig_sysfs, "04/01/2014", "sys/class/dmi/id/bios_date");
	rig_expect_none();
	rig_item(PREFLIGHT_PORTS, "Thunderbolt, or the firmware says so");
}
END_TEST

START_TEST(host_without_a_bios_date_counts_as_old)
{
	rig_port_stays_on();
	fake_sysfs_delete(&rig_sysfs, "sys/class/dmi/id/bios_date");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "BIOS");
}
END_TEST

START_TEST(hotplug_port_that_may_not_sleep_is_named)
{
	rig_port_stays_on();
	make_hotplug();
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "does not let sleep (_S0W)");
}
END_TEST

START_TEST(forced_port_that_stays_on_blames_the_firmware)
{
	rig_port_stays_on();
	fake_sysfs_file(&rig_sysfs, "pcie_port_pm=force", "proc/cmdline");
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "its hot-plug belongs to the firmware");
}
END_TEST

START_TEST(new_bios_and_still_no_is_said_plainly)
{
	rig_port_stays_on();
	rig_expect_limit(PREFLIGHT_PORTS, HOST_POWER_D3HOT, "does not let this port sleep");
}
END_TEST

START_TEST(reason_why_a_port_may_sleep_is_told)
{
	rig_run(BDF);
	rig_item(PREFLIGHT_PORTS, "the BIOS is of 2023");
	make_hotplug();
	rig_run(BDF);
	rig_item(PREFLIGHT_PORTS, "a hot-plug port that the firmware lets sleep");
	fake_sysfs_file(&rig_sysfs, "pcie_port_pm=force", "proc/cmdline");
	rig_run(BDF);
	rig_item(PREFLIGHT_PORTS, "may sleep: pcie_port_pm=force");
}
END_TEST

/* --- what cuts the power -------------------------------------------------------------------------
 */

static void remove_resource(void)
{
	fake_sysfs_delete(&rig_sysfs,
			  "sys/devices/" PORT "/firmware_node/power_resources_D3hot/LNXPOWER:00");
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" PORT "/firmware_node/power_resources_D3hot");
}

static void give_device_a_resource(void)
{
	fake_sysfs_file(&rig_sysfs, "",
			"sys/devices/" DEVICE "/firmware_node/power_resources_D3hot/x");
}

START_TEST(port_without_power_resource_ends_at_d3hot)
{
	remove_resource();
	rig_expect_limit(PREFLIGHT_RESOURCE, HOST_POWER_D3HOT, "no power resource (_PR3)");
}
END_TEST

START_TEST(device_with_its_own_power_resource_needs_no_port)
{
	rig_port_stays_on();
	give_device_a_resource();
	rig_expect_none();
}
END_TEST

START_TEST(device_on_the_root_bus_has_nothing_that_cuts_its_power)
{
	rig_make_function("pci0000:00/0000:00:1f.2", "vfio-pci");
	rig_run("0000:00:1f.2");
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3HOT);
	rig_item(PREFLIGHT_RESOURCE, "root bus");
}
END_TEST

START_TEST(eject_method_beside_the_resource_of_the_port_spoils_it)
{
	fake_sysfs_file(&rig_sysfs, "", "sys/devices/" PORT "/firmware_node/eject");
	rig_expect_limit(PREFLIGHT_EJECT, HOST_POWER_D3HOT, "0000:00:01.0 has _EJ0");
}
END_TEST

START_TEST(eject_method_beside_the_resource_of_the_device_spoils_it)
{
	give_device_a_resource();
	fake_sysfs_file(&rig_sysfs, "", "sys/devices/" DEVICE "/firmware_node/eject");
	rig_expect_limit(PREFLIGHT_EJECT, HOST_POWER_D3HOT, "0000:01:00.0 has _EJ0");
}
END_TEST

/* Its power is the port's. */
START_TEST(eject_method_of_a_device_without_a_resource_does_not_matter)
{
	fake_sysfs_file(&rig_sysfs, "", "sys/devices/" DEVICE "/firmware_node/eject");
	rig_expect_none();
}
END_TEST

/* --- switches ------------------------------------------------------------------------------------
 */

#define SWITCH_UP   PORT "/0000:02:00.0"
#define SWITCH_DOWN SWITCH_UP "/0000:03:00.0"
#define OTHER_DOWN  SWITCH_UP "/0000:03:01.0"
#define BEHIND	    SWITCH_DOWN "/0000:04:00.0"

START_TEST(every_port_up_to_the_power_resource_counts)
{
	fake_sysfs_delete(&rig_sysfs, "sys/bus/pci/devices/" BDF);
	rig_make_port(SWITCH_UP);
	rig_make_port(SWITCH_DOWN);
	rig_make_port(OTHER_DOWN);
	fake_sysfs_file(&rig_sysfs, "suspended", "sys/devices/" OTHER_DOWN "/power/runtime_status");
	rig_make_function(BEHIND, "vfio-pci");
	rig_run("0000:04:00.0");
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3COLD);
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" SWITCH_UP "/power/control");
	fake_sysfs_file(&rig_sysfs, "active", "sys/devices/" OTHER_DOWN "/power/runtime_status");
	rig_run("0000:04:00.0");
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3HOT);
	ck_assert_uint_eq(rig_bad_items(), 2);
	rig_item(PREFLIGHT_CONTROL, "port 0000:02:00.0");
	/* Nobody can bind a port to vfio-pci. */
	ck_assert_str_eq(rig_item(PREFLIGHT_SIBLINGS, "port 0000:03:01.0 beside it")->fix, "");
}
END_TEST

/* A port nearer to the device has one, so the ports above that one need not sleep. */
START_TEST(ports_above_the_power_resource_do_not_count)
{
	fake_sysfs_delete(&rig_sysfs, "sys/bus/pci/devices/" BDF);
	rig_make_port(SWITCH_UP);
	rig_make_port(SWITCH_DOWN);
	rig_make_function(BEHIND, "vfio-pci");
	fake_sysfs_file(&rig_sysfs, "",
			"sys/devices/" SWITCH_DOWN "/firmware_node/power_resources_D3hot/x");
	rig_port_stays_on();
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" PORT "/power/control");
	rig_run("0000:04:00.0");
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3COLD);
	ck_assert_uint_eq(rig_bad_items(), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("preflight_ports");
	TCase *t = suite_case(s, "hosts", rig_make_host, rig_remove_host);

	tcase_add_test(t, d3cold_not_allowed_for_the_port_ends_at_d3hot);
	tcase_add_test(t, control_on_at_the_port_ends_at_d3hot);
	tcase_add_test(t, port_without_its_driver_stays_on);
	tcase_add_test(t, port_of_another_driver_stays_on);
	tcase_add_test(t, kernel_that_forbids_ports_to_sleep_is_named);
	tcase_add_test(t, off_comes_before_force);
	tcase_add_test(t, old_bios_is_named);
	tcase_add_test(t, old_bios_is_no_obstacle_to_a_port_that_may_sleep);
	tcase_add_test(t, host_without_a_bios_date_counts_as_old);
	tcase_add_test(t, hotplug_port_that_may_not_sleep_is_named);
	tcase_add_test(t, forced_port_that_stays_on_blames_the_firmware);
	tcase_add_test(t, new_bios_and_still_no_is_said_plainly);
	tcase_add_test(t, reason_why_a_port_may_sleep_is_told);
	tcase_add_test(t, port_without_power_resource_ends_at_d3hot);
	tcase_add_test(t, device_with_its_own_power_resource_needs_no_port);
	tcase_add_test(t, device_on_the_root_bus_has_nothing_that_cuts_its_power);
	tcase_add_test(t, eject_method_beside_the_resource_of_the_port_spoils_it);
	tcase_add_test(t, eject_method_beside_the_resource_of_the_device_spoils_it);
	tcase_add_test(t, eject_method_of_a_device_without_a_resource_does_not_matter);
	tcase_add_test(t, every_port_up_to_the_power_resource_counts);
	tcase_add_test(t, ports_above_the_power_resource_do_not_count);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
