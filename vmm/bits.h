/* SPDX-License-Identifier: BSD-3-Clause */
/* Small helpers without state: rounding, checked sums, clocks, descriptors. */
#ifndef COLDVM_VMM_BITS_H
#define COLDVM_VMM_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB(n)	      ((uint64_t)(n) << 10)
#define MIB(n)	      ((uint64_t)(n) << 20)
#define GIB(n)	      ((uint64_t)(n) << 30)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* @align is a power of two. The result wraps to 0 when it does not fit. */
static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* True if [start, start + len) is not empty, does not wrap and lies in [base, base + size). */
static inline bool range_inside(uint64_t start, uint64_t len, uint64_t base, uint64_t size)
{
	return len && start >= base && len <= size && start - base <= size - len;
}

/* True if the two ranges share a byte. Both must be free of wrap-around. */
static inline bool ranges_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a_len && b_len && a < b + b_len && b < a + a_len;
}

/* CLOCK_MONOTONIC in nanoseconds, the time base of every event and log line. */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* All ones for an access of @size bytes (1, 2, 4 or 8): what a bus without a responder reads. */
static inline uint64_t ones(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (size * 8)) - 1;
}

/* Closes *fd if it is open and marks it closed. close() is not retried: on Linux the descriptor
 * is gone even when it reports EINTR. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif
