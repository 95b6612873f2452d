/* SPDX-License-Identifier: BSD-3-Clause */
/* The plots of a run, drawn by gnuplot. */
#ifndef COLDVM_VMM_BENCH_PLOTS_H
#define COLDVM_VMM_BENCH_PLOTS_H

#include <jansson.h>
#include <stddef.h>

/*
 * Each gives an SVG element as text, which the caller frees. -ENODATA: the run has nothing to draw
 * there; -ENOENT: there is no gnuplot; -EIO: it has failed; -ENOMEM. @dir is the run's.
 */
/* States over time, with the power of each meter over them. */
int plot_timeline(const char *dir, const json_t *result, char **ret);
/* How many cycles took no longer than so much: entry and wake. */
int plot_latencies(const json_t *result, char **ret);
/* Energy in an hour against the share of time with work, with D3cold and without. */
int plot_energy(const json_t *result, char **ret);

#endif
