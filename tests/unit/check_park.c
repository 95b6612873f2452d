/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `coldvm park`, and what it makes of events. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/park_options.h"
#include "vmm/park_report.h"

/* --- options ------------------------------------------------------------------------------------
 */

static struct park_options options;
static char why[256];

/* @line is cut at blanks. */
static enum options_result parse(const char *line)
{
	static char copy[8192];
	static char *args[256];
	char *rest = copy;
	int n = 0;

	ck_assert_uint_lt(strlen(line), sizeof(copy));
	strcpy(copy, line);
	for (char *arg; (arg = strsep(&rest, " "));)
		if (*arg)
			args[n++] = arg;
	memset(&options, 0xff, sizeof(options));
	why[0] = '\0';
	return park_options_parse(&options, n, args, why, sizeof(why));
}

static void ok(const char *line)
{
	ck_assert_msg(parse(line) == OPTIONS_RUN, "'%s': %s", line, why);
}

static void bad(const char *line, const char *complaint)
{
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	ck_assert_str_eq(why, complaint);
}

START_TEST(devices_are_named_plainly)
{
	ok("01:00.0 /sys/bus/pci/devices/0000:01:00.1/");
	ck_assert_uint_eq(options.vm.nr_devices, 2);
	ck_assert_str_eq(options.vm.devices[0].path, "01:00.0");
	ck_assert_str_eq(options.vm.devices[1].path, "/sys/bus/pci/devices/0000:01:00.1/");
	ck_assert_uint_eq(options.vm.verbose, 0);
	ck_assert_int_eq(options.vm.event_fd, -1);
}
END_TEST

START_TEST(or_with_keys_and_other_options)
{
	ok("-vv 01:00.0 --device path=02:00.0,functions=all,max-wakes-per-min=6 "
	   "--event-monitor path=events.json 03:00.0");
	ck_assert_uint_eq(options.vm.nr_devices, 3);
	ck_assert_uint_eq(options.vm.devices[1].max_wakes_per_min, 6);
	ck_assert(options.vm.devices[1].all_functions);
	ck_assert_str_eq(options.vm.devices[2].path, "03:00.0");
	ck_assert_str_eq(options.vm.event_path, "events.json");
	ck_assert_uint_eq(options.vm.verbose, 2);
	ok("01:00.0 --event-monitor=fd=7");
	ck_assert_int_eq(options.vm.event_fd, 7);
}
END_TEST

START_TEST(help_and_version_are_asked_for)
{
	ck_assert_int_eq(parse("--help"), OPTIONS_HELP);
	ck_assert_int_eq(parse("-h"), OPTIONS_HELP);
	ck_assert_int_eq(parse("--version"), OPTIONS_VERSION);
}
END_TEST

START_TEST(what_is_of_a_vm_alone_is_refused)
{
	bad("--kernel k 01:00.0", "park: unknown option --kernel: see coldvm park --help");
	bad("01:00.0 --cpus=boot=2", "park: unknown option --cpus=boot=2: see coldvm park --help");
	bad("01:00.0 --devices path=a", "park: unknown option --devices: see coldvm park --help");
}
END_TEST

START_TEST(a_device_has_to_be_named)
{
	bad("", "park: say which devices: coldvm park 0000:01:00.0");
	bad("-v", "park: say which devices: coldvm park 0000:01:00.0");
	bad("01:00.0,power=on", "park: '01:00.0,power=on' is no PCI device");
	bad("--device", "--device wants a value");
}
END_TEST

START_TEST(sixty_four_devices_and_no_more)
{
	char line[2048] = "";

	for (unsigned i = 0; i < OPTIONS_MAX_DEVICES; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " %02x:00.0", i);
	ok(line);
	ck_assert_uint_eq(options.vm.nr_devices, OPTIONS_MAX_DEVICES);
	strcat(line, " ff:00.0");
	bad(line, "park: more than 64 devices");
}
END_TEST

START_TEST(many_flags_do_not_overflow)
{
	char line[2048] = "01:00.0";

	for (unsigned i = 0; i < 250; i++)
		strcat(line, " -v");
	ok(line);
	strcat(line, " -v -v -v -v -v");
	bad(line, "park: too many arguments");
}
END_TEST

/* --- news ---------------------------------------------------------------------------------------
 */

#define EVENT(name, properties)                    \
	"{\"source\":\"device\",\"event\":\"" name \
	"\",\"properties\":{\"id\":\"0000:01:00.0\"," properties "\"slot\":0}}\n"

static const struct {
	const char *line, *text;
	bool released, failed;
} news[] = {
	{ EVENT("power-d3cold", "\"port_state\":\"D3cold\",\"since_ns\":14479533,"),
	  "0000:01:00.0: D3cold, port D3cold, after 14 ms", false, false },
	{ EVENT("power-deadline", "\"device_state\":\"D3hot\",\"port_state\":\"D0\","),
	  "0000:01:00.0: not in D3cold: device D3hot, port D0 (coldvm doctor 0000:01:00.0 says "
	  "why)",
	  false, false },
	{ EVENT("power-wake", "\"told\":false,\"again_ns\":0,"),
	  "0000:01:00.0: woken by the host; low power is asked for again", false, false },
	{ EVENT("power-wake", "\"told\":false,\"again_ns\":42000000000,"),
	  "0000:01:00.0: woken by the host once more; it may stay awake for 42000 ms", false,
	  false },
	{ EVENT("power-entry-issued", "\"functions\":[{\"id\":\"a\",\"rc\":0},{\"id\":\"b\","
				      "\"rc\":-16}],"),
	  "b: the host refused low power: Device or resource busy", false, false },
	{ EVENT("power-entry-issued", "\"functions\":[{\"id\":\"a\",\"rc\":0}],"), "", false,
	  false },
	{ EVENT("power-alive", "\"since_ns\":150000000,"), "0000:01:00.0: awake after 150 ms",
	  false, false },
	{ EVENT("power-recovered", "\"by\":\"reset\","),
	  "0000:01:00.0: did not wake in order, but by reset", false, false },
	{ EVENT("power-failed", "\"device_state\":\"D3cold\",\"port_state\":\"D0\","),
	  "0000:01:00.0: did not come back: device D3cold, port D0", false, true },
	{ EVENT("device-released", ""), "0000:01:00.0: given back to the host, which asked for it",
	  true, false },
	{ EVENT("power-off-asked", ""), "", false, false },
	{ "{\"event\":\"power-d3cold\"}\n", "?: D3cold, port ?, after 0 ms", false, false },
	{ "{\"event\":7}\n", "", false, false },
	{ "no JSON\n", "", false, false },
	{ "", "", false, false },
};

START_TEST(each_event_has_its_sentence)
{
	struct park_news got;

	park_report(news[_i].line, strlen(news[_i].line), &got);
	ck_assert_str_eq(got.text, news[_i].text);
	ck_assert_int_eq(got.released, news[_i].released);
	ck_assert_int_eq(got.failed, news[_i].failed);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("park");
	TCase *t = suite_case(s, "options", NULL, NULL);

	tcase_add_test(t, devices_are_named_plainly);
	tcase_add_test(t, or_with_keys_and_other_options);
	tcase_add_test(t, help_and_version_are_asked_for);
	tcase_add_test(t, what_is_of_a_vm_alone_is_refused);
	tcase_add_test(t, a_device_has_to_be_named);
	tcase_add_test(t, sixty_four_devices_and_no_more);
	tcase_add_test(t, many_flags_do_not_overflow);

	t = suite_case(s, "news", NULL, NULL);
	tcase_add_loop_test(t, each_event_has_its_sentence, 0, ARRAY_SIZE(news));
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
