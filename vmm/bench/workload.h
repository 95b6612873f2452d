/* SPDX-License-Identifier: BSD-3-Clause */
/* When a device has something to do: the same for the same words and seed, on any machine. */
#ifndef COLDVM_VMM_BENCH_WORKLOAD_H
#define COLDVM_VMM_BENCH_WORKLOAD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum workload_kind {
	WORKLOAD_PERIODIC, /* busy for @duty of each period, from its start */
	WORKLOAD_POISSON,  /* jobs of busy_ns that arrive at random, rate_hz a second */
	WORKLOAD_TRACE,	   /* a file's */
	WORKLOAD_IDLE,	   /* never busy */
	WORKLOAD_GUEST,	   /* the guest does what it wants, and is watched */
};

/* Busy from start_ns on, for busy_ns; both from the start of the workload. */
struct workload_busy {
	uint64_t start_ns, busy_ns;
};

struct workload {
	enum workload_kind kind;
	uint64_t period_ns;
	double duty; /* 0 to 1 */
	double rate_hz;
	uint64_t busy_ns;
	char path[4096];
	uint64_t seed;
	uint64_t duration_ns;
	/* By workload_plan(): in the order of time, apart from each other, the last ends within
	 * the duration. None for IDLE and GUEST. */
	struct workload_busy *busy;
	size_t nr;
};

/*
 * The words of --workload:
 *   periodic[,period_ms=2000][,duty=25]	duty in percent, fractions allowed, 0 < duty < 100
 *   poisson[,rate_hz=0.5][,busy_ms=200]
 *   trace,path=FILE
 *   idle
 *   guest
 * each with [,seed=1][,duration_s=60]; a trace's duration is, if not given, its last row's end.
 * -EINVAL with one line for people in @why ("--workload duty=120: want ..."); an unknown word names
 * the nearest known one.
 */
int workload_parse(struct workload *workload, const char *text, char *why, size_t why_len);
/* Fills busy. Jobs of a Poisson process that overlap are one. A trace is CSV with the header
 * "start_ns,busy_ns" and whole numbers, rows in order and apart. -EINVAL, -ENOMEM, or the errno of
 * the file, with one line in @why that names file and line. */
int workload_plan(struct workload *workload, char *why, size_t why_len);
void workload_free(struct workload *workload);

/* As a trace that workload_plan() reads. -EIO. */
int workload_write_trace(const struct workload_busy *busy, size_t nr, FILE *out);
const char *workload_name(enum workload_kind kind);
/* {"name", "duration_ns", "seed", and what the kind has}; a new reference, NULL without memory. */
json_t *workload_json(const struct workload *workload);

#endif
