/* SPDX-License-Identifier: BSD-3-Clause */
/* The wake signal of a function: found in its real config space, and offered as the policy says. */
#include "devices/vfio/pme.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_sysfs.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"

#define BDF	"0000:01:00.1"
#define ALL_PME (PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold)

static struct fake_sysfs sysfs;
static uint8_t config[256];
static char why[256];

/* A device with MSI at 0x50 and PM at 0xc8 behind it. */
static void make_device(void)
{
	fake_sysfs_make(&sysfs);
	fake_sysfs_file(&sysfs, "", "sys/bus/pci/devices/" BDF "/vendor");
	memset(config, 0, sizeof(config));
	config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config[PCI_CAPABILITY_LIST] = 0x50;
	config[0x50] = PCI_CAP_ID_MSI;
	config[0x51] = 0xc8;
	config[0xc8] = PCI_CAP_ID_PM;
	config[0xc8 + PCI_PM_PMC] = 0x22;
}

static void remove_device(void)
{
	fake_sysfs_remove(&sysfs);
}

static void write_config(size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/" BDF "/config", sysfs.root);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, config, len), (ssize_t)len);
	close(fd);
}

static void device_has(uint16_t pme)
{
	config[0xc8 + PCI_PM_PMC + 1] = (uint8_t)(pme >> 8);
	write_config(sizeof(config));
}

/* What the guest is offered; the line says @words. */
static void chooses(enum pme_policy policy, uint16_t offered, bool warns, const char *words)
{
	bool warn;

	ck_assert_uint_eq(pme_choose(sysfs.root, BDF, policy, &warn, why, sizeof(why)), offered);
	ck_assert_int_eq(warn, warns);
	ck_assert_msg(strstr(why, words), "%s", why);
}

static void reading_fails(int error)
{
	uint16_t support = 0x1234;

	ck_assert_int_eq(pme_read_support(sysfs.root, BDF, &support), error);
	ck_assert_uint_eq(support, 0x1234);
}

START_TEST(support_is_that_of_the_pm_capability_without_d1_and_d2)
{
	uint16_t support;

	device_has(PCI_PM_CAP_PME_MASK);
	ck_assert_int_eq(pme_read_support(sysfs.root, BDF, &support), 0);
	ck_assert_uint_eq(support, ALL_PME);
	device_has(PCI_PM_CAP_PME_D3hot);
	ck_assert_int_eq(pme_read_support(sysfs.root, BDF, &support), 0);
	ck_assert_uint_eq(support, PCI_PM_CAP_PME_D3hot);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
	reading_fails(-ENOENT); /* no such file */
	write_config(64);
	reading_fails(-EACCES);
	memset(config, 0xff, sizeof(config));
	write_config(sizeof(config));
	reading_fails(-EIO);
}
END_TEST

START_TEST(a_device_without_the_capability_has_none)
{
	config[0x51] = 0;
	write_config(sizeof(config));
	reading_fails(-ENOENT);
	config[PCI_STATUS] = 0;
	write_config(sizeof(config));
	reading_fails(-ENOENT);
}
END_TEST

START_TEST(a_chain_that_runs_in_circles_ends)
{
	config[0x51] = 0x50;
	write_config(sizeof(config));
	reading_fails(-ENOENT);
}
END_TEST

START_TEST(off_offers_none_and_reads_nothing)
{
	chooses(PME_POLICY_OFF, 0, false, "pme=off");
	device_has(ALL_PME);
	chooses(PME_POLICY_OFF, 0, false, "pme=off");
}
END_TEST

START_TEST(on_offers_what_the_device_has)
{
	device_has(PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold);
	chooses(PME_POLICY_ON, PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold, false,
		"PME from D3hot and D3cold");
}
END_TEST

START_TEST(on_without_d3cold_offers_the_rest_and_says_how_deep_that_goes)
{
	device_has(PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot);
	chooses(PME_POLICY_ON, PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot, true,
		"PME from D0 and D3hot, not from D3cold: a guest that arms it gets no deeper than "
		"D3hot");
}
END_TEST

START_TEST(on_with_a_device_that_has_none_or_does_not_tell_offers_none)
{
	device_has(0);
	chooses(PME_POLICY_ON, 0, true, "has no PME at all");
	write_config(64);
	chooses(PME_POLICY_ON, 0, true, "cannot be read (Permission denied)");
}
END_TEST

START_TEST(force_offers_all_and_says_what_the_device_lacks)
{
	device_has(PCI_PM_CAP_PME_D3hot);
	chooses(PME_POLICY_FORCE, ALL_PME, true,
		"the device's own is D3hot: a wake signal that it cannot send will not come");
	device_has(0);
	chooses(PME_POLICY_FORCE, ALL_PME, true, "the device's own is none");
	write_config(64);
	chooses(PME_POLICY_FORCE, ALL_PME, true, "cannot be read (Permission denied)");
	device_has(ALL_PME);
	chooses(PME_POLICY_FORCE, ALL_PME, false, "the device's own is D0, D3hot and D3cold");
}
END_TEST

/* --- wakes ---------------------------------------------------------------------------------------
 */

static void slot_with_pme(void)
{
	slot_rig_start_default(2);
	for (unsigned i = 0; i < 2; i++)
		host.functions[i].fake->device.pme_support = ALL_PME;
}

static bool status_of(unsigned i)
{
	uint32_t csr = fake_vfio_config_read(host.functions[i].fake, FAKE_VFIO_PM + PCI_PM_CTRL, 2);

	ck_assert_uint_ne(csr, 0xffff);
	return csr & PCI_PM_CTRL_PME_STATUS;
}

/* All of the way from what the host signals, as it does for a device that wakes itself. */
START_TEST(a_wake_is_in_the_status_of_the_function_that_is_notified)
{
	uint32_t wakes;

	go_cold();
	foreign_wake(1);
	wait_wake();
	wakes = power_slot_take_wakes(host.slot);
	ck_assert_uint_eq(wakes, 1 << 3);
	for (unsigned i = 0; i < 2; i++)
		pme_tell(&host.functions[i].fake->device, wakes);
	go_on();
	ck_assert(!status_of(0));
	ck_assert(status_of(1));
}
END_TEST

START_TEST(a_guest_that_comes_back_by_itself_finds_no_status)
{
	go_cold();
	for (unsigned i = 0; i < 2; i++)
		pme_tell(&host.functions[i].fake->device, power_slot_take_wakes(host.slot));
	go_on();
	ck_assert(!status_of(0) && !status_of(1));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("pme");
	TCase *t = suite_case(s, "support", make_device, remove_device);

	tcase_add_test(t, support_is_that_of_the_pm_capability_without_d1_and_d2);
	tcase_add_test(t, what_cannot_be_read_is_an_error);
	tcase_add_test(t, a_device_without_the_capability_has_none);
	tcase_add_test(t, a_chain_that_runs_in_circles_ends);

	t = suite_case(s, "policy", make_device, remove_device);
	tcase_add_test(t, off_offers_none_and_reads_nothing);
	tcase_add_test(t, on_offers_what_the_device_has);
	tcase_add_test(t, on_without_d3cold_offers_the_rest_and_says_how_deep_that_goes);
	tcase_add_test(t, on_with_a_device_that_has_none_or_does_not_tell_offers_none);
	tcase_add_test(t, force_offers_all_and_says_what_the_device_lacks);

	t = suite_case(s, "wakes", slot_with_pme, slot_rig_free);
	tcase_add_test(t, a_wake_is_in_the_status_of_the_function_that_is_notified);
	tcase_add_test(t, a_guest_that_comes_back_by_itself_finds_no_status);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
