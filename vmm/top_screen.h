/* SPDX-License-Identifier: BSD-3-Clause */
/* The screen of `coldvm top` as lines of text: one a device. Pure: no terminal. */
#ifndef COLDVM_VMM_TOP_SCREEN_H
#define COLDVM_VMM_TOP_SCREEN_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#define TOP_CELL_S	10  /* seconds that one character of the bar stands for */
#define TOP_MAX_CELLS	180 /* half an hour */
#define TOP_MIN_COLUMNS 80

/* What a cell of the bar shows: the warmest state that was seen in its time. */
enum top_cell {
	TOP_NOTHING,
	TOP_D3COLD,
	TOP_WARM,
	TOP_CHANGING,
	TOP_ON,
	TOP_FAILED,
};

struct top_bar {
	uint64_t last;			    /* number of the newest cell: time / TOP_CELL_S */
	unsigned char cells[TOP_MAX_CELLS]; /* enum top_cell, by number modulo their count */
};

/* The state of vm.device-power at @now_ns goes into the bar. */
void top_bar_add(struct top_bar *bar, const char *state, uint64_t now_ns);

struct top_row {
	char name[64], bdf[16];
	char asked[8], host[12];
	char state[16];
	uint64_t since_ns, wakes;
	double residency; /* percent of the time in D3cold */
	struct top_bar bar;
};

/* Takes over what device @index of @slot says; @row is zeroed, or has the device's past. */
void top_row_update(struct top_row *row, const json_t *slot, size_t index, uint64_t now_ns);

/* A screen of @columns by @lines: lines end in @end ("\n"), none is longer than @columns, and no
 * more than @lines are written; 0 lines: no limit. @notes: lines about VMs that do not answer. */
struct top_screen {
	const struct top_row *rows;
	unsigned nr_rows;
	const char *const *notes;
	unsigned nr_notes;
	unsigned nr_vms;
	uint64_t now_ns;
};
void top_screen_draw(FILE *out, const struct top_screen *screen, unsigned columns, unsigned lines,
		     const char *end);

#endif
