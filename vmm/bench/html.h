/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of a page. What comes from a run is escaped here, and nowhere else. */
#ifndef COLDVM_VMM_BENCH_HTML_H
#define COLDVM_VMM_BENCH_HTML_H

#include <jansson.h>
#include <stdio.h>

/* Text, or an attribute's value. */
void html_text(FILE *out, const char *text);
/* A value of the run at @path, as people read it and, in data attributes, as it is; "" where there
 * is none. */
void html_value(FILE *out, const json_t *result, const char *path, const char *unit);
/* The same of a spread: "7.00 W", and below it what the runs lie between. */
void html_spread(FILE *out, const json_t *result, const char *path, const char *unit);

#endif
