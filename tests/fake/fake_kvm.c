/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM in memory. What it refuses is what virt/kvm/kvm_main.c and eventfd.c refuse. */
#include "tests/fake/fake_kvm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/bits.h"

struct fake_kvm fake_kvm;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	int err;
	unsigned after;
} refusals[FAKE_KVM_CALLS];

void fake_kvm_reset(void)
{
	for (unsigned i = 0; i < FAKE_KVM_VCPUS; i++)
		if (fake_kvm.vcpu[i].run)
			munmap(fake_kvm.vcpu[i].run, 4096);
	memset(&fake_kvm, 0, sizeof(fake_kvm));
	memset(refusals, 0, sizeof(refusals));
	fake_kvm.max_slots = FAKE_KVM_SLOTS;
}

void fake_kvm_refuse(enum fake_kvm_call call, int err, unsigned after)
{
	refusals[call].err = err;
	refusals[call].after = after;
}

/* Counts @call: 0, or the -errno with which it shall be refused. Lock held. */
static int note_call(enum fake_kvm_call call)
{
	fake_kvm.calls[call]++;
	if (!refusals[call].err)
		return 0;
	if (refusals[call].after) {
		refusals[call].after--;
		return 0;
	}
	return -refusals[call].err;
}

/* Takes the lock and counts. The caller unlocks. */
static int begin(enum fake_kvm_call call)
{
	pthread_mutex_lock(&lock);
	return note_call(call);
}

static int finish(int ret)
{
	pthread_mutex_unlock(&lock);
	return ret;
}

const struct fake_kvm_slot *fake_kvm_slot_at(uint64_t gpa)
{
	for (unsigned i = 0; i < FAKE_KVM_SLOTS; i++)
		if (range_inside(gpa, 1, fake_kvm.slots[i].gpa, fake_kvm.slots[i].size))
			return &fake_kvm.slots[i];
	return NULL;
}

unsigned fake_kvm_nr_slots(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < FAKE_KVM_SLOTS; i++)
		nr += fake_kvm.slots[i].size ? 1 : 0;
	return nr;
}

const struct kvm_irq_routing_entry *fake_kvm_route(uint32_t gsi)
{
	for (unsigned i = 0; i < fake_kvm.nr_routes; i++)
		if (fake_kvm.routes[i].gsi == gsi)
			return &fake_kvm.routes[i];
	return NULL;
}

const struct fake_kvm_irqfd *fake_kvm_irqfd(int fd)
{
	for (unsigned i = 0; i < fake_kvm.nr_irqfds; i++)
		if (fake_kvm.irqfds[i].fd == fd)
			return &fake_kvm.irqfds[i];
	return NULL;
}

int kvm_open(struct kvm *kvm, const char **ret_missing)
{
	int ret = begin(FAKE_KVM_OPEN);

	*kvm = (struct kvm){
		.dev_fd = -1,
		.vm_fd = -1,
		.run_size = 4096,
		.max_slots = (unsigned)fake_kvm.max_slots,
		.max_vcpus = 64,
	};
	*ret_missing = "/dev/kvm";
	return finish(ret);
}

void kvm_close(struct kvm *kvm)
{
	(void)kvm;
}

int kvm_check(struct kvm *kvm, int capability)
{
	int ret = begin(FAKE_KVM_CHECK);

	(void)kvm;
	if (!ret)
		ret = capability == KVM_CAP_NR_MEMSLOTS ? fake_kvm.max_slots : 1;
	return finish(ret);
}

/* kvm_main.c: __kvm_set_memory_region(). */
static int set_slot(uint32_t number, const struct fake_kvm_slot *wanted)
{
	struct fake_kvm_slot *slot;

	if (number >= (unsigned)fake_kvm.max_slots || wanted->gpa % 4096 || wanted->size % 4096 ||
	    (uintptr_t)wanted->hva % 4096 || wanted->gpa + wanted->size < wanted->gpa)
		return -EINVAL;
	slot = &fake_kvm.slots[number];
	if (!wanted->size) {
		if (!slot->size)
			return -EINVAL;
		*slot = *wanted;
		return 0;
	}
	/* A slot that exists may move and change its flags, nothing else. */
	if (slot->size && (slot->size != wanted->size || slot->hva != wanted->hva))
		return -EINVAL;
	for (unsigned i = 0; i < FAKE_KVM_SLOTS; i++)
		if (i != number && ranges_overlap(wanted->gpa, wanted->size, fake_kvm.slots[i].gpa,
						  fake_kvm.slots[i].size))
			return -EEXIST;
	*slot = *wanted;
	return 0;
}

int kvm_set_memslot(struct kvm *kvm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva,
		    uint32_t flags)
{
	const struct fake_kvm_slot wanted = { gpa, size, hva, flags };
	int ret = begin(FAKE_KVM_SET_MEMSLOT);

	(void)kvm;
	return finish(ret ? ret : set_slot(slot, &wanted));
}

int kvm_create_irqchip(struct kvm *kvm)
{
	int ret = begin(FAKE_KVM_CREATE_IRQCHIP);

	(void)kvm;
	if (!ret && fake_kvm.irqchip)
		ret = -EEXIST;
	else if (!ret)
		fake_kvm.irqchip = true;
	return finish(ret);
}

int kvm_set_gsi_routing(struct kvm *kvm, const struct kvm_irq_routing *routing)
{
	int ret = begin(FAKE_KVM_SET_GSI_ROUTING);

	(void)kvm;
	if (!ret && (routing->nr > FAKE_KVM_ROUTES || routing->flags))
		ret = -EINVAL;
	for (unsigned i = 0; !ret && i < routing->nr; i++)
		if (routing->entries[i].gsi >= FAKE_KVM_ROUTES)
			ret = -EINVAL;
	if (!ret) {
		memcpy(fake_kvm.routes, routing->entries,
		       routing->nr * sizeof(routing->entries[0]));
		fake_kvm.nr_routes = routing->nr;
	}
	return finish(ret);
}

int kvm_irq_line(struct kvm *kvm, uint32_t gsi, bool level)
{
	int ret = begin(FAKE_KVM_IRQ_LINE);

	(void)kvm;
	if (!ret && gsi >= FAKE_KVM_PINS)
		ret = -EINVAL;
	else if (!ret)
		fake_kvm.pins[gsi] = level;
	return finish(ret);
}

int kvm_irqfd_assign(struct kvm *kvm, int event_fd, uint32_t gsi, int resample_fd)
{
	int ret = begin(FAKE_KVM_IRQFD_ASSIGN);

	(void)kvm;
	if (!ret && fake_kvm_irqfd(event_fd))
		ret = -EBUSY;
	else if (!ret && (gsi >= FAKE_KVM_ROUTES || fake_kvm.nr_irqfds == FAKE_KVM_IRQFDS))
		ret = -EINVAL;
	else if (!ret)
		fake_kvm.irqfds[fake_kvm.nr_irqfds++] =
			(struct fake_kvm_irqfd){ event_fd, gsi, resample_fd };
	return finish(ret);
}

/* Like KVM, says nothing about one that is not there. */
int kvm_irqfd_deassign(struct kvm *kvm, int event_fd, uint32_t gsi)
{
	int ret = begin(FAKE_KVM_IRQFD_DEASSIGN);
	unsigned kept = 0;

	(void)kvm;
	for (unsigned i = 0; !ret && i < fake_kvm.nr_irqfds; i++)
		if (fake_kvm.irqfds[i].fd != event_fd || fake_kvm.irqfds[i].gsi != gsi)
			fake_kvm.irqfds[kept++] = fake_kvm.irqfds[i];
	if (!ret)
		fake_kvm.nr_irqfds = kept;
	return finish(ret);
}

static bool same_ioeventfd(const struct fake_kvm_ioeventfd *a, const struct fake_kvm_ioeventfd *b)
{
	return a->addr == b->addr && a->size == b->size && a->pio == b->pio;
}

int kvm_ioeventfd_assign(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size, bool pio)
{
	const struct fake_kvm_ioeventfd wanted = { event_fd, addr, size, pio };
	int ret = begin(FAKE_KVM_IOEVENTFD_ASSIGN);

	(void)kvm;
	for (unsigned i = 0; !ret && i < fake_kvm.nr_ioeventfds; i++)
		if (same_ioeventfd(&fake_kvm.ioeventfds[i], &wanted))
			ret = -EEXIST;
	if (!ret && fake_kvm.nr_ioeventfds == FAKE_KVM_IOEVENTFDS)
		ret = -ENOSPC;
	else if (!ret)
		fake_kvm.ioeventfds[fake_kvm.nr_ioeventfds++] = wanted;
	return finish(ret);
}

int kvm_ioeventfd_deassign(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size, bool pio)
{
	const struct fake_kvm_ioeventfd wanted = { event_fd, addr, size, pio };
	int ret = begin(FAKE_KVM_IOEVENTFD_DEASSIGN);
	unsigned kept = 0;

	(void)kvm;
	if (ret)
		return finish(ret);
	for (unsigned i = 0; i < fake_kvm.nr_ioeventfds; i++)
		if (fake_kvm.ioeventfds[i].fd != event_fd ||
		    !same_ioeventfd(&fake_kvm.ioeventfds[i], &wanted))
			fake_kvm.ioeventfds[kept++] = fake_kvm.ioeventfds[i];
	ret = kept == fake_kvm.nr_ioeventfds ? -ENOENT : 0;
	fake_kvm.nr_ioeventfds = kept;
	return finish(ret);
}

/* --- vCPUs --------------------------------------------------------------------------------------
 */

/* The descriptor can be mapped like KVM's. The same number may come back after it was closed. */
static int make_vcpu(unsigned id, size_t size)
{
	struct fake_kvm_vcpu *vcpu = &fake_kvm.vcpu[id];
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (vcpu->run == MAP_FAILED)
		return -errno;
	vcpu->fd = fd;
	fake_kvm.vcpus++;
	return fd;
}

int kvm_create_vcpu(struct kvm *kvm, unsigned id)
{
	int ret = begin(FAKE_KVM_CREATE_VCPU);

	if (!ret && (!fake_kvm.guest || id >= FAKE_KVM_VCPUS))
		ret = -EOPNOTSUPP;
	return finish(ret ? ret : make_vcpu(id, kvm->run_size));
}

static struct fake_kvm_vcpu *find_vcpu(int fd)
{
	for (unsigned i = 0; i < FAKE_KVM_VCPUS; i++)
		if (fake_kvm.vcpu[i].run && fake_kvm.vcpu[i].fd == fd)
			return &fake_kvm.vcpu[i];
	abort();
}

/* arch/x86/kvm/x86.c: kvm_arch_vcpu_ioctl_run(). What user space has served is completed first,
 * then immediate_exit is looked at, and a signal that is pending keeps the guest from running. */
int kvm_run_vcpu(int vcpu_fd)
{
	struct fake_kvm_vcpu *vcpu = find_vcpu(vcpu_fd);
	sigset_t all, before;
	bool computes = true;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	vcpu->unfinished = false;
	if (*(volatile __u8 *)&vcpu->run->immediate_exit) {
		ret = -EINTR;
	} else {
		vcpu->entered++;
		computes = fake_kvm.guest((unsigned)(vcpu - fake_kvm.vcpu), vcpu->run);
		if (computes) {
			sigsuspend(&before);
			ret = -EINTR;
		} else {
			vcpu->unfinished = vcpu->run->exit_reason == KVM_EXIT_IO ||
					   vcpu->run->exit_reason == KVM_EXIT_MMIO;
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int kvm_forgive_pause(int vcpu_fd)
{
	(void)vcpu_fd;
	return finish(begin(FAKE_KVM_FORGIVE_PAUSE));
}
