/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of gnuplot. */
#ifndef COLDVM_VMM_BENCH_GNUPLOT_H
#define COLDVM_VMM_BENCH_GNUPLOT_H

#include <stdio.h>

struct gnuplot {
	FILE *script; /* its commands and, inline, its data */
};

/* A script that begins with what all plots share. -errno. */
int gnuplot_begin(struct gnuplot *plot, unsigned height);
/* Runs it, and gives the SVG element, which the caller frees; the script is gone. -ENOENT: there is
 * no gnuplot; -EIO. */
int gnuplot_end(struct gnuplot *plot, char **ret_svg);
/* The script is gone. */
void gnuplot_cancel(struct gnuplot *plot);
/* @text in quotes, without a character that means something to gnuplot, cut where it is too long.
 */
void gnuplot_quote(FILE *script, const char *text);

#endif
