/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report: where the device sits, then link by link in the order in which things decide:
 *   a VM can have the device  ->  it may suspend at all  ->  something can cut its power: itself or
 *   a port above  ->  each port up to that one may sleep  ->  each device below those sleeps too.
 */
#include "devices/vfio/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/preflight_walk.h"
#include "vmm/bits.h"
#include "vmm/log.h"

/* --- items ---------------------------------------------------------------------------------------
 */

static void add(struct preflight *out, enum preflight_link link, enum preflight_status status,
		enum host_power limit, const char *fix, const char *fmt, va_list args)
	__attribute__((format(printf, 6, 0)));

static void add(struct preflight *out, enum preflight_link link, enum preflight_status status,
		enum host_power limit, const char *fix, const char *fmt, va_list args)
{
	struct preflight_item *item;
	bool begin = true, whole = false;
	size_t n = 0;

	if (status == PREFLIGHT_LIMITS && limit < out->deepest)
		out->deepest = limit;
	if (status == PREFLIGHT_BLOCKS)
		out->blocked = true;
	if (out->nr == PREFLIGHT_MAX_ITEMS)
		return;
	item = &out->items[out->nr++];
	item->link = link;
	item->status = status;
	item->limit = limit;
	vsnprintf(item->text, sizeof(item->text), fmt, args);
	/* "; " separates commands. In advice and in a loop it is a part of the line. */
	while (fix && *fix && n < PREFLIGHT_FIX - 1) {
		if (begin)
			whole = !strncmp(fix, "# ", 2) || !strncmp(fix, "for ", 4);
		begin = !whole && fix[0] == ';' && fix[1] == ' ';
		item->fix[n++] = begin ? '\n' : *fix;
		fix += begin ? 2 : 1;
		begin |= item->fix[n - 1] == '\n';
	}
	item->fix[n] = '\0';
}

void survey_add(struct survey *s, enum preflight_link link, enum preflight_status status,
		enum host_power limit, const char *fix, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(s->out, link, status, limit, fix, fmt, args);
	va_end(args);
}

static void add_plain(struct preflight *out, enum preflight_link link, enum preflight_status status,
		      const char *fix, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void add_plain(struct preflight *out, enum preflight_link link, enum preflight_status status,
		      const char *fix, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(out, link, status, HOST_POWER_D3COLD, fix, fmt, args);
	va_end(args);
}

bool survey_is(const char *path, const char *attr, const char *value)
{
	char text[64];

	return !host_read(text, sizeof(text), "%s/%s", path, attr) && !strcmp(text, value);
}

/* --- the walk ------------------------------------------------------------------------------------
 */

static void find_ports(struct survey *s)
{
	const char *below = s->path;

	while (s->nr_ports < PREFLIGHT_MAX_PORTS && !s->port_resource) {
		unsigned i = s->nr_ports;

		if (host_parent(below, s->ports[i].bdf, s->ports[i].path, sizeof(s->ports[i].path)))
			return;
		s->nr_ports++;
		s->port_resource = host_has_resource(s->ports[i].path);
		below = s->ports[i].path;
	}
}

static uint32_t read_number(const char *path, const char *attr)
{
	char text[32];

	return host_read(text, sizeof(text), "%s/%s", path, attr)
		       ? 0
		       : (uint32_t)strtoul(text, NULL, 16);
}

static void identify(struct survey *s)
{
	struct preflight *out = s->out;

	snprintf(out->bdf, sizeof(out->bdf), "%s", s->bdf);
	if (host_link(out->driver, sizeof(out->driver), "%s/driver", s->path))
		out->driver[0] = '\0';
	out->vendor = (uint16_t)(read_number(s->path, "vendor") & 0xffff);
	out->device = (uint16_t)(read_number(s->path, "device") & 0xffff);
	out->class = read_number(s->path, "class") & 0xffffff;
}

int preflight_report(const char *sysfs_root, const char *bdf, struct preflight *ret)
{
	struct survey *s = calloc(1, sizeof(*s));
	struct preflight *out = calloc(1, sizeof(*out));
	int err = -ENOMEM;

	if (!s || !out)
		goto free;
	out->deepest = HOST_POWER_D3COLD;
	s->root = sysfs_root;
	s->out = out;
	snprintf(s->bdf, sizeof(s->bdf), "%s", bdf);
	err = host_device_path(sysfs_root, bdf, s->path, sizeof(s->path));
	if (err)
		goto free;
	identify(s);
	s->own_resource = host_has_resource(s->path);
	if (!s->own_resource)
		find_ports(s);
	survey_passthrough(s);
	survey_power(s);
	survey_card(s);
	*ret = *out;
free:
	free(out);
	free(s);
	return err;
}

void preflight_add_memlock(struct preflight *report, uint64_t limit, bool privileged)
{
	if (privileged || limit == UINT64_MAX)
		add_plain(report, PREFLIGHT_MEMLOCK, PREFLIGHT_OK, NULL,
			  "memory can be locked without a limit%s",
			  limit == UINT64_MAX ? "" : " (CAP_IPC_LOCK)");
	else
		add_plain(report, PREFLIGHT_MEMLOCK, PREFLIGHT_NOTE,
			  "ulimit -l unlimited\n# or LimitMEMLOCK=infinity in the systemd unit",
			  "RLIMIT_MEMLOCK is %" PRIu64 " MiB: a VM with more RAM than that cannot "
			  "start",
			  limit / MIB(1));
}

/* --- the report ----------------------------------------------------------------------------------
 */

const struct preflight_item *preflight_reason(const struct preflight *report)
{
	for (unsigned i = 0; i < report->nr && report->blocked; i++)
		if (report->items[i].status == PREFLIGHT_BLOCKS)
			return &report->items[i];
	for (unsigned i = 0; i < report->nr; i++)
		if (report->items[i].status == PREFLIGHT_LIMITS &&
		    report->items[i].limit == report->deepest)
			return &report->items[i];
	return NULL;
}

const char *preflight_link_name(enum preflight_link link)
{
	static const char *const names[PREFLIGHT_NR_LINKS] = {
		[PREFLIGHT_IOMMU] = "iommu",	     [PREFLIGHT_GROUP] = "group",
		[PREFLIGHT_DRIVER] = "driver",	     [PREFLIGHT_IDLE] = "idle",
		[PREFLIGHT_WAKE] = "wake",	     [PREFLIGHT_ALLOWED] = "d3cold",
		[PREFLIGHT_CONTROL] = "control",     [PREFLIGHT_SIBLINGS] = "siblings",
		[PREFLIGHT_PORTS] = "ports",	     [PREFLIGHT_RESOURCE] = "resource",
		[PREFLIGHT_EJECT] = "eject",	     [PREFLIGHT_RESET] = "reset",
		[PREFLIGHT_KNOWN_BAD] = "known-bad", [PREFLIGHT_KERNEL] = "kernel",
		[PREFLIGHT_MEMLOCK] = "memlock",
	};

	return names[link];
}

const char *preflight_status_name(enum preflight_status status)
{
	static const char *const names[] = {
		[PREFLIGHT_OK] = "ok",
		[PREFLIGHT_NOTE] = "note",
		[PREFLIGHT_LIMITS] = "limits",
		[PREFLIGHT_BLOCKS] = "blocks",
	};

	return names[status];
}

const char *preflight_power_name(enum host_power power)
{
	static const char *const names[] = {
		[HOST_POWER_UNKNOWN] = "no known state",
		[HOST_POWER_D0] = "D0",
		[HOST_POWER_D3HOT] = "D3hot",
		[HOST_POWER_D3COLD] = "D3cold",
	};

	return names[power];
}

/* The item's text and what to do, in one line. */
static void log_item(const struct preflight_item *item, const char *id)
{
	char fix[2 * PREFLIGHT_FIX];
	size_t n = 0;

	for (const char *c = item->fix; *c; c++) {
		if (*c == '\n') {
			fix[n++] = ';';
			fix[n++] = ' ';
		} else if (*c == '#' && (c == item->fix || c[-1] == '\n')) {
			c += c[1] == ' ';
		} else {
			fix[n++] = *c;
		}
	}
	fix[n] = '\0';
	/* A note without advice is nothing that anybody has to act on. */
	log_line(item->status == PREFLIGHT_NOTE && !n ? LOG_INFO : LOG_WARN, id, "%s%s%s",
		 item->text, n ? ": " : "", fix);
}

void preflight_log(const struct preflight *report, const char *id)
{
	bool cold = report->deepest == HOST_POWER_D3COLD;

	log_line(cold ? LOG_INFO : LOG_WARN, id, "the host can take the device to %s%s",
		 preflight_power_name(report->deepest), cold ? "" : " at most; in the way:");
	for (unsigned i = 0; i < report->nr; i++)
		if (report->items[i].status != PREFLIGHT_OK &&
		    report->items[i].status != PREFLIGHT_BLOCKS)
			log_item(&report->items[i], id);
}
