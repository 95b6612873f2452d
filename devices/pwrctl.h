/* SPDX-License-Identifier: BSD-3-Clause */
/* The VMM's end of the slots' power registers (acpi/abi.h): decodes them, and nothing else. */
#ifndef COLDVM_DEVICES_PWRCTL_H
#define COLDVM_DEVICES_PWRCTL_H

#include <stdint.h>

#include "acpi/abi.h"

struct bus;

/* What stands behind one bank. Called on vCPU threads; none of them may block for long. */
struct pwrctl_ops {
	void (*command)(void *slot, uint32_t command); /* CVM_CMD_ON or CVM_CMD_OFF */
	uint32_t (*status)(void *slot);		       /* CVM_STS_ bits */
	uint32_t (*hint)(void *slot);		       /* milliseconds */
	uint32_t (*take_wakes)(void *slot);	       /* pending wakes, cleared */
};

struct pwrctl {
	struct {
		const struct pwrctl_ops *ops; /* NULL: nothing behind this bank */
		void *slot;
	} banks[CVM_SLOT_MAX];
};

/* Puts @ops behind bank @index. Before vCPUs run. -EINVAL, -EEXIST. */
int pwrctl_set_bank(struct pwrctl *pwrctl, unsigned index, const struct pwrctl_ops *ops,
		    void *slot);
int pwrctl_init(struct pwrctl *pwrctl, struct bus *pio);

#endif
