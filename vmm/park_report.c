/* SPDX-License-Identifier: BSD-3-Clause */
/* From events to sentences. */
#include "vmm/park_report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"

#define NS_OF_MS 1000000

static const char *text_of(json_t *properties, const char *key)
{
	const char *text = json_string_value(json_object_get(properties, key));

	return text ? text : "?";
}

static long long ms_of(json_t *properties, const char *key)
{
	return json_integer_value(json_object_get(properties, key)) / NS_OF_MS;
}

static void say_cold(json_t *p, struct park_news *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s: D3cold, port %s, after %lld ms",
		 text_of(p, "id"), text_of(p, "port_state"), ms_of(p, "since_ns"));
}

static void say_warm(json_t *p, struct park_news *ret)
{
	snprintf(ret->text, sizeof(ret->text),
		 "%s: not in D3cold: device %s, port %s (coldvm doctor %s says why)",
		 text_of(p, "id"), text_of(p, "device_state"), text_of(p, "port_state"),
		 text_of(p, "id"));
}

/* Only what was refused: the rest is told by what follows it. */
static void say_entry(json_t *p, struct park_news *ret)
{
	json_t *function, *functions = json_object_get(p, "functions");
	size_t i;

	json_array_foreach(functions, i, function)
	{
		int rc = (int)json_integer_value(json_object_get(function, "rc"));

		if (rc >= 0)
			continue;
		snprintf(ret->text, sizeof(ret->text), "%s: the host refused low power: %s",
			 text_of(function, "id"), strerror(-rc));
		return;
	}
}

static void say_wake(json_t *p, struct park_news *ret)
{
	long long ms = ms_of(p, "again_ns");

	if (ms)
		snprintf(ret->text, sizeof(ret->text),
			 "%s: woken by the host once more; it may stay awake for %lld ms",
			 text_of(p, "id"), ms);
	else
		snprintf(ret->text, sizeof(ret->text),
			 "%s: woken by the host; low power is asked for again", text_of(p, "id"));
}

static void say_alive(json_t *p, struct park_news *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s: awake after %lld ms", text_of(p, "id"),
		 ms_of(p, "since_ns"));
}

static void say_recovered(json_t *p, struct park_news *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s: did not wake in order, but by %s",
		 text_of(p, "id"), text_of(p, "by"));
}

static void say_failed(json_t *p, struct park_news *ret)
{
	ret->failed = true;
	snprintf(ret->text, sizeof(ret->text), "%s: did not come back: device %s, port %s",
		 text_of(p, "id"), text_of(p, "device_state"), text_of(p, "port_state"));
}

static void say_released(json_t *p, struct park_news *ret)
{
	ret->released = true;
	snprintf(ret->text, sizeof(ret->text), "%s: given back to the host, which asked for it",
		 text_of(p, "id"));
}

static const struct {
	const char *event;
	void (*say)(json_t *properties, struct park_news *ret);
} sentences[] = {
	{ "power-d3cold", say_cold },	      { "power-deadline", say_warm },
	{ "power-reached", say_warm },	      { "power-entry-issued", say_entry },
	{ "power-wake", say_wake },	      { "power-alive", say_alive },
	{ "power-recovered", say_recovered }, { "power-failed", say_failed },
	{ "power-late", say_failed },	      { "device-released", say_released },
};

void park_report(const char *line, size_t len, struct park_news *ret)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(event, "event"));

	*ret = (struct park_news){ 0 };
	for (size_t i = 0; name && i < ARRAY_SIZE(sentences); i++)
		if (!strcmp(sentences[i].event, name))
			sentences[i].say(json_object_get(event, "properties"), ret);
	json_decref(event);
}
