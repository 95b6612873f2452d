/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of `coldvm top`. */
#include "vmm/top_screen.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/status_text.h"

#define CELL_NS (TOP_CELL_S * UINT64_C(1000000000))

/* --- bar ---------------------------------------------------------------------------------------
 */

static enum top_cell cell_of(const char *state)
{
	static const struct {
		const char *state;
		enum top_cell cell;
	} states[] = {
		{ "on", TOP_ON },     { "entering", TOP_CHANGING }, { "d3cold", TOP_D3COLD },
		{ "warm", TOP_WARM }, { "exiting", TOP_CHANGING },  { "failed", TOP_FAILED },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(state, states[i].state))
			return states[i].cell;
	return TOP_NOTHING;
}

/* Cells that nobody looked at stay empty. */
static void bar_advance(struct top_bar *bar, uint64_t number)
{
	if (number <= bar->last)
		return;
	for (uint64_t n =
		     max_u64(bar->last + 1, number >= TOP_MAX_CELLS ? number - TOP_MAX_CELLS : 0);
	     n <= number; n++)
		bar->cells[n % TOP_MAX_CELLS] = TOP_NOTHING;
	bar->last = number;
}

void top_bar_add(struct top_bar *bar, const char *state, uint64_t now_ns)
{
	unsigned char *cell, seen = cell_of(state);

	bar_advance(bar, now_ns / CELL_NS);
	cell = &bar->cells[bar->last % TOP_MAX_CELLS];
	if (seen > *cell)
		*cell = seen;
}

/* The newest cell is the last character. */
static void bar_text(const struct top_bar *bar, uint64_t now_ns, unsigned cells, char *text)
{
	static const char signs[] = " .~+#!";
	uint64_t newest = max_u64(now_ns / CELL_NS, bar->last);

	for (unsigned i = 0; i < cells; i++) {
		uint64_t age = cells - 1 - i;
		uint64_t number = newest - age;
		bool known = age <= newest && number <= bar->last;

		text[i] = known ? signs[bar->cells[number % TOP_MAX_CELLS]] : ' ';
	}
	text[cells] = '\0';
}

/* --- rows --------------------------------------------------------------------------------------
 */

/* What a terminal would take for a command, or for more or less than a column, becomes '?'. */
static void copy(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from[i] && i + 1 < size; i++)
		to[i] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
	to[i] = '\0';
}

void top_row_update(struct top_row *row, const json_t *slot, size_t index, uint64_t now_ns)
{
	const json_t *device = json_array_get(json_object_get(slot, "devices"), index);
	const json_t *counts = json_object_get(slot, "counts");
	double total = (double)status_number(slot, "total_ns");
	double cold = (double)status_number(json_object_get(slot, "time_ns"), "d3cold");

	copy(row->name, sizeof(row->name), status_string(device, "id"));
	copy(row->bdf, sizeof(row->bdf), status_string(device, "bdf"));
	copy(row->asked, sizeof(row->asked), status_string(slot, "guest_state"));
	copy(row->host, sizeof(row->host), status_string(device, "host_state"));
	copy(row->state, sizeof(row->state), status_string(slot, "state"));
	row->since_ns = status_number(slot, "since_ns");
	row->wakes = status_number(counts, "on_asked") + status_number(counts, "host_wakes");
	row->residency = total > 0 ? cold * 100 / total : 0;
	top_bar_add(&row->bar, row->state, now_ns);
}

/* --- screen ------------------------------------------------------------------------------------
 */

struct pen {
	FILE *out;
	unsigned columns, lines, used;
	const char *end;
};

static bool room(const struct pen *pen)
{
	return !pen->lines || pen->used < pen->lines;
}

static void put(struct pen *pen, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct pen *pen, const char *fmt, ...)
{
	char text[512];
	size_t len;
	va_list args;

	if (!room(pen))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	len = min_u64(strlen(text), pen->columns);
	while (len && text[len - 1] == ' ')
		len--;
	fprintf(pen->out, "%.*s%s", (int)len, text, pen->end);
	pen->used++;
}

#define FIXED_COLUMNS 64 /* of a row, before its bar */

static unsigned bar_cells(unsigned columns)
{
	if (columns <= FIXED_COLUMNS)
		return 0;
	return (unsigned)min_u64(columns - FIXED_COLUMNS, TOP_MAX_CELLS);
}

static void put_heading(struct pen *pen, const struct top_screen *screen)
{
	unsigned cells = bar_cells(pen->columns), s = cells * TOP_CELL_S, cold = 0;
	char bar[32];

	for (unsigned i = 0; i < screen->nr_rows; i++)
		cold += !strcmp(screen->rows[i].host, "D3cold");
	put(pen, "coldvm top: %u VM%s, %u device%s, %u in D3cold", screen->nr_vms,
	    screen->nr_vms == 1 ? "" : "s", screen->nr_rows, screen->nr_rows == 1 ? "" : "s", cold);
	put(pen, "bar, %d s a sign:  # on  + changing  ~ off and not D3cold  . D3cold  ! failed",
	    TOP_CELL_S);
	snprintf(bar, sizeof(bar), s < 600 ? "LAST %u s" : "LAST %u min", s < 600 ? s : s / 60);
	put(pen, "%-13s %-12s %-5s %-7s %-10s %5s %5s %s", "DEVICE", "ADDRESS", "ASKED", "HOST",
	    "FOR", "WAKES", "COLD%", bar);
}

static void put_row(struct pen *pen, const struct top_row *row, uint64_t now_ns)
{
	char since[STATUS_TIME], bar[TOP_MAX_CELLS + 1];

	status_time(row->since_ns, since);
	bar_text(&row->bar, now_ns, bar_cells(pen->columns), bar);
	put(pen, "%-13.13s %-12.12s %-5.5s %-7.7s %-10.10s %5llu %5.1f %s", row->name, row->bdf,
	    row->asked, row->host, since, (unsigned long long)row->wakes, row->residency, bar);
}

void top_screen_draw(FILE *out, const struct top_screen *screen, unsigned columns, unsigned lines,
		     const char *end)
{
	struct pen pen = { .out = out, .columns = columns, .lines = lines, .end = end };

	put_heading(&pen, screen);
	for (unsigned i = 0; i < screen->nr_notes; i++) {
		char note[512];

		copy(note, sizeof(note), screen->notes[i]);
		put(&pen, "%s", note);
	}
	for (unsigned i = 0; i < screen->nr_rows && room(&pen); i++) {
		/* The last line says what is missing. */
		if (pen.lines && pen.used + 1 == pen.lines && i + 1 < screen->nr_rows)
			put(&pen, "and %u more", screen->nr_rows - i);
		else
			put_row(&pen, &screen->rows[i], screen->now_ns);
	}
}
