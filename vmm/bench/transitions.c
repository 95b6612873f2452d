/* SPDX-License-Identifier: BSD-3-Clause */
/* To D3cold and back, again and again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bench/session.h"
#include "vmm/bits.h"

#define COLD_NS	     UINT64_C(10000000000) /* D3cold comes within 100 ms, or not at all */
#define MAX_FAILURES 3			   /* in a row: something is wrong with the host */
#define NS_OF_MS     UINT64_C(1000000)
#define WAYS_S	     0.4 /* there and back, for the plan */

int session_explain(struct session *session, int r, char *why)
{
	if (r == -EIO) {
		pthread_mutex_lock(&session->watch.lock);
		snprintf(why, TARGET_WHY, "%s", session->watch.failure);
		pthread_mutex_unlock(&session->watch.lock);
	} else if (r == -ECANCELED) {
		snprintf(why, TARGET_WHY, "stopped");
	}
	return r;
}

/* Nobody has switched it off, or the host has not gone all the way. */
static void explain_warm(struct session *session, char *why)
{
	struct cycle cycle;

	watch_cycle(&session->watch, &cycle);
	if (cycle.off)
		snprintf(why, TARGET_WHY, "%s has not reached D3cold (coldvm doctor %s says why)",
			 session->bdf, session->bdf);
	else
		snprintf(why, TARGET_WHY,
			 "the guest has not switched %s off: its driver does not let it idle (try "
			 "--driver none)",
			 session->bdf);
}

int session_cycle(struct session *session, uint64_t cold_ns, char *why)
{
	struct target *target = &session->target;
	int r, wait;

	watch_begin(&session->watch);
	r = target_idle(target, why);
	if (r < 0)
		return r;
	wait = watch_wait_state(&session->watch, BENCH_D3COLD, now_ns() + COLD_NS);
	if (wait == 0)
		wait = watch_sleep(&session->watch, now_ns() + cold_ns);
	if (wait < 0 && wait != -ETIMEDOUT)
		return session_explain(session, wait, why);
	r = target_busy(target, why);
	if (wait == -ETIMEDOUT)
		explain_warm(session, why);
	return r < 0 ? r : wait;
}

/* One that counts, or one for warming up. */
static int measure(struct session *session, bool counts, char *why)
{
	const struct bench_options *options = session->options;
	struct cycle cycle;
	int r = session_cycle(session, options->cold_ms * NS_OF_MS, why);

	if (r < 0)
		return r;
	watch_cycle(&session->watch, &cycle);
	if (counts)
		r = cycles_add(&session->cycles, &cycle);
	if (r == 0)
		r = session_explain(
			session,
			watch_sleep(&session->watch, now_ns() + options->awake_ms * NS_OF_MS), why);
	return r;
}

int transitions_run(struct session *session, char *why)
{
	const struct bench_options *options = session->options;
	double s = options->cold_ms / 1e3 + options->awake_ms / 1e3 + WAYS_S;
	unsigned failures = 0;

	session->cycles.asked = options->cycles;
	session->cycles.warmup = options->warmup;
	progress_part(&session->progress, "to D3cold and back");
	for (unsigned i = 0; i < options->cycles + options->warmup; i++) {
		int r = measure(session, i >= options->warmup, why);

		if (r < 0 && r != -ETIMEDOUT)
			return r;
		failures = r < 0 ? failures + 1 : 0;
		session->cycles.failed += r < 0;
		if (failures == MAX_FAILURES)
			return r;
		if (i >= options->warmup)
			progress_step(&session->progress, i + 1 - options->warmup, options->cycles,
				      s);
	}
	/* None at all is no measurement; why has what the last one lacked. */
	return session->cycles.nr ? 0 : -ETIMEDOUT;
}
