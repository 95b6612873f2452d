/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's side of iommufd, in memory, instead of devices/vfio/iommufd.c. It keeps Linux's
 * rules: an open file of a device is bound once, a device by one open file at a time, until the
 * last copy of that descriptor is closed; an address space goes only when nothing is attached to
 * it.
 *
 * A device is any ordinary file; what is none (/dev/null) is refused with -ENOTTY, as an iommufd
 * too.
 */
#ifndef COLDVM_TESTS_FAKE_FAKE_IOMMUFD_H
#define COLDVM_TESTS_FAKE_FAKE_IOMMUFD_H

#include <stdint.h>

#define FAKE_IOMMUFD_MAPS 16

struct fake_iommufd {
	unsigned nr_ioas, nr_bound, nr_attached; /* just now */
	unsigned nr_binds;			 /* ever */
	unsigned nr_maps;
	struct {
		uint32_t ioas;
		uint64_t iova, size;
	} maps[FAKE_IOMMUFD_MAPS];
	/* What iommufd_ioas_ranges() says. */
	unsigned nr_ranges;
	struct {
		uint64_t start, last;
	} ranges[64];
};

extern struct fake_iommufd fake_iommufd;

/* Forgets all; everything can be mapped. */
void fake_iommufd_reset(void);
/* Looks again which descriptors are open, and updates the numbers. */
void fake_iommufd_look(void);
/* From the @skip-th call on @op ("ioas_alloc", "bind", ...) fails with -@error. Error 0: none does
 * any more. */
void fake_iommufd_refuse(const char *op, int error, unsigned skip);
/* As iommufd_bind() by somebody else to an iommufd of theirs. */
void fake_iommufd_bind_elsewhere(int cdev);

#endif
