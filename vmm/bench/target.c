/* SPDX-License-Identifier: BSD-3-Clause */
/* What holds for every target. */
#include "vmm/bench/target.h"

int target_idle(struct target *target, char *why)
{
	/* Before: a reading that comes between would begin the device's autosuspend anew. */
	watch_want(target->watch, false);
	return target->ops->idle(target, why);
}

int target_busy(struct target *target, char *why)
{
	int r = target->ops->busy(target, why);

	watch_want(target->watch, r == 0);
	return r;
}
