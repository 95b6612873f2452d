/* SPDX-License-Identifier: BSD-3-Clause */
/* /dev/kvm and the VM's descriptor: one wrapper per ioctl (Documentation/virt/kvm/api.rst). */
#include "vmm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "vmm/bits.h"

/* What coldvm cannot do without; what it can (KVM_CAP_TSC_DEADLINE_TIMER) is asked where used. */
static const struct {
	int cap;
	const char *name;
} required[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IRQFD_RESAMPLE, "KVM_CAP_IRQFD_RESAMPLE" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, "KVM_CAP_IOEVENTFD_ANY_LENGTH" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
};

/* ioctl(2) with -errno. KVM_CREATE_VM and others give EINTR when a signal meets an allocation;
 * none of the calls here has done anything by then. */
static int kvm_ioctl(int fd, unsigned long request, unsigned long arg)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static int check_required(struct kvm *kvm, const char **ret_missing)
{
	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		int ret = kvm_check(kvm, required[i].cap);

		if (ret > 0)
			continue;
		*ret_missing = required[i].name;
		return ret < 0 ? ret : -EOPNOTSUPP;
	}
	return 0;
}

int kvm_open(struct kvm *kvm, const char **ret_missing)
{
	int ret;

	*kvm = (struct kvm){ .dev_fd = -1, .vm_fd = -1 };
	*ret_missing = "/dev/kvm";
	kvm->dev_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm->dev_fd < 0)
		return -errno;

	/* 12 since Linux 2.6.22; api.rst: refuse to run on anything else. */
	*ret_missing = "KVM API version 12";
	ret = kvm_ioctl(kvm->dev_fd, KVM_GET_API_VERSION, 0);
	if (ret != KVM_API_VERSION) {
		ret = ret < 0 ? ret : -EOPNOTSUPP;
		goto close;
	}
	*ret_missing = "KVM_GET_VCPU_MMAP_SIZE";
	ret = kvm_ioctl(kvm->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < (int)sizeof(struct kvm_run)) {
		ret = ret < 0 ? ret : -EOPNOTSUPP;
		goto close;
	}
	kvm->run_size = (size_t)ret;

	*ret_missing = "KVM_CREATE_VM";
	ret = kvm_ioctl(kvm->dev_fd, KVM_CREATE_VM, 0);
	if (ret < 0)
		goto close;
	kvm->vm_fd = ret;
	ret = check_required(kvm, ret_missing);
	if (ret)
		goto close;

	/* api.rst gives the defaults of a KVM without these: 32 slots, 4 vCPUs. */
	ret = kvm_check(kvm, KVM_CAP_NR_MEMSLOTS);
	kvm->max_slots = ret > 0 ? (unsigned)ret : 32;
	ret = kvm_check(kvm, KVM_CAP_MAX_VCPUS);
	kvm->max_vcpus = ret > 0 ? (unsigned)ret : 4;
	return 0;

close:
	kvm_close(kvm);
	return ret;
}

void kvm_close(struct kvm *kvm)
{
	close_fd(&kvm->vm_fd);
	close_fd(&kvm->dev_fd);
}

int kvm_check(struct kvm *kvm, int capability)
{
	return kvm_ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, (unsigned long)capability);
}

int kvm_set_memslot(struct kvm *kvm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva,
		    uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return kvm_ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, (unsigned long)&region);
}

int kvm_create_irqchip(struct kvm *kvm)
{
	return kvm_ioctl(kvm->vm_fd, KVM_CREATE_IRQCHIP, 0);
}

int kvm_set_gsi_routing(struct kvm *kvm, const struct kvm_irq_routing *routing)
{
	return kvm_ioctl(kvm->vm_fd, KVM_SET_GSI_ROUTING, (unsigned long)routing);
}

int kvm_irq_line(struct kvm *kvm, uint32_t gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return kvm_ioctl(kvm->vm_fd, KVM_IRQ_LINE, (unsigned long)&line);
}

int kvm_irqfd_assign(struct kvm *kvm, int event_fd, uint32_t gsi, int resample_fd)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)event_fd, .gsi = gsi };

	if (resample_fd >= 0) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = (uint32_t)resample_fd;
	}
	return kvm_ioctl(kvm->vm_fd, KVM_IRQFD, (unsigned long)&irqfd);
}

int kvm_irqfd_deassign(struct kvm *kvm, int event_fd, uint32_t gsi)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)event_fd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};

	return kvm_ioctl(kvm->vm_fd, KVM_IRQFD, (unsigned long)&irqfd);
}

static int set_ioeventfd(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size,
			 uint32_t flags)
{
	struct kvm_ioeventfd ioeventfd = {
		.addr = addr,
		.len = size,
		.fd = event_fd,
		.flags = flags,
	};

	return kvm_ioctl(kvm->vm_fd, KVM_IOEVENTFD, (unsigned long)&ioeventfd);
}

int kvm_ioeventfd_assign(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size, bool pio)
{
	return set_ioeventfd(kvm, event_fd, addr, size, pio ? KVM_IOEVENTFD_FLAG_PIO : 0);
}

int kvm_ioeventfd_deassign(struct kvm *kvm, int event_fd, uint64_t addr, uint32_t size, bool pio)
{
	return set_ioeventfd(kvm, event_fd, addr, size,
			     KVM_IOEVENTFD_FLAG_DEASSIGN | (pio ? KVM_IOEVENTFD_FLAG_PIO : 0));
}

int kvm_create_vcpu(struct kvm *kvm, unsigned id)
{
	return kvm_ioctl(kvm->vm_fd, KVM_CREATE_VCPU, id);
}

int kvm_run_vcpu(int vcpu_fd)
{
	return ioctl(vcpu_fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

int kvm_forgive_pause(int vcpu_fd)
{
	return kvm_ioctl(vcpu_fd, KVM_KVMCLOCK_CTRL, 0);
}
