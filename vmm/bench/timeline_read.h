/* SPDX-License-Identifier: BSD-3-Clause */
/* "timeline" of result.json once more, to ask for shares of time. */
#ifndef COLDVM_VMM_BENCH_TIMELINE_READ_H
#define COLDVM_VMM_BENCH_TIMELINE_READ_H

#include <jansson.h>

#include "vmm/bench/timeline.h"

/* Into an empty one; without memory, as far as it went. */
void timeline_read(const json_t *result, struct timeline *timeline);

#endif
