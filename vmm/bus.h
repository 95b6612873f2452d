/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An address space (port or memory mapped I/O): ranges and who answers in them.
 *
 * Handlers run without the bus lock, so a handler may add and remove ranges. The price:
 * bus_del() does not wait for a handler that another vCPU is in. A device therefore lives until
 * the last vCPU has stopped.
 */
#ifndef COLDVM_VMM_BUS_H
#define COLDVM_VMM_BUS_H

#include <pthread.h>
#include <stdint.h>

struct bus_ops {
	/* @off is relative to the base of the range; @size is 1, 2, 4 or 8 and the access lies
	 * inside the range. Called on a vCPU thread, without any lock of the bus. */
	uint64_t (*read)(void *dev, uint64_t off, unsigned size);
	void (*write)(void *dev, uint64_t off, uint64_t value, unsigned size);
};

struct bus_range {
	uint64_t base;
	uint64_t size;
	const struct bus_ops *ops;
	void *dev;
};

#define BUS_MAX_RANGES 1024

struct bus {
	pthread_rwlock_t lock; /* guards the two below; leaf lock */
	unsigned nr;
	struct bus_range ranges[BUS_MAX_RANGES]; /* sorted by base, no overlap */
};

void bus_init(struct bus *bus);
void bus_exit(struct bus *bus);

/* -EEXIST on overlap, -EINVAL for an empty or wrapping range, -ENOSPC when the table is full. */
int bus_add(struct bus *bus, uint64_t base, uint64_t size, const struct bus_ops *ops, void *dev);
/* Removes the range that starts at @base and belongs to @dev; -ENOENT if there is none. */
int bus_del(struct bus *bus, uint64_t base, const void *dev);

/* Guest accesses of 1, 2, 4 or 8 bytes. Where nobody answers (or only a part of the access is in
 * a range) a read gives all ones and a write is dropped. */
uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned size);
void bus_write(struct bus *bus, uint64_t addr, uint64_t value, unsigned size);

#endif
