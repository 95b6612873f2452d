/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vCPU: one thread, KVM_RUN and one switch (Documentation/virt/kvm/api.rst, section 5).
 *
 * vcpu_stop() and vcpu_pause() set run->immediate_exit and then send a signal. Whatever the thread
 * is at, it leaves: before KVM_RUN the flag makes the ioctl return, inside it the signal does, in a
 * handler the loop comes to the flag next. It stays set until vcpu_resume(), so nothing can be
 * missed.
 *
 * A pause begins only where KVM_RUN says EINTR: an access to a device that user space has served is
 * complete when KVM_RUN was called once more, and not before.
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/kvm.h"

#define SIG_KICK SIGRTMIN

/* Faults in a row that nobody could explain, 1 ms apart, before the VM is given up: another
 * thread may be about to take the slot away. */
#define MAX_FAULTS 1000

static void ignore_kick(int sig)
{
	(void)sig; /* it has done its work by interrupting KVM_RUN */
}

int vcpu_install_kick(void)
{
	struct sigaction action = { .sa_handler = ignore_kick };

	sigemptyset(&action.sa_mask);
	return sigaction(SIG_KICK, &action, NULL) < 0 ? -errno : 0;
}

int vcpu_init(struct vcpu *vcpu, const struct vcpu_env *env, unsigned id)
{
	int ret;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->env = env;
	vcpu->id = id;
	vcpu->apic_id = env->apic_ids ? env->apic_ids[id] : id;
	pthread_mutex_init(&vcpu->lock, NULL);
	pthread_cond_init(&vcpu->changed, NULL);
	ret = kvm_create_vcpu(env->kvm, vcpu->apic_id);
	vcpu->fd = ret < 0 ? -1 : ret;
	if (ret < 0)
		goto destroy;
	vcpu->run = mmap(NULL, env->kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = -errno;
		goto close_vcpu;
	}
	return 0;

close_vcpu:
	vcpu->run = NULL;
	close_fd(&vcpu->fd);
destroy:
	pthread_cond_destroy(&vcpu->changed);
	pthread_mutex_destroy(&vcpu->lock);
	return ret;
}

void vcpu_exit(struct vcpu *vcpu)
{
	if (!vcpu->run)
		return;
	munmap(vcpu->run, vcpu->env->kvm->run_size);
	vcpu->run = NULL;
	close_fd(&vcpu->fd);
	pthread_cond_destroy(&vcpu->changed);
	pthread_mutex_destroy(&vcpu->lock);
}

/* Waits outside of the guest for vcpu_resume(), or with @for_good for vcpu_stop() alone. A vCPU
 * that has ended the VM is as good as paused, and says so too. One pause may follow on another
 * before this thread has seen the end of the first, so they are counted. */
static void park(struct vcpu *vcpu, bool for_good)
{
	unsigned told = 0;

	pthread_mutex_lock(&vcpu->lock);
	while (!vcpu->stopping && (for_good || vcpu->pausing)) {
		if (vcpu->pausing && told != vcpu->pauses) {
			told = vcpu->pauses;
			vcpu->env->parked(vcpu->env->parked_opaque);
		}
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	}
	pthread_mutex_unlock(&vcpu->lock);
}

/* Ends the VM and waits for vcpu_stop(). */
static void end(struct vcpu *vcpu, enum vcpu_end reason, const char *detail)
{
	vcpu->env->end(vcpu->env->opaque, reason, detail);
	park(vcpu, true);
}

/* KVM_EXIT_IO: count items of size bytes, for a string instruction more than one. */
static void handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct bus *bus = vcpu->env->pio;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		uint64_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			bus_write(bus, run->io.port, value, size);
		} else {
			value = bus_read(bus, run->io.port, size);
			memcpy(data, &value, size);
		}
	}
}

/* KVM_EXIT_MMIO: 1 to 8 bytes. KVM cuts an access at a page boundary, so lengths like 3 happen;
 * the bus knows powers of two only. */
static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct bus *bus = vcpu->env->mmio;
	uint64_t addr = run->mmio.phys_addr;
	uint8_t *data = run->mmio.data;
	unsigned left = (unsigned)min_u64(run->mmio.len, sizeof(run->mmio.data));

	while (left) {
		unsigned size = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
		uint64_t value = 0;

		if (run->mmio.is_write) {
			memcpy(&value, data, size);
			bus_write(bus, addr, value, size);
		} else {
			value = bus_read(bus, addr, size);
			memcpy(data, &value, size);
		}
		addr += size;
		data += size;
		left -= size;
	}
}

static void handle_system_event(struct vcpu *vcpu)
{
	char detail[64];

	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_RESET:
		end(vcpu, VCPU_END_RESET, "the guest asked for a reset");
		break;
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		end(vcpu, VCPU_END_SHUTDOWN, "the guest asked for a shutdown");
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		end(vcpu, VCPU_END_CRASH, "the guest reported a crash");
		break;
	default:
		snprintf(detail, sizeof(detail), "unknown KVM system event %u",
			 vcpu->run->system_event.type);
		end(vcpu, VCPU_END_ERROR, detail);
	}
}

static uint64_t current_rip(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	return ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ? 0 : regs.rip;
}

/* KVM cannot emulate an instruction: the guest ran into something that is no code, or used an
 * unusual instruction on a device register. The other suberrors are between KVM and processor. */
static void handle_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint32_t nr = (uint32_t)min_u64(run->internal.ndata, ARRAY_SIZE(run->internal.data));
	char detail[512];
	size_t len;

	len = (size_t)snprintf(detail, sizeof(detail),
			       "vCPU %u: KVM internal error, suberror %u at rip 0x%" PRIx64
			       ", data",
			       vcpu->id, run->internal.suberror, current_rip(vcpu));
	for (uint32_t i = 0; i < nr; i++)
		len += (size_t)snprintf(detail + len, sizeof(detail) - len, " 0x%" PRIx64,
					(uint64_t)run->internal.data[i]);
	end(vcpu,
	    run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? VCPU_END_CRASH
								   : VCPU_END_ERROR,
	    detail);
}

/* KVM_RUN returned 0. */
static void handle_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	char detail[160];

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu);
		break;
	case KVM_EXIT_SHUTDOWN:
		snprintf(detail, sizeof(detail), "vCPU %u: triple fault", vcpu->id);
		end(vcpu, VCPU_END_CRASH, detail);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(detail, sizeof(detail),
			 "vCPU %u: the processor refused to enter the guest, reason 0x%" PRIx64
			 " at rip 0x%" PRIx64,
			 vcpu->id, (uint64_t)run->fail_entry.hardware_entry_failure_reason,
			 current_rip(vcpu));
		end(vcpu, VCPU_END_CRASH, detail);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		handle_internal_error(vcpu);
		break;
	default: /* HLT cannot be: the in-kernel LAPIC waits by itself */
		snprintf(detail, sizeof(detail),
			 "vCPU %u: unexpected KVM exit %u, hardware reason 0x%" PRIx64, vcpu->id,
			 run->exit_reason, (uint64_t)run->hw.hardware_exit_reason);
		end(vcpu, VCPU_END_ERROR, detail);
	}
}

/* KVM_RUN met memory that is not there. @faults counts those in a row that changed nothing. */
static void handle_fault(struct vcpu *vcpu, unsigned *faults)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	char detail[128];

	if (vcpu->env->fault(vcpu->env->opaque)) {
		*faults = 0;
		return;
	}
	if (++*faults < MAX_FAULTS) {
		nanosleep(&pause, NULL);
		return;
	}
	snprintf(detail, sizeof(detail),
		 "vCPU %u: guest memory cannot be reached (EFAULT) at rip 0x%" PRIx64, vcpu->id,
		 current_rip(vcpu));
	end(vcpu, VCPU_END_ERROR, detail);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	unsigned faults = 0;
	char text[128];
	sigset_t kick;
	int err;

	snprintf(text, sizeof(text), "vcpu%u", vcpu->id);
	pthread_setname_np(pthread_self(), text);
	sigemptyset(&kick);
	sigaddset(&kick, SIG_KICK);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

	while (!atomic_load(&vcpu->stopping)) {
		err = -kvm_run_vcpu(vcpu->fd);
		if (err == EFAULT) {
			handle_fault(vcpu, &faults);
			continue;
		}
		faults = 0;
		if (err == EINTR)
			park(vcpu, false);
		/* EAGAIN: a vCPU that waits for its SIPI was looked at. */
		if (err == EINTR || err == EAGAIN)
			continue;
		if (!err) {
			handle_exit(vcpu);
			continue;
		}
		snprintf(text, sizeof(text), "vCPU %u: KVM_RUN: %s", vcpu->id, strerror(err));
		end(vcpu, VCPU_END_ERROR, text);
	}
	return NULL;
}

/* The thread inherits its mask: the process's signals are the main thread's. Those that a fault
 * raises stay, for a blocked one kills the process without its handler. */
int vcpu_start(struct vcpu *vcpu)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT };
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	vcpu->started = !ret;
	return -ret;
}

/* A flag was set under the lock: the thread comes out of the guest and looks. Unlocks. */
static void call_out(struct vcpu *vcpu)
{
	/* The kernel reads it; volatile, since no C code here does. */
	*(volatile __u8 *)&vcpu->run->immediate_exit = 1;
	pthread_cond_signal(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
	pthread_kill(vcpu->thread, SIG_KICK);
}

void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	pthread_mutex_lock(&vcpu->lock);
	atomic_store(&vcpu->stopping, true);
	call_out(vcpu);
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}

void vcpu_pause(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	atomic_store(&vcpu->pausing, true);
	vcpu->pauses++;
	call_out(vcpu);
}

int vcpu_resume(struct vcpu *vcpu)
{
	int ret = kvm_forgive_pause(vcpu->fd);

	pthread_mutex_lock(&vcpu->lock);
	atomic_store(&vcpu->pausing, false);
	*(volatile __u8 *)&vcpu->run->immediate_exit = 0;
	pthread_cond_signal(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
	return ret == -EINVAL ? 0 : ret;
}
