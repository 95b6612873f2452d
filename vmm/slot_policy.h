/* SPDX-License-Identifier: BSD-3-Clause */
/* The power policy of a slot, from the options of its functions and what is known of the cards. */
#ifndef COLDVM_VMM_SLOT_POLICY_H
#define COLDVM_VMM_SLOT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "devices/vfio/power.h"

struct topology_slot;

#define SLOT_POLICY_WAKES_PER_MIN 30 /* where no option says another number */

struct slot_policy {
	struct power_policy_config power;
	enum power_backend backend; /* that the user wants for D3cold */
	bool stop_on_failure;	    /* a device that does not come back ends the VM */
};

/*
 * The strictest of what the functions' options say holds for all. A card that others report not to
 * come back (share/known-bad.txt) gets no more than D3hot, but with force=on; either is logged.
 * @sysfs: "/sys", or a made-up tree in tests; nothing is woken. -EINVAL, with one line in @why, if
 * the functions want different kinds of wake.
 */
int slot_policy(const struct topology_slot *slot, const char *sysfs, struct slot_policy *ret,
		char *why, size_t why_len);

#endif
