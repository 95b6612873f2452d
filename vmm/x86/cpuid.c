/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CPUID as the guest sees it.
 *
 * KVM_GET_SUPPORTED_CPUID answers for the CPU that it was asked on: its APIC ID, its package, its
 * caches shared with the host's other CPUs. What follows replaces those by packages of cores
 * without hyperthreads, in every leaf in which Linux or Windows may look for it. Leaves are those
 * of Intel's SDM volume 2A (CPUID) and AMD's APM volume 3, appendix E.
 */
#include "vmm/x86/cpuid.h"

#include <stddef.h>

#include "vmm/bits.h"
#include "vmm/x86/cpu_topology.h"

#define LEAF1_ECX_MONITOR      (1u << 3)
#define LEAF1_ECX_PDCM	       (1u << 15)
#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR   (1u << 31)
#define LEAF1_EDX_HTT	       (1u << 28)

#define EXT1_ECX_CMP_LEGACY   (1u << 1)
#define EXT1_ECX_PERFCTR_CORE (1u << 23)

#define LEVEL_INVALID 0
#define LEVEL_SMT     1
#define LEVEL_CORE    2

#define VENDOR_AMD_EBX	 0x68747541 /* "Auth" of AuthenticAMD */
#define VENDOR_HYGON_EBX 0x6f677948 /* "Hygo" of HygonGenuine */

static uint32_t set_field(uint32_t reg, unsigned shift, unsigned width, uint32_t value)
{
	uint32_t mask = (uint32_t)ones(4) >> (32 - width);

	return (reg & ~(mask << shift)) | (value & mask) << shift;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf)
			return &cpuid->entries[i];
	return NULL;
}

static void remove_leaf(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function != leaf)
			cpuid->entries[kept++] = cpuid->entries[i];
	cpuid->nent = kept;
}

static bool is_amd(struct kvm_cpuid2 *cpuid)
{
	const struct kvm_cpuid_entry2 *leaf0 = find(cpuid, 0);

	return leaf0 && (leaf0->ebx == VENDOR_AMD_EBX || leaf0->ebx == VENDOR_HYGON_EBX);
}

static void tailor_leaf1(struct kvm_cpuid_entry2 *leaf, const struct cpuid_config *config)
{
	leaf->ebx = set_field(leaf->ebx, 16, 8, 1u << cpu_topology_bits(config->nr_cpus));
	leaf->ebx = set_field(leaf->ebx, 24, 8, config->id);
	/* MWAIT would be intercepted and done as a NOP: an idle loop that never idles. The
	 * performance counters go together with leaf 0xA below. */
	leaf->ecx &= ~(LEAF1_ECX_MONITOR | LEAF1_ECX_PDCM | LEAF1_ECX_TSC_DEADLINE);
	leaf->ecx |= LEAF1_ECX_HYPERVISOR;
	if (config->tsc_deadline)
		leaf->ecx |= LEAF1_ECX_TSC_DEADLINE;
	leaf->edx &= ~LEAF1_EDX_HTT;
	if (config->nr_cpus > 1)
		leaf->edx |= LEAF1_EDX_HTT;
}

/* Leaf 4 (Intel) and 0x8000001D (AMD) have one subleaf a cache. Levels 1 and 2 belong to a core,
 * the last level to all. */
static void tailor_cache(struct kvm_cpuid_entry2 *leaf, unsigned sharing)
{
	unsigned level = leaf->eax >> 5 & 7;

	if (leaf->eax & 0x1f)
		leaf->eax = set_field(leaf->eax, 14, 12, level >= 3 ? sharing - 1 : 0);
}

static void tailor_amd(struct kvm_cpuid_entry2 *leaf, const struct cpuid_config *config)
{
	switch (leaf->function) {
	case 0x80000001:
		leaf->ecx &= ~(EXT1_ECX_CMP_LEGACY | EXT1_ECX_PERFCTR_CORE);
		if (config->nr_cpus > 1)
			leaf->ecx |= EXT1_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		leaf->ecx = set_field(leaf->ecx, 0, 8, config->nr_cpus - 1);
		leaf->ecx = set_field(leaf->ecx, 12, 4, cpu_topology_bits(config->nr_cpus));
		break;
	case 0x8000001d:
		tailor_cache(leaf, config->nr_cpus);
		break;
	case 0x8000001e:
		leaf->eax = config->id;
		leaf->ebx = config->id & 0xff; /* core ID; one thread a core */
		leaf->ecx = 0;		       /* node 0 of 1 */
		break;
	}
}

static void tailor(struct kvm_cpuid_entry2 *leaf, const struct cpuid_config *config, bool amd)
{
	switch (leaf->function) {
	case 1:
		tailor_leaf1(leaf, config);
		break;
	case 4:
		tailor_cache(leaf, 1u << cpu_topology_bits(config->nr_cpus));
		if (leaf->eax & 0x1f)
			leaf->eax = set_field(leaf->eax, 26, 6,
					      (1u << cpu_topology_bits(config->nr_cpus)) - 1);
		break;
	case 5:		 /* MWAIT */
	case 0xa:	 /* Intel's performance counters: none */
	case 0x80000022: /* AMD's, version 2 */
		leaf->eax = leaf->ebx = leaf->ecx = leaf->edx = 0;
		break;
	default:
		if (amd)
			tailor_amd(leaf, config);
	}
}

static void add_level(struct kvm_cpuid2 *cpuid, uint32_t leaf, const struct cpuid_config *config,
		      uint32_t index, uint32_t type, uint32_t shift, uint32_t nr)
{
	cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
		.function = leaf,
		.index = index,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = shift,
		.ebx = nr,
		.ecx = type << 8 | index,
		.edx = config->id,
	};
}

/* Extended topology: 0xB and its successor 0x1F have the same form. */
static void set_topology(struct kvm_cpuid2 *cpuid, uint32_t leaf, const struct cpuid_config *config)
{
	unsigned bits = cpu_topology_bits(config->nr_cpus);

	add_level(cpuid, leaf, config, 0, LEVEL_SMT, 0, 1);
	add_level(cpuid, leaf, config, 1, LEVEL_CORE, bits, config->nr_cpus);
	add_level(cpuid, leaf, config, 2, LEVEL_INVALID, 0, 0);
}

void cpuid_tailor(struct kvm_cpuid2 *cpuid, const struct cpuid_config *config)
{
	struct kvm_cpuid_entry2 *leaf0;
	bool amd = is_amd(cpuid);

	/* 0x80000026 is AMD's third way to tell a topology; without it the others count. */
	remove_leaf(cpuid, 0xb);
	remove_leaf(cpuid, 0x1f);
	remove_leaf(cpuid, 0x80000026);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		tailor(&cpuid->entries[i], config, amd);

	/* An old processor has no leaf 0xB. KVM's LAPIC is an x2APIC anyway, and the leaf makes
	 * guests agree about topology on every host. */
	leaf0 = find(cpuid, 0);
	if (!leaf0)
		return;
	leaf0->eax = (uint32_t)max_u64(leaf0->eax, 0xb);
	set_topology(cpuid, 0xb, config);
	if (leaf0->eax >= 0x1f)
		set_topology(cpuid, 0x1f, config);
}

unsigned cpuid_phys_bits(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		uint32_t eax = cpuid->entries[i].eax;

		if (cpuid->entries[i].function != 0x80000008 || !(eax & 0xff))
			continue;
		/* Bits 16 to 23: what KVM can map, where that is less (Linux 6.10 and later). */
		if (eax >> 16 & 0xff)
			return (unsigned)min_u64(eax & 0xff, eax >> 16 & 0xff);
		return eax & 0xff;
	}
	return 36; /* SDM: the size where the leaf is missing */
}
