/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux takes CPUs of one package, or with a cache in common, for CPUs of one node, and complains
 * with a trace of the stack where SRAT says otherwise (arch/x86/kernel/smpboot.c: topology_sane()).
 * So each node with vCPUs is a package.
 */
#include "vmm/x86/cpu_topology.h"

#include <errno.h>
#include <stdbool.h>

/* How many vCPUs in front of @cpu are in its node. */
static unsigned place_in_node(const uint8_t *node, unsigned cpu)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cpu; i++)
		n += node[i] == node[cpu];
	return n;
}

int cpu_topology_init(struct cpu_topology *topology, unsigned nr_cpus, const uint8_t *node)
{
	unsigned package[256] = { 0 }, packages = 0, bits;

	if (!nr_cpus || nr_cpus > CPU_TOPOLOGY_MAX)
		return -ERANGE;
	*topology = (struct cpu_topology){ .nr_cpus = nr_cpus, .cores = node ? 0 : nr_cpus };
	for (unsigned i = 0; node && i < nr_cpus; i++) {
		unsigned place = place_in_node(node, i);

		if (!place)
			package[node[i]] = packages++;
		if (place >= topology->cores)
			topology->cores = place + 1;
	}
	bits = cpu_topology_bits(topology->cores);
	for (unsigned i = 0; i < nr_cpus; i++) {
		unsigned id = node ? package[node[i]] << bits | place_in_node(node, i) : i;

		if (id >= CPU_TOPOLOGY_MAX)
			return -ERANGE;
		topology->apic_id[i] = (uint8_t)id;
	}
	return 0;
}
