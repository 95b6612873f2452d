/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects that the kernel has allocated, a number per slab cache: the witness of a leak. */
#ifndef CONFORMANCE_SLAB_H
#define CONFORMANCE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#define SLAB_CACHES_MAX 512

struct slab_snapshot {
	struct slab_cache {
		char name[48];
		long objects;
	} caches[SLAB_CACHES_MAX];
	size_t count;
};

/* Counts after every cache has given back what it holds in stock, which makes the numbers exact.
 * 0, or -errno (root only). */
int slab_snapshot(struct slab_snapshot *snapshot);

/* The cache that grew most from one to the other, and by how many objects. */
const char *slab_growth(const struct slab_snapshot *before, const struct slab_snapshot *after,
			long *growth);

#endif
