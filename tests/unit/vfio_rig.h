/* SPDX-License-Identifier: BSD-3-Clause */
/* What a passthrough device calls of the machine around it, for suites that have none. */
#ifndef COLDVM_TESTS_VFIO_RIG_H
#define COLDVM_TESTS_VFIO_RIG_H

#include <stdbool.h>

/* What the slot heard last of a function's PMCSR; a suite zeroes it. */
extern struct vfio_rig_told {
	unsigned calls, state;
	bool locked; /* device->lock was held */
	bool shown;  /* BAR 0 was on the bus at that time */
} told;

#endif
