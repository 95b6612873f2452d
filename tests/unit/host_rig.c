/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/host_rig.h"

#include <check.h>
#include <string.h>

struct fake_sysfs rig_sysfs;
struct preflight rig_report;

void rig_make_port(const char *path)
{
	fake_sysfs_device(&rig_sysfs, path, "pcieport", -1);
	fake_sysfs_file(&rig_sysfs, "0x060400", "sys/devices/%s/class", path);
	fake_sysfs_file(&rig_sysfs, "100", "sys/devices/%s/power/autosuspend_delay_ms", path);
	fake_sysfs_file(&rig_sysfs, "auto", "sys/devices/%s/power/control", path);
	fake_sysfs_file(&rig_sysfs, "1", "sys/devices/%s/d3cold_allowed", path);
	fake_sysfs_file(&rig_sysfs, "active", "sys/devices/%s/power/runtime_status", path);
}

void rig_make_function(const char *path, const char *driver)
{
	fake_sysfs_device(&rig_sysfs, path, driver, 12);
	fake_sysfs_file(&rig_sysfs, "0x1af4", "sys/devices/%s/vendor", path);
	fake_sysfs_file(&rig_sysfs, "0x1050", "sys/devices/%s/device", path);
	fake_sysfs_file(&rig_sysfs, "0x030000", "sys/devices/%s/class", path);
	fake_sysfs_file(&rig_sysfs, "auto", "sys/devices/%s/power/control", path);
	fake_sysfs_file(&rig_sysfs, "suspended", "sys/devices/%s/power/runtime_status", path);
	fake_sysfs_file(&rig_sysfs, "disabled", "sys/devices/%s/power/wakeup", path);
	fake_sysfs_file(&rig_sysfs, "D3cold", "sys/devices/%s/power_state", path);
	fake_sysfs_file(&rig_sysfs, "1", "sys/devices/%s/d3cold_allowed", path);
	fake_sysfs_file(&rig_sysfs, "flr bus", "sys/devices/%s/reset_method", path);
}

void rig_make_host(void)
{
	fake_sysfs_make(&rig_sysfs);
	rig_make_port(PORT);
	fake_sysfs_file(&rig_sysfs, "",
			"sys/devices/%s/firmware_node/power_resources_D3hot/LNXPOWER:00", PORT);
	rig_make_function(DEVICE, "vfio-pci");
	fake_sysfs_file(&rig_sysfs, "05/11/2023", "sys/class/dmi/id/bios_date");
	fake_sysfs_file(&rig_sysfs, "quiet intel_iommu=on", "proc/cmdline");
	fake_sysfs_file(&rig_sysfs, "6.12.1-amd64", "proc/sys/kernel/osrelease");
	fake_sysfs_file(&rig_sysfs, "N", "sys/module/vfio_pci/parameters/disable_idle_d3");
	memset(&rig_report, 0, sizeof(rig_report));
}

void rig_remove_host(void)
{
	fake_sysfs_remove(&rig_sysfs);
}

void rig_port_stays_on(void)
{
	fake_sysfs_delete(&rig_sysfs, "sys/devices/" PORT "/power/autosuspend_delay_ms");
}

void rig_run(const char *bdf)
{
	ck_assert_int_eq(preflight_report(rig_sysfs.root, bdf, &rig_report), 0);
}

unsigned rig_bad_items(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < rig_report.nr; i++)
		nr += rig_report.items[i].status != PREFLIGHT_OK;
	return nr;
}

const struct preflight_item *rig_item(enum preflight_link link, const char *words)
{
	const struct preflight_item *last = NULL;

	for (unsigned i = 0; i < rig_report.nr; i++) {
		const struct preflight_item *item = &rig_report.items[i];

		if (item->link != link)
			continue;
		last = item;
		if (strstr(item->text, words) || strstr(item->fix, words))
			return item;
	}
	ck_abort_msg("no item of %s says \"%s\"; the last one says: %s / %s",
		     preflight_link_name(link), words, last ? last->text : "(none)",
		     last ? last->fix : "");
	return NULL;
}

void rig_expect_none(void)
{
	rig_run(BDF);
	for (unsigned i = 0; i < rig_report.nr; i++)
		ck_assert_msg(rig_report.items[i].status == PREFLIGHT_OK, "not ok: %s",
			      rig_report.items[i].text);
	ck_assert_int_eq(rig_report.deepest, HOST_POWER_D3COLD);
	ck_assert(!rig_report.blocked);
	ck_assert_ptr_null(preflight_reason(&rig_report));
}

void rig_expect_one(enum preflight_link link, enum preflight_status status, enum host_power deepest,
		    const char *words)
{
	const struct preflight_item *item;

	rig_run(BDF);
	item = rig_item(link, words);
	ck_assert_msg(item->status == status, "%s is '%s'", item->text,
		      preflight_status_name(item->status));
	ck_assert_uint_eq(rig_bad_items(), 1);
	ck_assert_int_eq(rig_report.deepest, deepest);
	ck_assert_int_eq(rig_report.blocked, status == PREFLIGHT_BLOCKS);
	ck_assert_ptr_eq(preflight_reason(&rig_report), status == PREFLIGHT_NOTE ? NULL : item);
}
