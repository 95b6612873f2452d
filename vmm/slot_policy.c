/* SPDX-License-Identifier: BSD-3-Clause */
/* One policy for all functions of a slot. */
#include "vmm/slot_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/vfio/host.h"
#include "devices/vfio/known_bad.h"
#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/topology.h"

_Static_assert(OPTIONS_MAX_WAKES_PER_MIN <= POWER_MAX_WAKES_PER_MIN, "a ring keeps them");
_Static_assert(OPTIONS_MAX_MIN_OFF_MS <= POWER_MAX_MIN_OFF_MS, "a limit of the slot");

/* --- cards --------------------------------------------------------------------------------------
 */

static bool read_id(const char *sysfs, const char *bdf, const char *name, uint16_t *ret)
{
	char text[16], *end;
	unsigned long value;

	if (host_read(text, sizeof(text), "%s/bus/pci/devices/%s/%s", sysfs, bdf, name))
		return false;
	value = strtoul(text, &end, 16);
	*ret = (uint16_t)(value & 0xffff);
	return end != text && !*end && value <= 0xffff;
}

/* True if D3cold is not to be asked for. */
static bool is_known_bad(const struct topology_function *function, const char *sysfs)
{
	const char *bdf = function->bdf;
	uint16_t vendor, device;
	struct known_bad bad;

	if (!read_id(sysfs, bdf, "vendor", &vendor) || !read_id(sysfs, bdf, "device", &device) ||
	    !known_bad_find(known_bad_text, vendor, device, &bad))
		return false;
	if (function->options->force) {
		log_warn(bdf, "%s: others report: %s; force=on: D3cold is asked for all the same",
			 bad.card, bad.seen);
		return false;
	}
	log_warn(bdf,
		 "%s: others report: %s; power=d3hot is used instead of d3cold (advice: %s; "
		 "force=on asks for D3cold; see %s)",
		 bad.card, bad.seen, bad.advice, bad.source);
	return true;
}

/* --- options ------------------------------------------------------------------------------------
 */

static int merge_wake(enum device_wake *wake, const struct topology_function *function, char *why,
		      size_t why_len)
{
	enum device_wake wanted = function->options->wake;

	if (wanted == DEVICE_WAKE_DEFAULT)
		return 0;
	if (*wake != DEVICE_WAKE_DEFAULT && *wake != wanted) {
		snprintf(why, why_len, "--device: %s: wake differs between functions of one slot",
			 function->bdf);
		return -EINVAL;
	}
	*wake = wanted;
	return 0;
}

/* 0 is no limit, and more than any number. */
static unsigned fewer(unsigned a, unsigned b)
{
	return !a || (b && b < a) ? b : a;
}

int slot_policy(const struct topology_slot *slot, const char *sysfs, struct slot_policy *ret,
		char *why, size_t why_len)
{
	static const enum power_policy deepest[] = {
		[DEVICE_POWER_D3COLD] = POWER_POLICY_D3COLD,
		[DEVICE_POWER_D3HOT] = POWER_POLICY_D3HOT,
		[DEVICE_POWER_ON] = POWER_POLICY_ON,
	};
	static const enum power_backend backends[] = {
		[DEVICE_BACKEND_AUTO] = POWER_BACKEND_AUTO,
		[DEVICE_BACKEND_EXPLICIT] = POWER_BACKEND_EXPLICIT,
		[DEVICE_BACKEND_LOWPOWER] = POWER_BACKEND_LOWPOWER,
		[DEVICE_BACKEND_D3HOT] = POWER_BACKEND_D3HOT,
	};
	struct slot_policy policy = {
		.power.deepest = deepest[slot->power],
		.backend = backends[slot->backend],
	};
	enum device_wake wake = DEVICE_WAKE_DEFAULT;
	bool has_max_wakes = false;

	for (unsigned i = 0; i < slot->nr; i++) {
		const struct device_options *options = slot->functions[i].options;
		int r = merge_wake(&wake, &slot->functions[i], why, why_len);

		if (r < 0)
			return r;
		if (options->has_max_wakes)
			policy.power.max_wakes_per_min =
				has_max_wakes ? fewer(policy.power.max_wakes_per_min,
						      options->max_wakes_per_min)
					      : options->max_wakes_per_min;
		has_max_wakes |= options->has_max_wakes;
		if (options->min_off_ms > policy.power.min_off_ms)
			policy.power.min_off_ms = options->min_off_ms;
		policy.stop_on_failure |= options->stop_on_failure;
		if (slot->power == DEVICE_POWER_D3COLD && is_known_bad(&slot->functions[i], sysfs))
			policy.power.deepest = POWER_POLICY_D3HOT;
	}
	policy.power.wake = wake == DEVICE_WAKE_REARM ? POWER_WAKE_REARM : POWER_WAKE_NOTIFY;
	if (!has_max_wakes)
		policy.power.max_wakes_per_min = SLOT_POLICY_WAKES_PER_MIN;
	*ret = policy;
	return 0;
}
