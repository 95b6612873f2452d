/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the preflight share. Private to them. */
#ifndef COLDVM_DEVICES_VFIO_PREFLIGHT_WALK_H
#define COLDVM_DEVICES_VFIO_PREFLIGHT_WALK_H

#include <limits.h>
#include <stdbool.h>

#include "devices/vfio/host.h"
#include "devices/vfio/preflight.h"

#define PREFLIGHT_MAX_PORTS 8

/* Where a device sits. */
struct survey {
	const char *root; /* of sysfs */
	struct preflight *out;
	char path[PATH_MAX]; /* of the device, links resolved */
	char bdf[HOST_BDF_LEN];
	bool own_resource;  /* the device has a power resource itself and needs no port */
	bool port_resource; /* the last of the ports has one */
	/* Ports from the device's own up to the one with the power resource, or to the root. */
	unsigned nr_ports;
	struct {
		char path[PATH_MAX];
		char bdf[HOST_BDF_LEN];
	} ports[PREFLIGHT_MAX_PORTS];
};

/* Adds an item about @link. @fix: NULL, or commands with "; " or a newline between them.
 * @limit counts with PREFLIGHT_LIMITS only. */
void survey_add(struct survey *s, enum preflight_link link, enum preflight_status status,
		enum host_power limit, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

#define survey_ok(s, link, ...) \
	survey_add(s, link, PREFLIGHT_OK, HOST_POWER_D3COLD, NULL, __VA_ARGS__)
#define survey_note(s, link, fix, ...) \
	survey_add(s, link, PREFLIGHT_NOTE, HOST_POWER_D3COLD, fix, __VA_ARGS__)
#define survey_limit(s, link, limit, fix, ...) \
	survey_add(s, link, PREFLIGHT_LIMITS, limit, fix, __VA_ARGS__)
#define survey_block(s, link, fix, ...) \
	survey_add(s, link, PREFLIGHT_BLOCKS, HOST_POWER_D3COLD, fix, __VA_ARGS__)

/* True if the attribute of the device at @path can be read and is @value. */
bool survey_is(const char *path, const char *attr, const char *value);

/* Each looks at some links, in their order, and adds at least one item for each of them. */
void survey_passthrough(struct survey *s); /* preflight_pass.c: iommu to idle */
void survey_power(struct survey *s);	   /* preflight_power.c: wake to eject */
void survey_card(struct survey *s);	   /* preflight_card.c: reset to kernel */

#endif
