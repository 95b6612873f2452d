/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run says, in one or two sentences: the head of the page and of the summary. */
#ifndef COLDVM_VMM_BENCH_FINDING_H
#define COLDVM_VMM_BENCH_FINDING_H

#include <jansson.h>
#include <stddef.h>

#define FINDING_TEXT 512

void finding_text(const json_t *result, char ret[FINDING_TEXT]);
/* The entry of "energy.meters" that speaks for the run: an external meter before the host's own
 * counters, and both before what is made up. NULL: none has seen both idle states. */
const json_t *finding_meter(const json_t *result);

#endif
