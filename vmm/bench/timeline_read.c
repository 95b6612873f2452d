/* SPDX-License-Identifier: BSD-3-Clause */
/* An array of pairs. */
#include "vmm/bench/timeline_read.h"

#include "vmm/bench/value_text.h"

void timeline_read(const json_t *result, struct timeline *timeline)
{
	const json_t *change;
	size_t i;

	json_array_foreach((json_t *)json_at(result, "timeline.changes"), i, change)
	{
		const char *state = json_string_value(json_array_get(change, 1));

		if (timeline_add(timeline, (uint64_t)json_integer_value(json_array_get(change, 0)),
				 bench_state_of(state ? state : "")) < 0)
			return;
	}
}
