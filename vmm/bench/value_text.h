/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as people read them: "165 ms", "7.00 W", "74.2 %". */
#ifndef COLDVM_VMM_BENCH_VALUE_TEXT_H
#define COLDVM_VMM_BENCH_VALUE_TEXT_H

#include <jansson.h>
#include <stddef.h>

#define VALUE_TEXT 32

/* @unit as in result.json: "ns", "s", "W", "J"; "1" is a share, in percent; "" a plain ratio. Three
 * digits that mean something. */
void value_text(double value, const char *unit, char ret[VALUE_TEXT]);
/* "7.00 W (6.80 W to 7.20 W)" of a spread, "not measured" of null. */
void spread_text(const json_t *spread, const char *unit, char *ret, size_t len);
/* The member at "a.b.c", of an array by its number: "a.0.c"; NULL if there is none. */
const json_t *json_at(const json_t *object, const char *path);
/* The number there, or @fallback. */
double json_number_at(const json_t *object, const char *path, double fallback);
/* The string there, or @fallback. */
const char *json_text(const json_t *object, const char *path, const char *fallback);

#endif
