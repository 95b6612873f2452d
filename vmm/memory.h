/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest RAM and memslots.
 *
 * RAM is one or two regions: below the 32-bit device hole and, for what does not fit there, from
 * 4 GiB on. It never changes after memory_init(), so readers need no lock. Device slots (BARs)
 * come and go while vCPUs run; they are guarded by a mutex of their own.
 */
#ifndef COLDVM_VMM_MEMORY_H
#define COLDVM_VMM_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm;

struct memory_config {
	uint64_t size;	    /* bytes, a multiple of 2 MiB with hugepages, else of 4 KiB */
	bool hugepages;	    /* 2 MiB hugetlb pages, reserved up front */
	bool shared;	    /* a shared memfd instead of anonymous memory */
	bool prefault;	    /* every page is there when memory_init() returns; Linux 5.14 */
	uint64_t low_limit; /* RAM below 4 GiB ends here at the latest */
};

struct memory_region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *hva;
};

#define MEMORY_MAX_RAM	 2
#define MEMORY_MAX_SLOTS 512

struct memory {
	struct kvm *kvm;
	struct memory_region ram[MEMORY_MAX_RAM];
	unsigned nr_ram;
	int memfd;     /* -1 when anonymous */
	uint64_t page; /* bytes that the host gives and takes at once: 4 KiB, or 2 MiB with
			  hugepages */

	pthread_mutex_t lock; /* guards used[] */
	bool used[MEMORY_MAX_SLOTS];
	unsigned max_slots;
};

/* Maps the RAM and gives it to @kvm. -ENOMEM when the host has not enough (hugepages that are
 * not reserved included), -EOPNOTSUPP for prefault before Linux 5.14, -EINVAL for a size that
 * cannot be laid out. */
int memory_init(struct memory *memory, struct kvm *kvm, const struct memory_config *config);
void memory_exit(struct memory *memory);

/*
 * The one way from a guest address to memory: the host address of [gpa, gpa + len), or NULL if
 * any byte of it is not RAM, if it crosses from one region to the next, or if len is 0.
 */
void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t len);

/*
 * Gives [gpa, gpa + len) back to the host: the guest reads zeros there until it writes again, which
 * takes a new page. Both are multiples of memory->page (else -EINVAL); -EFAULT if it is not RAM, or
 * crosses from one region to the next; else -errno of madvise(2): EINVAL for hugepages that are not
 * shared, on kernels before 5.18. Any thread; takes the time that freeing the pages takes.
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
