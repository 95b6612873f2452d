/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted values, and places in them. */
#include "vmm/bench/figures.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Nearest rank: the smallest value that @percent of all values do not exceed. */
static double rank(const double *sorted, size_t nr, unsigned percent)
{
	size_t n = (nr * percent + 99) / 100;

	return sorted[n ? n - 1 : 0];
}

void figures_of(double *values, size_t nr, struct figures *ret)
{
	*ret = (struct figures){ .nr = nr };
	if (!nr)
		return;
	qsort(values, nr, sizeof(*values), compare);
	ret->min = values[0];
	ret->p50 = rank(values, nr, 50);
	ret->p95 = rank(values, nr, 95);
	ret->p99 = rank(values, nr, 99);
	ret->max = values[nr - 1];
}

void spread_of(double *values, size_t nr, struct spread *ret)
{
	*ret = (struct spread){ .nr = nr };
	if (!nr)
		return;
	qsort(values, nr, sizeof(*values), compare);
	ret->min = values[0];
	ret->max = values[nr - 1];
	ret->median = nr % 2 ? values[nr / 2] : (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

json_t *figures_json(const struct figures *figures, const char *unit)
{
	if (!figures->nr)
		return json_null();
	return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "unit", unit, "n",
			 (json_int_t)figures->nr, "min", figures->min, "p50", figures->p50, "p95",
			 figures->p95, "p99", figures->p99, "max", figures->max);
}

json_t *spread_json(const struct spread *spread, const char *unit)
{
	if (!spread->nr)
		return json_null();
	return json_pack("{s:s, s:I, s:f, s:f, s:f}", "unit", unit, "n", (json_int_t)spread->nr,
			 "median", spread->median, "min", spread->min, "max", spread->max);
}

int spread_from_json(const json_t *json, struct spread *ret)
{
	json_int_t nr;

	*ret = (struct spread){ 0 };
	if (json_unpack((json_t *)json, "{s:I, s:F, s:F, s:F}", "n", &nr, "median", &ret->median,
			"min", &ret->min, "max", &ret->max) < 0 ||
	    nr < 1)
		return -EINVAL;
	ret->nr = (size_t)nr;
	return 0;
}
