/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID, MSRs, LAPIC and the first registers of a vCPU. */
#include "vmm/x86/cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/bits.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/memory.h"
#include "vmm/vcpu.h"
#include "vmm/x86/cpuid.h"
#include "vmm/x86/layout.h"

#define MSR_MISC_ENABLE		 0x1a0
#define MISC_ENABLE_FAST_STRINGS 0x1
#define MSR_MTRR_DEF_TYPE	 0x2ff
#define MTRR_DEF_TYPE_ENABLE	 0x800
#define MTRR_TYPE_WRITE_BACK	 6

#define LAPIC_LVT_LINT0	  0x350
#define LAPIC_LVT_LINT1	  0x360
#define LAPIC_MODE_EXTINT 0x700
#define LAPIC_MODE_NMI	  0x400

#define CR0_PE	 0x1
#define CR0_ET	 0x10
#define CR0_PG	 0x80000000
#define CR4_PAE	 0x20
#define EFER_LME 0x100
#define EFER_LMA 0x400

#define PTE_PRESENT 0x1
#define PTE_WRITE   0x2
#define PTE_LARGE   0x80 /* a page directory entry that maps 2 MiB */
#define PTES	    512
#define TABLES	    6 /* PML4, PDPT, 4 page directories: 4 GiB */

/* boot.rst: __BOOT_CS and __BOOT_DS. */
#define BOOT_CS	 0x10
#define BOOT_DS	 0x18
#define GDT_SIZE (4 * sizeof(uint64_t))

#define RFLAGS_FIXED 0x2 /* bit 1 is always set; interrupts are off */

static int vcpu_ioctl(struct vcpu *vcpu, unsigned long request, void *arg)
{
	int ret;

	do
		ret = ioctl(vcpu->fd, request, arg);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int cpu_prepare_vm(struct kvm *kvm)
{
	uint64_t ident = LAYOUT_KVM_IDENT;

	/* Intel without unrestricted guest runs real mode with these; elsewhere they lie unused in
	 * the hole below 4 GiB. The identity map cannot be moved once a vCPU exists. */
	if (ioctl(kvm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &ident) < 0)
		return -errno;
	if (ioctl(kvm->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)LAYOUT_KVM_TSS) < 0)
		return -errno;
	return 0;
}

/* What KVM can give, with room for CPUID_EXTRA more. E2BIG says only that there is more. */
static int get_supported(struct kvm *kvm, struct kvm_cpuid2 **ret_cpuid)
{
	for (uint32_t nr = 128; nr <= 4096; nr *= 2) {
		struct kvm_cpuid2 *cpuid;
		int err;

		cpuid = calloc(1, sizeof(*cpuid) + (nr + CPUID_EXTRA) * sizeof(cpuid->entries[0]));
		if (!cpuid)
			return -ENOMEM;
		cpuid->nent = nr;
		if (ioctl(kvm->dev_fd, KVM_GET_SUPPORTED_CPUID, cpuid) == 0) {
			*ret_cpuid = cpuid;
			return 0;
		}
		err = errno;
		free(cpuid);
		if (err != E2BIG)
			return -err;
	}
	return -E2BIG;
}

unsigned cpu_phys_bits(struct kvm *kvm)
{
	struct kvm_cpuid2 *cpuid = NULL;
	unsigned bits;

	if (get_supported(kvm, &cpuid))
		return 36; /* what every x86-64 processor has */
	bits = cpuid_phys_bits(cpuid);
	free(cpuid);
	return bits;
}

static int set_cpuid(struct vcpu *vcpu, struct kvm *kvm, unsigned nr_cpus)
{
	struct cpuid_config config = {
		.id = vcpu->apic_id,
		.nr_cpus = nr_cpus,
		.tsc_deadline = kvm_check(kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	struct kvm_cpuid2 *cpuid = NULL;
	int ret;

	ret = get_supported(kvm, &cpuid);
	if (ret)
		return ret;
	cpuid_tailor(cpuid, &config);
	ret = vcpu_ioctl(vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return ret;
}

/* One MSR: KVM_GET_MSRS and KVM_SET_MSRS return how many they did, and stop at the first that the
 * processor does not have. */
union one_msr {
	struct kvm_msrs msrs;
	uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

static bool set_msr(struct vcpu *vcpu, uint32_t index, uint64_t set_bits, bool keep_others)
{
	union one_msr one = { .room = { 0 } };
	struct kvm_msr_entry *entry = one.msrs.entries;

	one.msrs.nmsrs = 1;
	entry->index = index;
	if (keep_others && vcpu_ioctl(vcpu, KVM_GET_MSRS, &one) != 1)
		return false;
	entry->data |= set_bits;
	return vcpu_ioctl(vcpu, KVM_SET_MSRS, &one) == 1;
}

/* What a firmware would have left behind. A host that lacks one of them can do without. */
static void set_msrs(struct vcpu *vcpu)
{
	if (!set_msr(vcpu, MSR_MISC_ENABLE, MISC_ENABLE_FAST_STRINGS, true))
		log_debug("cpu", "vCPU %u: MISC_ENABLE cannot be set", vcpu->id);
	/* With the MTRRs off all memory counts as uncached, which KVM honours on Intel as soon as a
	 * device without snoop control is assigned. */
	if (!set_msr(vcpu, MSR_MTRR_DEF_TYPE, MTRR_DEF_TYPE_ENABLE | MTRR_TYPE_WRITE_BACK, false))
		log_debug("cpu", "vCPU %u: MTRRdefType cannot be set", vcpu->id);
}

static void set_lapic_register(struct kvm_lapic_state *lapic, unsigned reg, uint32_t value)
{
	memcpy(lapic->regs + reg, &value, sizeof(value));
}

/* Virtual wire mode, as the MultiProcessor Specification (3.6.2.2) wants it from a firmware. */
static int set_lapic(struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic;
	int ret;

	ret = vcpu_ioctl(vcpu, KVM_GET_LAPIC, &lapic);
	if (ret)
		return ret;
	set_lapic_register(&lapic, LAPIC_LVT_LINT0, LAPIC_MODE_EXTINT);
	set_lapic_register(&lapic, LAPIC_LVT_LINT1, LAPIC_MODE_NMI);
	return vcpu_ioctl(vcpu, KVM_SET_LAPIC, &lapic);
}

int cpu_setup(struct vcpu *vcpu, struct kvm *kvm, unsigned nr_cpus)
{
	int ret;

	ret = set_cpuid(vcpu, kvm, nr_cpus);
	if (ret)
		return ret;
	set_msrs(vcpu);
	return set_lapic(vcpu);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool long_mode)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.db = !long_mode,
		.l = long_mode,
		.g = 1,
	};
}

/* The descriptor that the processor would have to find in the GDT for @segment. Base is 0. */
static uint64_t descriptor(const struct kvm_segment *segment)
{
	uint64_t access =
		segment->type | segment->s << 4 | segment->dpl << 5 | segment->present << 7;
	uint64_t flags = (uint64_t)(segment->l << 1 | segment->db << 2 | segment->g << 3);
	uint64_t limit = segment->g ? segment->limit >> 12 : segment->limit;

	return (limit & 0xffff) | access << 40 | (limit >> 16 & 0xf) << 48 | flags << 52;
}

static int set_segments(struct kvm_sregs *sregs, struct memory *memory, bool long_mode)
{
	uint64_t *gdt = memory_at(memory, LAYOUT_GDT, GDT_SIZE);
	struct kvm_segment data = flat_segment(BOOT_DS, 0x3, false); /* read, write, accessed */

	if (!gdt)
		return -EFAULT;
	sregs->cs = flat_segment(BOOT_CS, 0xb, long_mode); /* execute, read, accessed */
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	/* VM entry wants a busy TSS, PVH one with this limit (start_info.h). */
	sregs->tr = (struct kvm_segment){ .limit = 0x67, .type = 0xb, .present = 1 };
	sregs->ldt = (struct kvm_segment){ .unusable = 1 };
	sregs->gdt.base = LAYOUT_GDT;
	sregs->gdt.limit = GDT_SIZE - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	memset(gdt, 0, GDT_SIZE);
	gdt[BOOT_CS / sizeof(*gdt)] = descriptor(&sregs->cs);
	gdt[BOOT_DS / sizeof(*gdt)] = descriptor(&data);
	return 0;
}

/* Identity map of the first 4 GiB: the kernel, the zero page, the command line and the initramfs
 * are all below. */
static int write_page_tables(struct memory *memory)
{
	uint64_t *table = memory_at(memory, LAYOUT_PAGE_TABLES, TABLES * PTES * sizeof(*table));
	uint64_t next = LAYOUT_PAGE_TABLES + KIB(4);

	if (!table)
		return -EFAULT;
	memset(table, 0, TABLES * PTES * sizeof(*table));
	table[0] = next | PTE_PRESENT | PTE_WRITE;
	for (unsigned i = 0; i < 4; i++)
		table[PTES + i] = (next + (i + 1) * KIB(4)) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < (uint64_t)4 * PTES; i++)
		table[2 * PTES + i] = i * MIB(2) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	return 0;
}

int cpu_set_entry(struct vcpu *vcpu, struct memory *memory, const struct boot_entry *entry)
{
	bool long_mode = entry->protocol == BOOT_LINUX64;
	struct kvm_regs regs = { .rip = entry->rip, .rflags = RFLAGS_FIXED };
	struct kvm_sregs sregs;
	int ret;

	ret = vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);
	if (ret)
		return ret;
	ret = set_segments(&sregs, memory, long_mode);
	if (ret)
		return ret;
	sregs.cr0 = CR0_PE | CR0_ET;
	sregs.cr3 = sregs.cr4 = sregs.efer = 0;
	if (long_mode) {
		ret = write_page_tables(memory);
		if (ret)
			return ret;
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = LAYOUT_PAGE_TABLES;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
		regs.rsi = entry->info;
		regs.rsp = regs.rbp = LAYOUT_BOOT_STACK;
	} else {
		regs.rbx = entry->info;
	}
	ret = vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
	if (ret)
		return ret;
	return vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
}
