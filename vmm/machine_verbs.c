/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control socket asks of a machine, on the main thread. */
#include "vmm/machine_parts.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "devices/vfio/power_report.h"
#include "vmm/bits.h"
#include "vmm/policy_order.h"
#include "vmm/vm_info.h"

static json_t *info(void *opaque)
{
	struct machine *m = opaque;

	const struct vm_state state = {
		.name = lifecycle_name(&m->lifecycle),
		.uptime_ns = now_ns() - m->events.start_ns,
		.balloon = virtio_set_balloon_actual(m->virtio),
		.console_path = m->console_end.path,
		.iommu = host_iommu_name(&m->topology, &m->iommu),
		.device_tree = virtio_set_info(m->virtio),
	};

	return vm_info(m->options, &state);
}

static json_t *device_power(void *opaque)
{
	struct machine *m = opaque;
	json_t *list = json_array();

	for (unsigned i = 0; i < m->passthrough.nr; i++)
		json_array_append_new(list,
				      power_report(m->passthrough.slots[i]->power, HOST_SYSFS));
	return list;
}

static json_t *counters(void *opaque)
{
	struct machine *m = opaque;
	json_t *object = json_object();

	for (unsigned i = 0; i < m->passthrough.nr; i++) {
		struct power_slot *slot = m->passthrough.slots[i]->power;

		json_object_set_new(object, power_report_id(slot), power_report_counters(slot));
	}
	virtio_set_counters(m->virtio, object);
	return object;
}

/* The number of the slot with a device of that name; that of slots if there is none. */
static unsigned find_slot(struct machine *m, const char *id)
{
	for (unsigned s = 0; s < m->passthrough.nr; s++)
		for (unsigned i = 0; i < m->passthrough.slots[s]->nr; i++)
			if (!strcmp(m->passthrough.slots[s]->devices[i].vfio.id, id))
				return s;
	return m->passthrough.nr;
}

static int set_policy(void *opaque, const json_t *order, char *why, size_t why_len)
{
	struct machine *m = opaque;
	const char *id = policy_order_id(order);
	unsigned nr = id ? find_slot(m, id) : m->passthrough.nr;
	struct power_slot *slot = nr < m->passthrough.nr ? m->passthrough.slots[nr]->power : NULL;
	struct power_policy_config policy = { 0 };
	int r;

	if (slot)
		power_slot_get_policy(slot, &policy);
	r = policy_order_read(order, &policy, why, why_len);
	if (r < 0)
		return r;
	if (slot)
		r = power_slot_set_policy(slot, &policy);
	if (slot && r == 0) {
		m->orders[nr].given = true;
		m->orders[nr].policy = policy;
		return 0;
	}
	snprintf(why, why_len, "there is no device '%.64s'%s", id, slot ? " any more" : "");
	return -ENOENT;
}

static int order_pause(void *opaque, char *why, size_t why_len)
{
	return lifecycle_pause(&((struct machine *)opaque)->lifecycle, why, why_len);
}

static int order_resume(void *opaque, char *why, size_t why_len)
{
	return lifecycle_resume(&((struct machine *)opaque)->lifecycle, why, why_len);
}

static int order_reboot(void *opaque, char *why, size_t why_len)
{
	struct machine *m = opaque;

	if (!m->signals.pressed)
		return lifecycle_reset(&m->lifecycle, why, why_len);
	snprintf(why, why_len, "the VM was asked to shut down");
	return -EINVAL;
}

static int resize(void *opaque, uint64_t balloon, char *why, size_t why_len)
{
	struct machine *m = opaque;

	if (balloon > options_ram(m->options))
		snprintf(why, why_len, "desired_balloon: %llu: the guest has %llu bytes",
			 (unsigned long long)balloon, (unsigned long long)options_ram(m->options));
	else if (virtio_set_balloon(m->virtio, balloon) == 0)
		return 0;
	else
		snprintf(why, why_len, "the VM has no balloon: start it with --balloon size=0");
	return -EINVAL;
}

static void ask_shutdown(void *opaque)
{
	struct machine *m = opaque;

	stop_signals_ask(&m->signals);
}

static void press_power_button(void *opaque)
{
	lifecycle_button(&((struct machine *)opaque)->lifecycle);
}

static void stop(void *opaque)
{
	lifecycle_end(&((struct machine *)opaque)->lifecycle, MACHINE_STOPPED);
}

struct api_machine machine_verbs(struct machine *m)
{
	return (struct api_machine){
		.info = info,
		.device_power = device_power,
		.counters = counters,
		.set_policy = set_policy,
		.pause = order_pause,
		.resume = order_resume,
		.reboot = order_reboot,
		.resize = resize,
		.shutdown = ask_shutdown,
		.power_button = press_power_button,
		.stop = stop,
		.opaque = m,
	};
}
