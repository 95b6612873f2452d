/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest RAM and memslots.
 *
 * RAM is one range of host addresses, filled by the mappings of its zones. It is not MAP_NORESERVE:
 * a device makes VFIO pin every page of it anyway, so a size that the host obviously cannot back
 * shall be refused at start and not by the OOM killer later. Hugepages are filled at once for the
 * same reason; where the kernel cannot (before 5.14) its reservation at mmap(2) must do, but for a
 * zone that is bound to a node, since the reservation is of any node's.
 */
#include "vmm/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/memfd.h>
#include <linux/mempolicy.h>

#include "vmm/bits.h"
#include "vmm/kvm.h"
#include "vmm/log.h"

#define PAGE	  KIB(4)
#define HUGE_PAGE MIB(2)
#define MAX_RAM                                                                          \
	((UINT64_C(1) << 52) - GIB(4)) /* the end of what any x86 page table can address \
					*/

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26) /* uapi/asm-generic/hugetlb_encode.h */
#endif

/* --- layout -------------------------------------------------------------------------------------
 */

static uint64_t zone_page(const struct memory_zone *zone)
{
	return zone->hugepages ? HUGE_PAGE : PAGE;
}

/* @at: bytes of RAM in front of it, hence its offset in the host's range too. */
static bool zone_possible(const struct memory_zone *zone, uint64_t at)
{
	uint64_t page = zone_page(zone);

	return zone->size && zone->size % page == 0 && at % page == 0 &&
	       zone->size <= MAX_RAM - at && (!zone->bound || zone->host_node < MEMORY_MAX_NODES);
}

int memory_lay_out(const struct memory_zone *zones, unsigned nr, uint64_t low_limit,
		   struct memory_region regions[MEMORY_MAX_RAM])
{
	uint64_t at = 0;
	int n = 0;

	if (!nr || nr > MEMORY_MAX_ZONES || !low_limit || low_limit > GIB(4))
		return -EINVAL;
	for (unsigned i = 0; i < nr; i++) {
		uint64_t low = at < low_limit ? min_u64(zones[i].size, low_limit - at) : 0;

		/* A page that the hole cuts is in neither part. */
		if (!zone_possible(&zones[i], at) ||
		    (low < zones[i].size && low % zone_page(&zones[i])))
			return -EINVAL;
		if (low)
			regions[n++] = (struct memory_region){
				.gpa = at, .size = low, .zone = i, .fd = -1
			};
		if (low < zones[i].size)
			regions[n++] = (struct memory_region){
				.gpa = GIB(4) + at + low - low_limit,
				.size = zones[i].size - low,
				.zone = i,
				.fd = -1,
				.fd_at = low,
			};
		at += zones[i].size;
	}
	return n;
}

uint64_t memory_size(const struct memory *memory)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < memory->nr_ram; i++)
		size += memory->ram[i].size;
	return size;
}

/* --- mappings -----------------------------------------------------------------------------------
 */

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

/* mbind(2), whose wrapper is in libnuma alone. Pages come from @node from here on, in memory that
 * is shared whoever touches it. The kernel looks at one bit less than it is told. */
static int bind_to_node(uint8_t *hva, uint64_t size, unsigned node)
{
	const unsigned bits = 8 * sizeof(unsigned long);
	unsigned long mask[MEMORY_MAX_NODES / (8 * sizeof(unsigned long))] = { 0 };

	mask[node / bits] = 1UL << node % bits;
	return syscall(SYS_mbind, hva, size, MPOL_BIND, mask, MEMORY_MAX_NODES + 1, 0) < 0 ? -errno
											   : 0;
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

/*
 * RAM is no part of a crash of coldvm, and fewer, larger pages make for a faster boot and a faster
 * DMA map. But of the first 2 MiB the boot structures and firmware tables take some 20 pages: a
 * huge page for those would have the host clear all of it before the guest starts, which is half of
 * what coldvm does until then, the reading of kernel and initramfs aside.
 */
static void advise(const struct memory_zone *zone, uint8_t *hva, bool lowest)
{
	madvise(hva, zone->size, MADV_DONTDUMP);
	if (zone->hugepages)
		return;
	madvise(hva, zone->size, MADV_HUGEPAGE);
	if (lowest)
		madvise(hva, min_u64(zone->size, HUGE_PAGE), MADV_NOHUGEPAGE);
}

/* Puts @zone at @hva, which is reserved; the @lowest is at guest address 0. *ret_fd: its memfd, or
 * -1; what failed left nothing open. */
static int map_zone(const struct memory_zone *zone, uint8_t *hva, bool lowest, int *ret_fd)
{
	int flags = MAP_FIXED, fd = -1;
	int ret = 0;

	if (zone->shared) {
		fd = make_memfd(zone->size, zone->hugepages);
		if (fd < 0)
			return fd;
		flags |= MAP_SHARED;
	} else {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
		if (zone->hugepages)
			flags |= MAP_HUGETLB | MAP_HUGE_2MB;
	}
	if (mmap(hva, zone->size, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED)
		ret = -errno;
	if (ret == 0 && zone->bound)
		ret = bind_to_node(hva, zone->size, zone->host_node);
	if (ret == 0) {
		advise(zone, hva, lowest);
		if (zone->hugepages || zone->prefault)
			ret = populate(hva, zone->size, zone->prefault || zone->bound);
	}
	if (ret < 0)
		close_fd(&fd);
	*ret_fd = fd;
	return ret;
}

static void close_memfds(struct memory *memory)
{
	for (unsigned i = 0; i < memory->nr_ram; i++) {
		struct memory_region *ram = &memory->ram[i];

		/* The second part of a zone has the fd of the first. A daemon may still map it,
		 * which shall not cost the host the memory: another boot wants it. */
		if (!ram->fd_at && ram->fd >= 0) {
			if (ftruncate(ram->fd, 0) < 0)
				log_warn("memory", "cannot give RAM back: %s", strerror(errno));
			close_fd(&ram->fd);
		}
		ram->fd = -1;
	}
}

/* A zone's regions follow each other. */
static void set_zone(struct memory *memory, unsigned zone, uint8_t *hva, int fd)
{
	for (unsigned i = 0; i < memory->nr_ram; i++)
		if (memory->ram[i].zone == zone) {
			memory->ram[i].hva = hva + memory->ram[i].fd_at;
			memory->ram[i].fd = fd;
		}
}

static int map_zones(struct memory *memory, const struct memory_zone *zones, unsigned nr,
		     unsigned *ret_zone)
{
	uint64_t size = memory_size(memory), at = 0;
	uint8_t *hva = reserve_aligned(size);
	int fd, ret;

	*ret_zone = nr;
	if (!hva)
		return -ENOMEM;
	for (unsigned i = 0; i < nr; i++) {
		ret = map_zone(&zones[i], hva + at, i == 0, &fd);
		if (ret) {
			*ret_zone = i;
			goto unmap;
		}
		set_zone(memory, i, hva + at, fd);
		at += zones[i].size;
	}
	return 0;

unmap:
	munmap(hva, size);
	close_memfds(memory);
	return ret;
}

/* --- RAM ----------------------------------------------------------------------------------------
 */

static void forget(struct memory *memory)
{
	munmap(memory->ram[0].hva, memory_size(memory));
	close_memfds(memory);
}

int memory_init_zones(struct memory *memory, struct kvm *kvm, const struct memory_zone *zones,
		      unsigned nr, uint64_t low_limit, unsigned *ret_zone)
{
	unsigned done;
	int ret;

	memset(memory, 0, sizeof(*memory));
	*ret_zone = nr;
	memory->kvm = kvm;
	memory->page = PAGE;
	memory->max_slots = (unsigned)min_u64(kvm->max_slots, MEMORY_MAX_SLOTS);
	ret = memory_lay_out(zones, nr, low_limit, memory->ram);
	if (ret < 0)
		return ret;
	memory->nr_ram = (unsigned)ret;
	memory->low = min_u64(memory_size(memory), low_limit);
	memory->high = memory_size(memory) - memory->low;
	for (unsigned i = 0; i < nr; i++)
		memory->page = max_u64(memory->page, zone_page(&zones[i]));
	ret = map_zones(memory, zones, nr, ret_zone);
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
	forget(memory);
forget:
	memory->nr_ram = 0;
	return ret;
}

int memory_init(struct memory *memory, struct kvm *kvm, const struct memory_config *config)
{
	const struct memory_zone zone = {
		.size = config->size,
		.hugepages = config->hugepages,
		.shared = config->shared,
		.prefault = config->prefault,
	};
	unsigned failed;

	return memory_init_zones(memory, kvm, &zone, 1, config->low_limit, &failed);
}

void memory_exit(struct memory *memory)
{
	if (!memory->nr_ram)
		return;
	for (unsigned i = 0; i < memory->nr_ram; i++)
		kvm_set_memslot(memory->kvm, i, memory->ram[i].gpa, 0, NULL, 0);
	forget(memory);
	pthread_mutex_destroy(&memory->lock);
	memory->nr_ram = 0;
}

void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t len)
{
	if (!memory->nr_ram)
		return NULL;
	if (range_inside(gpa, len, 0, memory->low))
		return memory->ram[0].hva + gpa;
	if (range_inside(gpa, len, GIB(4), memory->high))
		return memory->ram[0].hva + memory->low + (gpa - GIB(4));
	return NULL;
}

uint64_t memory_gpa(const struct memory *memory, const void *hva)
{
	uint64_t off = (uint64_t)((const uint8_t *)hva - memory->ram[0].hva);

	return off < memory->low ? off : GIB(4) + (off - memory->low);
}

const struct memory_region *memory_region_at(const struct memory *memory, uint64_t gpa,
					     uint64_t len)
{
	for (unsigned i = 0; i < memory->nr_ram; i++)
		if (range_inside(gpa, len, memory->ram[i].gpa, memory->ram[i].size))
			return &memory->ram[i];
	return NULL;
}

bool memory_is_shared(const struct memory *memory)
{
	for (unsigned i = 0; i < memory->nr_ram; i++)
		if (memory->ram[i].fd < 0)
			return false;
	return memory->nr_ram;
}

/* In shared memory the page belongs to the file: without a hole in that, the mapping alone would
 * forget it and the next access bring it back. */
int memory_discard(const struct memory *memory, uint64_t gpa, uint64_t len)
{
	if (!memory_at(memory, gpa, len))
		return -EFAULT;
	if (gpa % memory->page || len % memory->page)
		return -EINVAL;
	for (unsigned i = 0; len && i < memory->nr_ram; i++) {
		const struct memory_region *ram = &memory->ram[i];
		uint64_t n;

		if (!range_inside(gpa, 1, ram->gpa, ram->size))
			continue;
		n = min_u64(len, ram->gpa + ram->size - gpa);
		if (madvise(ram->hva + (gpa - ram->gpa), n,
			    ram->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED))
			return -errno;
		gpa += n;
		len -= n;
	}
	return 0;
}

/* --- device slots -------------------------------------------------------------------------------
 */

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
