/* SPDX-License-Identifier: BSD-3-Clause */
/* Decodes the slots' power registers. Anything but an aligned access of 32 bits is refused: the
 * AML makes no other, so another one is no use of the interface. */
#include "devices/pwrctl.h"

#include <errno.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/bus.h"

_Static_assert(CVM_SLOT_SPAN == CVM_SLOT_MAX * CVM_SLOT_SIZE, "abi.h: the banks fill the span");

static uint64_t pwrctl_read(void *dev, uint64_t off, unsigned size)
{
	struct pwrctl *p = dev;
	unsigned index = (unsigned)(off / CVM_SLOT_SIZE);

	if (size != 4 || off % 4 || !p->banks[index].ops)
		return ones(size);
	const struct pwrctl_ops *ops = p->banks[index].ops;
	void *slot = p->banks[index].slot;

	switch (off % CVM_SLOT_SIZE) {
	case CVM_SLOT_STS:
		return ops->status(slot);
	case CVM_SLOT_HINT:
		return ops->hint(slot);
	case CVM_SLOT_WAKE:
		return ops->take_wakes(slot);
	default:
		return 0;
	}
}

static void pwrctl_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct pwrctl *p = dev;
	unsigned index = (unsigned)(off / CVM_SLOT_SIZE);

	if (size != 4 || off % CVM_SLOT_SIZE != CVM_SLOT_CMD || !p->banks[index].ops)
		return;
	if (value == CVM_CMD_ON || value == CVM_CMD_OFF)
		p->banks[index].ops->command(p->banks[index].slot, (uint32_t)value);
}

static const struct bus_ops pwrctl_bus_ops = { .read = pwrctl_read, .write = pwrctl_write };

int pwrctl_set_bank(struct pwrctl *pwrctl, unsigned index, const struct pwrctl_ops *ops, void *slot)
{
	if (index >= CVM_SLOT_MAX)
		return -EINVAL;
	if (pwrctl->banks[index].ops)
		return -EEXIST;
	pwrctl->banks[index].ops = ops;
	pwrctl->banks[index].slot = slot;
	return 0;
}

int pwrctl_init(struct pwrctl *pwrctl, struct bus *pio)
{
	memset(pwrctl, 0, sizeof(*pwrctl));
	return bus_add(pio, CVM_SLOT_BASE, CVM_SLOT_SPAN, &pwrctl_bus_ops, pwrctl);
}
