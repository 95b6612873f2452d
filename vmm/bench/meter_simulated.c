/* SPDX-License-Identifier: BSD-3-Clause */
/* What was spent follows from all that was told of states, so a change that comes late is put into
 * order. */
#include "vmm/bench/meter_simulated.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/random.h"
#include "vmm/bits.h"
#include "vmm/nearest.h"

#define NS_OF_MS UINT64_C(1000000)
#define S(ns)	 ((double)(ns) / 1e9)

struct simulated {
	pthread_mutex_t lock;
	double w[BENCH_NR_STATES];
	double entry_j, exit_j, range_j, noise;
	double gap_every_ms, gap_ms, interval_ms, seed;
	uint64_t random;
	enum meter_quantity quantity;
	uint64_t begun_ns;	  /* 0: no state was told yet */
	double shown_j;		  /* of a counter, up to now */
	struct timeline timeline; /* what was told */
};

static const struct word {
	const char *key;
	size_t offset;
	double min, max;
} words[] = {
	{ "d0_w", offsetof(struct simulated, w[BENCH_D0]), 0, 1e6 },
	{ "d3hot_w", offsetof(struct simulated, w[BENCH_D3HOT]), 0, 1e6 },
	{ "d3cold_w", offsetof(struct simulated, w[BENCH_D3COLD]), 0, 1e6 },
	{ "entry_j", offsetof(struct simulated, entry_j), 0, 1e6 },
	{ "exit_j", offsetof(struct simulated, exit_j), 0, 1e6 },
	{ "range_j", offsetof(struct simulated, range_j), 0, 1e12 },
	{ "noise", offsetof(struct simulated, noise), 0, 1 },
	{ "gap_every_ms", offsetof(struct simulated, gap_every_ms), 0, 1e9 },
	{ "gap_ms", offsetof(struct simulated, gap_ms), 0, 1e9 },
	{ "interval_ms", offsetof(struct simulated, interval_ms), 1, 3600000 },
	{ "seed", offsetof(struct simulated, seed), 0, 4294967295.0 },
};

/* --- arithmetic ---------------------------------------------------------------------------------
 */

/* What is spent from one change to the next, and at it. */
static double between(const struct simulated *sim, enum bench_state from, enum bench_state to,
		      uint64_t ns)
{
	double j = sim->w[from] * S(ns);

	if (to == BENCH_D3COLD && from != BENCH_D3COLD)
		j += sim->entry_j;
	if (from == BENCH_D3COLD && to != BENCH_D3COLD)
		j += sim->exit_j;
	return j;
}

/* All that was spent up to @t_ns. */
static double spent(const struct simulated *sim, uint64_t t_ns)
{
	const struct timeline *timeline = &sim->timeline;
	double j = 0;

	for (size_t i = 0; i < timeline->nr && timeline->changes[i].t_ns <= t_ns; i++) {
		const struct timeline_change *change = &timeline->changes[i], *next = change + 1;
		bool last = i + 1 == timeline->nr || next->t_ns > t_ns;

		j += between(sim, change->state, last ? change->state : next->state,
			     (last ? t_ns : next->t_ns) - change->t_ns);
	}
	return j;
}

static bool in_gap(const struct simulated *sim, uint64_t now)
{
	uint64_t every = (uint64_t)(sim->gap_every_ms * NS_OF_MS);

	return every && sim->begun_ns &&
	       (now - sim->begun_ns) % every < (uint64_t)(sim->gap_ms * NS_OF_MS);
}

static int read_simulated(struct meter *meter, double *ret)
{
	struct simulated *sim = meter->opaque;
	uint64_t now = now_ns();
	int r = 0;

	pthread_mutex_lock(&sim->lock);
	if (!sim->begun_ns || now < sim->begun_ns || in_gap(sim, now)) {
		r = -EAGAIN;
	} else if (sim->quantity == METER_POWER) {
		*ret = sim->w[timeline_at(&sim->timeline, now)] *
		       (1 + sim->noise * (2 * random_next(&sim->random) - 1));
	} else {
		/* A change that came late takes back what was spent; a counter shows that by
		 * standing still. */
		if (sim->shown_j < spent(sim, now))
			sim->shown_j = spent(sim, now);
		*ret = sim->shown_j;
		if (sim->range_j > 0)
			*ret = fmod(*ret, sim->range_j);
	}
	pthread_mutex_unlock(&sim->lock);
	return r;
}

static void close_simulated(struct meter *meter)
{
	struct simulated *sim = meter->opaque;

	timeline_free(&sim->timeline);
	pthread_mutex_destroy(&sim->lock);
	free(sim);
}

void meter_simulated_change(struct meter_set *set, uint64_t t_ns, enum bench_state state)
{
	for (unsigned i = 0; i < set->nr; i++) {
		struct simulated *sim = set->meters[i]->opaque;

		if (set->meters[i]->read != read_simulated)
			continue;
		pthread_mutex_lock(&sim->lock);
		if (!sim->begun_ns)
			sim->begun_ns = t_ns;
		/* Without memory the figures stop to move, which the bench's own timeline tells. */
		(void)timeline_add(&sim->timeline, t_ns, state);
		pthread_mutex_unlock(&sim->lock);
	}
}

/* --- words --------------------------------------------------------------------------------------
 */

static int set_word(struct simulated *sim, char *text, char *why, size_t why_len)
{
	char *value = strchr(text, '='), *end;
	const char *nearest = NULL;

	if (!value) {
		snprintf(why, why_len, "--simulated-meter '%s': want KEY=VALUE", text);
		return -EINVAL;
	}
	*value++ = '\0';
	if (!strcmp(text, "quantity")) {
		sim->quantity = strcmp(value, "power") ? METER_ENERGY : METER_POWER;
		if (!strcmp(value, "power") || !strcmp(value, "energy"))
			return 0;
		snprintf(why, why_len, "--simulated-meter quantity='%s': want energy or power",
			 value);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		double number = strtod(value, &end);

		if (!nearest && nearest_is_near(text, words[i].key))
			nearest = words[i].key;
		if (strcmp(words[i].key, text))
			continue;
		if (end != value && !*end && number >= words[i].min && number <= words[i].max) {
			*(double *)((char *)sim + words[i].offset) = number;
			return 0;
		}
		snprintf(why, why_len,
			 "--simulated-meter %s='%s': want a number from %.15g to %.15g", text,
			 value, words[i].min, words[i].max);
		return -EINVAL;
	}
	snprintf(why, why_len, "--simulated-meter has no '%s'%s%s%s", text,
		 nearest ? ": do you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return -EINVAL;
}

static int set_words(struct simulated *sim, const char *text, char *why, size_t why_len)
{
	char copy[512], *rest = copy, *word;
	int r = 0;

	if (strlen(text) >= sizeof(copy)) {
		snprintf(why, why_len, "--simulated-meter '%.40s...': too long", text);
		return -EINVAL;
	}
	strcpy(copy, text);
	for (unsigned i = 0; i < BENCH_NR_STATES; i++)
		sim->w[i] = -1;
	sim->w[BENCH_UNKNOWN] = 0;
	while (r == 0 && (word = strsep(&rest, ",")))
		r = set_word(sim, word, why, why_len);
	for (unsigned i = BENCH_D0; r == 0 && i < BENCH_NR_STATES; i++) {
		if (sim->w[i] >= 0)
			continue;
		snprintf(why, why_len, "--simulated-meter: say %s_w=WATTS", bench_state_name(i));
		r = -EINVAL;
	}
	return r;
}

int meter_simulated_add(struct meter_set *set, const char *text, char *why, size_t why_len)
{
	struct simulated *sim = calloc(1, sizeof(*sim));
	struct meter *meter = calloc(1, sizeof(*meter));
	int r;

	if (!sim || !meter) {
		free(sim);
		free(meter);
		return -ENOMEM;
	}
	sim->interval_ms = 10;
	sim->seed = 1;
	r = set_words(sim, text, why, why_len);
	if (r < 0) {
		free(sim);
		free(meter);
		return r;
	}
	sim->random = (uint64_t)sim->seed;
	pthread_mutex_init(&sim->lock, NULL);
	*meter = (struct meter){
		.kind = METER_SIMULATED,
		.quantity = sim->quantity,
		.range_j = sim->range_j,
		.interval_ns = (uint64_t)(sim->interval_ms * (double)NS_OF_MS),
		.read = read_simulated,
		.close = close_simulated,
		.opaque = sim,
	};
	snprintf(meter->name, sizeof(meter->name), "simulated:%g/%g/%gW", sim->w[BENCH_D0],
		 sim->w[BENCH_D3HOT], sim->w[BENCH_D3COLD]);
	r = meters_add(set, meter);
	if (r < 0)
		snprintf(why, why_len, "--simulated-meter: %u meters at most", METERS_MAX);
	return r;
}
