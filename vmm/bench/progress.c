/* SPDX-License-Identifier: BSD-3-Clause */
/* The time left is what the plan says, stretched by how much longer than planned it took so far. */
#include "vmm/bench/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "vmm/bits.h"

#define SHOW_NS UINT64_C(200000000)
#define S(ns)	((double)(ns) / 1e9)

void progress_begin(struct progress *progress, double planned_s)
{
	*progress = (struct progress){
		.begun_ns = now_ns(),
		.planned_s = planned_s,
		.terminal = isatty(STDERR_FILENO),
	};
}

static double left_s(const struct progress *progress)
{
	double spent = S(now_ns() - progress->begun_ns), left;

	left = progress->planned_s - progress->done_s;
	if (progress->done_s > 0 && spent > progress->done_s)
		left *= spent / progress->done_s;
	return left > 0 ? left : 0;
}

static void print_left(const struct progress *progress)
{
	unsigned s = (unsigned)(left_s(progress) + 0.5);

	if (s >= 3600)
		fprintf(stderr, "%u h %u min left", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		fprintf(stderr, "%u min %u s left", s / 60, s % 60);
	else
		fprintf(stderr, "%u s left", s);
}

void progress_part(struct progress *progress, const char *part)
{
	progress->part = part;
	progress->shown_ns = 0;
	if (progress->terminal)
		return;
	fprintf(stderr, "bench: %s, ", part);
	print_left(progress);
	fputc('\n', stderr);
}

void progress_step(struct progress *progress, unsigned step, unsigned steps, double s)
{
	uint64_t now = now_ns();

	progress->done_s += s;
	if (!progress->terminal || now - progress->shown_ns < SHOW_NS)
		return;
	progress->shown_ns = now;
	fprintf(stderr, "\r\033[K%s %u of %u, ", progress->part, step, steps);
	print_left(progress);
}

void progress_end(struct progress *progress)
{
	if (progress->terminal)
		fputs("\r\033[K", stderr);
}
