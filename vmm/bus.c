/* SPDX-License-Identifier: BSD-3-Clause */
/* An address space: a sorted table of ranges, looked up under a lock, answered without it. */
#include "vmm/bus.h"

#include <errno.h>
#include <string.h>

#include "vmm/bits.h"

void bus_init(struct bus *bus)
{
	pthread_rwlock_init(&bus->lock, NULL);
	bus->nr = 0;
}

void bus_exit(struct bus *bus)
{
	bus->nr = 0;
	pthread_rwlock_destroy(&bus->lock);
}

/* Index of the first range that ends behind @addr; bus->nr if there is none. Lock held. */
static unsigned find_index(const struct bus *bus, uint64_t addr)
{
	unsigned low = 0, high = bus->nr;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct bus_range *range = &bus->ranges[mid];

		/* As "last byte below addr": base + size may be 2^64. */
		if (range->base + (range->size - 1) < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int bus_add(struct bus *bus, uint64_t base, uint64_t size, const struct bus_ops *ops, void *dev)
{
	uint64_t last = base + (size - 1);
	unsigned at;
	int ret = 0;

	if (!size || last < base)
		return -EINVAL;

	pthread_rwlock_wrlock(&bus->lock);
	at = find_index(bus, base);
	if (at < bus->nr && bus->ranges[at].base <= last) {
		ret = -EEXIST;
	} else if (bus->nr == BUS_MAX_RANGES) {
		ret = -ENOSPC;
	} else {
		memmove(&bus->ranges[at + 1], &bus->ranges[at],
			(bus->nr - at) * sizeof(bus->ranges[0]));
		bus->ranges[at] = (struct bus_range){ base, size, ops, dev };
		bus->nr++;
	}
	pthread_rwlock_unlock(&bus->lock);
	return ret;
}

int bus_del(struct bus *bus, uint64_t base, const void *dev)
{
	unsigned at;
	int ret = -ENOENT;

	pthread_rwlock_wrlock(&bus->lock);
	at = find_index(bus, base);
	if (at < bus->nr && bus->ranges[at].base == base && bus->ranges[at].dev == dev) {
		bus->nr--;
		memmove(&bus->ranges[at], &bus->ranges[at + 1],
			(bus->nr - at) * sizeof(bus->ranges[0]));
		ret = 0;
	}
	pthread_rwlock_unlock(&bus->lock);
	return ret;
}

/* A copy of the range that holds the whole access. A copy, because the handler runs unlocked. */
static bool find_range(struct bus *bus, uint64_t addr, unsigned size, struct bus_range *ret_range)
{
	bool found = false;
	unsigned at;

	pthread_rwlock_rdlock(&bus->lock);
	at = find_index(bus, addr);
	if (at < bus->nr && range_inside(addr, size, bus->ranges[at].base, bus->ranges[at].size)) {
		*ret_range = bus->ranges[at];
		found = true;
	}
	pthread_rwlock_unlock(&bus->lock);
	return found;
}

uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned size)
{
	struct bus_range range;

	if (!find_range(bus, addr, size, &range))
		return ones(size);
	return range.ops->read(range.dev, addr - range.base, size) & ones(size);
}

void bus_write(struct bus *bus, uint64_t addr, uint64_t value, unsigned size)
{
	struct bus_range range;

	if (find_range(bus, addr, size, &range))
		range.ops->write(range.dev, addr - range.base, value & ones(size), size);
}
