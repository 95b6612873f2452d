/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of the bench: what is measured, in which order, and what came of it. */
#ifndef COLDVM_VMM_BENCH_SESSION_H
#define COLDVM_VMM_BENCH_SESSION_H

#include <jansson.h>

#include "vmm/bench/progress.h"
#include "vmm/bench/sampler.h"
#include "vmm/bench/target.h"

#define SESSION_MAX_RUNS 100

/* One time through a workload. */
struct residency_run {
	uint64_t begin_ns, end_ns;
	uint64_t ns[BENCH_NR_STATES];
	uint64_t jobs;
	uint64_t late_max_ns; /* the most that a job came later than planned */
};

struct residency {
	struct residency_run runs[SESSION_MAX_RUNS];
	unsigned nr;
};

/* A time in which a meter's reading means one thing. */
enum phase_kind {
	PHASE_ON,	 /* the device is on, and has nothing to do */
	PHASE_FORBIDDEN, /* it is idle, and D3cold is forbidden: the negative control */
	PHASE_D3COLD,
	PHASE_CYCLES, /* there and back, again and again */
	PHASE_NR,
};

struct phase {
	uint64_t begin_ns, end_ns; /* 0: not measured */
	/* PHASE_CYCLES: how many there were, time in D3cold, time on the way. */
	unsigned cycles;
	uint64_t cold_ns, transition_ns;
};

struct session {
	const struct bench_options *options;
	struct workload *workload; /* planned; NULL: none */
	struct watch watch;
	struct meter_set meters;
	struct sampler *sampler; /* NULL: no meter */
	struct target target;
	struct progress progress;
	char dir[PATH_MAX], bdf[16];
	char started[32];	  /* the wall clock's, ISO 8601 */
	char stopped[TARGET_WHY]; /* why it is not complete; empty: it is */

	const char *target_name;
	json_t *guest; /* of result.json */
	char backend[16];
	struct cycles cycles;
	struct residency residency, host_residency;
	struct phase phases[SESSION_MAX_RUNS][PHASE_NR];
	unsigned nr_phase_runs;
	enum bench_state control; /* the state in PHASE_FORBIDDEN */
};

/* Measures all that the options ask for. 0; -ECANCELED: the user has stopped it; -errno with one
 * line in session->stopped. What was measured by then is there in any case. */
int session_run(struct session *session);
void session_free(struct session *session);

/* The parts of it; the target has started and is on, and is on afterwards. One line in @why
 * (TARGET_WHY). */
int transitions_run(struct session *session, char *why);
int residency_run(struct session *session, struct residency *ret, char *why);
int phases_run(struct session *session, char *why);

/* Lets the device go, waits for D3cold, rests there and wakes it. The cycle is in session->watch.
 * -ETIMEDOUT: it did not get there, and is on again. */
int session_cycle(struct session *session, uint64_t cold_ns, char *why);
/* A wait's result as one line. */
int session_explain(struct session *session, int r, char *why);

/* result.json; NULL without memory. */
json_t *result_json(const struct session *session);
/* "energy" of it, by the sampler's readings. */
json_t *energy_json(const struct session *session);

#endif
