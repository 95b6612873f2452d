/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up host on which nothing stands between one device and D3cold: each test spoils one thing
 * of it. Shared by the suites of the preflight and of doctor. */
#ifndef COLDVM_TESTS_UNIT_HOST_RIG_H
#define COLDVM_TESTS_UNIT_HOST_RIG_H

#include "devices/vfio/preflight.h"
#include "tests/fake/fake_sysfs.h"

#define PORT   "pci0000:00/0000:00:01.0"
#define DEVICE PORT "/0000:01:00.0"
#define BDF    "0000:01:00.0"

extern struct fake_sysfs rig_sysfs;
extern struct preflight rig_report;

/* Fixture. */
void rig_make_host(void);
void rig_remove_host(void);

void rig_make_port(const char *path);
/* In IOMMU group 12; @driver NULL: none. Suspended. */
void rig_make_function(const char *path, const char *driver);
/* The port's driver has not turned autosuspend on: reading the delay fails. */
void rig_port_stays_on(void);

/* Reports on @bdf, which must be there. */
void rig_run(const char *bdf);
/* The items that are not "ok". */
unsigned rig_bad_items(void);
/* The item of @link whose text or fix says @words; fails without one. */
const struct preflight_item *rig_item(enum preflight_link link, const char *words);
/* Reports on BDF; everything is ok. */
void rig_expect_none(void);
/* Reports on BDF; one item is not ok: of @link and @status, saying @words. The device still reaches
 * @deepest. */
void rig_expect_one(enum preflight_link link, enum preflight_status status, enum host_power deepest,
		    const char *words);
#define rig_expect_limit(link, limit, words) rig_expect_one(link, PREFLIGHT_LIMITS, limit, words)
#define rig_expect_note(link, words)	     rig_expect_one(link, PREFLIGHT_NOTE, HOST_POWER_D3COLD, words)

#endif
