/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of a run: transitions, power of each state, workload; then the workload on the bare
 * host, when the VM is gone. */
#include "vmm/bench/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bench/meter_simulated.h"
#include "vmm/bits.h"

#define NS_OF_MS UINT64_C(1000000)
#define CYCLE_S	 0.4
#define START_S	 5

static const struct target_ops *const targets[] = {
	[BENCH_VM] = &target_vm_ops,
	[BENCH_RAW] = &target_raw_ops,
	[BENCH_HOST] = &target_host_ops,
};

static bool compares(const struct session *session)
{
	return session->workload && session->options->beside_host &&
	       session->options->target != BENCH_HOST &&
	       session->workload->kind != WORKLOAD_GUEST &&
	       session->workload->kind != WORKLOAD_IDLE;
}

static double planned_s(const struct session *session)
{
	const struct bench_options *o = session->options;
	double s = START_S;

	s += (o->cycles + o->warmup) * (o->cold_ms / 1e3 + o->awake_ms / 1e3 + CYCLE_S);
	if (session->meters.nr && !bench_options_only_watch(o))
		s += o->runs * PHASE_NR * (double)(o->phase_s + o->settle_s);
	if (session->workload)
		s += o->runs * (double)session->workload->duration_ns / 1e9 *
		     (compares(session) ? 2 : 1);
	return s;
}

static enum bench_state state_now(void *opaque)
{
	return watch_now(opaque);
}

static bool may_touch(void *opaque)
{
	return watch_may_touch(opaque);
}

static int start_meters(struct session *session, char *why)
{
	const struct bench_options *options = session->options;
	const struct meter_search search = {
		.sysfs = "/sys",
		.device = session->bdf,
		.on_host = options->target == BENCH_HOST,
		.interval_ns = options->interval_ms * NS_OF_MS,
	};
	int r = options->no_meters ? 0 : meters_find(&session->meters, &search);

	if (r < 0)
		strcpy(why, "out of memory");
	for (unsigned i = 0; r == 0 && i < options->nr_commands; i++)
		r = meters_add_command(&session->meters, options->commands[i], search.interval_ns,
				       why, TARGET_WHY);
	for (unsigned i = 0; r == 0 && i < options->nr_simulated; i++)
		r = meter_simulated_add(&session->meters, options->simulated[i], why, TARGET_WHY);
	for (unsigned i = 0; i < session->meters.nr_notes; i++)
		fprintf(stderr, "bench: %s\n", session->meters.notes[i]);
	session->watch.meters = &session->meters;
	if (r == 0 && session->meters.nr && options->runs < METER_RUNS) {
		snprintf(why, TARGET_WHY,
			 "--runs %u: this host has a meter; want %u or more, or --no-meters",
			 options->runs, METER_RUNS);
		r = -EINVAL;
	}
	if (r == 0 && session->meters.nr) {
		r = sampler_start(&session->sampler, &session->meters, state_now, may_touch,
				  &session->watch);
		if (r < 0)
			snprintf(why, TARGET_WHY, "meters: %s", strerror(-r));
	}
	return r;
}

static void set_target(struct session *session, const struct target_ops *ops)
{
	struct target *target = &session->target;

	*target = (struct target){
		.ops = ops,
		.options = session->options,
		.watch = &session->watch,
	};
	memcpy(target->bdf, session->bdf, sizeof(target->bdf));
	memcpy(target->dir, session->dir, sizeof(target->dir));
}

static int measure(struct session *session, char *why)
{
	struct target *target = &session->target;
	int r;

	set_target(session, targets[session->options->target]);
	progress_part(&session->progress, "starting");
	r = target->ops->start(target, why);
	watch_want(&session->watch, r == 0);
	progress_step(&session->progress, 1, 1, START_S);
	if (r == 0 && session->options->cycles)
		r = transitions_run(session, why);
	if (r == 0 && session->meters.nr && !bench_options_only_watch(session->options))
		r = phases_run(session, why);
	if (r == 0 && session->workload)
		r = residency_run(session, &session->residency, why);
	session->target_name = target->ops->name;
	memcpy(session->backend, target->backend, sizeof(session->backend));
	session->guest = json_incref(target->guest);
	target->ops->stop(target);
	return r;
}

/* What the VM's end has told of does not matter here. */
static int measure_host(struct session *session, char *why)
{
	struct target *target = &session->target;
	int r;

	session->watch.failure[0] = '\0';
	set_target(session, &target_host_ops);
	watch_begin(&session->watch);
	r = target->ops->start(target, why);
	watch_want(&session->watch, r == 0);
	if (r == 0)
		r = residency_run(session, &session->host_residency, why);
	target->ops->stop(target);
	return r;
}

int session_run(struct session *session)
{
	char why[TARGET_WHY] = "";
	int r = start_meters(session, why);

	progress_begin(&session->progress, planned_s(session));
	if (r == 0)
		r = measure(session, why);
	if (r == 0 && compares(session))
		r = measure_host(session, why);
	progress_end(&session->progress);
	if (session->sampler)
		sampler_stop(session->sampler);
	if (r < 0)
		snprintf(session->stopped, sizeof(session->stopped), "%s",
			 r == -ECANCELED ? "a signal"
			 : why[0]	 ? why
					 : strerror(-r));
	return r;
}

void session_free(struct session *session)
{
	sampler_free(session->sampler);
	session->watch.meters = NULL;
	meters_close(&session->meters);
	cycles_free(&session->cycles);
	json_decref(session->guest);
	watch_exit(&session->watch);
}
