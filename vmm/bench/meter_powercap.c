/* SPDX-License-Identifier: BSD-3-Clause */
/* Zones of powercap: RAPL's counters. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "vmm/bench/meter_sources.h"

#define INTERVAL_NS UINT64_C(100000000)
#define MAX_W	    5000 /* no zone takes more: what a wrong wrap would come to */
#define UJ	    1e-6

struct zone {
	char path[PATH_MAX];
};

static int read_counter(const char *path, const char *name, uint64_t *ret)
{
	char text[32], *end;
	int r = host_read(text, sizeof(text), "%s/%s", path, name);

	if (r < 0)
		return r;
	*ret = strtoull(text, &end, 10);
	return end == text || *end ? -EINVAL : 0;
}

static int read_zone(struct meter *meter, double *ret)
{
	struct zone *zone = meter->opaque;
	uint64_t uj;
	int r = read_counter(zone->path, "energy_uj", &uj);

	if (r < 0)
		snprintf(meter->failure, sizeof(meter->failure), "energy_uj: %s", strerror(-r));
	else
		*ret = (double)uj * UJ;
	return r;
}

static void close_zone(struct meter *meter)
{
	free(meter->opaque);
}

static int add_zone(struct meter_set *set, const struct meter_search *search, const char *path,
		    const char *entry)
{
	struct meter *meter = calloc(1, sizeof(*meter));
	struct zone *zone = calloc(1, sizeof(*zone));
	char name[48];
	uint64_t range = 0;

	if (!meter || !zone) {
		free(meter);
		free(zone);
		return -ENOMEM;
	}
	snprintf(zone->path, sizeof(zone->path), "%s", path);
	if (host_read(name, sizeof(name), "%s/name", path))
		strcpy(name, "zone");
	/* Without it a counter that falls was reset. */
	(void)read_counter(path, "max_energy_range_uj", &range);
	*meter = (struct meter){
		.kind = METER_SOFTWARE,
		.quantity = METER_ENERGY,
		.range_j = (double)range * UJ,
		.max_w = MAX_W,
		.interval_ns = search->interval_ns ? search->interval_ns : INTERVAL_NS,
		.read = read_zone,
		.close = close_zone,
		.opaque = zone,
	};
	/* A package can be there twice, by MSR and by MMIO: the zone's own name tells them apart.
	 */
	snprintf(meter->name, sizeof(meter->name), "powercap:%s:%.32s", name, entry);
	return meters_add(set, meter);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* "intel-rapl:0" and "intel-rapl:0:1", not "intel-rapl", which is the control type. */
static int is_zone(const struct dirent *entry)
{
	return strchr(entry->d_name, ':') != NULL;
}

int meters_find_powercap(struct meter_set *set, const struct meter_search *search)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int r = 0, nr, refused = 0;

	snprintf(path, sizeof(path), "%s/class/powercap", search->sysfs);
	nr = scandir(path, &entries, is_zone, by_name);
	if (nr < 0)
		return errno == ENOMEM ? -ENOMEM : 0; /* this host has none */
	for (int i = 0; i < nr; i++) {
		uint64_t uj;
		int err;

		snprintf(path, sizeof(path), "%s/class/powercap/%s", search->sysfs,
			 entries[i]->d_name);
		err = read_counter(path, "energy_uj", &uj);
		refused += err == -EACCES || err == -EPERM;
		if (r == 0 && err == 0)
			r = add_zone(set, search, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (refused)
		meters_note(set, "powercap: %d counters can be read by root alone: run as root",
			    refused);
	return r;
}
