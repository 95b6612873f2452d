/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest RAM and memslots.
 *
 * RAM is one host mapping, cut into a low and a high region. It is not MAP_NORESERVE: a device
 * makes VFIO pin every page of it anyway, so a size that the host obviously cannot back shall be
 * refused at start and not by the OOM killer later. Hugepages are filled at once for the same
 * reason; where the kernel cannot (before 5.14) its reservation at mmap(2) must do.
 */
#include "vmm/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memfd.h>

#include "vmm/bits.h"
#include "vmm/kvm.h"

#define PAGE	  KIB(4)
#define HUGE_PAGE MIB(2)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26) /* uapi/asm-generic/hugetlb_encode.h */
#endif

/* Lays out low and high RAM. 2^52 is the end of what any x86 page table can address. */
static int lay_out(struct memory *memory, const struct memory_config *config)
{
	uint64_t page = config->hugepages ? HUGE_PAGE : PAGE;
	uint64_t low = min_u64(config->size, config->low_limit);

	if (!low || low % page || config->size % page || config->low_limit > GIB(4) ||
	    config->size > (UINT64_C(1) << 52) - GIB(4))
		return -EINVAL;

	memory->ram[0] = (struct memory_region){ .gpa = 0, .size = low };
	memory->nr_ram = 1;
	if (low == config->size)
		return 0;
	memory->ram[1] = (struct memory_region){ .gpa = GIB(4), .size = config->size - low };
	memory->nr_ram = 2;
	return 0;
}

static uint64_t total_size(const struct memory *memory)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < memory->nr_ram; i++)
		size += memory->ram[i].size;
	return size;
}

static int make_memfd(uint64_t size, bool hugepages)
{
	unsigned flags = MFD_CLOEXEC | (hugepages ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
	int fd = memfd_create("coldvm-ram", flags);
	int ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* Address space for @size bytes, aligned to 2 MiB: guest and host then agree on where a huge page
 * starts, without which neither KVM nor the IOMMU can map one. */
static uint8_t *reserve_aligned(uint64_t size)
{
	uint8_t *start, *aligned;

	start = mmap(NULL, size + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	aligned = (uint8_t *)align_up((uintptr_t)start, HUGE_PAGE);
	if (aligned != start)
		munmap(start, (size_t)(aligned - start));
	munmap(aligned + size, (size_t)(start + HUGE_PAGE - aligned));
	return aligned;
}

/* Fills RAM now. A kernel that does not know the advice (EINVAL) has reserved hugepages all the
 * same, and @must says that nothing less will do. */
static int populate(uint8_t *hva, uint64_t size, bool must)
{
	int ret;

	do
		ret = madvise(hva, size, MADV_POPULATE_WRITE);
	while (ret && (errno == EINTR || errno == EAGAIN));
	if (!ret || (errno == EINVAL && !must))
		return 0;
	if (errno == EINVAL)
		return -EOPNOTSUPP;
	/* EFAULT: a page could not be had, here because a cgroup or a node ran out. */
	return errno == EFAULT ? -ENOMEM : -errno;
}

static int map_ram(struct memory *memory, const struct memory_config *config)
{
	uint64_t size = total_size(memory);
	int flags = MAP_FIXED;
	uint8_t *hva;
	int ret;

	if (config->shared) {
		ret = make_memfd(size, config->hugepages);
		if (ret < 0)
			return ret;
		memory->memfd = ret;
		flags |= MAP_SHARED;
	} else {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
		if (config->hugepages)
			flags |= MAP_HUGETLB | MAP_HUGE_2MB;
	}
	hva = reserve_aligned(size);
	if (!hva) {
		ret = -ENOMEM;
		goto close_memfd;
	}
	if (mmap(hva, size, PROT_READ | PROT_WRITE, flags, memory->memfd, 0) == MAP_FAILED) {
		ret = -errno;
		goto unmap;
	}
	/* Advice only: RAM is no part of a crash of coldvm, and fewer, larger pages make for a
	 * faster boot and a faster DMA map. */
	madvise(hva, size, MADV_DONTDUMP);
	if (!config->hugepages)
		madvise(hva, size, MADV_HUGEPAGE);
	if (config->hugepages || config->prefault) {
		ret = populate(hva, size, config->prefault);
		if (ret)
			goto unmap;
	}

	memory->ram[0].hva = hva;
	if (memory->nr_ram == 2)
		memory->ram[1].hva = hva + memory->ram[0].size;
	return 0;

unmap:
	munmap(hva, size);
close_memfd:
	close_fd(&memory->memfd);
	return ret;
}

int memory_init(struct memory *memory, struct kvm *kvm, const struct memory_config *config)
{
	unsigned done;
	int ret;

	memset(memory, 0, sizeof(*memory));
	memory->kvm = kvm;
	memory->memfd = -1;
	memory->page = config->hugepages ? HUGE_PAGE : PAGE;
	memory->max_slots = (unsigned)min_u64(kvm->max_slots, MEMORY_MAX_SLOTS);
	ret = lay_out(memory, config);
	if (ret)
		goto forget;
	ret = map_ram(memory, config);
	if (ret)
		goto forget;
	for (done = 0; done < memory->nr_ram; done++) {
		const struct memory_region *ram = &memory->ram[done];

		ret = kvm_set_memslot(kvm, done, ram->gpa, ram->size, ram->hva, 0);
		if (ret)
			goto delete_slots;
		memory->used[done] = true;
	}
	pthread_mutex_init(&memory->lock, NULL);
	return 0;

delete_slots:
	while (done--)
		kvm_set_memslot(kvm, done, memory->ram[done].gpa, 0, NULL, 0);
	munmap(memory->ram[0].hva, total_size(memory));
	close_fd(&memory->memfd);
forget:
	memory->nr_ram = 0;
	return ret;
}

void memory_exit(struct memory *memory)
{
	if (!memory->nr_ram)
		return;
	for (unsigned i = 0; i < memory->nr_ram; i++)
		kvm_set_memslot(memory->kvm, i, memory->ram[i].gpa, 0, NULL, 0);
	munmap(memory->ram[0].hva, total_size(memory));
	close_fd(&memory->memfd);
	pthread_mutex_destroy(&memory->lock);
	memory->nr_ram = 0;
}

void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < memory->nr_ram; i++) {
		const struct memory_region *ram = &memory->ram[i];

		if (range_inside(gpa, len, ram->gpa, ram->size))
			return ram->hva + (gpa - ram->gpa);
	}
	return NULL;
}

/* In shared memory the page belongs to the file: without a hole in that, the mapping alone would
 * forget it and the next access bring it back. */
int memory_discard(const struct memory *memory, uint64_t gpa, uint64_t len)
{
	void *hva = memory_at(memory, gpa, len);

	if (!hva)
		return -EFAULT;
	if (gpa % memory->page || len % memory->page)
		return -EINVAL;
	return madvise(hva, len, memory->memfd >= 0 ? MADV_REMOVE : MADV_DONTNEED) ? -errno : 0;
}

/* The ioctl waits for vCPUs to leave the old slots, so it runs without the lock. */
int memory_add_slot(struct memory *memory, uint64_t gpa, uint64_t size, void *hva,
		    uint32_t *ret_slot)
{
	uint32_t slot;
	int ret;

	if (!size || gpa % PAGE || size % PAGE || (uintptr_t)hva % PAGE || gpa + (size - 1) < gpa)
		return -EINVAL;

	pthread_mutex_lock(&memory->lock);
	for (slot = memory->nr_ram; slot < memory->max_slots; slot++)
		if (!memory->used[slot])
			break;
	if (slot < memory->max_slots)
		memory->used[slot] = true;
	pthread_mutex_unlock(&memory->lock);
	if (slot == memory->max_slots)
		return -ENOSPC;

	ret = kvm_set_memslot(memory->kvm, slot, gpa, size, hva, 0);
	if (!ret) {
		*ret_slot = slot;
		return 0;
	}
	pthread_mutex_lock(&memory->lock);
	memory->used[slot] = false;
	pthread_mutex_unlock(&memory->lock);
	return ret;
}

int memory_del_slot(struct memory *memory, uint32_t slot)
{
	bool used;
	int ret;

	if (slot < memory->nr_ram || slot >= memory->max_slots)
		return -EINVAL;
	pthread_mutex_lock(&memory->lock);
	used = memory->used[slot];
	pthread_mutex_unlock(&memory->lock);
	if (!used)
		return -ENOENT;

	ret = kvm_set_memslot(memory->kvm, slot, 0, 0, NULL, 0);
	if (ret)
		return ret;
	pthread_mutex_lock(&memory->lock);
	memory->used[slot] = false;
	pthread_mutex_unlock(&memory->lock);
	return 0;
}
