/* SPDX-License-Identifier: BSD-3-Clause */
/* Packages, cores, and the APIC identifiers that say so: one package a NUMA node with vCPUs. */
#ifndef COLDVM_VMM_X86_CPU_TOPOLOGY_H
#define COLDVM_VMM_X86_CPU_TOPOLOGY_H

#include <stdint.h>

#define CPU_TOPOLOGY_MAX \
	255 /* identifiers are less, and so are vCPUs: more would need x2APIC entries */

struct cpu_topology {
	unsigned nr_cpus;
	unsigned cores; /* that a package has place for; one thread each */
	uint8_t apic_id[CPU_TOPOLOGY_MAX];
};

/* Bits of an APIC identifier that tell @nr of something apart. */
static inline unsigned cpu_topology_bits(unsigned nr)
{
	unsigned bits = 0;

	while ((1u << bits) < nr)
		bits++;
	return bits;
}

/* @node: of each vCPU; NULL: all are in one package. vCPU 0 has identifier 0, as KVM's boot
 * processor. -ERANGE if the identifiers do not fit: packages have places for as many cores as the
 * biggest one. */
int cpu_topology_init(struct cpu_topology *topology, unsigned nr_cpus, const uint8_t *node);

#endif
