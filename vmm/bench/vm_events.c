/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of events and what each tells. */
#include "vmm/bench/vm_events.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"

#define AT(name) offsetof(struct cycle, name)

struct news {
	struct watch *watch;
	const json_t *properties;
	uint64_t t_ns;
};

static uint64_t number(const struct news *news, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(news->properties, key));
}

static void off_asked(const struct news *news)
{
	watch_moment(news->watch, AT(off), news->t_ns);
}

/* Calls are told of when they have returned. */
static void entry_issued(const struct news *news)
{
	watch_moment(news->watch, AT(entry_issued), news->t_ns - number(news, "took_ns"));
	watch_moment(news->watch, AT(entry_returned), news->t_ns);
}

static void d3cold(const struct news *news)
{
	watch_moment(news->watch, AT(d3cold), news->t_ns);
	watch_state(news->watch, news->t_ns, BENCH_D3COLD);
}

/* As deep as it got, where that is not D3cold. */
static void reached(const struct news *news)
{
	const char *state = json_string_value(json_object_get(news->properties, "device_state"));

	watch_state(news->watch, news->t_ns, bench_state_of(state ? state : ""));
}

static void on_asked(const struct news *news)
{
	watch_moment(news->watch, AT(on), news->t_ns);
	watch_state(news->watch, news->t_ns, BENCH_D0);
}

static void exit_returned(const struct news *news)
{
	watch_moment(news->watch, AT(exit_issued), news->t_ns - number(news, "took_ns"));
	watch_moment(news->watch, AT(exit_returned), news->t_ns);
}

static void alive(const struct news *news)
{
	watch_moment(news->watch, AT(alive), news->t_ns);
	watch_state(news->watch, news->t_ns, BENCH_D0);
}

/* The host has woken it, and not the guest. */
static void woken(const struct news *news)
{
	watch_state(news->watch, news->t_ns, BENCH_D0);
}

static void failed(const struct news *news)
{
	watch_state(news->watch, news->t_ns, BENCH_UNKNOWN);
	watch_fail(news->watch, "the device did not come back (event power-failed)");
}

static const struct {
	const char *event;
	void (*take)(const struct news *news);
} table[] = {
	{ "power-off-asked", off_asked },
	{ "power-entry-issued", entry_issued },
	{ "power-d3cold", d3cold },
	{ "power-deadline", reached },
	{ "power-reached", reached },
	{ "power-on-asked", on_asked },
	{ "power-exit-returned", exit_returned },
	{ "power-alive", alive },
	{ "power-recovered", alive },
	{ "power-wake", woken },
	{ "power-failed", failed },
};

void vm_event_take(struct watch *watch, const char *line, size_t len, char *backend,
		   size_t backend_len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(event, "event")), *used;
	struct news news = { .watch = watch, .properties = json_object_get(event, "properties") };

	news.t_ns = number(&news, "t_ns");
	used = json_string_value(json_object_get(news.properties, "backend"));
	if (used && name && !strcmp(name, "power-entry-issued"))
		snprintf(backend, backend_len, "%s", used);
	for (size_t i = 0; name && i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].event, name))
			table[i].take(&news);
	json_decref(event);
}
