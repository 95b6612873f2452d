/* SPDX-License-Identifier: BSD-3-Clause */
/* One real entry to low power and exit from it, without a VM. */
#ifndef COLDVM_VMM_DOCTOR_TRY_H
#define COLDVM_VMM_DOCTOR_TRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/vfio/power.h"

/* By the host's word, from sysfs. UNKNOWN for the port of a device on the root bus. */
struct doctor_power {
	enum host_power device, port;
};

struct doctor_try {
	struct doctor_power before; /* before the device was opened */
	enum power_backend backend;
	int entry_rc;		     /* 0 or -errno */
	uint64_t entry_ns;	     /* the call alone */
	uint64_t reached_ns;	     /* from the call's begin until `reached` was seen */
	struct doctor_power reached; /* D3cold, or what there was at the deadline */
	int exit_rc;
	uint64_t exit_ns;	   /* the calls, until the device was found alive or given up */
	bool alive;		   /* the device proved that it is back */
	struct doctor_power after; /* after it was closed and left alone */
	bool restored;		   /* after is before, within two seconds */
};

/*
 * Opens @bdf through its group with the type 1 IOMMU, enters low power by the best back end, waits
 * for D3cold for a second, exits, closes, and waits for the state from before. Takes up to a
 * minute if the device is lost. -errno if it cannot be opened, one line in @why (VFIO_WHY_SIZE);
 * else 0, and *@ret says what happened.
 */
int doctor_try(const char *bdf, struct doctor_try *ret, char *why, size_t why_len);

#endif
