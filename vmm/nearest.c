/* SPDX-License-Identifier: BSD-3-Clause */
/* Levenshtein's distance, a row at a time. */
#include "vmm/nearest.h"

#include <stddef.h>
#include <string.h>

unsigned nearest_distance(const char *a, const char *b)
{
	unsigned row[NEAREST_MAX + 1];
	size_t len = strnlen(b, NEAREST_MAX);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned i = 1; *a; a++, i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= len; j++) {
			unsigned above = row[j];
			unsigned best = diagonal + (*a != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[len];
}

bool nearest_is_near(const char *name, const char *known)
{
	size_t len = strlen(known);

	return nearest_distance(name, known) <= (len < 4 ? 1 : len < 8 ? 2 : 3);
}
