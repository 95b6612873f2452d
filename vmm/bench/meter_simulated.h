/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A meter that is made up: watts for each state, joules for each transition, a counter that wraps
 * and readings that fail. What must come out of the arithmetic is known. Says "simulated" wherever
 * it is named.
 */
#ifndef COLDVM_VMM_BENCH_METER_SIMULATED_H
#define COLDVM_VMM_BENCH_METER_SIMULATED_H

#include "vmm/bench/meter.h"

/*
 * Adds one, by the words of --simulated-meter:
 *   d0_w=20,d3hot_w=8,d3cold_w=1[,entry_j=0][,exit_j=0][,quantity=energy|power][,range_j=0]
 *   [,noise=0][,gap_every_ms=0,gap_ms=0][,interval_ms=10][,seed=1]
 * entry_j is spent at each change to D3cold, exit_j at each from it. noise is the largest error of
 * a power reading as a share of it. -EINVAL with one line in @why.
 */
int meter_simulated_add(struct meter_set *set, const char *words, char *why, size_t why_len);
/* The device is in @state from @t_ns on; told to every simulated meter of the set. Any thread; may
 * come late, and takes what was assumed since then back. */
void meter_simulated_change(struct meter_set *set, uint64_t t_ns, enum bench_state state);

#endif
