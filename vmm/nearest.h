/* SPDX-License-Identifier: BSD-3-Clause */
/* Who asks for something unknown is told the nearest thing that is known. */
#ifndef COLDVM_VMM_NEAREST_H
#define COLDVM_VMM_NEAREST_H

#include <stdbool.h>

#define NEAREST_MAX 256 /* characters of a name that count */

/* How many characters have to be added, removed or replaced to make @a of @b. */
unsigned nearest_distance(const char *a, const char *b);

/* True if @known is so near to @name that it can be what was meant. */
bool nearest_is_near(const char *name, const char *known);

#endif
