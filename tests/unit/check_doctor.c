/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor's command line, and its report in both forms about made-up hosts. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/known_bad.h"
#include "tests/unit/host_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/doctor_options.h"
#include "vmm/doctor_report.h"

static struct doctor_options options;
static char why[256];

#define PARSE(...)                                                                             \
	({                                                                                     \
		char *argv[] = { __VA_ARGS__ };                                                \
		why[0] = '\0';                                                                 \
		doctor_options_parse(&options, (int)ARRAY_SIZE(argv), argv, why, sizeof(why)); \
	})

/* --- command line --------------------------------------------------------------------------------
 */

START_TEST(devices_are_made_canonical_and_counted_once)
{
	ck_assert_int_eq(
		PARSE("01:00.0", "--json", "0000:01:00.0", "/sys/bus/pci/devices/0001:02:1f.7/"),
		OPTIONS_RUN);
	ck_assert_uint_eq(options.nr, 2);
	ck_assert_str_eq(options.bdf[0], "0000:01:00.0");
	ck_assert_str_eq(options.bdf[1], "0001:02:1f.7");
	ck_assert(options.json);
	ck_assert(!options.try);
}
END_TEST

START_TEST(link_to_a_device_is_followed)
{
	char path[256];

	rig_make_host();
	fake_sysfs_link(&rig_sysfs, "../../../devices/" DEVICE, "sys/class/drm/card0/device");
	snprintf(path, sizeof(path), "%s/class/drm/card0/device", rig_sysfs.root);
	ck_assert_int_eq(PARSE(path), OPTIONS_RUN);
	ck_assert_str_eq(options.bdf[0], BDF);
	rig_remove_host();
}
END_TEST

START_TEST(no_device_means_all)
{
	ck_assert_int_eq(doctor_options_parse(&options, 0, NULL, why, sizeof(why)), OPTIONS_RUN);
	ck_assert_uint_eq(options.nr, 0);
}
END_TEST

START_TEST(what_is_no_device_is_refused_with_its_name)
{
	static char *const bad[] = { "",	"gpu",		"1:0.0",     "01:00",
				     "01:00.8", "01:20.0",	"/dev/null", "0000:01:00.0x",
				     "/",	"no/such/path", "01:00.0/.." };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(PARSE(bad[i]) == OPTIONS_ERROR, "taken: '%s'", bad[i]);
		ck_assert_ptr_nonnull(strstr(why, bad[i]));
		ck_assert_ptr_nonnull(strstr(why, "is no PCI device"));
	}
}
END_TEST

START_TEST(unknown_option_is_refused)
{
	ck_assert_int_eq(PARSE("--jsno"), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "unknown option --jsno"));
}
END_TEST

START_TEST(trial_wants_one_device)
{
	ck_assert_int_eq(PARSE("--try"), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "wants one device, and 0"));
	ck_assert_int_eq(PARSE("--try", "01:00.0", "01:00.1"), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "wants one device, and 2"));
	ck_assert_int_eq(PARSE("--try", "01:00.0"), OPTIONS_RUN);
	ck_assert(options.try);
}
END_TEST

START_TEST(more_devices_than_room_are_refused)
{
	static char names[DOCTOR_MAX_DEVICES + 1][16];
	static char *argv[DOCTOR_MAX_DEVICES + 1];

	for (unsigned i = 0; i <= DOCTOR_MAX_DEVICES; i++) {
		snprintf(names[i], sizeof(names[i]), "%02x:%02x.%x", i / 256, i / 8 % 32, i % 8);
		if (i == DOCTOR_MAX_DEVICES)
			strcpy(names[i], "ff:00.0");
		argv[i] = names[i];
	}
	ck_assert_int_eq(doctor_options_parse(&options, DOCTOR_MAX_DEVICES, argv, why, sizeof(why)),
			 OPTIONS_RUN);
	ck_assert_int_eq(
		doctor_options_parse(&options, DOCTOR_MAX_DEVICES + 1, argv, why, sizeof(why)),
		OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "more than 256"));
}
END_TEST

START_TEST(help_and_version_win)
{
	ck_assert_int_eq(PARSE("--help", "nonsense"), OPTIONS_HELP);
	ck_assert_int_eq(PARSE("--json", "-V"), OPTIONS_VERSION);
	/* What the man page and help say has to agree. */
	ck_assert_ptr_nonnull(strstr(help_doctor, "6 a device stops short"));
}
END_TEST

/* --- report --------------------------------------------------------------------------------------
 */

static char *text;
static json_t *json;

static const struct doctor_try good_trial = {
	.before = { HOST_POWER_D3COLD, HOST_POWER_D3COLD },
	.backend = POWER_BACKEND_LOWPOWER,
	.entry_ns = 400000,
	.reached_ns = 70300000,
	.reached = { HOST_POWER_D3COLD, HOST_POWER_D3COLD },
	.exit_ns = 165000000,
	.alive = true,
	.after = { HOST_POWER_D3COLD, HOST_POWER_D3COLD },
	.restored = true,
};

/* Both forms of the report on BDF, with their status. */
static enum doctor_status report(const struct doctor_try *trial)
{
	enum doctor_status status;
	size_t size;
	FILE *out;

	rig_run(BDF);
	free(text);
	json_decref(json);
	out = open_memstream(&text, &size);
	doctor_print(out, &rig_report, trial);
	fclose(out);
	json = doctor_json(&rig_report, trial);
	ck_assert_ptr_nonnull(json);
	status = doctor_judge(&rig_report, trial);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), status);
	return status;
}

static void expect_text(const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in:\n%s", words, text);
}

static void expect_json(const char *key, const char *value)
{
	const char *found = json_string_value(json_object_get(json, key));

	ck_assert_msg(found && !strcmp(found, value), "%s is %s, not %s", key, found, value);
}

static void set_up(void)
{
	rig_make_host();
	text = NULL;
	json = NULL;
}

static void tear_down(void)
{
	free(text);
	json_decref(json);
	rig_remove_host();
}

START_TEST(good_host_has_a_good_verdict)
{
	ck_assert_int_eq(report(NULL), DOCTOR_ALL_COLD);
	expect_text("0000:01:00.0  1af4:1050  class 030000  vfio-pci\n");
	expect_text("\n  => reaches D3cold\n");
	expect_json("verdict", "reaches D3cold");
	expect_json("deepest", "D3cold");
	expect_json("driver", "vfio-pci");
	ck_assert(json_is_null(json_object_get(json, "reason")));
	ck_assert_ptr_null(json_object_get(json, "try"));
}
END_TEST

START_TEST(limit_has_its_reason_and_its_command)
{
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	ck_assert_int_eq(report(NULL), DOCTOR_LIMITED);
	expect_text("\n  limits d3cold    port 0000:00:01.0: d3cold_allowed is 0\n"
		    "        echo 1 > /sys/bus/pci/devices/0000:00:01.0/d3cold_allowed\n");
	expect_text("\n  => D3hot only: port 0000:00:01.0: d3cold_allowed is 0\n");
	expect_json("verdict", "D3hot only");
	expect_json("reason", "port 0000:00:01.0: d3cold_allowed is 0");
	expect_json("deepest", "D3hot");
}
END_TEST

START_TEST(device_that_cannot_suspend_is_d0_only)
{
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" DEVICE "/power/control");
	ck_assert_int_eq(report(NULL), DOCTOR_LIMITED);
	expect_text("=> D0 only: 0000:01:00.0: power/control is 'on'\n");
}
END_TEST

START_TEST(blocked_device_says_what_blocks_and_not_what_limits)
{
	fake_sysfs_file(&rig_sysfs, "on", "sys/devices/" DEVICE "/power/control");
	fake_sysfs_link(&rig_sysfs, "/x/drivers/nvme", "sys/devices/" DEVICE "/driver");
	ck_assert_int_eq(report(NULL), DOCTOR_BLOCKED);
	expect_text(
		"=> cannot be passed through: 0000:01:00.0 is bound to nvme, not to vfio-pci\n");
	expect_text("        modprobe vfio-pci\n        echo vfio-pci > ");
	expect_json("verdict", "cannot be passed through");
	/* What it could reach is told all the same. */
	expect_json("deepest", "D0");
}
END_TEST

START_TEST(lines_fit_in_80_columns_but_commands_stay_whole)
{
	rig_make_function(PORT "/0000:01:00.1", "e1000e");
	fake_sysfs_file(&rig_sysfs, "active",
			"sys/devices/" PORT "/0000:01:00.1/power/runtime_status");
	fake_sysfs_file(&rig_sysfs, "Y", "sys/module/vfio_pci/parameters/disable_idle_d3");
	fake_sysfs_file(&rig_sysfs, "0x10de", "sys/devices/" DEVICE "/vendor");
	fake_sysfs_file(&rig_sysfs, "0x2b85", "sys/devices/" DEVICE "/device");
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/reset_method");
	fake_sysfs_file(&rig_sysfs, "enabled", "sys/devices/" DEVICE "/power/wakeup");
	rig_port_stays_on();
	report(NULL);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 80 || strstr(line, "        for d in ") ||
				      strstr(line, "        # see https://"),
			      "%zu columns: %s", strlen(line), line);
}
END_TEST

static bool is_command(const char *line)
{
	static const char *const programs[] = { "echo ", "modprobe ", "for d in ", "chown ",
						"ulimit " };

	for (unsigned i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strncmp(line, programs[i], strlen(programs[i])))
			return true;
	return false;
}

/* Each line eight columns in is a command or a comment. */
static void expect_shell(void)
{
	unsigned nr = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, "        ", 8) || line[8] == ' ')
			continue;
		ck_assert_msg(!strncmp(line + 8, "# ", 2) || is_command(line + 8), "neither: %s",
			      line);
		nr++;
	}
	ck_assert_uint_gt(nr, 0);
}

START_TEST(what_to_do_can_be_pasted_into_a_shell)
{
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/iommu_group");
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/driver");
	fake_sysfs_file(&rig_sysfs, "Y", "sys/module/vfio_pci/parameters/disable_idle_d3");
	rig_make_function(PORT "/0000:01:00.1", "e1000e");
	fake_sysfs_file(&rig_sysfs, "active",
			"sys/devices/" PORT "/0000:01:00.1/power/runtime_status");
	rig_port_stays_on();
	report(NULL);
	expect_text("\n        # or, if its driver can let it sleep:\n        echo auto > ");
	expect_shell();
}
END_TEST

START_TEST(advice_about_each_known_card_is_a_comment)
{
	const char *list = known_bad_text;
	struct known_bad bad;
	char id[8];

	while (known_bad_next(&list, &bad)) {
		snprintf(id, sizeof(id), "0x%04x", bad.vendor);
		fake_sysfs_file(&rig_sysfs, id, "sys/devices/" DEVICE "/vendor");
		snprintf(id, sizeof(id), "0x%04x", bad.device);
		fake_sysfs_file(&rig_sysfs, id, "sys/devices/" DEVICE "/device");
		report(NULL);
		expect_text("\n        # see https://");
		expect_shell();
	}
}
END_TEST

/* Everything that the text says is in the JSON, word by word. */
START_TEST(both_forms_say_the_same)
{
	json_t *links, *item;
	size_t i;

	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" DEVICE "/d3cold_allowed");
	report(NULL);
	links = json_object_get(json, "links");
	ck_assert_uint_eq(json_array_size(links), rig_report.nr);
	json_array_foreach(links, i, item)
	{
		const struct preflight_item *found = &rig_report.items[i];

		ck_assert_str_eq(json_string_value(json_object_get(item, "text")), found->text);
		ck_assert_str_eq(json_string_value(json_object_get(item, "link")),
				 preflight_link_name(found->link));
		ck_assert_str_eq(json_string_value(json_object_get(item, "status")),
				 preflight_status_name(found->status));
		ck_assert_int_eq(json_object_get(item, "limit") != NULL,
				 found->status == PREFLIGHT_LIMITS);
	}
}
END_TEST

START_TEST(commands_are_lines_of_an_array)
{
	json_t *item, *fix = NULL;
	size_t i;

	fake_sysfs_delete(&rig_sysfs, "sys/devices/" DEVICE "/driver");
	report(NULL);
	ck_assert(json_is_null(json_object_get(json, "driver")));
	json_array_foreach(json_object_get(json, "links"), i,
			   item) if (!strcmp(json_string_value(json_object_get(item, "link")),
					     "driver")) fix = json_object_get(item, "fix");
	ck_assert_uint_eq(json_array_size(fix), 3);
	ck_assert_str_eq(json_string_value(json_array_get(fix, 0)), "modprobe vfio-pci");
}
END_TEST

/* --- trial ---------------------------------------------------------------------------------------
 */

START_TEST(trial_tells_times_and_states)
{
	json_t *trial;

	ck_assert_int_eq(report(&good_trial), DOCTOR_ALL_COLD);
	expect_text(
		"  reached          D3cold, port D3cold after 70.3 ms (the call took 0.4 ms)\n");
	expect_text("  exit             the device answers after 165.0 ms\n");
	expect_text("  afterwards       D3cold, port D3cold, as before\n");
	expect_text("=> reached D3cold and came back\n");
	trial = json_object_get(json, "try");
	ck_assert_int_eq(json_integer_value(json_object_get(trial, "reached_ns")), 70300000);
	ck_assert_str_eq(json_string_value(json_object_get(trial, "backend")), "lowpower");
	ck_assert(json_is_true(json_object_get(trial, "restored")));
}
END_TEST

/* What was seen counts, not what was expected. */
START_TEST(trial_that_stops_short_is_limited_even_if_all_links_are_ok)
{
	struct doctor_try trial = good_trial;

	trial.reached.device = trial.reached.port = HOST_POWER_D3HOT;
	ck_assert_int_eq(report(&trial), DOCTOR_LIMITED);
	expect_text("=> did not reach D3cold: the links above do not say why\n");
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	ck_assert_int_eq(report(&trial), DOCTOR_LIMITED);
	expect_text("=> did not reach D3cold: port 0000:00:01.0: d3cold_allowed is 0\n");
}
END_TEST

START_TEST(trial_that_reaches_d3cold_overrules_the_links)
{
	fake_sysfs_file(&rig_sysfs, "0", "sys/devices/" PORT "/d3cold_allowed");
	ck_assert_int_eq(report(&good_trial), DOCTOR_ALL_COLD);
	ck_assert(json_is_null(json_object_get(json, "reason")));
}
END_TEST

START_TEST(device_that_does_not_come_back_is_an_error)
{
	struct doctor_try trial = good_trial;

	trial.alive = trial.restored = false;
	trial.exit_rc = -5;
	ck_assert_int_eq(report(&trial), DOCTOR_ERROR);
	expect_text("the device does not answer after 165.0 ms (Input/output error)\n");
	expect_text("=> did not come back: switch the host off and on\n");
	ck_assert_ptr_null(strstr(text, "as before"));
}
END_TEST

START_TEST(failed_entry_is_told)
{
	struct doctor_try trial = good_trial;

	trial.entry_rc = -22;
	trial.reached.device = HOST_POWER_D0;
	trial.reached.port = HOST_POWER_UNKNOWN;
	ck_assert_int_eq(report(&trial), DOCTOR_LIMITED);
	expect_text("  entry            failed: Invalid argument\n");
	expect_text("  reached          D0 after");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("doctor");
	TCase *t = suite_case(s, "options", NULL, NULL);

	tcase_add_test(t, devices_are_made_canonical_and_counted_once);
	tcase_add_test(t, link_to_a_device_is_followed);
	tcase_add_test(t, no_device_means_all);
	tcase_add_test(t, what_is_no_device_is_refused_with_its_name);
	tcase_add_test(t, unknown_option_is_refused);
	tcase_add_test(t, trial_wants_one_device);
	tcase_add_test(t, more_devices_than_room_are_refused);
	tcase_add_test(t, help_and_version_win);
	t = suite_case(s, "report", set_up, tear_down);
	tcase_add_test(t, good_host_has_a_good_verdict);
	tcase_add_test(t, limit_has_its_reason_and_its_command);
	tcase_add_test(t, device_that_cannot_suspend_is_d0_only);
	tcase_add_test(t, blocked_device_says_what_blocks_and_not_what_limits);
	tcase_add_test(t, lines_fit_in_80_columns_but_commands_stay_whole);
	tcase_add_test(t, what_to_do_can_be_pasted_into_a_shell);
	tcase_add_test(t, advice_about_each_known_card_is_a_comment);
	tcase_add_test(t, both_forms_say_the_same);
	tcase_add_test(t, commands_are_lines_of_an_array);
	t = suite_case(s, "trial", set_up, tear_down);
	tcase_add_test(t, trial_tells_times_and_states);
	tcase_add_test(t, trial_that_stops_short_is_limited_even_if_all_links_are_ok);
	tcase_add_test(t, trial_that_reaches_d3cold_overrules_the_links);
	tcase_add_test(t, device_that_does_not_come_back_is_an_error);
	tcase_add_test(t, failed_entry_is_told);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
