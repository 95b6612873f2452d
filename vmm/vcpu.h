/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU: one thread, KVM_RUN and one switch that hands each exit on. Knows no device. */
#ifndef COLDVM_VMM_VCPU_H
#define COLDVM_VMM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bus;
struct kvm;

enum vcpu_end {
	VCPU_END_RESET,	   /* the guest asked for a reset (KVM_SYSTEM_EVENT_RESET) */
	VCPU_END_SHUTDOWN, /* KVM_SYSTEM_EVENT_SHUTDOWN */
	VCPU_END_CRASH,	   /* triple fault, or an entry that the processor refused */
	VCPU_END_ERROR,	   /* KVM_RUN failed in a way that is the host's fault */
};

/* What a vCPU needs from the machine. Shared by all vCPUs, constant while they run. */
struct vcpu_env {
	struct kvm *kvm;
	const uint8_t *apic_ids; /* of each vCPU; NULL: its number */
	struct bus *pio;
	struct bus *mmio;
	/* This VM ends, for this reason; called on the vCPU's thread, which then waits for
	 * vcpu_stop(). @detail is one line for the log. */
	void (*end)(void *opaque, enum vcpu_end reason, const char *detail);
	/*
	 * KVM_RUN met memory that cannot be reached (-EFAULT: a BAR that the host took away).
	 * Returns true if something was changed and the access is worth another try.
	 */
	bool (*fault)(void *opaque);
	/* A vCPU that was asked by vcpu_pause() waits outside of the guest now; on its thread, once
	 * for each call. Must not wait, nor call anything of here. */
	void (*parked)(void *parked_opaque);
	void *parked_opaque;
	void *opaque;
};

struct vcpu {
	const struct vcpu_env *env;
	unsigned id;
	unsigned apic_id; /* and KVM's number of it */
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	atomic_bool stopping; /* written under lock */
	atomic_bool pausing;  /* written under lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* stopping, pausing */
	unsigned pauses;	/* calls of vcpu_pause(); guarded by lock */
};

/* Makes vCPU @id (registers and CPUID are set by vmm/x86/ before vcpu_start()). */
int vcpu_init(struct vcpu *vcpu, const struct vcpu_env *env, unsigned id);
/* Starts the thread, named "vcpuN". */
int vcpu_start(struct vcpu *vcpu);
/* Makes the vCPU leave the guest and joins its thread, also while it is paused. Not from a vCPU
 * thread; the same thread calls this, vcpu_pause() and vcpu_resume(). */
void vcpu_stop(struct vcpu *vcpu);
/* Makes the vCPU leave the guest at the next instruction's end, an access to a device included, and
 * wait. Returns at once; env->parked() says when. */
void vcpu_pause(struct vcpu *vcpu);
/* Lets it go on, and its guest forgive the time. Only after env->parked(). -errno: it goes on all
 * the same, but the guest may complain of a CPU that stood still. */
int vcpu_resume(struct vcpu *vcpu);
void vcpu_exit(struct vcpu *vcpu);

/* Installs the handler of the signal that vcpu_stop() and vcpu_pause() kick with. Once, before the
 * first start. */
int vcpu_install_kick(void);

#endif
