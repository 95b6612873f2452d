/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices by name, and the few options of `coldvm run` that make sense without a VM. */
#include "vmm/park_options.h"

#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"

const char help_park[] =
	"coldvm park [options] DEVICE...\n"
	"\n"
	"Keeps devices that no VM uses in D3cold through vfio-pci, until SIGTERM or SIGINT. Says\n"
	"how deep each gets, and asks again after the host has woken one. Needs no KVM. DEVICE is\n"
	"an address (0000:01:00.0, 01:00.0) or a sysfs path; all functions of a slot have to be\n"
	"parked, or asleep, for the slot to lose its power.\n"
	"\n"
	"  --device path=DEVICE,...   the same, with keys of coldvm run: functions=all, backend,\n"
	"                             power, max-wakes-per-min, force, fd=N\n"
	"  --platform iommufd=auto|on|off,iommufd_fd=N   through iommufd, or by group\n"
	"  --event-monitor path=F|fd=N   events as JSON lines\n"
	"  -v, -vv                    say more on standard error\n"
	"\n"
	"Exit status: 0 ended by a signal or by the host, which asked for its devices back, 1 "
	"host\n"
	"error or a device did not come back, 2 usage.\n"
	"\n"
	"Examples:\n"
	"  coldvm park 01:00.0 01:00.1\n"
	"  coldvm park --device path=01:00.0,functions=all,max-wakes-per-min=6\n";

/* Of options_parse(), which knows more. True if @arg begins with one, or is one. */
static bool is_shared_option(const char *arg)
{
	static const char *const names[] = { "--device", "--platform", "--event-monitor", "--help",
					     "--version" };
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(arg, names[i], len))
			return true;
	return arg[1] != '-'; /* -v, -h, -V: options_parse() says what is wrong with others */
}

static enum options_result complain(char *why, size_t why_len, const char *fmt, const char *arg)
{
	snprintf(why, why_len, fmt, arg);
	return OPTIONS_ERROR;
}

/* What a device has for a guest means nothing where there is none. NULL: it has no such thing. */
static const char *guests_key(const struct device_options *device)
{
	if (device->pr3 != PR3_AUTO)
		return "pr3";
	if (device->pme != DEVICE_PME_OFF)
		return "pme";
	if (device->rom)
		return "rom";
	if (device->has_clique)
		return "x_nv_gpudirect_clique";
	if (device->min_off_ms)
		return "min-off-ms";
	return device->stop_on_failure ? "on-failure" : NULL;
}

enum options_result park_options_parse(struct park_options *options, int argc, char **argv,
				       char *why, size_t why_len)
{
	static char device[] = "--device", directory[] = ".";
	int n = 0, named = 0;
	bool value = false;

	options->args[n++] = directory; /* what `coldvm tables` is given first */
	for (int i = 0; i < argc; i++) {
		char *arg = argv[i];

		if ((size_t)n + 2 > ARRAY_SIZE(options->args))
			return complain(why, why_len, "park: %s arguments", "too many");
		if (arg[0] == '-' && !is_shared_option(arg))
			return complain(why, why_len,
					"park: unknown option %s: see coldvm park --help", arg);
		if (value || arg[0] == '-') {
			/* A flag's value follows it, unless it is joined by '='. */
			value = !value && arg[1] == '-' && !strchr(arg, '=');
			options->args[n++] = arg;
			continue;
		}
		if (named == OPTIONS_MAX_DEVICES)
			return complain(why, why_len, "park: more than %s devices", "64");
		if (!*arg || strchr(arg, ',') ||
		    snprintf(options->paths[named], sizeof(options->paths[0]), "path=%s", arg) >=
			    (int)sizeof(options->paths[0]))
			return complain(why, why_len, "park: '%s' is no PCI device", arg);
		options->args[n++] = device;
		options->args[n++] = options->paths[named++];
	}
	enum options_result result =
		options_parse(&options->vm, n, options->args, true, why, why_len);

	if (result == OPTIONS_RUN && !options->vm.nr_devices)
		return complain(why, why_len, "park: say which devices: coldvm park %s",
				"0000:01:00.0");
	for (unsigned i = 0; result == OPTIONS_RUN && i < options->vm.nr_devices; i++) {
		const char *key = guests_key(&options->vm.devices[i]);

		if (key)
			return complain(why, why_len,
					"park: --device: %s= is for a guest, and there is none: "
					"leave it out",
					key);
	}
	return result;
}
