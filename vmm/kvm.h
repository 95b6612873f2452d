/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /dev/kvm and the VM's descriptor: one wrapper per ioctl, no policy.
 *
 * Everything returns 0 (or the value named) or -errno and logs nothing. Unit tests link
 * tests/fake/fake_kvm.c instead of kvm.c; nothing chooses between them at run time.
 * Source of every call: Documentation/virt/kvm/api.rst.
 */
#ifndef COLDVM_VMM_KVM_H
#define COLDVM_VMM_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvm {
	int dev_fd;	    /* /dev/kvm */
	int vm_fd;	    /* the VM */
	size_t run_size;    /* bytes to map of a vCPU descriptor */
	unsigned max_slots; /* KVM_CAP_NR_MEMSLOTS */
	unsigned max_vcpus; /* KVM_CAP_MAX_VCPUS */
};

/* Opens /dev/kvm, checks the API version and every capability that coldvm needs, makes a VM.
 * On failure *ret_missing names what is missing ("/dev/kvm", "KVM_CAP_IRQFD_RESAMPLE", ...). */
int kvm_open(struct kvm *kvm, const char **ret_missing);
void kvm_close(struct kvm *kvm);

/* Value of KVM_CHECK_EXTENSION on the VM, or -errno. */
int kvm_check(struct kvm *kvm, int capability);

/* Makes, changes or (size 0) deletes memslot @slot. @hva stays owned by the caller and must
 * outlive the slot. Returns after no vCPU can use the old mapping. */
int kvm_set_memslot(struct kvm *kvm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva,
		    uint32_t flags);

int kvm_create_irqchip(struct kvm *kvm);
int kvm_set_gsi_routing(struct kvm *kvm, const struct kvm_irq_routing *routing);
int kvm_irq_line(struct kvm *kvm, uint32_t gsi, bool level);

/* Binds @event_fd to @gsi. @resample_fd >= 0: level triggered, signalled at the guest's EOI. */
int kvm_irqfd_assign(struct kvm *kvm, int event_fd, uint32_t gsi, int resample_fd);
int kvm_irqfd_deassign(struct kvm *kvm, int event_fd, uint32_t gsi);

/* Writes of @size bytes (0: any size) to @addr signal @event_fd without an exit to user space. */
int kvm_ioeventfd_assign(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size, bool pio);
int kvm_ioeventfd_deassign(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size, bool pio);

/* Returns the descriptor of a new vCPU, or -errno. */
int kvm_create_vcpu(struct kvm *kvm, unsigned id);
/* KVM_RUN. Unlike all others it gives -EINTR: a signal or immediate_exit ended it. What the exit
 * before left unfinished is complete by then. */
int kvm_run_vcpu(int vcpu_fd);
/* KVM_KVMCLOCK_CTRL: the guest's watchdogs forgive the time that the vCPU stood still. -EINVAL from
 * a guest without kvmclock, which has nothing to forgive. The vCPU is not in kvm_run_vcpu(). */
int kvm_forgive_pause(int vcpu_fd);

#endif
