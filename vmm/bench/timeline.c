/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes in the order of time. */
#include "vmm/bench/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

#define FIRST_ROOM 256

static const char *const names[BENCH_NR_STATES] = {
	[BENCH_UNKNOWN] = "unknown",
	[BENCH_D0] = "d0",
	[BENCH_D3HOT] = "d3hot",
	[BENCH_D3COLD] = "d3cold",
};

const char *bench_state_name(enum bench_state state)
{
	return names[state];
}

enum bench_state bench_state_of(const char *text)
{
	size_t len = strcspn(text, "\n");

	for (unsigned i = 0; i < BENCH_NR_STATES; i++)
		if (strlen(names[i]) == len && !strncasecmp(names[i], text, len))
			return (enum bench_state)i;
	return BENCH_UNKNOWN;
}

static int grow(struct timeline *timeline)
{
	size_t room = timeline->room ? 2 * timeline->room : FIRST_ROOM;
	struct timeline_change *changes = reallocarray(timeline->changes, room, sizeof(*changes));

	if (!changes)
		return -ENOMEM;
	timeline->changes = changes;
	timeline->room = room;
	return 0;
}

int timeline_add(struct timeline *timeline, uint64_t t_ns, enum bench_state state)
{
	if (timeline->nr == timeline->room && grow(timeline) < 0)
		return -ENOMEM;
	while (timeline->nr && timeline->changes[timeline->nr - 1].t_ns >= t_ns)
		timeline->nr--;
	if (!timeline->nr || timeline->changes[timeline->nr - 1].state != state)
		timeline->changes[timeline->nr++] = (struct timeline_change){ t_ns, state };
	return 0;
}

void timeline_free(struct timeline *timeline)
{
	free(timeline->changes);
	*timeline = (struct timeline){ 0 };
}

/* How many changes there were up to @t_ns, that moment included. */
static size_t changes_until(const struct timeline *timeline, uint64_t t_ns)
{
	size_t low = 0, high = timeline->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (timeline->changes[middle].t_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum bench_state timeline_at(const struct timeline *timeline, uint64_t t_ns)
{
	size_t nr = changes_until(timeline, t_ns);

	return nr ? timeline->changes[nr - 1].state : BENCH_UNKNOWN;
}

void timeline_residency(const struct timeline *timeline, uint64_t begin_ns, uint64_t end_ns,
			uint64_t ns[BENCH_NR_STATES])
{
	enum bench_state state = timeline_at(timeline, begin_ns);
	uint64_t since = begin_ns;

	memset(ns, 0, BENCH_NR_STATES * sizeof(*ns));
	for (size_t i = changes_until(timeline, begin_ns);
	     i < timeline->nr && timeline->changes[i].t_ns < end_ns; i++) {
		ns[state] += timeline->changes[i].t_ns - since;
		since = timeline->changes[i].t_ns;
		state = timeline->changes[i].state;
	}
	if (end_ns > since)
		ns[state] += end_ns - since;
}
