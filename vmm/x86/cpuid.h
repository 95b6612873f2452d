/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID as the guest sees it: what KVM supports, with this VM's topology. Pure, no ioctl. */
#ifndef COLDVM_VMM_X86_CPUID_H
#define COLDVM_VMM_X86_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/* Entries that cpuid_tailor() may add. */
#define CPUID_EXTRA 8

struct cpuid_config {
	unsigned id;	  /* APIC ID */
	unsigned nr_cpus; /* of a package: so many cores of one thread */
	bool tsc_deadline;
};

/* Changes @cpuid, which has room for CPUID_EXTRA entries more than its nent. */
void cpuid_tailor(struct kvm_cpuid2 *cpuid, const struct cpuid_config *config);

/* Bits of a guest physical address that the processor and KVM can map. */
unsigned cpuid_phys_bits(const struct kvm_cpuid2 *cpuid);

#endif
