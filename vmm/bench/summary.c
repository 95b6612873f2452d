/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a run, on a terminal. */
#include <stdio.h>
#include <string.h>

#include "vmm/bench/finding.h"
#include "vmm/bench/report.h"
#include "vmm/bench/timeline.h"
#include "vmm/bench/timeline_read.h"
#include "vmm/bench/value_text.h"
#include "vmm/bench/ways.h"
#include "vmm/bits.h"

#define LABEL_COLUMNS 24
#define MAX_COLUMNS   160
#define MAX_FIELD     9

/* A name must not command the terminal. */
static void print_bytes(FILE *out, const char *text, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], out);
	fputc('\n', out);
}

/* Words, broken at blanks, and in the middle, between characters, only where one is too long. */
static void print_wrapped(FILE *out, const char *text, unsigned columns)
{
	while (strlen(text) > columns) {
		unsigned at = columns;

		while (at && text[at] != ' ')
			at--;
		if (!at) {
			at = columns;
			while (at > 1 && ((unsigned char)text[at] & 0xc0) == 0x80)
				at--;
		}
		print_bytes(out, text, at);
		text += at + (text[at] == ' ');
	}
	print_bytes(out, text, (unsigned)strlen(text));
}

static void print_head(FILE *out, const json_t *result, unsigned columns)
{
	char text[FINDING_TEXT];

	snprintf(text, sizeof(text), "%s: back end %s, %s, Linux %s",
		 json_text(result, "device.bdf", "?"), json_text(result, "backend", "?"),
		 !strcmp(json_text(result, "target", ""), "vm")	   ? "in a guest"
		 : !strcmp(json_text(result, "target", ""), "raw") ? "straight on vfio"
								   : "on the bare host",
		 json_text(result, "host.kernel", "?"));
	print_wrapped(out, text, columns);
	if (json_is_true(json_at(result, "simulated")))
		print_wrapped(
			out, "SIMULATED: a meter is made up; no figure in watts or joules is real.",
			columns);
	if (!json_is_true(json_at(result, "complete"))) {
		snprintf(text, sizeof(text), "STOPPED EARLY: %s",
			 json_text(result, "stopped_by", "?"));
		print_wrapped(out, text, columns);
	}
	finding_text(result, text);
	print_wrapped(out, text, columns);
}

static void print_latencies(FILE *out, const json_t *result, unsigned columns)
{
	static const char *const points[] = { "p50", "p95", "p99", "max" };
	const json_t *transitions = json_at(result, "transitions");
	int room = (int)(columns - LABEL_COLUMNS) / (int)ARRAY_SIZE(points) - 1;

	if (!json_is_object(transitions))
		return;
	room = room < MAX_FIELD ? room : MAX_FIELD;
	fprintf(out, "\n%-*s", LABEL_COLUMNS, "to D3cold and back");
	for (size_t p = 0; p < ARRAY_SIZE(points); p++)
		fprintf(out, " %*s", room, points[p]);
	fputc('\n', out);
	for (size_t i = 0; i < NR_WAYS; i++) {
		const json_t *figure =
			json_object_get(json_object_get(transitions, "figures"), ways[i].key);

		if (!json_is_object(figure))
			continue;
		fprintf(out, "%-*s", LABEL_COLUMNS, ways[i].words);
		for (size_t p = 0; p < ARRAY_SIZE(points); p++) {
			char text[VALUE_TEXT];

			value_text(json_number_at(figure, points[p], 0), "ns", text);
			fprintf(out, " %*s", room, text);
		}
		fputc('\n', out);
	}
	fprintf(out, "%.0f cycles of %.0f", json_number_at(transitions, "cycles", 0),
		json_number_at(transitions, "asked", 0));
	if (json_number_at(transitions, "failed", 0) > 0)
		fprintf(out, ", %.0f failed", json_number_at(transitions, "failed", 0));
	fputc('\n', out);
}

static void print_share(FILE *out, const char *label, const json_t *share, unsigned columns)
{
	static const char *const states[] = { "d3cold", "d3hot", "d0", "unknown" };
	char line[256];
	int len = snprintf(line, sizeof(line), "%-*.120s", LABEL_COLUMNS, label);

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		double median = json_number_at(json_object_get(share, states[i]), "median", 0);
		char text[VALUE_TEXT];

		if (median <= 0)
			continue;
		value_text(median, "1", text);
		len += snprintf(line + len, sizeof(line) - (size_t)len, " %s %s", states[i], text);
	}
	print_wrapped(out, line, columns);
}

static void print_residency(FILE *out, const json_t *result, unsigned columns)
{
	const json_t *residency = json_at(result, "residency");
	char text[VALUE_TEXT], label[160];

	if (!json_is_object(residency))
		return;
	fputc('\n', out);
	snprintf(label, sizeof(label), "workload %s", json_text(residency, "workload.name", "?"));
	print_share(out, label, json_at(residency, "share"), columns);
	if (json_is_object(json_at(residency, "host")))
		print_share(out, "  on the bare host", json_at(residency, "host.share"), columns);
	if (json_is_object(json_at(residency, "score"))) {
		value_text(json_number_at(residency, "score.median", 0), "", text);
		fprintf(out, "%-*s %s\n", LABEL_COLUMNS, "  score, D3cold's ratio", text);
	}
}

static void print_line(FILE *out, const char *label, const json_t *spread, const char *unit)
{
	char text[4 * VALUE_TEXT];

	if (!json_is_object(spread))
		return;
	spread_text(spread, unit, text, sizeof(text));
	fprintf(out, "  %-*s %s\n", LABEL_COLUMNS - 2, label, text);
}

/* Seconds that cannot be told from none are no figure. */
static void print_break_even(FILE *out, const json_t *meter)
{
	const char *verdict = json_text(meter, "break_even.verdict", "");

	if (!strcmp(verdict, "pays"))
		print_line(out, "pays after", json_at(meter, "break_even.seconds"), "s");
	else if (!strcmp(verdict, "never"))
		fprintf(out, "  %-*s never\n", LABEL_COLUMNS - 2, "pays after");
	else if (!strcmp(verdict, "unresolved"))
		fprintf(out, "  %-*s unresolved\n", LABEL_COLUMNS - 2, "verdict");
}

static void print_energy(FILE *out, const json_t *result, unsigned columns)
{
	const json_t *meter;
	char text[FINDING_TEXT];
	size_t i;

	fputc('\n', out);
	if (!json_is_true(json_at(result, "energy.known"))) {
		snprintf(text, sizeof(text), "energy is unknown: %s",
			 json_text(result, "energy.why", "?"));
		print_wrapped(out, text, columns);
	}
	json_array_foreach((json_t *)json_at(result, "energy.meters"), i, meter)
	{
		snprintf(text, sizeof(text), "%s (%s)", json_text(meter, "name", "?"),
			 json_text(meter, "kind", "?"));
		print_wrapped(out, text, columns);
		print_line(out, "on, without work", json_at(meter, "on_w"), "W");
		print_line(out, "idle, no D3cold", json_at(meter, "forbidden_w"), "W");
		print_line(out, "idle, D3cold", json_at(meter, "d3cold_w"), "W");
		print_line(out, "D3cold saves", json_at(meter, "saving_w"), "W");
		print_line(out, "entry and exit", json_at(meter, "transition_j"), "J");
		print_break_even(out, meter);
		print_line(out, "the workload", json_at(meter, "workload_w"), "W");
	}
}

/* --- the timeline -------------------------------------------------------------------------------
 */

/* The state that most of the time was spent in. */
static enum bench_state main_state(const struct timeline *timeline, uint64_t begin, uint64_t end)
{
	uint64_t ns[BENCH_NR_STATES];
	enum bench_state most = BENCH_UNKNOWN;

	timeline_residency(timeline, begin, end, ns);
	for (unsigned i = 1; i < BENCH_NR_STATES; i++)
		if (ns[i] > ns[most])
			most = (enum bench_state)i;
	return most;
}

static void print_timeline(FILE *out, const json_t *result, unsigned columns, bool utf8)
{
	static const char *const blocks[] = { "?", "\u2588", "\u2584", "\u2581" };
	static const char *const letters[] = { "?", "#", "-", "_" };
	uint64_t begin = (uint64_t)json_number_at(result, "timeline.begin_ns", 0);
	uint64_t end = (uint64_t)json_number_at(result, "timeline.end_ns", 0);
	unsigned width = (columns > MAX_COLUMNS ? MAX_COLUMNS : columns) - 20;
	struct timeline timeline = { 0 };
	char text[VALUE_TEXT];

	if (end <= begin)
		return;
	timeline_read(result, &timeline);
	value_text((double)(end - begin), "ns", text);
	fputs("\nstate ", out);
	for (unsigned i = 0; i < width; i++) {
		uint64_t from = begin + (end - begin) / width * i;
		enum bench_state state = main_state(&timeline, from, from + (end - begin) / width);

		fputs(utf8 ? blocks[state] : letters[state], out);
	}
	fprintf(out, " %s\n", text);
	fprintf(out, "      %s D0, %s D3hot, %s D3cold\n", (utf8 ? blocks : letters)[BENCH_D0],
		(utf8 ? blocks : letters)[BENCH_D3HOT], (utf8 ? blocks : letters)[BENCH_D3COLD]);
	timeline_free(&timeline);
}

void summary_print(FILE *out, const json_t *result, unsigned columns, bool utf8)
{
	print_head(out, result, columns);
	print_latencies(out, result, columns);
	print_residency(out, result, columns);
	print_energy(out, result, columns);
	print_timeline(out, result, columns, utf8);
}
