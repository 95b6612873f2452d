/* SPDX-License-Identifier: BSD-3-Clause */
/* The word of a host driver with D3cold on request (linux/vfio_pci_d3cold.h), and its check. */
#include "devices/vfio/power_verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "devices/vfio/power_events.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/power_slot.h"
#include "vmm/bits.h"
#include "vmm/log.h"

/* --- words --------------------------------------------------------------------------------------
 */

enum host_power power_verdict_state(uint32_t state)
{
	switch (state) {
	case VFIO_PCI_D3COLD_STATE_D0:
		return HOST_POWER_D0;
	case VFIO_PCI_D3COLD_STATE_D3HOT:
		return HOST_POWER_D3HOT;
	case VFIO_PCI_D3COLD_STATE_D3COLD:
		return HOST_POWER_D3COLD;
	default:
		return HOST_POWER_UNKNOWN;
	}
}

void power_verdict_bdf(uint32_t bdf, char *text)
{
	snprintf(text, HOST_BDF_LEN, "%04x:%02x:%02x.%x", bdf >> 16, bdf >> 8 & 0xff,
		 bdf >> 3 & 0x1f, bdf & 7);
}

static bool is_port(const struct vfio_pci_d3cold_control *said, uint32_t bdf)
{
	for (unsigned i = 0; i < min_u64(said->nr_ports, VFIO_PCI_D3COLD_MAX_PORTS); i++)
		if (said->ports[i].bdf == bdf)
			return true;
	return false;
}

/* Refusals of runtime PM: drivers/base/power/runtime.c: rpm_check_suspend_allowed(), and those of
 * a port's driver: pcie/portdrv.c: pcie_port_runtime_suspend(). */
const char *power_verdict_limit(const struct vfio_pci_d3cold_control *said)
{
	switch (said->rc) {
	case -EBUSY:
		return is_port(said, said->rc_bdf)
			       ? "a function below it is in use, or the host does not let it sleep"
			       : "its driver is busy";
	case -EAGAIN:
		return "its power/control is 'on', or somebody on the host holds it awake";
	case -EACCES:
		return "its runtime power management is switched off";
	case -EPERM:
		return "its power/pm_qos_resume_latency_us allows no sleep";
	case -EINVAL:
		return "an earlier change of its power state failed";
	case -EINPROGRESS:
		return "another change of its power state is under way";
	default:
		return strerror(-said->rc);
	}
}

/* --- the slot's depth ---------------------------------------------------------------------------
 */

static enum host_power state_now(struct vfio_device *device)
{
	struct vfio_pci_d3cold_status status;

	if (device->ops->d3cold_status(device, &status) < 0)
		return HOST_POWER_UNKNOWN;
	return power_verdict_state(status.state);
}

/* The call that came last: an entry sees the port go only when no other function is left. */
static const struct power_call *last_call(const struct power_slot *slot,
					  const struct power_call *calls)
{
	for (unsigned i = 0; i < slot->nr; i++)
		if (calls[i].made)
			return &calls[i];
	return NULL;
}

static void read_depth(struct power_slot *slot, const struct power_call *calls,
		       const struct power_call *last, struct power_depth *ret)
{
	/* Both lists begin with the port next to the slot. */
	unsigned port = slot->functions[0]->power_port;

	ret->device = power_verdict_state(last->said.state);
	ret->port = port < min_u64(last->said.nr_ports, VFIO_PCI_D3COLD_MAX_PORTS)
			    ? power_verdict_state(last->said.ports[port].state)
			    : HOST_POWER_UNKNOWN;
	for (unsigned i = 0; i < slot->nr; i++) {
		enum host_power state;

		if (slot->functions[i]->gone || &calls[i] == last)
			continue;
		state = state_now(slot->functions[i]);
		if (state < ret->device)
			ret->device = state;
	}
}

static void explain(const struct power_call *last, char *why, size_t why_len)
{
	char bdf[HOST_BDF_LEN];

	if (!last->said.rc) {
		snprintf(why, why_len, "nothing refused it");
		return;
	}
	power_verdict_bdf(last->said.rc_bdf, bdf);
	snprintf(why, why_len, "%s: %s", bdf, power_verdict_limit(&last->said));
}

bool power_verdict_cold(struct power_slot *slot, const struct power_call *calls,
			struct power_depth *ret, char *why, size_t why_len)
{
	const struct power_call *last = last_call(slot, calls);
	bool agree = power_verdict_agrees(slot, calls);

	*ret = (struct power_depth){ HOST_POWER_UNKNOWN, HOST_POWER_UNKNOWN };
	if (!last)
		return false;
	read_depth(slot, calls, last, ret);
	if (ret->device == HOST_POWER_D3COLD && agree)
		return true;
	if (agree)
		explain(last, why, why_len);
	else
		snprintf(why, why_len, "the host's driver and sysfs disagree");
	return false;
}

/* --- the second witness -------------------------------------------------------------------------
 */

static bool differ(enum host_power a, enum host_power b)
{
	return a != b && a != HOST_POWER_UNKNOWN && b != HOST_POWER_UNKNOWN;
}

/*
 * @said is older than what sysfs says now, and the host may have woken the device in between: only
 * a driver that goes on to say something else than sysfs, twice, contradicts it.
 */
static bool contradicts(struct vfio_device *device, enum host_power *said, enum host_power *sysfs)
{
	*sysfs = device->ops->power_state(device);
	for (unsigned look = 0; look < 2; look++) {
		if (!differ(*said, *sysfs))
			return false;
		*said = state_now(device);
		*sysfs = device->ops->power_state(device);
	}
	return differ(*said, *sysfs);
}

bool power_verdict_agrees(struct power_slot *slot, const struct power_call *calls)
{
	bool agree = true;

	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];
		enum host_power said = power_verdict_state(calls[i].said.state), sysfs;

		if (!calls[i].made || !contradicts(device, &said, &sysfs))
			continue;
		agree = false;
		power_event_disagreement(slot, device, now_ns(), said, sysfs);
		power_notes_log(&slot->notes, LOG_WARN, device->id,
				"the host contradicts itself: its driver says %s, sysfs says %s",
				power_state_name(said), power_state_name(sysfs));
	}
	return agree;
}

/* --- counters -----------------------------------------------------------------------------------
 */

int power_slot_driver_status(struct power_slot *slot, struct vfio_device *device,
			     struct vfio_pci_d3cold_status *ret)
{
	int r;

	if (slot->backend != POWER_BACKEND_EXPLICIT)
		return -EOPNOTSUPP;
	/* The lock keeps the descriptor from being closed meanwhile. */
	pthread_mutex_lock(&device->lock);
	r = device->gone ? -ENODEV : device->ops->d3cold_status(device, ret);
	pthread_mutex_unlock(&device->lock);
	return r;
}

#define NS_OF_MS 1000000u

void power_verdict_log_counters(struct power_slot *slot)
{
	struct vfio_pci_d3cold_status s;

	for (unsigned i = 0; i < slot->nr; i++) {
		const char *id = slot->functions[i]->id;

		if (power_slot_driver_status(slot, slot->functions[i], &s) < 0)
			continue;
		log_debug(id,
			  "the host's driver: %llu entries, %llu exits, %llu wakes by an access, "
			  "%llu by the device or system, %llu accesses while sealed",
			  (unsigned long long)s.entries, (unsigned long long)s.wakes_exit,
			  (unsigned long long)s.wakes_access, (unsigned long long)s.wakes_unknown,
			  (unsigned long long)s.sealed_accesses);
		log_debug(id,
			  "the host's driver: D3cold for %llu of %llu ms, last entry %llu ms, last "
			  "exit %llu ms",
			  (unsigned long long)s.d3cold_ns / NS_OF_MS,
			  (unsigned long long)s.open_ns / NS_OF_MS,
			  (unsigned long long)s.last_entry_ns / NS_OF_MS,
			  (unsigned long long)s.last_exit_ns / NS_OF_MS);
	}
}
