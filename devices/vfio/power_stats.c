/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums over a slot's events. Names are part of the interface: docs/api.md. */
#include "devices/vfio/power_stats.h"

#include <string.h>

#include "vmm/bits.h"

static const char *const mark_names[POWER_NR_MARKS] = {
	[POWER_MARK_OFF_ASKED] = "power-off-asked",
	[POWER_MARK_ENTRY_CANCELLED] = "power-entry-cancelled",
	[POWER_MARK_ENTRY_ISSUED] = "power-entry-issued",
	[POWER_MARK_D3COLD] = "power-d3cold",
	[POWER_MARK_DEADLINE] = "power-deadline",
	[POWER_MARK_REACHED] = "power-reached",
	[POWER_MARK_WAKE] = "power-wake",
	[POWER_MARK_ON_ASKED] = "power-on-asked",
	[POWER_MARK_EXIT_RETURNED] = "power-exit-returned",
	[POWER_MARK_ALIVE] = "power-alive",
	[POWER_MARK_EXIT_CANCELLED] = "power-exit-cancelled",
	[POWER_MARK_FAILED] = "power-failed",
	[POWER_MARK_LATE] = "power-late",
	[POWER_MARK_DISAGREEMENT] = "power-disagreement",
	[POWER_MARK_HELD_BACK] = "power-entry-held-back",
	[POWER_MARK_RECOVERED] = "power-recovered",
	[POWER_MARK_CONFIG_LOST] = "power-config-lost",
	[POWER_MARK_POLICY] = "power-policy",
};

enum power_mark power_mark_parse(const char *event)
{
	unsigned mark = 0;

	while (mark < POWER_NR_MARKS && strcmp(mark_names[mark], event))
		mark++;
	return (enum power_mark)mark;
}

const char *power_mark_name(enum power_mark mark)
{
	return mark_names[mark];
}

const char *power_span_name(enum power_span span)
{
	static const char *const names[] = {
		[POWER_SPAN_ON] = "on",		  [POWER_SPAN_ENTERING] = "entering",
		[POWER_SPAN_D3COLD] = "d3cold",	  [POWER_SPAN_WARM] = "warm",
		[POWER_SPAN_EXITING] = "exiting", [POWER_SPAN_FAILED] = "failed",
	};

	return names[span];
}

const char *power_latency_name(enum power_latency latency)
{
	static const char *const names[] = {
		[POWER_LATENCY_OFF_TO_ENTRY] = "off_to_entry",
		[POWER_LATENCY_ENTRY_TO_D3COLD] = "entry_to_d3cold",
		[POWER_LATENCY_ON_TO_ALIVE] = "on_to_alive",
		[POWER_LATENCY_HOST_EXIT] = "host_exit",
	};

	return names[latency];
}

/* --- histogram ----------------------------------------------------------------------------------
 */

static unsigned bucket_of(uint64_t ns)
{
	unsigned octave, sub;

	if (ns >> POWER_HISTOGRAM_FIRST == 0)
		return 0;
	octave = 63 - (unsigned)__builtin_clzll(ns);
	sub = (unsigned)(ns >> (octave - 4)) & (POWER_HISTOGRAM_SUB - 1);
	octave -= POWER_HISTOGRAM_FIRST;
	if (octave >= POWER_HISTOGRAM_OCTAVES)
		return POWER_HISTOGRAM_BUCKETS - 1;
	return 1 + octave * POWER_HISTOGRAM_SUB + sub;
}

static uint64_t bucket_middle(unsigned bucket)
{
	unsigned octave;
	uint64_t width, low;

	if (bucket == 0)
		return UINT64_C(1) << (POWER_HISTOGRAM_FIRST - 1);
	octave = (bucket - 1) / POWER_HISTOGRAM_SUB + POWER_HISTOGRAM_FIRST;
	width = UINT64_C(1) << (octave - 4);
	low = (UINT64_C(1) << octave) + (bucket - 1) % POWER_HISTOGRAM_SUB * width;
	return low + width / 2;
}

static void histogram_add(struct power_histogram *histogram, uint64_t ns)
{
	histogram->count++;
	histogram->sum_ns += ns;
	histogram->last_ns = ns;
	histogram->max_ns = max_u64(histogram->max_ns, ns);
	histogram->buckets[bucket_of(ns)]++;
}

uint64_t power_histogram_percentile(const struct power_histogram *histogram, unsigned percent)
{
	/* The smallest value that at least @percent of all are not above. */
	uint64_t rank = (histogram->count * percent + 99) / 100, seen = 0;

	if (!histogram->count)
		return 0;
	for (unsigned i = 0; i < POWER_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank)
			return min_u64(bucket_middle(i), histogram->max_ns);
	}
	return histogram->max_ns;
}

/* --- spans --------------------------------------------------------------------------------------
 */

/* Events of two threads may be a moment out of order: time never runs backwards here. */
static void set_span(struct power_stats *stats, enum power_span span, uint64_t t_ns)
{
	if (span == stats->span)
		return;
	t_ns = max_u64(t_ns, stats->span_since_ns);
	stats->span_ns[stats->span] += t_ns - stats->span_since_ns;
	stats->span = span;
	stats->span_since_ns = t_ns;
}

void power_stats_init(struct power_stats *stats, uint64_t now_ns)
{
	*stats = (struct power_stats){
		.start_ns = now_ns,
		.span = POWER_SPAN_ON,
		.span_since_ns = now_ns,
		.left = POWER_SPAN_ON,
	};
}

static void entry_issued(struct power_stats *stats, const struct power_sample *sample)
{
	stats->refused += sample->refused;
	if (stats->off_asked_ns)
		histogram_add(&stats->latency[POWER_LATENCY_OFF_TO_ENTRY],
			      sample->t_ns - min_u64(stats->off_asked_ns, sample->t_ns));
	stats->off_asked_ns = 0;
	/* The guest's _ON may have come meanwhile: then the slot is on its way up already. */
	if (stats->span == POWER_SPAN_EXITING)
		stats->left = POWER_SPAN_WARM;
	else if (stats->span != POWER_SPAN_ON && stats->span != POWER_SPAN_FAILED)
		set_span(stats, POWER_SPAN_WARM, sample->t_ns);
}

/* The worker has taken notice of an _ON and an _OFF that followed each other. If the host was
 * never asked, the slot is as deep as it was before. */
static void exit_cancelled(struct power_stats *stats, uint64_t t_ns)
{
	stats->off_asked_ns = stats->exit_made ? stats->off_asked_ns : 0;
	if (stats->span == POWER_SPAN_ENTERING && !stats->exit_made)
		set_span(stats, stats->left, t_ns);
}

static void on_asked(struct power_stats *stats, uint64_t t_ns)
{
	/* A second _ON after an _OFF that was never acted on: what it left is what counts. */
	if (stats->span != POWER_SPAN_ENTERING || stats->left == POWER_SPAN_ON)
		stats->left = stats->span;
	stats->exit_made = false;
	set_span(stats, POWER_SPAN_EXITING, t_ns);
}

void power_stats_add(struct power_stats *stats, const struct power_sample *sample)
{
	stats->marks[sample->mark]++;
	switch (sample->mark) {
	case POWER_MARK_OFF_ASKED:
		stats->off_asked_ns = sample->t_ns;
		set_span(stats, POWER_SPAN_ENTERING, sample->t_ns);
		break;
	case POWER_MARK_ENTRY_CANCELLED:
		stats->off_asked_ns = 0;
		stats->left = POWER_SPAN_ON;
		set_span(stats, POWER_SPAN_ON, sample->t_ns);
		break;
	case POWER_MARK_ENTRY_ISSUED:
		entry_issued(stats, sample);
		break;
	case POWER_MARK_D3COLD:
		histogram_add(&stats->latency[POWER_LATENCY_ENTRY_TO_D3COLD], sample->took_ns);
		power_stats_observe(stats, sample->t_ns);
		break;
	case POWER_MARK_REACHED:
		if (sample->d3cold)
			power_stats_observe(stats, sample->t_ns);
		break;
	case POWER_MARK_WAKE:
		if (stats->span == POWER_SPAN_D3COLD)
			set_span(stats, POWER_SPAN_WARM, sample->t_ns);
		break;
	case POWER_MARK_ON_ASKED:
		on_asked(stats, sample->t_ns);
		break;
	case POWER_MARK_EXIT_RETURNED:
		/* A new policy wakes a slot that stays off. */
		if (stats->span == POWER_SPAN_D3COLD)
			set_span(stats, POWER_SPAN_WARM, sample->t_ns);
		stats->exit_made = true;
		/* Without an _ON of the guest: another policy, or the end of the VM. */
		if (stats->span == POWER_SPAN_D3COLD)
			set_span(stats, POWER_SPAN_WARM, sample->t_ns);
		histogram_add(&stats->latency[POWER_LATENCY_HOST_EXIT], sample->took_ns);
		break;
	case POWER_MARK_ALIVE:
		histogram_add(&stats->latency[POWER_LATENCY_ON_TO_ALIVE], sample->took_ns);
		stats->left = POWER_SPAN_ON;
		/* The guest's next _OFF may be told before it, by a vCPU. */
		if (stats->span != POWER_SPAN_ENTERING)
			set_span(stats, POWER_SPAN_ON, sample->t_ns);
		break;
	case POWER_MARK_HELD_BACK:
		/* Sealed, and for the time being awake. */
		if (stats->span == POWER_SPAN_ENTERING)
			set_span(stats, POWER_SPAN_WARM, sample->t_ns);
		break;
	case POWER_MARK_EXIT_CANCELLED:
		exit_cancelled(stats, sample->t_ns);
		break;
	case POWER_MARK_FAILED:
	case POWER_MARK_LATE:
		power_stats_gone(stats, sample->t_ns);
		break;
	default:
		break;
	}
}

void power_stats_observe(struct power_stats *stats, uint64_t t_ns)
{
	if (stats->span == POWER_SPAN_WARM)
		set_span(stats, POWER_SPAN_D3COLD, t_ns);
	else if (stats->span == POWER_SPAN_EXITING && !stats->exit_made)
		stats->left = POWER_SPAN_D3COLD;
}

void power_stats_gone(struct power_stats *stats, uint64_t t_ns)
{
	set_span(stats, POWER_SPAN_FAILED, t_ns);
}

uint64_t power_stats_span_ns(const struct power_stats *stats, enum power_span span, uint64_t now_ns)
{
	uint64_t ns = stats->span_ns[span];

	if (span == stats->span && now_ns > stats->span_since_ns)
		ns += now_ns - stats->span_since_ns;
	return ns;
}
