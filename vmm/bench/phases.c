/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states that a meter is read in, each for phase_s after settle_s. Their order turns from run
 * to run, so that what drifts over the whole (heat) does not fall on one state alone.
 */
#include <errno.h>
#include <string.h>

#include "vmm/bench/session.h"
#include "vmm/bits.h"

#define COLD_NS	    UINT64_C(10000000000)
#define IDLE_NS	    UINT64_C(2000000000) /* for a device that D3cold is forbidden to be idle */
#define REST_NS	    UINT64_C(300000000)	 /* of a cycle, in either state */
#define MIN_CYCLES  5
#define CYCLE_S	    0.9 /* for the plan */
#define NS_OF_S	    UINT64_C(1000000000)
#define STEPS_A_RUN PHASE_NR
/* A reading that is late by one still counts. */
#define GUARD_INTERVALS 2

static int rest(struct session *session, uint64_t ns, char *why)
{
	return session_explain(session, watch_sleep(&session->watch, now_ns() + ns), why);
}

/* Rests until what each meter reads next belongs to the time after now: a reading stands for the
 * time up to it, so nothing may change right at the end of a phase. */
static int guard(struct session *session, char *why)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < session->meters.nr; i++)
		longest = max_u64(longest, session->meters.meters[i]->interval_ns);
	return rest(session, GUARD_INTERVALS * longest, why);
}

/* In the state that it is in now. */
static int hold(struct session *session, struct phase *phase, char *why)
{
	uint64_t begin, end;
	int r = rest(session, session->options->settle_s * NS_OF_S, why);

	if (r == 0)
		r = guard(session, why);
	begin = now_ns();
	if (r == 0)
		r = rest(session, session->options->phase_s * NS_OF_S, why);
	end = now_ns();
	if (r == 0)
		r = guard(session, why);
	if (r == 0) {
		phase->begin_ns = begin;
		phase->end_ns = end;
	}
	return r;
}

static int back(struct session *session, int r, char *why)
{
	char ignored[TARGET_WHY];
	int b = target_busy(&session->target, r < 0 ? ignored : why);

	return r < 0 ? r : b;
}

static int hold_forbidden(struct session *session, struct phase *phase, char *why)
{
	struct target *target = &session->target;
	int r = target->ops->forbid(target, true, why);

	watch_begin(&session->watch);
	if (r == 0)
		r = target_idle(target, why);
	if (r == 0)
		r = rest(session, IDLE_NS, why);
	session->control = watch_now(&session->watch);
	if (r == 0)
		r = hold(session, phase, why);
	if (r != -ECANCELED && r != -EPIPE)
		r = back(session, r, why);
	return r == 0 ? target->ops->forbid(target, false, why) : r;
}

static int hold_cold(struct session *session, struct phase *phase, char *why)
{
	struct target *target = &session->target;
	int r;

	watch_begin(&session->watch);
	r = target_idle(target, why);
	if (r == 0)
		r = session_explain(
			session,
			watch_wait_state(&session->watch, BENCH_D3COLD, now_ns() + COLD_NS), why);
	if (r == -ETIMEDOUT)
		strcpy(why, "D3cold was not reached");
	if (r == 0)
		r = hold(session, phase, why);
	return r != -ECANCELED && r != -EPIPE ? back(session, r, why) : r;
}

static unsigned cycles_of(const struct bench_options *options)
{
	unsigned cycles = (unsigned)(options->phase_s / CYCLE_S);

	return cycles > MIN_CYCLES ? cycles : MIN_CYCLES;
}

static void account(struct phase *phase, const struct cycle *cycle)
{
	uint64_t back = cycle->ready ? cycle->ready : cycle->alive;

	phase->cycles++;
	phase->cold_ns += cycle->on - cycle->d3cold;
	phase->transition_ns += cycle->d3cold - cycle->off + back - cycle->on;
}

static int go_round(struct session *session, struct phase *phase, char *why)
{
	int r = rest(session, session->options->settle_s * NS_OF_S, why);

	if (r == 0)
		r = guard(session, why);
	phase->begin_ns = now_ns();
	for (unsigned i = 0; r == 0 && i < cycles_of(session->options); i++) {
		struct cycle cycle;

		r = session_cycle(session, REST_NS, why);
		if (r < 0)
			break;
		watch_cycle(&session->watch, &cycle);
		account(phase, &cycle);
		r = rest(session, REST_NS, why);
	}
	phase->end_ns = now_ns();
	if (r == 0)
		r = guard(session, why);
	if (r < 0)
		*phase = (struct phase){ 0 };
	return r;
}

static int run_phase(struct session *session, enum phase_kind kind, char *why)
{
	struct phase *phase = &session->phases[session->nr_phase_runs][kind];

	switch (kind) {
	case PHASE_ON:
		return hold(session, phase, why);
	case PHASE_FORBIDDEN:
		return hold_forbidden(session, phase, why);
	case PHASE_D3COLD:
		return hold_cold(session, phase, why);
	default:
		return go_round(session, phase, why);
	}
}

int phases_run(struct session *session, char *why)
{
	const struct bench_options *options = session->options;
	unsigned steps = options->runs * STEPS_A_RUN;

	progress_part(&session->progress, "the power of each state");
	for (unsigned run = 0; run < options->runs; run++) {
		for (unsigned i = 0; i < PHASE_NR; i++) {
			int r = run_phase(session, (enum phase_kind)((run + i) % PHASE_NR), why);

			if (r < 0)
				return r;
			progress_step(&session->progress, run * STEPS_A_RUN + i + 1, steps,
				      options->phase_s + options->settle_s);
		}
		session->nr_phase_runs++;
	}
	return 0;
}
