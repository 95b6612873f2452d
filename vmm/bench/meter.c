/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of meters of a run. */
#include "vmm/bench/meter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/bench/meter_sources.h"

#define NVML "libnvidia-ml.so.1"

static const char *const kind_names[] = {
	[METER_SOFTWARE] = "software counter",
	[METER_EXTERNAL] = "external meter",
	[METER_SIMULATED] = "simulated",
};

static void close_meter(struct meter *meter)
{
	if (meter->close)
		meter->close(meter);
	free(meter);
}

/* JSON is UTF-8, which a name that was cut, or a command, need not be. */
static void make_utf8(char *name)
{
	json_t *string = json_string(name);

	for (char *at = name; !string && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	json_decref(string);
}

int meters_add(struct meter_set *set, struct meter *meter)
{
	make_utf8(meter->name);
	if (set->nr == METERS_MAX) {
		close_meter(meter);
		return -E2BIG;
	}
	set->meters[set->nr++] = meter;
	return 0;
}

void meters_note(struct meter_set *set, const char *fmt, ...)
{
	va_list args;

	if (set->nr_notes == METERS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(set->notes[set->nr_notes++], sizeof(set->notes[0]), fmt, args);
	va_end(args);
}

int meters_find(struct meter_set *set, const struct meter_search *search)
{
	int r = meters_find_powercap(set, search);

	if (r == 0)
		r = meters_find_hwmon(set, search);
	/* Of a device that vfio-pci has, no driver could tell. */
	if (r == 0 && search->on_host)
		r = meters_find_nvml(set, search, NVML);
	if (r == -E2BIG)
		meters_note(set, "there are more meters than %u; the rest is not read", METERS_MAX);
	return r == -E2BIG ? 0 : r;
}

void meters_close(struct meter_set *set)
{
	while (set->nr)
		close_meter(set->meters[--set->nr]);
	set->nr_notes = 0;
}

const char *meter_kind_name(enum meter_kind kind)
{
	return kind_names[kind];
}

json_t *meter_json(const struct meter *meter)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "name", meter->name, "kind",
			 kind_names[meter->kind], "quantity",
			 meter->quantity == METER_ENERGY ? "energy" : "power", "interval_ns",
			 (json_int_t)meter->interval_ns);
}
