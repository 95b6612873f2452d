/* SPDX-License-Identifier: BSD-3-Clause */
/* From moments to figures. */
#include "vmm/bench/cycle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/figures.h"
#include "vmm/bench/ways.h"
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

static uint64_t moment_at(const struct cycle *cycle, size_t offset)
{
	return *(const uint64_t *)((const char *)cycle + offset);
}

/* By its name in result.json, which is one of the table. */
static uint64_t moment_of(const struct cycle *cycle, const char *name)
{
	size_t i = 0;

	while (strcmp(moments[i].name, name))
		i++;
	return moment_at(cycle, moments[i].offset);
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
static json_t *distance_json(const struct cycles *cycles, const struct way *way, double *values)
{
	struct figures figures;
	size_t nr = 0;

	for (size_t i = 0; i < cycles->nr; i++) {
		uint64_t from = moment_of(&cycles->all[i], way->from);
		uint64_t to = moment_of(&cycles->all[i], way->to);

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
			uint64_t t = moment_at(&cycles->all[i], moments[m].offset);

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
	for (size_t i = 0; i < NR_WAYS; i++)
		json_object_set_new(figures, ways[i].key,
				    ways[i].from ? distance_json(cycles, &ways[i], values)
						 : guest_wake_json(cycles, values));
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
