/* SPDX-License-Identifier: BSD-3-Clause */
/* Zones as options have them, as memory takes them, and as people are told of them. */
#include "vmm/ram_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/host_nodes.h"

unsigned ram_plan(const struct vm_options *options, struct memory_zone zones[MEMORY_MAX_ZONES])
{
	for (unsigned i = 0; i < options->nr_zones; i++) {
		const struct zone_options *zone = &options->zones[i];

		zones[i] = (struct memory_zone){
			.size = zone->size,
			.hugepages = zone->hugepages,
			.shared = zone->shared,
			.prefault = zone->prefault,
			.bound = zone->has_host_node,
			.host_node = zone->host_node,
		};
	}
	if (options->nr_zones)
		return options->nr_zones;
	zones[0] = (struct memory_zone){
		.size = options->memory,
		.hugepages = options->hugepages,
		.shared = options->shared,
		.prefault = options->prefault,
	};
	return 1;
}

/* What zones of ordinary pages take from @node: all of them, and those that are filled at once. */
static void sum_zones(const struct vm_options *options, unsigned node, uint64_t *ret_all,
		      uint64_t *ret_filled)
{
	*ret_all = *ret_filled = 0;
	for (unsigned i = 0; i < options->nr_zones; i++) {
		const struct zone_options *zone = &options->zones[i];

		if (!zone->has_host_node || zone->host_node != node || zone->hugepages)
			continue;
		*ret_all += zone->size;
		/* For a device all of them are pinned. */
		if (zone->prefault || options->nr_devices)
			*ret_filled += zone->size;
	}
}

static int check_zone(const struct vm_options *options, const struct zone_options *zone,
		      const char *sysfs, char *why, size_t why_len)
{
	struct host_node_memory memory;
	uint64_t all, filled;
	char list[128];
	int r = host_nodes_list(sysfs, list, sizeof(list));

	if (r < 0) {
		snprintf(why, why_len,
			 "--memory-zone: %s: host_numa_node=%u: this host's kernel has no NUMA "
			 "nodes "
			 "(%s)",
			 zone->id, zone->host_node, strerror(-r));
		return r;
	}
	if (!host_nodes_contain(list, zone->host_node)) {
		snprintf(why, why_len,
			 "--memory-zone: %s: host_numa_node=%u: this host's nodes with memory are "
			 "%s",
			 zone->id, zone->host_node, list);
		return -ENODEV;
	}
	sum_zones(options, zone->host_node, &all, &filled);
	if (!all)
		return 0;
	r = host_node_memory(sysfs, zone->host_node, &memory);
	if (r < 0) {
		snprintf(why, why_len,
			 "--memory-zone: %s: host node %u does not say what it has: %s", zone->id,
			 zone->host_node, strerror(-r));
		return r;
	}
	if (all <= memory.total && filled <= memory.free)
		return 0;
	snprintf(why, why_len,
		 "--memory-zone: %s: zones on host node %u want %llu MiB%s, and the node has %llu "
		 "MiB%s",
		 zone->id, zone->host_node,
		 (unsigned long long)((all > memory.total ? all : filled) >> 20),
		 all > memory.total ? "" : " at once",
		 (unsigned long long)((all > memory.total ? memory.total : memory.free) >> 20),
		 all > memory.total ? "" : " to give");
	return -ENOMEM;
}

int ram_plan_check(const struct vm_options *options, const char *sysfs, char *why, size_t why_len)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < options->nr_zones; i++)
		if (options->zones[i].has_host_node)
			r = check_zone(options, &options->zones[i], sysfs, why, why_len);
	return r;
}

void ram_plan_explain(const struct vm_options *options, unsigned failed, int error, char *why,
		      size_t why_len)
{
	struct memory_zone zones[MEMORY_MAX_ZONES] = { 0 };
	unsigned nr = ram_plan(options, zones);
	const struct memory_zone *zone = &zones[failed < nr ? failed : 0];
	char where[96] = "", pool[96] = "/proc/sys/vm/nr_hugepages";

	if (failed >= nr && options->nr_zones) {
		snprintf(why, why_len, "--memory-zone: %llu MiB in all cannot be had: %s",
			 (unsigned long long)(options_ram(options) >> 20), strerror(-error));
		return;
	}
	if (zone->bound) {
		snprintf(where, sizeof(where), " on host node %u", zone->host_node);
		snprintf(pool, sizeof(pool),
			 "/sys/devices/system/node/node%u/hugepages/hugepages-2048kB/nr_hugepages",
			 zone->host_node);
	}
	if (zone->bound && error == -EINVAL) {
		snprintf(why, why_len,
			 "--memory-zone: %s: host_numa_node=%u: not among the nodes that this "
			 "process "
			 "may use: Mems_allowed_list in /proc/self/status has them",
			 options->zones[failed].id, zone->host_node);
		return;
	}
	snprintf(why, why_len, "%s%s: %llu MiB%s%s cannot be had: %s%s%s",
		 options->nr_zones ? "--memory-zone: " : "--memory",
		 options->nr_zones ? options->zones[failed].id : "",
		 (unsigned long long)(zone->size >> 20),
		 zone->hugepages ? " in 2 MiB huge pages" : "", where, strerror(-error),
		 zone->hugepages ? ": write their number to " : "", zone->hugepages ? pool : "");
}
