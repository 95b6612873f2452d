/* SPDX-License-Identifier: BSD-3-Clause */
/* splitmix64 (Steele, Lea, Flood 2014): the same numbers for the same seed on every machine. */
#ifndef COLDVM_VMM_BENCH_RANDOM_H
#define COLDVM_VMM_BENCH_RANDOM_H

#include <stdint.h>

/* In [0, 1). */
static inline double random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

#endif
