// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/slab.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/sysfs.h"

#define SLAB_DIR "/sys/kernel/slab"
/* What was given to RCU for freeing is free after this: kfree_rcu() collects for 5 s. */
#define GRACE_MS 6000
#define READS	 4

/*
 * /proc/slabinfo counts an object as active that is free but in a CPU's stock of its cache, which
 * moves by hundreds. A shrink empties those stocks.
 */
static int caches_shrink(void)
{
	DIR *dir = opendir(SLAB_DIR);
	struct dirent *entry;
	char path[512];

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		/* A link is a further name of a merged cache. */
		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
			continue;
		snprintf(path, sizeof(path), SLAB_DIR "/%s/shrink", entry->d_name);
		text_write(path, "1");
	}
	closedir(dir);
	return 0;
}

static int slabinfo_read(struct slab_snapshot *snapshot)
{
	char line[512];
	FILE *info = fopen("/proc/slabinfo", "re");

	if (!info)
		return -errno;
	snapshot->count = 0;
	while (fgets(line, sizeof(line), info) && snapshot->count < SLAB_CACHES_MAX) {
		struct slab_cache *cache = &snapshot->caches[snapshot->count];

		if (line[0] != '#' && sscanf(line, "%47s %ld", cache->name, &cache->objects) == 2)
			snapshot->count++;
	}
	fclose(info);
	return snapshot->count ? 0 : -ENODATA;
}

static long slab_objects(const struct slab_snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->count; i++)
		if (!strcmp(snapshot->caches[i].name, name))
			return snapshot->caches[i].objects;
	return 0;
}

/* The stocks fill again at once, so that a reading errs upwards only: the least of some is kept. */
int slab_snapshot(struct slab_snapshot *snapshot)
{
	static struct slab_snapshot again;
	int ret;

	clock_sleep_ms(GRACE_MS);
	for (int i = 0; i < READS; i++) {
		ret = caches_shrink();
		if (!ret)
			ret = slabinfo_read(i ? &again : snapshot);
		if (ret)
			return ret;
		for (size_t j = 0; i && j < snapshot->count; j++) {
			struct slab_cache *cache = &snapshot->caches[j];
			long objects = slab_objects(&again, cache->name);

			if (objects < cache->objects)
				cache->objects = objects;
		}
	}
	return 0;
}

const char *slab_growth(const struct slab_snapshot *before, const struct slab_snapshot *after,
			long *growth)
{
	const char *name = "none";

	*growth = 0;
	for (size_t i = 0; i < after->count; i++) {
		const struct slab_cache *cache = &after->caches[i];
		long more = cache->objects - slab_objects(before, cache->name);

		if (more > *growth) {
			*growth = more;
			name = cache->name;
		}
	}
	return name;
}
