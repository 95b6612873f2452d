/* SPDX-License-Identifier: BSD-3-Clause */
/* What people read of a run: report.html, a summary on the terminal, a comparison. All of it comes
 * from the run's result.json and samples.csv, whose fields docs/bench.md explains. */
#ifndef COLDVM_VMM_BENCH_REPORT_H
#define COLDVM_VMM_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Reads DIR/result.json. -errno with one line in @why: not there, no JSON, not of this format or of
 * a newer one. */
int report_load(const char *dir, json_t **ret, char *why, size_t why_len);
/* Writes DIR/report.html: one page that needs nothing else, with plots by gnuplot. Without gnuplot
 * the page says so in their place, and 1 is returned, with one line in @why. -errno. */
int report_write(const char *dir, char *why, size_t why_len);
/* The summary: at most @columns wide, with the state timeline as a sparkline. @utf8: may be used.
 */
void summary_print(FILE *out, const json_t *result, unsigned columns, bool utf8);
/* Two runs side by side, with a verdict that respects the spread; 60 columns wide. Returns 0
 * (printed) or -errno with one line in @why: the two cannot be compared. */
int compare_print(FILE *out, const char *dir_a, const char *dir_b, char *why, size_t why_len);

#endif
