/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a slot's events add up to: time in each state, counts, durations. Pure: no clock, no lock,
 * no host; fed with one event after the other, in the order in which they happened.
 */
#ifndef COLDVM_DEVICES_VFIO_POWER_STATS_H
#define COLDVM_DEVICES_VFIO_POWER_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* The events of docs/events.md that belong to a slot's power. */
enum power_mark {
	POWER_MARK_OFF_ASKED,
	POWER_MARK_ENTRY_CANCELLED,
	POWER_MARK_ENTRY_ISSUED,
	POWER_MARK_D3COLD,
	POWER_MARK_DEADLINE,
	POWER_MARK_REACHED,
	POWER_MARK_WAKE,
	POWER_MARK_ON_ASKED,
	POWER_MARK_EXIT_RETURNED,
	POWER_MARK_ALIVE,
	POWER_MARK_EXIT_CANCELLED,
	POWER_MARK_FAILED,
	POWER_MARK_LATE,
	POWER_MARK_DISAGREEMENT,
	POWER_MARK_HELD_BACK,
	POWER_MARK_RECOVERED,
	POWER_MARK_CONFIG_LOST,
	POWER_MARK_POLICY,
	POWER_NR_MARKS,
};

/* What a slot spends its time in. */
enum power_span {
	POWER_SPAN_ON,
	POWER_SPAN_ENTERING, /* from the guest's _OFF to the entry on the host */
	POWER_SPAN_D3COLD,   /* off for the guest, and D3cold was observed */
	POWER_SPAN_WARM,     /* off for the guest, and not (yet) in D3cold as far as is known */
	POWER_SPAN_EXITING,  /* from the guest's _ON to the proof of life */
	POWER_SPAN_FAILED,
	POWER_NR_SPANS,
};

enum power_latency {
	POWER_LATENCY_OFF_TO_ENTRY,
	POWER_LATENCY_ENTRY_TO_D3COLD,
	POWER_LATENCY_ON_TO_ALIVE,
	POWER_LATENCY_HOST_EXIT,
	POWER_NR_LATENCIES,
};

/*
 * Durations in buckets of fixed memory, 16 to each power of two: a percentile is the middle of its
 * bucket, at most 1/32 (3.2 %) off. Below 1 us everything is one bucket, and all above 137 s is the
 * last one. count, sum, last and max are exact.
 */
#define POWER_HISTOGRAM_FIRST	10 /* 2^10 ns */
#define POWER_HISTOGRAM_OCTAVES 27
#define POWER_HISTOGRAM_SUB	16
#define POWER_HISTOGRAM_BUCKETS (1 + POWER_HISTOGRAM_OCTAVES * POWER_HISTOGRAM_SUB)

struct power_histogram {
	uint64_t count, sum_ns, last_ns, max_ns;
	uint32_t buckets[POWER_HISTOGRAM_BUCKETS];
};

struct power_stats {
	uint64_t start_ns;
	enum power_span span;
	uint64_t span_since_ns;
	uint64_t span_ns[POWER_NR_SPANS]; /* of spans that have ended */
	uint64_t marks[POWER_NR_MARKS];	  /* how often each event came */
	uint64_t refused;		  /* entries of which the host refused a part */
	uint64_t untold_wakes;		  /* that the guest did not hear of: rate, or wake=rearm */
	struct power_histogram latency[POWER_NR_LATENCIES];

	uint64_t off_asked_ns; /* of an _OFF whose entry has not come yet; 0: none */
	enum power_span left;  /* the span that the last _ON ended */
	bool exit_made;	       /* the host's exit was called since */
};

/* One event. */
struct power_sample {
	enum power_mark mark;
	uint64_t t_ns; /* CLOCK_MONOTONIC */
	/* How long it took: the calls of entry-issued and exit-returned, the way to d3cold and
	 * alive. 0 with the others. */
	uint64_t took_ns;
	bool refused; /* entry-issued: the host refused a function */
	bool d3cold;  /* reached: it is D3cold */
};

/* POWER_NR_MARKS if @event is none of them. */
enum power_mark power_mark_parse(const char *event);
const char *power_mark_name(enum power_mark mark);	    /* "power-d3cold" */
const char *power_span_name(enum power_span span);	    /* "d3cold" */
const char *power_latency_name(enum power_latency latency); /* "entry_to_d3cold" */

/* A slot that is on since @now_ns. */
void power_stats_init(struct power_stats *stats, uint64_t now_ns);
void power_stats_add(struct power_stats *stats, const struct power_sample *sample);
/* Somebody has looked at the host at @t_ns and found D3cold, later than the events said, in a slot
 * that is off. Nothing changes in any other span. */
void power_stats_observe(struct power_stats *stats, uint64_t t_ns);
/* The slot was given back to the host for good. */
void power_stats_gone(struct power_stats *stats, uint64_t t_ns);

/* Time in @span up to @now_ns, in nanoseconds. The spans add up to the time since the start. */
uint64_t power_stats_span_ns(const struct power_stats *stats, enum power_span span,
			     uint64_t now_ns);
/* @percent 1 to 100. 0 without any value. Never above the largest value. */
uint64_t power_histogram_percentile(const struct power_histogram *histogram, unsigned percent);

#endif
