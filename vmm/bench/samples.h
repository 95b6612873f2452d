/* SPDX-License-Identifier: BSD-3-Clause */
/* samples.csv once more: the power of each meter in a stretch of time, few enough points to draw.
 */
#ifndef COLDVM_VMM_BENCH_SAMPLES_H
#define COLDVM_VMM_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX_SERIES 32
#define SAMPLES_MAX_POINTS 2000

struct samples_series {
	char name[96];
	/* Watts; of a counter, what it moved since the point before. Means of parts of the time
	 * where there are more readings than points. */
	struct samples_point {
		uint64_t t_ns;
		double w;
	} * points;
	size_t nr;
	/* While it is read. */
	double sum, value_before;
	uint64_t t_before;
	unsigned count;
	size_t bin;
};

struct samples {
	struct samples_series series[SAMPLES_MAX_SERIES];
	unsigned nr;
};

/* Lines that make no sense are passed over, and a file that is not there is one without lines.
 * Without memory there are fewer meters. */
void samples_read(const char *dir, uint64_t begin_ns, uint64_t end_ns, struct samples *ret);
void samples_free(struct samples *samples);

#endif
