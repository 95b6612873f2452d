/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory zones and NUMA nodes: what must hold between them, and what follows from them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/nearest.h"
#include "vmm/option_rules.h"
#include "vmm/options.h"

/* --- what follows -------------------------------------------------------------------------------
 */

uint64_t options_ram(const struct vm_options *options)
{
	uint64_t size = options->memory;

	for (unsigned i = 0; i < options->nr_zones; i++)
		size += options->zones[i].size;
	return size;
}

static bool is_named(const struct zone_options *zone, const struct option_name *name)
{
	return strlen(zone->id) == name->len && !memcmp(zone->id, name->text, name->len);
}

const struct zone_options *options_zone(const struct vm_options *options,
					const struct option_name *name)
{
	for (unsigned i = 0; i < options->nr_zones; i++)
		if (is_named(&options->zones[i], name))
			return &options->zones[i];
	return NULL;
}

const struct numa_options *options_node_of_cpu(const struct vm_options *options, unsigned cpu)
{
	for (unsigned i = 0; i < options->nr_nodes; i++)
		if (options->nodes[i].cpus & UINT64_C(1) << cpu)
			return &options->nodes[i];
	return NULL;
}

static bool has_zone(const struct numa_options *node, const struct zone_options *zone)
{
	for (unsigned i = 0; i < node->nr_zones; i++)
		if (is_named(zone, &node->zones[i]))
			return true;
	return false;
}

const struct numa_options *options_node_of_zone(const struct vm_options *options,
						const struct zone_options *zone)
{
	for (unsigned i = 0; i < options->nr_nodes; i++)
		if (has_zone(&options->nodes[i], zone))
			return &options->nodes[i];
	return NULL;
}

/* 0: @from says nothing about it. */
static unsigned said_distance(const struct numa_options *from, const struct numa_options *to)
{
	for (unsigned i = 0; i < from->nr_distances; i++)
		if (from->distances[i].destination == to->id)
			return from->distances[i].distance;
	return 0;
}

unsigned options_distance(const struct numa_options *from, const struct numa_options *to)
{
	unsigned distance = said_distance(from, to);

	if (from == to)
		return NUMA_DISTANCE_LOCAL;
	if (!distance)
		distance = said_distance(to, from);
	return distance ? distance : NUMA_DISTANCE_REMOTE;
}

int option_cpu_topology(const struct vm_options *options, struct cpu_topology *topology)
{
	uint8_t nodes[OPTIONS_MAX_CPUS];

	for (unsigned cpu = 0; options->nr_nodes && cpu < options->cpus; cpu++)
		nodes[cpu] = (uint8_t)options_node_of_cpu(options, cpu)->id;
	return cpu_topology_init(topology, options->cpus, options->nr_nodes ? nodes : NULL);
}

/* --- one of them --------------------------------------------------------------------------------
 */

int option_finish_zone(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	const struct zone_options *zone = base;

	for (unsigned i = 0; i < options->nr_zones; i++)
		if (&options->zones[i] != zone && !strcmp(options->zones[i].id, zone->id))
			return option_refuse(why, why_len, "id=%s: another zone has this id",
					     zone->id);
	return 0;
}

static const struct numa_options *find_node(const struct vm_options *options, unsigned id)
{
	for (unsigned i = 0; i < options->nr_nodes; i++)
		if (options->nodes[i].id == id)
			return &options->nodes[i];
	return NULL;
}

int option_finish_node(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	const struct numa_options *node = base;

	if (find_node(options, node->id) != node)
		return option_refuse(why, why_len, "guest_numa_id=%u: another node has this number",
				     node->id);
	if (!node->cpus && !node->nr_zones)
		return option_refuse(why, why_len,
				     "guest_numa_id=%u: a node has vCPUs or memory: give cpus= or "
				     "memory_zones=",
				     node->id);
	for (unsigned i = 0; i < node->nr_distances; i++)
		if (node->distances[i].destination == node->id)
			return option_refuse(
				why, why_len,
				"distances: %u@%u: the distance of a node to itself is %u: "
				"leave it out",
				node->id, node->distances[i].distance, NUMA_DISTANCE_LOCAL);
	return 0;
}

/* --- all of them --------------------------------------------------------------------------------
 */

static int check_memory(const struct vm_options *o, char *why, size_t why_len)
{
	if (!o->nr_zones)
		return o->memory ? 0
				 : option_refuse(why, why_len,
						 "--memory: size=0: want a multiple of 2M, or give "
						 "--memory-zone");
	if (o->memory)
		return option_refuse(
			why, why_len,
			"--memory: size=%lluM: with --memory-zone the zones are the guest's "
			"memory: give size=0, or leave it out",
			(unsigned long long)(o->memory >> 20));
	if (o->hugepages || o->shared || o->prefault)
		return option_refuse(
			why, why_len,
			"--memory: %s=on: with --memory-zone each zone says so for itself",
			o->hugepages ? "hugepages"
			: o->shared  ? "shared"
				     : "prefault");
	return 0;
}

static int unknown_zone(const struct vm_options *o, const struct numa_options *node,
			const struct option_name *name, char *why, size_t why_len)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)name->len, name->text);
	for (unsigned i = 0; i < o->nr_zones; i++)
		if (nearest_is_near(text, o->zones[i].id))
			return option_refuse(
				why, why_len,
				"--numa: guest_numa_id=%u: there is no zone '%s': did you mean "
				"'%s'?",
				node->id, text, o->zones[i].id);
	return option_refuse(
		why, why_len,
		"--numa: guest_numa_id=%u: there is no zone '%s': --memory-zone id=%s makes one",
		node->id, text, text);
}

/* Each name of @node is a zone, and of no node before this one. */
static int check_zones(const struct vm_options *o, const struct numa_options *node, char *why,
		       size_t why_len)
{
	for (unsigned i = 0; i < node->nr_zones; i++) {
		const struct zone_options *zone = options_zone(o, &node->zones[i]);
		const struct numa_options *first;

		if (!zone)
			return unknown_zone(o, node, &node->zones[i], why, why_len);
		first = options_node_of_zone(o, zone);
		if (first != node)
			return option_refuse(
				why, why_len,
				"--numa: zone %s is in node %u and in node %u: it can be in one",
				zone->id, first->id, node->id);
		for (unsigned k = 0; k < i; k++)
			if (is_named(zone, &node->zones[k]))
				return option_refuse(
					why, why_len,
					"--numa: guest_numa_id=%u: zone %s is given twice",
					node->id, zone->id);
	}
	return 0;
}

static int check_cpus(const struct vm_options *o, const struct numa_options *node, char *why,
		      size_t why_len)
{
	for (unsigned cpu = 0; cpu < OPTIONS_MAX_CPUS; cpu++) {
		if (!(node->cpus & UINT64_C(1) << cpu))
			continue;
		if (cpu >= o->cpus)
			return option_refuse(
				why, why_len,
				"--numa: guest_numa_id=%u: there is no vCPU %u: --cpus boot=%u "
				"makes 0 to %u",
				node->id, cpu, o->cpus, o->cpus - 1);
		if (options_node_of_cpu(o, cpu) != node)
			return option_refuse(
				why, why_len,
				"--numa: vCPU %u is in node %u and in node %u: it can be in one",
				cpu, options_node_of_cpu(o, cpu)->id, node->id);
	}
	return 0;
}

static int check_distances(const struct vm_options *o, const struct numa_options *node, char *why,
			   size_t why_len)
{
	for (unsigned i = 0; i < node->nr_distances; i++)
		if (!find_node(o, node->distances[i].destination))
			return option_refuse(
				why, why_len,
				"--numa: guest_numa_id=%u: distances: %u@%u: there is no node %u",
				node->id, node->distances[i].destination,
				node->distances[i].distance, node->distances[i].destination);
	return 0;
}

/* Nothing is left over: Linux uses no node at all if some memory is in none (mm/numa_memblks.c:
 * numa_meminfo_cover_memory()), and puts vCPUs that are in none anywhere. */
static int check_leftovers(const struct vm_options *o, char *why, size_t why_len)
{
	for (unsigned i = 0; i < o->nr_zones; i++)
		if (!options_node_of_zone(o, &o->zones[i]))
			return option_refuse(
				why, why_len,
				"--numa: zone %s is in no node: name it in memory_zones= of one",
				o->zones[i].id);
	for (unsigned cpu = 0; cpu < o->cpus; cpu++)
		if (!options_node_of_cpu(o, cpu))
			return option_refuse(
				why, why_len,
				"--numa: vCPU %u is in no node: name it in cpus= of one", cpu);
	return 0;
}

static int check_nodes(const struct vm_options *o, char *why, size_t why_len)
{
	struct cpu_topology topology;
	int r = 0;

	if (o->nr_nodes && !o->nr_zones)
		return option_refuse(
			why, why_len,
			"--numa: no node has memory: give it in --memory-zone, and name that in "
			"memory_zones=");
	for (unsigned i = 0; r == 0 && i < o->nr_nodes; i++) {
		r = check_zones(o, &o->nodes[i], why, why_len);
		if (r == 0)
			r = check_cpus(o, &o->nodes[i], why, why_len);
		if (r == 0)
			r = check_distances(o, &o->nodes[i], why, why_len);
	}
	if (r < 0 || !o->nr_nodes)
		return r;
	r = check_leftovers(o, why, why_len);
	if (r < 0)
		return r;
	return option_cpu_topology(o, &topology) == 0
		       ? 0
		       : option_refuse(why, why_len,
				       "--numa: a node has %u vCPUs, and in so many nodes with "
				       "places for "
				       "that "
				       "APIC identifiers do not fit: divide the vCPUs more evenly",
				       topology.cores);
}

static int check_devices(const struct vm_options *o, char *why, size_t why_len)
{
	for (unsigned i = 0; i < o->nr_devices; i++) {
		const struct device_options *device = &o->devices[i];

		if (device->has_numa_node && !find_node(o, device->numa_node))
			return option_refuse(
				why, why_len,
				"--device: %s: numa_node=%u: no --numa has guest_numa_id=%u",
				device->path, device->numa_node, device->numa_node);
	}
	for (unsigned i = 0; i < o->nr_zones; i++) {
		if (o->nr_fs && !o->zones[i].shared)
			return option_refuse(
				why, why_len,
				"--fs: virtiofsd has to reach the guest's memory: give "
				"--memory-zone id=%s shared=on",
				o->zones[i].id);
		if (o->balloon.present && o->zones[i].hugepages)
			return option_refuse(
				why, why_len,
				"--balloon: with hugepages=on of zone %s pages that went back "
				"might not be there when the guest wants them again: leave one of "
				"them out",
				o->zones[i].id);
	}
	return 0;
}

int option_numa_check(const struct vm_options *o, char *why, size_t why_len)
{
	int r = check_memory(o, why, why_len);

	if (r == 0)
		r = check_nodes(o, why, why_len);
	return r < 0 ? r : check_devices(o, why, why_len);
}
