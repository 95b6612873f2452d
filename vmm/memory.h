/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest RAM and memslots.
 *
 * RAM is made of zones, one behind the other: below the 32-bit device hole and, for what does not
 * fit there, from 4 GiB on. Each zone is a mapping of its own; the zone that meets the hole is cut
 * in two. In the host they lie without a gap, as in the guest, so what is one range for the guest
 * is one for coldvm, even where it goes from zone to zone. RAM never changes after memory_init(),
 * so readers need no lock. Device slots (BARs) come and go while vCPUs run; they are guarded by a
 * mutex of their own.
 */
#ifndef COLDVM_VMM_MEMORY_H
#define COLDVM_VMM_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm;

struct memory_config {	    /* of RAM that is one zone */
	uint64_t size;	    /* bytes, a multiple of 2 MiB with hugepages, else of 4 KiB */
	bool hugepages;	    /* 2 MiB hugetlb pages, reserved up front */
	bool shared;	    /* a shared memfd instead of anonymous memory */
	bool prefault;	    /* every page is there when memory_init() returns; Linux 5.14 */
	uint64_t low_limit; /* RAM below 4 GiB ends here at the latest */
};

struct memory_zone { /* as above */
	uint64_t size;
	bool hugepages, shared, prefault;
	bool bound;	    /* to host_node: no other node gives a page of it */
	unsigned host_node; /* less than MEMORY_MAX_NODES */
};

struct memory_region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *hva;
	unsigned zone;
	int fd;		/* of the zone's memfd, which is all of the zone; -1 when anonymous */
	uint64_t fd_at; /* where in it the region begins */
};

#define MEMORY_MAX_ZONES 32
#define MEMORY_MAX_RAM	 (MEMORY_MAX_ZONES + 1)
#define MEMORY_MAX_NODES 1024 /* of the host */
#define MEMORY_MAX_SLOTS 512

struct memory {
	struct kvm *kvm;
	struct memory_region ram[MEMORY_MAX_RAM]; /* ascending */
	unsigned nr_ram;
	uint64_t low, high; /* bytes of RAM below 4 GiB, and from there on */
	uint64_t page; /* bytes that the host gives and takes at once: 4 KiB, or 2 MiB if any zone
			  has hugepages */

	pthread_mutex_t lock; /* guards used[] */
	bool used[MEMORY_MAX_SLOTS];
	unsigned max_slots;
};

/* Where zones go: fills @regions, without hva and fd, and returns how many there are. -EINVAL for
 * sizes that cannot be laid out. Pure. */
int memory_lay_out(const struct memory_zone *zones, unsigned nr, uint64_t low_limit,
		   struct memory_region regions[MEMORY_MAX_RAM]);

/* Maps the RAM and gives it to @kvm. -ENOMEM when the host has not enough (hugepages that are
 * not reserved, or not on the zone's node, included), -EOPNOTSUPP for prefault before Linux 5.14,
 * -EINVAL for sizes that cannot be laid out and for a node that the host has not, -ENOSYS for a
 * node of a kernel without NUMA. *ret_zone: the zone that failed, @nr for what was none's. */
int memory_init_zones(struct memory *memory, struct kvm *kvm, const struct memory_zone *zones,
		      unsigned nr, uint64_t low_limit, unsigned *ret_zone);
/* The same of one zone, on any node. */
int memory_init(struct memory *memory, struct kvm *kvm, const struct memory_config *config);
void memory_exit(struct memory *memory);

/*
 * The one way from a guest address to memory: the host address of [gpa, gpa + len), or NULL if
 * any byte of it is not RAM, if it crosses the device hole, or if len is 0.
 */
void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t len);
/* The guest address of @hva, which memory_at() has given. */
uint64_t memory_gpa(const struct memory *memory, const void *hva);

/* The one region that has all of [gpa, gpa + len), for what is told of regions to others; else
 * NULL.
 */
const struct memory_region *memory_region_at(const struct memory *memory, uint64_t gpa,
					     uint64_t len);
/* True if each region has a memfd that others can map. */
bool memory_is_shared(const struct memory *memory);
uint64_t memory_size(const struct memory *memory);

/*
 * Gives [gpa, gpa + len) back to the host: the guest reads zeros there until it writes again, which
 * takes a new page. Both are multiples of memory->page (else -EINVAL); -EFAULT if memory_at() gives
 * none for it; else -errno of madvise(2): EINVAL for hugepages that are not shared, on kernels
 * before 5.18. Any thread; takes the time that freeing the pages takes.
 *
 * A hugepage that went back is the host's to give to others. Without one at its next write the
 * guest cannot go on.
 */
int memory_discard(const struct memory *memory, uint64_t gpa, uint64_t len);

/* Shows [hva, hva + size) to the guest at gpa (all page aligned). -EEXIST if it overlaps RAM or
 * another slot, -ENOSPC when KVM has no slot left. *ret_slot is for memory_del_slot(). */
int memory_add_slot(struct memory *memory, uint64_t gpa, uint64_t size, void *hva,
		    uint32_t *ret_slot);
int memory_del_slot(struct memory *memory, uint32_t slot);

#endif
