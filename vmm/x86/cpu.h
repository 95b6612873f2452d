/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID, MSRs and the first registers of a vCPU. */
#ifndef COLDVM_VMM_X86_CPU_H
#define COLDVM_VMM_X86_CPU_H

#include <stdint.h>

#include "vmm/x86/boot.h"

struct kvm;
struct memory;
struct vcpu;

/* What the VM needs on x86 before irqchip_init(): TSS and identity map addresses. */
int cpu_prepare_vm(struct kvm *kvm);

/* CPUID (topology: one socket of @nr_cpus cores, KVM signature, TSC deadline), MSRs, LAPIC. */
int cpu_setup(struct vcpu *vcpu, struct kvm *kvm, unsigned nr_cpus);

/* Writes the boot GDT and page tables to guest memory and sets the registers of the first vCPU;
 * the others wait for INIT and SIPI. */
int cpu_set_entry(struct vcpu *vcpu, struct memory *memory, const struct boot_entry *entry);

/* Physical address bits of the guest's CPU (from the CPUID that KVM supports). */
unsigned cpu_phys_bits(struct kvm *kvm);

#endif
