/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that stay on the host: each is named, with what it means for the slot's power. */
#include "devices/vfio/left_out.h"

#include <string.h>

#include "tests/unit/host_rig.h"
#include "tests/unit/suite.h"

#define BESIDE PORT "/0000:01:00.1"

static char text[256];

static void attribute(const char *name, const char *value)
{
	fake_sysfs_file(&rig_sysfs, value, "sys/devices/" BESIDE "/%s", name);
}

/* Function 1 of the slot; its line says each of @words. */
static void says(bool awake, const char *first, const char *second)
{
	ck_assert_int_eq(left_out_describe(rig_sysfs.root, "0000:01:00.1", text, sizeof(text)),
			 awake);
	ck_assert_msg(!strncmp(text, "0000:01:00.1 (", 14), "%s", text);
	ck_assert_msg(strstr(text, first) && strstr(text, second), "%s", text);
	ck_assert_int_eq(strstr(text, "keeps the slot on") != NULL, awake);
}

START_TEST(function_that_sleeps_leaves_d3cold_possible)
{
	rig_make_function(BESIDE, "snd_hda_intel");
	says(false, "(snd_hda_intel)", "can go to D3cold");
}
END_TEST

START_TEST(function_of_a_host_driver_that_is_awake_keeps_the_slot_on)
{
	rig_make_function(BESIDE, "snd_hda_intel");
	attribute("power/runtime_status", "active");
	says(true, "(snd_hda_intel)", "its driver does not let it sleep");
}
END_TEST

START_TEST(function_whose_control_is_on_is_kept_awake_by_that)
{
	rig_make_function(BESIDE, "snd_hda_intel");
	attribute("power/runtime_status", "active");
	attribute("power/control", "on");
	says(true, "is active", "power/control is 'on'");
}
END_TEST

START_TEST(function_of_vfio_that_is_awake_belongs_to_another_program)
{
	rig_make_function(BESIDE, "vfio-pci");
	attribute("power/runtime_status", "active");
	says(true, "(vfio-pci)", "another program has it open");
}
END_TEST

START_TEST(function_without_a_driver_is_named_too)
{
	rig_make_function(BESIDE, NULL);
	says(false, "(no driver)", "sleeps");
	attribute("power/runtime_status", "active");
	says(true, "(no driver)", "should sleep soon");
}
END_TEST

START_TEST(function_whose_state_is_unknown_counts_as_awake)
{
	rig_make_function(BESIDE, "snd_hda_intel");
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" BESIDE "/power/runtime_status");
	says(true, "of unknown state", "snd_hda_intel");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("left_out");
	TCase *t = suite_case(s, "functions", rig_make_host, rig_remove_host);

	tcase_add_test(t, function_that_sleeps_leaves_d3cold_possible);
	tcase_add_test(t, function_of_a_host_driver_that_is_awake_keeps_the_slot_on);
	tcase_add_test(t, function_whose_control_is_on_is_kept_awake_by_that);
	tcase_add_test(t, function_of_vfio_that_is_awake_belongs_to_another_program);
	tcase_add_test(t, function_without_a_driver_is_named_too);
	tcase_add_test(t, function_whose_state_is_unknown_counts_as_awake);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
