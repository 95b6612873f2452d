/* SPDX-License-Identifier: BSD-3-Clause */
/* From moments to figures. */
#include "vmm/bench/cycle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/bench/figures.h"
#include "vmm/bits.h"

#define FIRST_ROOM 64

#define MOMENT(name)                                \
	{                                           \
#name, offsetof(struct cycle, name) \
	}

static const struct moment {
	const char *name;
	size_t offset;
} moments[] = {
	MOMENT(off),	       MOMENT(entry_issued), MOMENT(entry_returned),
	MOMENT(d3cold),	       MOMENT(on),	     MOMENT(exit_issued),
	MOMENT(exit_returned), MOMENT(alive),	     MOMENT(ready),
};

/* From one moment to another. */
static const struct distance {
	const char *name;
	size_t from, to;
} distances[] = {
	{ "off_to_entry_issued", offsetof(struct cycle, off),
	  offsetof(struct cycle, entry_issued) },
	{ "entry_issued_to_returned", offsetof(struct cycle, entry_issued),
	  offsetof(struct cycle, entry_returned) },
	{ "entry_issued_to_d3cold", offsetof(struct cycle, entry_issued),
	  offsetof(struct cycle, d3cold) },
	{ "off_to_d3cold", offsetof(struct cycle, off), offsetof(struct cycle, d3cold) },
	{ "on_to_exit_issued", offsetof(struct cycle, on), offsetof(struct cycle, exit_issued) },
	{ "exit", offsetof(struct cycle, exit_issued), offsetof(struct cycle, exit_returned) },
	{ "on_to_alive", offsetof(struct cycle, on), offsetof(struct cycle, alive) },
	{ "on_to_ready", offsetof(struct cycle, on), offsetof(struct cycle, ready) },
};

static uint64_t moment_of(const struct cycle *cycle, size_t offset)
{
	return *(const uint64_t *)((const char *)cycle + offset);
}

int cycles_add(struct cycles *cycles, const struct cycle *cycle)
{
	if (cycles->nr == cycles->room) {
		size_t room = cycles->room ? 2 * cycles->room : FIRST_ROOM;
		struct cycle *all = reallocarray(cycles->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		cycles->all = all;
		cycles->room = room;
	}
	cycles->all[cycles->nr++] = *cycle;
	return 0;
}

void cycles_free(struct cycles *cycles)
{
	free(cycles->all);
	*cycles = (struct cycles){ 0 };
}

/* Cycles that lack one of the two moments have no part in it. A verdict may be older than the
 * event of the next step by what a thread needs to get on, hence the signed difference. */
static json_t *distance_json(const struct cycles *cycles, const struct distance *distance,
			     double *values)
{
	struct figures figures;
	size_t nr = 0;

	for (size_t i = 0; i < cycles->nr; i++) {
		uint64_t from = moment_of(&cycles->all[i], distance->from);
		uint64_t to = moment_of(&cycles->all[i], distance->to);

		if (from && to)
			values[nr++] = (double)(int64_t)(to - from);
	}
	figures_of(values, nr, &figures);
	return figures_json(&figures, "ns");
}

static json_t *guest_wake_json(const struct cycles *cycles, double *values)
{
	struct figures figures;
	size_t nr = 0;

	for (size_t i = 0; i < cycles->nr; i++)
		if (cycles->all[i].guest_wake_ns)
			values[nr++] = (double)cycles->all[i].guest_wake_ns;
	figures_of(values, nr, &figures);
	return figures_json(&figures, "ns");
}

static json_t *all_json(const struct cycles *cycles)
{
	json_t *all = json_array();

	for (size_t i = 0; all && i < cycles->nr; i++) {
		json_t *one = json_object();

		for (size_t m = 0; one && m < ARRAY_SIZE(moments); m++) {
			uint64_t t = moment_of(&cycles->all[i], moments[m].offset);

			json_object_set_new(one, moments[m].name,
					    t ? json_integer((json_int_t)t) : json_null());
		}
		json_array_append_new(all, one);
	}
	return all;
}

json_t *cycles_json(const struct cycles *cycles)
{
	double *values = calloc(cycles->nr + 1, sizeof(*values));
	json_t *figures = json_object(), *all = all_json(cycles);

	if (!values || !figures || !all) {
		free(values);
		json_decref(figures);
		json_decref(all);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(distances); i++)
		json_object_set_new(figures, distances[i].name,
				    distance_json(cycles, &distances[i], values));
	json_object_set_new(figures, "guest_wake", guest_wake_json(cycles, values));
	free(values);
	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "asked", (json_int_t)cycles->asked,
			 "cycles", (json_int_t)cycles->nr, "failed", (json_int_t)cycles->failed,
			 "warmup", (json_int_t)cycles->warmup, "figures", figures, "cycles_ns",
			 all);
}

uint64_t cycles_transition_ns(const struct cycles *cycles)
{
	double *values = calloc(cycles->nr + 1, sizeof(*values));
	struct figures figures = { 0 };
	size_t nr = 0;

	for (size_t i = 0; values && i < cycles->nr; i++) {
		const struct cycle *c = &cycles->all[i];
		uint64_t end = c->ready ? c->ready : c->alive;

		if (c->off && c->d3cold && c->on && end)
			values[nr++] = (double)(c->d3cold - c->off) + (double)(end - c->on);
	}
	if (values)
		figures_of(values, nr, &figures);
	free(values);
	return (uint64_t)figures.p50;
}
