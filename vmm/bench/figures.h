/* SPDX-License-Identifier: BSD-3-Clause */
/* What many values of one figure come to. */
#ifndef COLDVM_VMM_BENCH_FIGURES_H
#define COLDVM_VMM_BENCH_FIGURES_H

#include <jansson.h>
#include <stddef.h>

/* Of a distribution; percentiles by nearest rank, so each is a value that was measured. */
struct figures {
	size_t nr;
	double min, p50, p95, p99, max;
};

/* Of a few runs: the median (of an even number, the mean of the middle two) and how far they lie
 * apart. */
struct spread {
	size_t nr;
	double median, min, max;
};

/* Both sort @values. With @nr 0 all is 0. */
void figures_of(double *values, size_t nr, struct figures *ret);
void spread_of(double *values, size_t nr, struct spread *ret);

/* {"unit", "n", "min", "p50", "p95", "p99", "max"} and {"unit", "n", "median", "min", "max"}; null
 * with nr 0. A new reference, NULL if there is no memory. */
json_t *figures_json(const struct figures *figures, const char *unit);
json_t *spread_json(const struct spread *spread, const char *unit);
/* Reads the latter back. -EINVAL if it is something else, or null. */
int spread_from_json(const json_t *json, struct spread *ret);

#endif
