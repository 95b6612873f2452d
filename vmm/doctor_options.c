/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/doctor_options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/vfio.h"

const char help_doctor[] =
	"coldvm doctor [--json] [DEVICE...]\n"
	"coldvm doctor [--json] --try DEVICE\n"
	"\n"
	"Walks the chain between each device and D3cold, from the IOMMU to the card, and says\n"
	"which link stands in the way and which command puts it right. It reads what everybody\n"
	"may read, and wakes nothing. DEVICE is an address (0000:01:00.0, 01:00.0) or a sysfs\n"
	"path; without one: devices that are bound to vfio-pci or sit below a PCIe port.\n"
	"\n"
	"  --json                    the same as a JSON object\n"
	"  --try                     open the device through vfio, without a VM, and take it to\n"
	"                            low power and back once; nobody else may use it\n"
	"\n"
	"Exit status: 0 all devices reach D3cold, 1 host error or a tried device did not come\n"
	"back, 2 usage, 6 a device stops short of D3cold, 7 a device cannot be passed through.\n"
	"\n"
	"Examples:\n"
	"  coldvm doctor\n"
	"  coldvm doctor 01:00.0 01:00.1\n"
	"  coldvm doctor --try 01:00.0\n";

/* Links such as /sys/class/drm/card0/device lead to the device's own directory. */
static int parse_device(const char *name, char *bdf)
{
	char resolved[PATH_MAX];
	int err = vfio_parse_path(name, bdf);

	if (err && strchr(name, '/') && realpath(name, resolved))
		err = vfio_parse_path(resolved, bdf);
	return err;
}

static int add_device(struct doctor_options *options, const char *name, char *why, size_t why_len)
{
	char bdf[HOST_BDF_LEN];

	if (parse_device(name, bdf)) {
		snprintf(why, why_len,
			 "doctor: '%s' is no PCI device: want an address such as 0000:01:00.0, or "
			 "its sysfs path (see lspci -D)",
			 name);
		return -EINVAL;
	}
	for (unsigned i = 0; i < options->nr; i++)
		if (!strcmp(options->bdf[i], bdf))
			return 0;
	if (options->nr == DOCTOR_MAX_DEVICES) {
		snprintf(why, why_len, "doctor: more than %d devices", DOCTOR_MAX_DEVICES);
		return -EINVAL;
	}
	strcpy(options->bdf[options->nr++], bdf);
	return 0;
}

enum options_result doctor_options_parse(struct doctor_options *options, int argc, char **argv,
					 char *why, size_t why_len)
{
	memset(options, 0, sizeof(*options));
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return OPTIONS_HELP;
		if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V"))
			return OPTIONS_VERSION;
		if (!strcmp(argv[i], "--json")) {
			options->json = true;
		} else if (!strcmp(argv[i], "--try")) {
			options->try = true;
		} else if (argv[i][0] == '-') {
			snprintf(why, why_len,
				 "doctor: unknown option %s: see coldvm doctor --help", argv[i]);
			return OPTIONS_ERROR;
		} else if (add_device(options, argv[i], why, why_len)) {
			return OPTIONS_ERROR;
		}
	}
	if (options->try && options->nr != 1) {
		snprintf(why, why_len, "doctor: --try wants one device, and %u are named",
			 options->nr);
		return OPTIONS_ERROR;
	}
	return OPTIONS_RUN;
}
