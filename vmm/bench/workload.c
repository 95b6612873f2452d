/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of a workload: a table for each kind, and what follows from it. */
#include "vmm/bench/workload.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/random.h"
#include "vmm/bits.h"
#include "vmm/nearest.h"

#define MAX_JOBS       1000000
#define MAX_DURATION_S (7 * 86400.0)
#define DURATION_S     60
#define NS_OF_S	       1e9
#define NS_OF_MS       1e6
#define FIRST_ROOM     256
#define TRACE_HEADER   "start_ns,busy_ns"
#define ALL_KINDS      0x1f
#define KIND(kind)     (1u << (kind))
#define PLANNED_KINDS  (KIND(WORKLOAD_PERIODIC) | KIND(WORKLOAD_POISSON))

static const char *const kinds[] = {
	[WORKLOAD_PERIODIC] = "periodic", [WORKLOAD_POISSON] = "poisson",
	[WORKLOAD_TRACE] = "trace",	  [WORKLOAD_IDLE] = "idle",
	[WORKLOAD_GUEST] = "guest",
};

/* A number: @scale makes of it what the field holds, a double or whole nanoseconds. */
static const struct word {
	const char *key;
	unsigned kinds;
	double min, max;
	size_t offset;
	double scale;
	bool whole;
} words[] = {
	{ "period_ms", KIND(WORKLOAD_PERIODIC), 1, 86400000, offsetof(struct workload, period_ns),
	  NS_OF_MS, true },
	{ "duty", KIND(WORKLOAD_PERIODIC), 0.001, 99.999, offsetof(struct workload, duty), 0.01,
	  false },
	{ "rate_hz", KIND(WORKLOAD_POISSON), 0.00001, 1000, offsetof(struct workload, rate_hz), 1,
	  false },
	{ "busy_ms", KIND(WORKLOAD_POISSON), 0.001, 86400000, offsetof(struct workload, busy_ns),
	  NS_OF_MS, true },
	{ "seed", ALL_KINDS, 0, 4294967295.0, offsetof(struct workload, seed), 1, true },
	{ "duration_s", ALL_KINDS, 0.1, MAX_DURATION_S, offsetof(struct workload, duration_ns),
	  NS_OF_S, true },
};

const char *workload_name(enum workload_kind kind)
{
	return kinds[kind];
}

/* --- words --------------------------------------------------------------------------------------
 */

static int set_number(struct workload *workload, const struct word *word, const char *text,
		      char *why, size_t why_len)
{
	void *field = (char *)workload + word->offset;
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= word->min && value <= word->max)) {
		snprintf(why, why_len, "--workload %s='%s': want a number from %.15g to %.15g",
			 word->key, text, word->min, word->max);
		return -EINVAL;
	}
	if (word->whole)
		*(uint64_t *)field = (uint64_t)(value * word->scale + 0.5);
	else
		*(double *)field = value * word->scale;
	return 0;
}

static int unknown_key(const struct workload *workload, const char *key, char *why, size_t why_len)
{
	const char *nearest = NULL;

	if (workload->kind == WORKLOAD_TRACE && nearest_is_near(key, "path"))
		nearest = "path";
	for (size_t i = 0; i < ARRAY_SIZE(words) && !nearest; i++)
		if (words[i].kinds & KIND(workload->kind) && nearest_is_near(key, words[i].key))
			nearest = words[i].key;
	snprintf(why, why_len, "--workload %s has no '%s'%s%s%s", kinds[workload->kind], key,
		 nearest ? ": do you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return -EINVAL;
}

static int set_word(struct workload *workload, char *text, char *why, size_t why_len)
{
	char *value = strchr(text, '=');

	if (!value) {
		snprintf(why, why_len, "--workload '%s': want KEY=VALUE", text);
		return -EINVAL;
	}
	*value++ = '\0';
	if (workload->kind == WORKLOAD_TRACE && !strcmp(text, "path")) {
		snprintf(workload->path, sizeof(workload->path), "%s", value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].kinds & KIND(workload->kind) && !strcmp(words[i].key, text))
			return set_number(workload, &words[i], value, why, why_len);
	return unknown_key(workload, text, why, why_len);
}

static int set_kind(struct workload *workload, const char *name, char *why, size_t why_len)
{
	const char *nearest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i], name)) {
			workload->kind = (enum workload_kind)i;
			return 0;
		}
		if (!nearest && nearest_is_near(name, kinds[i]))
			nearest = kinds[i];
	}
	snprintf(why, why_len,
		 "--workload '%s': want periodic, poisson, trace, idle, guest or none%s%s%s", name,
		 nearest ? "; do you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return -EINVAL;
}

int workload_parse(struct workload *workload, const char *text, char *why, size_t why_len)
{
	char copy[PATH_MAX + 256], *rest = copy, *word;
	int r;

	*workload = (struct workload){
		.period_ns = 2000000000,
		.duty = 0.25,
		.rate_hz = 0.5,
		.busy_ns = 200000000,
		.seed = 1,
	};
	if (strlen(text) >= sizeof(copy)) {
		snprintf(why, why_len, "--workload '%.40s...': too long", text);
		return -EINVAL;
	}
	strcpy(copy, text);
	r = set_kind(workload, strsep(&rest, ","), why, why_len);
	while (r == 0 && (word = strsep(&rest, ",")))
		r = set_word(workload, word, why, why_len);
	if (r == 0 && workload->kind == WORKLOAD_TRACE && !workload->path[0]) {
		snprintf(why, why_len, "--workload trace: say path=FILE");
		r = -EINVAL;
	}
	/* A trace says itself how long it is. */
	if (r == 0 && !workload->duration_ns && workload->kind != WORKLOAD_TRACE)
		workload->duration_ns = (uint64_t)(DURATION_S * NS_OF_S);
	return r;
}

/* --- plans --------------------------------------------------------------------------------------
 */

struct plan {
	struct workload *workload;
	size_t room;
};

/* One more job; one that begins before the last has ended makes that longer. */
static int add_job(struct plan *plan, uint64_t start_ns, uint64_t busy_ns)
{
	struct workload *workload = plan->workload;
	struct workload_busy *last = workload->nr ? &workload->busy[workload->nr - 1] : NULL;

	if (last && start_ns <= last->start_ns + last->busy_ns) {
		last->busy_ns = max_u64(last->busy_ns, start_ns + busy_ns - last->start_ns);
		return 0;
	}
	if (workload->nr == MAX_JOBS)
		return -E2BIG;
	if (workload->nr == plan->room) {
		size_t room = plan->room ? 2 * plan->room : FIRST_ROOM;
		struct workload_busy *busy = reallocarray(workload->busy, room, sizeof(*busy));

		if (!busy)
			return -ENOMEM;
		workload->busy = busy;
		plan->room = room;
	}
	workload->busy[workload->nr++] = (struct workload_busy){ start_ns, busy_ns };
	return 0;
}

/* Whole periods only, so that the last one is as the others. */
static int plan_periodic(struct plan *plan)
{
	struct workload *workload = plan->workload;
	uint64_t busy = (uint64_t)((double)workload->period_ns * workload->duty + 0.5);
	int r = 0;

	for (uint64_t t = 0; r == 0 && busy && t + workload->period_ns <= workload->duration_ns;
	     t += workload->period_ns)
		r = add_job(plan, t, busy);
	return r;
}

/* Gaps of a Poisson process are exponential. */
static int plan_poisson(struct plan *plan)
{
	struct workload *workload = plan->workload;
	uint64_t state = workload->seed, duration = workload->duration_ns;
	double t = 0;
	int r = 0;

	while (r == 0) {
		/* In (0, 1]: the logarithm of 0 has no value. */
		double u = 1 - random_next(&state);
		uint64_t start;

		t += -log(u) / workload->rate_hz * NS_OF_S;
		if (t >= (double)duration)
			break;
		start = (uint64_t)t;
		r = add_job(plan, start, min_u64(workload->busy_ns, duration - start));
	}
	return r;
}

/* --- traces -------------------------------------------------------------------------------------
 */

static bool read_number(const char **at, char end, uint64_t *ret)
{
	char *stop;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*ret = strtoull(*at, &stop, 10);
	if (errno || *stop != end)
		return false;
	*at = stop + 1;
	return true;
}

static const char *take_row(struct plan *plan, const char *line, int *ret_r)
{
	struct workload *workload = plan->workload;
	const struct workload_busy *last = workload->nr ? &workload->busy[workload->nr - 1] : NULL;
	uint64_t start, busy, limit = (uint64_t)(MAX_DURATION_S * NS_OF_S);

	if (!read_number(&line, ',', &start) || !read_number(&line, '\0', &busy) || !busy)
		return "want two whole numbers, the second one not 0";
	if (start > limit || busy > limit || start + busy > limit)
		return "that is more than 7 days";
	if (last && start <= last->start_ns + last->busy_ns)
		return "it begins before the one above has ended";
	*ret_r = add_job(plan, start, busy);
	return *ret_r == -E2BIG ? "more than 1000000 rows" : NULL;
}

static int read_trace(struct plan *plan, FILE *in, char *why, size_t why_len)
{
	struct workload *workload = plan->workload;
	const char *wrong = NULL;
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	int r = 0;

	while (r == 0 && !wrong && getline(&line, &room, in) >= 0) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (number == 1)
			wrong = strcmp(line, TRACE_HEADER) ? "want " TRACE_HEADER : NULL;
		else if (line[0])
			wrong = take_row(plan, line, &r);
	}
	free(line);
	if (!number)
		wrong = "it is empty; want " TRACE_HEADER;
	if (wrong)
		snprintf(why, why_len, "--workload %s, line %u: %s", workload->path, number, wrong);
	return wrong ? -EINVAL : r;
}

static int plan_trace(struct plan *plan, char *why, size_t why_len)
{
	struct workload *workload = plan->workload;
	FILE *in = fopen(workload->path, "re");
	int r;

	if (!in) {
		r = -errno;
		snprintf(why, why_len, "--workload %s: %s", workload->path, strerror(-r));
		return r;
	}
	r = read_trace(plan, in, why, why_len);
	fclose(in);
	if (r == 0 && !workload->nr) {
		snprintf(why, why_len, "--workload %s: there is nothing in it", workload->path);
		r = -EINVAL;
	}
	if (r == 0 && !workload->duration_ns) {
		const struct workload_busy *last = &workload->busy[workload->nr - 1];

		workload->duration_ns = last->start_ns + last->busy_ns;
	}
	/* A duration that was given cuts it. */
	while (r == 0 && workload->nr) {
		struct workload_busy *last = &workload->busy[workload->nr - 1];

		if (last->start_ns < workload->duration_ns) {
			last->busy_ns =
				min_u64(last->busy_ns, workload->duration_ns - last->start_ns);
			break;
		}
		workload->nr--;
	}
	return r;
}

int workload_plan(struct workload *workload, char *why, size_t why_len)
{
	struct plan plan = { .workload = workload };
	int r = 0;

	workload_free(workload);
	why[0] = '\0';
	switch (workload->kind) {
	case WORKLOAD_PERIODIC:
		r = plan_periodic(&plan);
		break;
	case WORKLOAD_POISSON:
		r = plan_poisson(&plan);
		break;
	case WORKLOAD_TRACE:
		r = plan_trace(&plan, why, why_len);
		break;
	default:
		break;
	}
	if (r == -E2BIG) {
		snprintf(why, why_len, "--workload: more than %u jobs; say a shorter duration_s",
			 MAX_JOBS);
		r = -EINVAL;
	} else if (r == 0 && !workload->nr && KIND(workload->kind) & PLANNED_KINDS) {
		snprintf(why, why_len,
			 "--workload: there is no job in it; say a longer duration_s");
		r = -EINVAL;
	} else if (r == -ENOMEM) {
		snprintf(why, why_len, "out of memory");
	}
	return r;
}

void workload_free(struct workload *workload)
{
	free(workload->busy);
	workload->busy = NULL;
	workload->nr = 0;
}

int workload_write_trace(const struct workload_busy *busy, size_t nr, FILE *out)
{
	fputs(TRACE_HEADER "\n", out);
	for (size_t i = 0; i < nr; i++)
		fprintf(out, "%" PRIu64 ",%" PRIu64 "\n", busy[i].start_ns, busy[i].busy_ns);
	return ferror(out) ? -EIO : 0;
}

json_t *workload_json(const struct workload *workload)
{
	json_t *json = json_pack("{s:s, s:I, s:I, s:I}", "name", kinds[workload->kind],
				 "duration_ns", (json_int_t)workload->duration_ns, "seed",
				 (json_int_t)workload->seed, "jobs", (json_int_t)workload->nr);

	if (json && workload->kind == WORKLOAD_PERIODIC) {
		json_object_set_new(json, "period_ns",
				    json_integer((json_int_t)workload->period_ns));
		json_object_set_new(json, "duty", json_real(workload->duty));
	}
	if (json && workload->kind == WORKLOAD_POISSON) {
		json_object_set_new(json, "rate_hz", json_real(workload->rate_hz));
		json_object_set_new(json, "busy_ns", json_integer((json_int_t)workload->busy_ns));
	}
	if (json && workload->kind == WORKLOAD_TRACE)
		json_object_set_new(json, "path", json_string(workload->path));
	return json;
}
