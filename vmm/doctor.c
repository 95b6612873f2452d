/* SPDX-License-Identifier: BSD-3-Clause */
/* Which devices are looked at, and in which form the answer goes out. */
#include "vmm/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "devices/vfio/host.h"
#include "devices/vfio/preflight.h"
#include "devices/vfio/vfio.h"
#include "vmm/bits.h"
#include "vmm/doctor_options.h"
#include "vmm/doctor_report.h"
#include "vmm/help.h"
#include "vmm/log.h"

#define CLASS_BRIDGE 0x06

static bool is_bridge(const char *bdf)
{
	char class[16];

	return !host_read(class, sizeof(class), "%s/bus/pci/devices/%s/class", HOST_SYSFS, bdf) &&
	       strtoul(class, NULL, 16) >> 16 == CLASS_BRIDGE;
}

/* --- which devices -------------------------------------------------------------------------------
 */

static int by_address(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Bound to vfio-pci, or a card: no bridge, not soldered to the root bus, not a virtual function of
 * something else. */
static int is_candidate(const struct dirent *entry)
{
	char driver[64], path[PATH_MAX], port[PATH_MAX], port_bdf[HOST_BDF_LEN];
	const char *bdf = entry->d_name;

	if (!host_is_bdf(bdf) || is_bridge(bdf))
		return 0;
	if (!host_link(driver, sizeof(driver), "%s/bus/pci/devices/%s/driver", HOST_SYSFS, bdf) &&
	    host_driver_is_vfio(driver))
		return 1;
	return !host_exists("%s/bus/pci/devices/%s/physfn", HOST_SYSFS, bdf) &&
	       !host_device_path(HOST_SYSFS, bdf, path, sizeof(path)) &&
	       !host_parent(path, port_bdf, port, sizeof(port));
}

static int find_devices(struct doctor_options *options, char *why, size_t why_len)
{
	struct dirent **entries = NULL;
	int n = scandir(HOST_SYSFS "/bus/pci/devices", &entries, is_candidate, by_address);

	for (int i = 0; i < n; i++) {
		if (options->nr < DOCTOR_MAX_DEVICES)
			strcpy(options->bdf[options->nr++], entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (options->nr)
		return 0;
	snprintf(why, why_len,
		 "doctor: no device is bound to vfio-pci or sits below a PCIe port: name one (see "
		 "lspci -D)");
	return -ENODEV;
}

static enum doctor_status check_named(const struct doctor_options *options, char *why,
				      size_t why_len)
{
	for (unsigned i = 0; i < options->nr; i++) {
		const char *bdf = options->bdf[i];

		if (!host_exists("%s/bus/pci/devices/%s", HOST_SYSFS, bdf)) {
			snprintf(why, why_len,
				 "doctor: %s: no such PCI device on this host (see lspci -D)", bdf);
			return DOCTOR_ERROR;
		}
		if (is_bridge(bdf)) {
			snprintf(why, why_len,
				 "doctor: %s is a bridge and cannot be passed through: name a "
				 "device behind it (see lspci -Dt)",
				 bdf);
			return DOCTOR_USAGE;
		}
	}
	return DOCTOR_ALL_COLD;
}

/* --- one after the other -------------------------------------------------------------------------
 */

static bool may_lock_memory(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, data) == 0 && data[0].effective & 1u << CAP_IPC_LOCK;
}

static void add_memlock(struct preflight *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		preflight_add_memlock(report,
				      limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur,
				      may_lock_memory());
}

/* The worse of two, for the exit status of all. */
static enum doctor_status worse(enum doctor_status a, enum doctor_status b)
{
	static const enum doctor_status order[] = { DOCTOR_ERROR, DOCTOR_BLOCKED, DOCTOR_LIMITED };

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return DOCTOR_ALL_COLD;
}

/* Text goes out at once, JSON into @devices. */
static enum doctor_status examine(const struct doctor_options *options, const char *bdf,
				  json_t *devices)
{
	struct preflight report;
	struct doctor_try trial, *tried = NULL;
	char why[VFIO_WHY_SIZE];
	int err = preflight_report(HOST_SYSFS, bdf, &report);

	if (err) {
		log_complain("doctor: %s: cannot be looked at: %s", bdf, strerror(-err));
		return DOCTOR_ERROR;
	}
	add_memlock(&report);
	if (options->try && !report.blocked) {
		err = doctor_try(bdf, &trial, why, sizeof(why));
		tried = err ? NULL : &trial;
	}
	if (devices)
		json_array_append_new(devices, doctor_json(&report, tried));
	else
		doctor_print(stdout, &report, tried);
	if (err) {
		log_complain("doctor: %s", why);
		return DOCTOR_ERROR;
	}
	return doctor_judge(&report, tried);
}

static enum doctor_status examine_all(const struct doctor_options *options)
{
	json_t *devices = options->json ? json_array() : NULL;
	enum doctor_status status = DOCTOR_ALL_COLD;
	bool written = true;

	for (unsigned i = 0; i < options->nr; i++) {
		if (i && !devices)
			putchar('\n');
		status = worse(status, examine(options, options->bdf[i], devices));
	}
	if (devices) {
		json_t *all = json_pack("{s:i, s:o}", "status", status, "devices", devices);

		written =
			all && json_dumpf(all, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
		json_decref(all);
	}
	if (fflush(stdout) != 0 || !written) {
		log_complain("doctor: the report cannot be written: %s", strerror(errno));
		return DOCTOR_ERROR;
	}
	return status;
}

static enum doctor_status print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? DOCTOR_ERROR : DOCTOR_ALL_COLD;
}

enum doctor_status doctor_main(int argc, char **argv)
{
	static struct doctor_options options;
	enum doctor_status status;
	char why[256];

	switch (doctor_options_parse(&options, argc, argv, why, sizeof(why))) {
	case OPTIONS_HELP:
		return print(help_doctor);
	case OPTIONS_VERSION:
		return print(help_version);
	case OPTIONS_ERROR:
		status = DOCTOR_USAGE;
		goto fail;
	case OPTIONS_RUN:
		break;
	}
	log_set_level(LOG_WARN);
	status = check_named(&options, why, sizeof(why));
	if (status == DOCTOR_ALL_COLD && !options.nr && find_devices(&options, why, sizeof(why)))
		status = DOCTOR_ERROR;
	if (status == DOCTOR_ALL_COLD)
		return examine_all(&options);
fail:
	log_complain("%s", why);
	return status;
}
