/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * KVM in memory, linked instead of vmm/kvm.c: keeps memslots, routes, irqfds and ioeventfds,
 * refuses what KVM refuses (overlapping slots, a second irqfd on one eventfd), and any call with a
 * chosen errno. Calls may come from any thread; what they left behind is read when they are over.
 */
#ifndef COLDVM_TESTS_FAKE_KVM_H
#define COLDVM_TESTS_FAKE_KVM_H

#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/kvm.h"

enum fake_kvm_call {
	FAKE_KVM_OPEN,
	FAKE_KVM_CHECK,
	FAKE_KVM_SET_MEMSLOT,
	FAKE_KVM_CREATE_IRQCHIP,
	FAKE_KVM_SET_GSI_ROUTING,
	FAKE_KVM_IRQ_LINE,
	FAKE_KVM_IRQFD_ASSIGN,
	FAKE_KVM_IRQFD_DEASSIGN,
	FAKE_KVM_IOEVENTFD_ASSIGN,
	FAKE_KVM_IOEVENTFD_DEASSIGN,
	FAKE_KVM_CREATE_VCPU,
	FAKE_KVM_FORGIVE_PAUSE,
	FAKE_KVM_CALLS,
};

#define FAKE_KVM_SLOTS	    512
#define FAKE_KVM_ROUTES	    4096 /* KVM_MAX_IRQ_ROUTES */
#define FAKE_KVM_PINS	    24
#define FAKE_KVM_IRQFDS	    256
#define FAKE_KVM_IOEVENTFDS 64
#define FAKE_KVM_VCPUS	    8

struct fake_kvm {
	unsigned calls[FAKE_KVM_CALLS]; /* how often each was made, refused ones included */
	int max_slots;			/* what KVM_CAP_NR_MEMSLOTS says; FAKE_KVM_SLOTS at reset */
	bool irqchip;
	unsigned vcpus;
	/*
	 * What a vCPU does in kvm_run_vcpu(), on its thread: true: it computes until a signal ends
	 * it; false: it leaves the guest, and why is in @run. NULL: no vCPU can be made.
	 */
	bool (*guest)(unsigned id, struct kvm_run *run);
	struct fake_kvm_vcpu {
		int fd;
		struct kvm_run *run;
		atomic_bool unfinished; /* an access was served, and the guest not entered since */
		atomic_uint entered;	/* how often the guest got to run */
	} vcpu[FAKE_KVM_VCPUS];
	bool pins[FAKE_KVM_PINS];
	struct fake_kvm_slot {
		uint64_t gpa;
		uint64_t size; /* 0: no such slot */
		uint8_t *hva;
		uint32_t flags;
	} slots[FAKE_KVM_SLOTS];
	struct kvm_irq_routing_entry routes[FAKE_KVM_ROUTES];
	unsigned nr_routes;
	struct fake_kvm_irqfd {
		int fd;
		uint32_t gsi;
		int resample_fd;
	} irqfds[FAKE_KVM_IRQFDS];
	unsigned nr_irqfds;
	struct fake_kvm_ioeventfd {
		int fd;
		uint64_t addr;
		uint32_t size;
		bool pio;
	} ioeventfds[FAKE_KVM_IOEVENTFDS];
	unsigned nr_ioeventfds;
};

/* The one fake machine of a test program. */
extern struct fake_kvm fake_kvm;

/* Forgets everything. Before each test. */
void fake_kvm_reset(void);

/* From now on @call fails with -@err (0: works again), the first @after times still work. */
void fake_kvm_refuse(enum fake_kvm_call call, int err, unsigned after);

/* The slot that shows @gpa to the guest, the route of @gsi, the irqfd of @fd; NULL if none. */
const struct fake_kvm_slot *fake_kvm_slot_at(uint64_t gpa);
const struct kvm_irq_routing_entry *fake_kvm_route(uint32_t gsi);
const struct fake_kvm_irqfd *fake_kvm_irqfd(int fd);

/* Slots in use. */
unsigned fake_kvm_nr_slots(void);

#endif
