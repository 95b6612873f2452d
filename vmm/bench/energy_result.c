/* SPDX-License-Identifier: BSD-3-Clause */
/* From readings and phases to "energy" of result.json. */
#include <stdio.h>
#include <string.h>

#include "vmm/bench/figures.h"
#include "vmm/bench/session.h"
#include "vmm/bits.h"

#define MIN_COVERED 0.9 /* of a phase, for its mean power to stand for it */
#define DUTY_STEPS  20
#define PERIOD_NS   UINT64_C(2000000000) /* for the curve, where no workload has one */
#define S(ns)	    ((double)(ns) / 1e9)

/* Of one meter, over the runs in which it could be had. */
struct values {
	double v[SESSION_MAX_RUNS];
	size_t nr;
};

struct findings {
	struct values watts[PHASE_NR], workload, saving, transition_j, transition_s, seconds;
	unsigned pays, never;
};

static void put(struct values *values, double v)
{
	if (values->nr < ARRAY_SIZE(values->v))
		values->v[values->nr++] = v;
}

/* False if the meter has not seen enough of it. */
static bool mean_power(const struct energy_trace *trace, const struct meter *meter, uint64_t begin,
		       uint64_t end, double *ret)
{
	struct energy_span span;

	if (end <= begin || energy_between(trace, begin, end, meter->max_w, &span) < 0 ||
	    (double)span.covered_ns < MIN_COVERED * (double)(end - begin))
		return false;
	*ret = energy_mean_w(&span);
	return true;
}

/* What entry and exit take, of a stretch with many of them. */
static bool transition(const struct energy_trace *trace, const struct meter *meter,
		       const struct phase *phase, double on_w, double cold_w, double *ret_j,
		       double *ret_s)
{
	struct energy_span span;
	uint64_t whole = phase->end_ns - phase->begin_ns;
	uint64_t away = phase->cold_ns + phase->transition_ns;

	if (!phase->cycles || away > whole ||
	    energy_between(trace, phase->begin_ns, phase->end_ns, meter->max_w, &span) < 0 ||
	    (double)span.covered_ns < MIN_COVERED * (double)whole)
		return false;
	/* A gap that is left has the stretch's own mean power. */
	*ret_j = energy_of_transitions(energy_mean_w(&span) * S(whole), whole - away, on_w,
				       phase->cold_ns, cold_w, phase->cycles);
	*ret_s = S(phase->transition_ns) / phase->cycles;
	return true;
}

static void take_run(const struct energy_trace *trace, const struct meter *meter,
		     const struct phase *phases, struct findings *found)
{
	double watts[PHASE_NR], j, s, seconds;
	bool has[PHASE_NR];

	for (unsigned kind = PHASE_ON; kind < PHASE_CYCLES; kind++) {
		has[kind] = mean_power(trace, meter, phases[kind].begin_ns, phases[kind].end_ns,
				       &watts[kind]);
		if (has[kind])
			put(&found->watts[kind], watts[kind]);
	}
	if (!has[PHASE_FORBIDDEN] || !has[PHASE_D3COLD])
		return;
	put(&found->saving, watts[PHASE_FORBIDDEN] - watts[PHASE_D3COLD]);
	if (!has[PHASE_ON] || !transition(trace, meter, &phases[PHASE_CYCLES], watts[PHASE_ON],
					  watts[PHASE_D3COLD], &j, &s))
		return;
	put(&found->transition_j, j);
	put(&found->transition_s, s);
	if (break_even(j, s, watts[PHASE_FORBIDDEN], watts[PHASE_D3COLD], &seconds) ==
	    BREAK_EVEN_NEVER) {
		found->never++;
		return;
	}
	found->pays++;
	put(&found->seconds, seconds);
}

static json_t *spread_of_values(const struct values *values, const char *unit)
{
	struct values sorted = *values;
	struct spread spread;

	spread_of(sorted.v, sorted.nr, &spread);
	return spread_json(&spread, unit);
}

static double median(const struct values *values)
{
	struct values sorted = *values;
	struct spread spread;

	spread_of(sorted.v, sorted.nr, &spread);
	return spread.median;
}

static bool overlap(const struct values *a, const struct values *b)
{
	struct values x = *a, y = *b;
	struct spread s, t;

	spread_of(x.v, x.nr, &s);
	spread_of(y.v, y.nr, &t);
	return s.min <= t.max && t.min <= s.max;
}

/* A saving that is smaller than what lies between the runs is none that can be told. */
static const char *verdict(const struct findings *found)
{
	if (!found->pays && !found->never)
		return NULL;
	if ((found->pays && found->never) ||
	    overlap(&found->watts[PHASE_FORBIDDEN], &found->watts[PHASE_D3COLD]))
		return "unresolved";
	return found->pays ? "pays" : "never";
}

static uint64_t period_ns(const struct session *session)
{
	return session->workload && session->workload->kind == WORKLOAD_PERIODIC
		       ? session->workload->period_ns
		       : PERIOD_NS;
}

static json_t *curve(const struct session *session, const struct findings *found)
{
	double period = S(period_ns(session)), on = median(&found->watts[PHASE_ON]);
	double idle = median(&found->watts[PHASE_FORBIDDEN]);
	json_t *points = json_array();

	if (!found->transition_j.nr)
		return points;
	for (unsigned i = 0; points && i <= DUTY_STEPS; i++) {
		double duty = (double)i / DUTY_STEPS, busy_s = duty * period;
		double with = energy_hour_with(
			busy_s, on, period - busy_s, idle, median(&found->watts[PHASE_D3COLD]),
			median(&found->transition_j), median(&found->transition_s));

		json_array_append_new(
			points,
			json_pack("{s:f, s:f, s:f}", "duty", duty, "with_j", with, "without_j",
				  energy_hour_without(busy_s, on, period - busy_s, idle)));
	}
	return points;
}

static json_t *meter_result(const struct session *session, unsigned i)
{
	const struct meter *meter = session->meters.meters[i];
	struct findings found = { 0 };
	struct energy_trace trace;
	const char *word;
	double watts;

	sampler_trace(session->sampler, i, &trace);
	for (unsigned run = 0; run < session->nr_phase_runs; run++)
		take_run(&trace, meter, session->phases[run], &found);
	for (unsigned run = 0; run < session->residency.nr; run++)
		if (mean_power(&trace, meter, session->residency.runs[run].begin_ns,
			       session->residency.runs[run].end_ns, &watts))
			put(&found.workload, watts);
	word = verdict(&found);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "name",
			 meter->name, "kind", meter_kind_name(meter->kind), "on_w",
			 spread_of_values(&found.watts[PHASE_ON], "W"), "forbidden_w",
			 spread_of_values(&found.watts[PHASE_FORBIDDEN], "W"), "d3cold_w",
			 spread_of_values(&found.watts[PHASE_D3COLD], "W"), "workload_w",
			 spread_of_values(&found.workload, "W"), "saving_w",
			 spread_of_values(&found.saving, "W"), "transition_j",
			 spread_of_values(&found.transition_j, "J"), "transition_ns",
			 (json_int_t)(median(&found.transition_s) * 1e9), "break_even",
			 word ? json_pack("{s:s, s:o}", "verdict", word, "seconds",
					  spread_of_values(&found.seconds, "s"))
			      : json_null(),
			 "per_hour", curve(session, &found));
}

/* One of them has seen every state of one run at least. */
static bool any_known(const json_t *meters)
{
	json_t *meter;
	size_t i;

	json_array_foreach((json_t *)meters, i, meter)
	{
		if (!json_is_null(json_object_get(meter, "saving_w")))
			return true;
	}
	return false;
}

json_t *energy_json(const struct session *session)
{
	json_t *meters = json_array();
	const char *why = "";
	bool known;

	for (unsigned i = 0; session->sampler && i < session->meters.nr; i++)
		json_array_append_new(meters, meter_result(session, i));
	known = any_known(meters);
	if (!session->meters.nr)
		why = "this host has no meter that can be read: see --meter";
	else if (!known)
		why = "no meter gave readings of both idle states";
	return json_pack("{s:b, s:s, s:s, s:o, s:I}", "known", known, "why", why, "control",
			 bench_state_name(session->control), "meters", meters, "per_hour_period_ns",
			 (json_int_t)period_ns(session));
}
