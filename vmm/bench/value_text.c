/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of scales. */
#include "vmm/bench/value_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/figures.h"
#include "vmm/bits.h"

#define ROUNDS_UP 0.9995 /* what is shown as 1.00 W is not 1000 mW */

static const struct scale {
	const char *unit;
	double from; /* the least that is shown so */
	double factor;
	const char *shown;
} scales[] = {
	{ "ns", 1e9, 1e-9, " s" }, { "ns", 1e6, 1e-6, " ms" },	   { "ns", 1e3, 1e-3, " us" },
	{ "ns", 0, 1, " ns" },	   { "s", 3600, 1 / 3600., " h" }, { "s", 60, 1 / 60., " min" },
	{ "s", 1, 1, " s" },	   { "s", 1e-3, 1e3, " ms" },	   { "s", 0, 1e6, " us" },
	{ "W", 1, 1, " W" },	   { "W", 0, 1e3, " mW" },	   { "J", 1000, 1e-3, " kJ" },
	{ "J", 1, 1, " J" },	   { "J", 0, 1e3, " mJ" },	   { "1", 0, 100, " %" },
	{ "", 0, 1, "" },
};

void value_text(double value, const char *unit, char ret[VALUE_TEXT])
{
	double size = fabs(value), shown;
	int decimals;

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		if (strcmp(scales[i].unit, unit) || size < scales[i].from * ROUNDS_UP)
			continue;
		shown = value * scales[i].factor;
		size = fabs(shown);
		decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size > 0 ? 2 : 0;
		/* A ratio near 1 is looked at for its third decimal. */
		snprintf(ret, VALUE_TEXT, "%.*f%s", unit[0] ? decimals : 3, shown, scales[i].shown);
		return;
	}
	snprintf(ret, VALUE_TEXT, "%g %s", value, unit);
}

void spread_text(const json_t *spread, const char *unit, char *ret, size_t len)
{
	char median[VALUE_TEXT], min[VALUE_TEXT], max[VALUE_TEXT];
	struct spread values;

	if (spread_from_json(spread, &values) < 0) {
		snprintf(ret, len, "not measured");
		return;
	}
	value_text(values.median, unit, median);
	value_text(values.min, unit, min);
	value_text(values.max, unit, max);
	snprintf(ret, len, "%s (%s to %s)", median, min, max);
}

double json_number_at(const json_t *object, const char *path, double fallback)
{
	const json_t *value = json_at(object, path);

	return json_is_number(value) ? json_number_value(value) : fallback;
}

const json_t *json_at(const json_t *object, const char *path)
{
	char key[64];

	while (object && *path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		object = json_is_array(object) ? json_array_get(object, strtoul(key, NULL, 10))
					       : json_object_get(object, key);
		path += len + (path[len] == '.');
	}
	return object;
}

const char *json_text(const json_t *object, const char *path, const char *fallback)
{
	const char *text = json_string_value(json_at(object, path));

	return text ? text : fallback;
}
