/* SPDX-License-Identifier: BSD-3-Clause */
/* How far a long run is, on standard error: one line that is written over on a terminal, else a
 * line for each part. */
#ifndef COLDVM_VMM_BENCH_PROGRESS_H
#define COLDVM_VMM_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t begun_ns;
	double planned_s, done_s; /* by the plan, of all parts */
	bool terminal;
	uint64_t shown_ns;
	const char *part;
};

/* @planned_s: what the whole run takes by its plan. */
void progress_begin(struct progress *progress, double planned_s);
/* @part begins, the rest of which is told by progress_step(). */
void progress_part(struct progress *progress, const char *part);
/* @step of @steps of the part are done, which took @s by the plan. */
void progress_step(struct progress *progress, unsigned step, unsigned steps, double s);
/* The line is free for somebody else. */
void progress_end(struct progress *progress);

#endif
