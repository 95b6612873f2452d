/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads each meter on a thread and a clock of its own, so that a slow one delays no other. */
#ifndef COLDVM_VMM_BENCH_SAMPLER_H
#define COLDVM_VMM_BENCH_SAMPLER_H

#include <stdio.h>

#include "vmm/bench/meter.h"

struct sampler;

/*
 * Starts a thread a meter, which reads it every interval_ns, at multiples of that since the start:
 * a reading that takes longer leaves out those that it missed. A sample's moment is the middle of
 * its reading. @state, the device's, and @may_touch are asked from those threads; a meter that
 * touches the device is read only where @may_touch says so. @set outlives the sampler. -errno.
 */
int sampler_start(struct sampler **ret, struct meter_set *set,
		  enum bench_state (*state)(void *opaque), bool (*may_touch)(void *opaque),
		  void *opaque);
/* Ends the threads; readings stay. */
void sampler_stop(struct sampler *sampler);
void sampler_free(struct sampler *sampler);

/* The readings of meter @i of the set, of a sampler that was stopped. A gap is more than four
 * intervals. */
void sampler_trace(const struct sampler *sampler, unsigned i, struct energy_trace *ret);
/* The lines "t_ns,source,unit,value,state" of all meters, without a header. After the end. -EIO. */
int sampler_write_csv(const struct sampler *sampler, FILE *out);
/* Why meter @i ended early, or NULL. */
const char *sampler_failure(const struct sampler *sampler, unsigned i);

#endif
