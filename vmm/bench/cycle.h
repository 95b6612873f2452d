/* SPDX-License-Identifier: BSD-3-Clause */
/* One time to D3cold and back: when each thing happened. */
#ifndef COLDVM_VMM_BENCH_CYCLE_H
#define COLDVM_VMM_BENCH_CYCLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC; 0: it has not happened, or cannot be seen where the bench runs. */
struct cycle {
	uint64_t off;	       /* the guest's _OFF; without a guest, the device was let go */
	uint64_t entry_issued; /* the host was asked for low power */
	uint64_t entry_returned;
	uint64_t d3cold; /* observed */
	uint64_t on;	 /* the guest's _ON; without a guest, the device was wanted */
	uint64_t exit_issued;
	uint64_t exit_returned;
	uint64_t alive;		/* proven */
	uint64_t ready;		/* the guest's driver has an answer of the device */
	uint64_t guest_wake_ns; /* how long the guest waited for that, by its own clock */
};

/* Those in which the device was cold and came back. */
struct cycles {
	struct cycle *all;
	size_t nr, room;
	size_t asked, failed, warmup;
};

/* -ENOMEM. */
int cycles_add(struct cycles *cycles, const struct cycle *cycle);
void cycles_free(struct cycles *cycles);
/* "transitions" of result.json; a new reference, NULL without memory. */
json_t *cycles_json(const struct cycles *cycles);
/* Entry and exit together, median of all; 0 without cycles. */
uint64_t cycles_transition_ns(const struct cycles *cycles);

#endif
