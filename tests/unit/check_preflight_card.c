/* SPDX-License-Identifier: BSD-3-Clause */
/* What the preflight says about resets, reports of others, the kernel and locked memory. Each test
 * spoils one thing of a good host. */
#include <stdint.h>
#include <string.h>

#include "tests/unit/host_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

static void set_methods(const char *methods)
{
	fake_sysfs_file(&rig_sysfs, methods, "sys/devices/" DEVICE "/reset_method");
}

START_TEST(reset_methods_are_told)
{
	rig_run(BDF);
	rig_item(PREFLIGHT_RESET, "can be reset: flr bus");
	rig_item(PREFLIGHT_RESET, "its port can reset the bus");
}
END_TEST

START_TEST(card_that_only_knows_pm_has_no_way_back)
{
	set_methods("pm");
	fake_sysfs_file(&rig_sysfs, "pm", "sys/devices/" PORT "/reset_method");
	rig_run(BDF);
	ck_assert_int_eq(rig_item(PREFLIGHT_RESET, "a trip through D3hot")->status, PREFLIGHT_NOTE);
	ck_assert_int_eq(rig_item(PREFLIGHT_RESET,
				  "off and on brings it back (resets of port 0000:00:01.0: pm)")
				 ->status,
			 PREFLIGHT_NOTE);
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3COLD);
}
END_TEST

START_TEST(card_without_resets_is_noted)
{
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/reset_method");
	rig_run(BDF);
	rig_item(PREFLIGHT_RESET, "knows no reset for 0000:01:00.0");
	rig_item(PREFLIGHT_RESET, "resets of port 0000:00:01.0: none");
}
END_TEST

START_TEST(flr_alone_does_not_bring_a_lost_card_back)
{
	set_methods("flr");
	rig_expect_note(PREFLIGHT_RESET, "if it is ever lost, only switching the host");
}
END_TEST

START_TEST(method_whose_name_has_bus_in_it_is_not_bus)
{
	set_methods("flr cxl_bus");
	rig_expect_note(PREFLIGHT_RESET, "if it is ever lost, only switching the host");
}
END_TEST

START_TEST(bus_reset_of_the_port_is_a_way_back)
{
	set_methods("flr");
	fake_sysfs_file(&rig_sysfs, "pm bus", "sys/devices/" PORT "/reset_method");
	rig_expect_none();
}
END_TEST

START_TEST(hotplug_slot_with_power_is_a_way_back)
{
	set_methods("flr");
	fake_sysfs_file(&rig_sysfs, "0000:02:00", "sys/bus/pci/slots/6/address");
	fake_sysfs_file(&rig_sysfs, "1", "sys/bus/pci/slots/6/power");
	rig_expect_note(PREFLIGHT_RESET, "only switching the host");
	fake_sysfs_file(&rig_sysfs, "0000:01:00", "sys/bus/pci/slots/7/address");
	rig_expect_note(PREFLIGHT_RESET, "only switching the host");
	fake_sysfs_file(&rig_sysfs, "1", "sys/bus/pci/slots/7/power");
	rig_expect_none();
	rig_item(PREFLIGHT_RESET, "hot-plug slot 7");
}
END_TEST

START_TEST(known_bad_card_is_warned_about_and_not_stopped)
{
	fake_sysfs_file(&rig_sysfs, "0x10de", "sys/devices/" DEVICE "/vendor");
	fake_sysfs_file(&rig_sysfs, "0x1b38", "sys/devices/" DEVICE "/device");
	rig_expect_note(PREFLIGHT_KNOWN_BAD, "Tesla P40");
	rig_item(PREFLIGHT_KNOWN_BAD, "# see https://");
}
END_TEST

START_TEST(card_without_a_report_is_fine)
{
	rig_run(BDF);
	rig_item(PREFLIGHT_KNOWN_BAD, "no report about 1af4:1050");
}
END_TEST

/* --- the kernel ----------------------------------------------------------------------------------
 */

START_TEST(kernel_before_low_power_ends_at_d3hot)
{
	fake_sysfs_file(&rig_sysfs, "6.0.12-custom", "proc/sys/kernel/osrelease");
	rig_expect_limit(PREFLIGHT_KERNEL, HOST_POWER_D3HOT, "6.0.12-custom");
	fake_sysfs_file(&rig_sysfs, "5.19.0", "proc/sys/kernel/osrelease");
	rig_expect_limit(PREFLIGHT_KERNEL, HOST_POWER_D3HOT, "run Linux 6.1 or later");
}
END_TEST

START_TEST(kernels_with_low_power_will_do)
{
	static const char *const releases[] = { "6.1.0-44-amd64", "6.12.117", "7.0.0-rc1", "10.2" };

	for (unsigned i = 0; i < ARRAY_SIZE(releases); i++) {
		fake_sysfs_file(&rig_sysfs, releases[i], "proc/sys/kernel/osrelease");
		rig_expect_none();
	}
}
END_TEST

START_TEST(unreadable_release_is_noted)
{
	fake_sysfs_file(&rig_sysfs, "none", "proc/sys/kernel/osrelease");
	rig_expect_note(PREFLIGHT_KERNEL, "cannot be read");
}
END_TEST

START_TEST(driver_from_outside_the_tree_is_told)
{
	fake_sysfs_file(&rig_sysfs, "OE", "sys/module/vfio_pci_core/taint");
	rig_expect_none();
	rig_item(PREFLIGHT_KERNEL, "not the kernel's own");
	fake_sysfs_file(&rig_sysfs, "", "sys/module/vfio_pci_core/taint");
	rig_run(BDF);
	rig_item(PREFLIGHT_KERNEL, "without D3cold on request");
	/* Other modules have versions, too. */
	fake_sysfs_file(&rig_sysfs, "0.2", "sys/module/vfio_pci_core/version");
	rig_run(BDF);
	rig_item(PREFLIGHT_KERNEL, "without D3cold on request");
	fake_sysfs_file(&rig_sysfs, "coldvm-0.1.0", "sys/module/vfio_pci_core/version");
	fake_sysfs_file(&rig_sysfs, "OE", "sys/module/vfio_pci_core/taint");
	rig_run(BDF);
	rig_item(PREFLIGHT_KERNEL, "is the patched one (coldvm-0.1.0): D3cold on request");
}
END_TEST

/* --- locked memory -------------------------------------------------------------------------------
 */

START_TEST(memlock_limit_is_noted_with_its_value)
{
	rig_run(BDF);
	preflight_add_memlock(&rig_report, MIB(8), false);
	ck_assert_int_eq(rig_item(PREFLIGHT_MEMLOCK, "is 8 MiB")->status, PREFLIGHT_NOTE);
	rig_item(PREFLIGHT_MEMLOCK, "ulimit -l unlimited\n# or LimitMEMLOCK=infinity");
}
END_TEST

START_TEST(memlock_without_limit_or_with_privilege_is_fine)
{
	rig_run(BDF);
	preflight_add_memlock(&rig_report, UINT64_MAX, false);
	ck_assert_int_eq(rig_item(PREFLIGHT_MEMLOCK, "without a limit")->status, PREFLIGHT_OK);
	rig_run(BDF);
	preflight_add_memlock(&rig_report, MIB(8), true);
	ck_assert_int_eq(rig_item(PREFLIGHT_MEMLOCK, "CAP_IPC_LOCK")->status, PREFLIGHT_OK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("preflight_card");
	TCase *t = suite_case(s, "hosts", rig_make_host, rig_remove_host);

	tcase_add_test(t, reset_methods_are_told);
	tcase_add_test(t, card_that_only_knows_pm_has_no_way_back);
	tcase_add_test(t, card_without_resets_is_noted);
	tcase_add_test(t, flr_alone_does_not_bring_a_lost_card_back);
	tcase_add_test(t, method_whose_name_has_bus_in_it_is_not_bus);
	tcase_add_test(t, bus_reset_of_the_port_is_a_way_back);
	tcase_add_test(t, hotplug_slot_with_power_is_a_way_back);
	tcase_add_test(t, known_bad_card_is_warned_about_and_not_stopped);
	tcase_add_test(t, card_without_a_report_is_fine);
	tcase_add_test(t, kernel_before_low_power_ends_at_d3hot);
	tcase_add_test(t, kernels_with_low_power_will_do);
	tcase_add_test(t, unreadable_release_is_noted);
	tcase_add_test(t, driver_from_outside_the_tree_is_told);
	tcase_add_test(t, memlock_limit_is_noted_with_its_value);
	tcase_add_test(t, memlock_without_limit_or_with_privilege_is_fine);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
