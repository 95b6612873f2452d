/* SPDX-License-Identifier: BSD-3-Clause */
/* A workload, played by the clock. */
#include <errno.h>

#include "vmm/bench/session.h"
#include "vmm/bits.h"

static void note_late(struct residency_run *run, uint64_t planned_ns)
{
	uint64_t now = now_ns();

	if (now > planned_ns)
		run->late_max_ns = max_u64(run->late_max_ns, now - planned_ns);
}

static int play_job(struct session *session, struct residency_run *run,
		    const struct workload_busy *busy, char *why)
{
	struct target *target = &session->target;
	uint64_t start = run->begin_ns + busy->start_ns, end = start + busy->busy_ns;
	int r = session_explain(session, watch_sleep(&session->watch, start), why);

	if (r < 0)
		return r;
	note_late(run, start);
	watch_begin(&session->watch);
	r = target_busy(target, why);
	if (r == 0)
		r = session_explain(session, watch_sleep(&session->watch, end), why);
	if (r < 0)
		return r;
	note_late(run, end);
	run->jobs++;
	return target_idle(target, why);
}

static int play(struct session *session, struct residency_run *run, char *why)
{
	const struct workload *workload = session->workload;
	int r = 0;

	if (workload->kind != WORKLOAD_GUEST && !(workload->nr && !workload->busy[0].start_ns))
		r = target_idle(&session->target, why);
	for (size_t i = 0; r == 0 && i < workload->nr; i++)
		r = play_job(session, run, &workload->busy[i], why);
	if (r == 0)
		r = session_explain(
			session,
			watch_sleep(&session->watch, run->begin_ns + workload->duration_ns), why);
	return r;
}

int residency_run(struct session *session, struct residency *ret, char *why)
{
	const struct workload *workload = session->workload;
	double s = (double)workload->duration_ns / 1e9;

	progress_part(&session->progress,
		      ret == &session->residency ? "the workload" : "the workload on the host");
	for (unsigned i = 0; i < session->options->runs; i++) {
		struct residency_run run = { 0 };
		int r = workload->kind == WORKLOAD_GUEST ? 0 : target_busy(&session->target, why);

		if (r == 0) {
			run.begin_ns = now_ns();
			r = play(session, &run, why);
		}
		if (r < 0)
			return r;
		run.end_ns = run.begin_ns + workload->duration_ns;
		pthread_mutex_lock(&session->watch.lock);
		timeline_residency(&session->watch.timeline, run.begin_ns, run.end_ns, run.ns);
		pthread_mutex_unlock(&session->watch.lock);
		ret->runs[ret->nr++] = run;
		if (workload->kind != WORKLOAD_GUEST)
			r = target_busy(&session->target, why);
		if (r < 0)
			return r;
		progress_step(&session->progress, i + 1, session->options->runs, s);
	}
	return 0;
}
