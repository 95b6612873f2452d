/* SPDX-License-Identifier: BSD-3-Clause */
/* Readings go into bins of equal time. */
#include "vmm/bench/samples.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

struct reader {
	struct samples *samples;
	uint64_t begin, end;
};

struct line {
	uint64_t t_ns;
	char name[96];
	bool is_counter;
	double value;
};

/* One field, which may be quoted (RFC 4180); false at the end of the line. */
static bool take_field(const char **at, char *ret, size_t len)
{
	bool quoted = **at == '"';
	size_t n = 0;

	if (!**at)
		return false;
	*at += quoted;
	while (**at && (quoted || (**at != ',' && **at != '\n'))) {
		if (quoted && **at == '"') {
			(*at)++;
			if (**at != '"')
				break;
		}
		if (n < len - 1)
			ret[n++] = **at;
		(*at)++;
	}
	ret[n] = '\0';
	*at += **at == ',';
	return true;
}

static bool parse(const char *text, struct line *ret)
{
	char t[32], unit[8], value[48], *end;

	if (!take_field(&text, t, sizeof(t)) || !take_field(&text, ret->name, sizeof(ret->name)) ||
	    !take_field(&text, unit, sizeof(unit)) || !take_field(&text, value, sizeof(value)))
		return false;
	ret->is_counter = !strcmp(unit, "J");
	if (!ret->is_counter && strcmp(unit, "W"))
		return false;
	ret->t_ns = strtoull(t, &end, 10);
	if (end == t || *end)
		return false;
	ret->value = strtod(value, &end);
	return end != value && !*end;
}

static struct samples_series *series_of(struct samples *samples, const char *name)
{
	struct samples_series *series;

	for (unsigned i = 0; i < samples->nr; i++)
		if (!strcmp(samples->series[i].name, name))
			return &samples->series[i];
	if (samples->nr == SAMPLES_MAX_SERIES)
		return NULL;
	series = &samples->series[samples->nr];
	series->points = calloc(SAMPLES_MAX_POINTS, sizeof(*series->points));
	if (!series->points)
		return NULL;
	snprintf(series->name, sizeof(series->name), "%s", name);
	samples->nr++;
	return series;
}

static void add(struct samples_series *series, uint64_t t_ns, double w, size_t bin)
{
	if (series->nr && series->bin == bin) {
		series->sum += w;
		series->count++;
	} else if (series->nr < SAMPLES_MAX_POINTS) {
		series->nr++;
		series->bin = bin;
		series->sum = w;
		series->count = 1;
	} else {
		return;
	}
	series->points[series->nr - 1] =
		(struct samples_point){ t_ns, series->sum / series->count };
}

static void take_line(struct reader *reader, const struct line *line)
{
	struct samples_series *series = series_of(reader->samples, line->name);
	uint64_t span = reader->end - reader->begin;
	double w = line->value;
	bool known = true;
	uint64_t t_before;

	if (!series)
		return;
	t_before = series->t_before;
	if (line->is_counter) {
		/* One that wraps has no power there that could be drawn. */
		known = t_before && line->t_ns > t_before && line->value >= series->value_before;
		w = known ? (line->value - series->value_before) * 1e9 /
				    (double)(line->t_ns - t_before)
			  : 0;
	}
	series->t_before = line->t_ns;
	series->value_before = line->value;
	if (known && line->t_ns >= reader->begin && line->t_ns < reader->end)
		add(series, line->t_ns, w,
		    (size_t)((double)(line->t_ns - reader->begin) / (double)span *
			     SAMPLES_MAX_POINTS));
}

void samples_read(const char *dir, uint64_t begin_ns, uint64_t end_ns, struct samples *ret)
{
	struct reader reader = { .samples = ret, .begin = begin_ns, .end = end_ns };
	char path[PATH_MAX];
	struct line line;
	char *text = NULL;
	size_t room = 0;
	FILE *in;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "%s/samples.csv", dir);
	in = fopen(path, "re");
	while (in && getline(&text, &room, in) >= 0)
		if (parse(text, &line))
			take_line(&reader, &line);
	free(text);
	if (in)
		fclose(in);
}

void samples_free(struct samples *samples)
{
	for (unsigned i = 0; i < samples->nr; i++)
		free(samples->series[i].points);
	samples->nr = 0;
}
