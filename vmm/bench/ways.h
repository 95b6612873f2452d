/* SPDX-License-Identifier: BSD-3-Clause */
/* The stretches of a cycle that have figures: what they are called, and what they lie between. */
#ifndef COLDVM_VMM_BENCH_WAYS_H
#define COLDVM_VMM_BENCH_WAYS_H

#include <stdbool.h>

struct way {
	const char *key;       /* in "transitions.figures" */
	const char *from, *to; /* moments in "transitions.cycles_ns"; NULL: it is no difference */
	const char *words;
	bool detail; /* left out where there is room for few */
};

#define NR_WAYS 9

extern const struct way ways[NR_WAYS];

#endif
