// SPDX-License-Identifier: BSD-3-Clause
// Holds the host's vfio-pci to its promises about power, with no VMM between.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/modes.h"
#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"

#define USAGE_STATUS 2

static const char usage[] =
	"usage: conform [--power-log COMMAND] [--only ROW] BDF...   a line per promise\n"
	"       conform dead BDF COMMAND          EXIT's verdict on a slot that COMMAND breaks\n"
	"       conform storm BDF0 BDF1 SECONDS   two functions of a slot, all at once\n"
	"       conform cycles [--leak] BDF N     N ENTERs and EXITs; --leak plants a leak\n"
	"       conform times BDF                 what ENTER and EXIT take\n"
	"BDF is bound to vfio-pci, as 0000:01:00.0. Status: 0 kept, 1 broken, 2 bad usage.\n";

int usage_say(const char *format, ...)
{
	va_list args;

	fputs("conform: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n%s", usage);
	return USAGE_STATUS;
}

bool bdf_usable(const char *bdf)
{
	if (strlen(bdf) + 1 > BDF_SIZE || !bdf_number(bdf)) {
		fprintf(stderr, "conform: '%s' is no PCI address, as 0000:01:00.0 is\n", bdf);
		return false;
	}
	if (power_state(bdf) < 0) {
		fprintf(stderr, "conform: there is no device %s here\n", bdf);
		return false;
	}
	return true;
}

static bool each_runs(const struct row *row, struct group_list *groups, const char *bdf,
		      struct result *result)
{
	struct device device;
	bool holds;

	if (row->closed)
		return row->closed(groups, bdf, result);
	if (device_open(&device, groups, bdf))
		return result_fail(result, "%s does not open", bdf);
	if (siblings_settle(bdf))
		holds = row->each(&device, result);
	else
		holds = result_fail(result, "%s: another function of its slot does not sleep", bdf);
	device_close(&device);
	return holds;
}

static void pair_runs(const struct row *row, struct group_list *groups, char **bdfs, int count,
		      struct result *result)
{
	for (int i = 0; i + 1 < count; i++) {
		struct device first, second;

		if (bdf_number(bdfs[i]) >> 3 != bdf_number(bdfs[i + 1]) >> 3)
			continue;
		if (device_open(&first, groups, bdfs[i])) {
			result_fail(result, "%s does not open", bdfs[i]);
			return;
		}
		if (device_open(&second, groups, bdfs[i + 1]))
			result_fail(result, "%s does not open", bdfs[i + 1]);
		else
			row->pair(&first, &second, result);
		device_close(&second);
		device_close(&first);
		return;
	}
	result_not_offered(result, "needs two functions of one slot, next to each other");
}

/* A row holds if it holds for each function that it can be asked of. */
static void row_run(const struct row *row, struct group_list *groups, char **bdfs, int count,
		    struct result *result)
{
	struct result all = { 0 };
	int asked = 0;

	if (row->pair) {
		pair_runs(row, groups, bdfs, count, result);
		return;
	}
	for (int i = 0; i < count; i++) {
		struct result one = { 0 };

		each_runs(row, groups, bdfs[i], &one);
		if (one.verdict == VERDICT_FAIL) {
			*result = one;
			return;
		}
		result_note(&all, "%s", one.seen);
		asked += one.verdict == VERDICT_PASS;
	}
	*result = all;
	if (!asked)
		result->verdict = VERDICT_NOT_OFFERED;
}

static int rows_main(int argc, char **argv)
{
	struct group_list groups = { 0 };
	const char *only = NULL;
	struct device device;
	int first = 1, failed = 0, ran = 0;
	bool offered;

	while (first + 1 < argc && argv[first][0] == '-') {
		if (!strcmp(argv[first], "--power-log"))
			power_log_use(argv[first + 1]);
		else if (!strcmp(argv[first], "--only"))
			only = argv[first + 1];
		else
			return usage_say("unknown option '%s'", argv[first]);
		first += 2;
	}
	if (first >= argc)
		return usage_say("no device is named");
	for (int i = first; i < argc; i++)
		if (!bdf_usable(argv[i]))
			return USAGE_STATUS;
	if (device_open(&device, &groups, argv[first]))
		return 1;
	offered = d3cold_offered(device.fd);
	device_close(&device);
	for (size_t i = 0; i < row_count; i++) {
		struct result result = { 0 };

		if (only && strcmp(only, rows[i].id))
			continue;
		ran++;
		if (rows[i].explicit_only && !offered)
			result_not_offered(&result, "this kernel has no feature 0x%x",
					   VFIO_DEVICE_FEATURE_PCI_D3COLD);
		else
			row_run(&rows[i], &groups, argv + first, argc - first, &result);
		result_print(&result, rows[i].id);
		failed += result.verdict == VERDICT_FAIL;
	}
	if (!ran)
		return usage_say("there is no row '%s'", only);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} modes[] = {
		{ "dead", dead_main },
		{ "storm", storm_main },
		{ "cycles", cycles_main },
		{ "times", times_main },
	};

	bus_error_catch();
	if (argc < 2)
		return usage_say("no device is named");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run(argc - 1, argv + 1);
	return rows_main(argc, argv);
}
