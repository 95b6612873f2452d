/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of a slot, as JSON. The names are part of the interface: docs/events.md. */
#include "devices/vfio/power_events.h"

#include <jansson.h>

#include "devices/vfio/power_slot.h"
#include "vmm/event.h"
#include "vmm/log.h"

const char *power_state_name(enum host_power state)
{
	static const char *const names[] = {
		[HOST_POWER_UNKNOWN] = "unknown",
		[HOST_POWER_D0] = "D0",
		[HOST_POWER_D3HOT] = "D3hot",
		[HOST_POWER_D3COLD] = "D3cold",
	};

	return names[state];
}

void power_read_depth(struct power_slot *slot, struct power_depth *ret_depth)
{
	enum host_power shallowest = HOST_POWER_D3COLD;
	enum host_power port = HOST_POWER_UNKNOWN;
	bool any = false;

	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];
		enum host_power state;

		if (device->gone)
			continue;
		any = true;
		state = device->ops->power_state(device);
		port = device->ops->port_power_state(device);
		if (state < shallowest)
			shallowest = state;
	}
	ret_depth->device = any ? shallowest : HOST_POWER_UNKNOWN;
	ret_depth->port = port;
}

static json_t *properties(struct power_slot *slot, struct vfio_device *device)
{
	const struct vfio_device *named = device ? device : slot->functions[0];

	return json_pack("{s:s, s:i}", "id", named->id, "slot", (int)slot->config.index);
}

static void emit(struct power_slot *slot, const char *event, uint64_t t_ns, json_t *props)
{
	event_emit(slot->config.events, "device", event, t_ns, props);
}

static void add_ns(json_t *props, const char *key, uint64_t ns)
{
	json_object_set_new(props, key, json_integer((json_int_t)ns));
}

void power_event_plain(struct power_slot *slot, const char *event, struct vfio_device *device,
		       uint64_t t_ns)
{
	emit(slot, event, t_ns, properties(slot, device));
}

void power_event_calls(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t took_ns,
		       const int *rc)
{
	json_t *props = properties(slot, NULL);
	json_t *functions = json_array();

	for (unsigned i = 0; i < slot->nr; i++)
		json_array_append_new(functions, json_pack("{s:s, s:i}", "id",
							   slot->functions[i]->id, "rc", rc[i]));
	json_object_set_new(props, "backend", json_string(power_backend_name(slot->backend)));
	add_ns(props, "took_ns", took_ns);
	json_object_set_new(props, "functions", functions);
	emit(slot, event, t_ns, props);
}

void power_event_depth(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t since_ns,
		       const struct power_depth *depth)
{
	json_t *props = properties(slot, NULL);

	json_object_set_new(props, "device_state", json_string(power_state_name(depth->device)));
	json_object_set_new(props, "port_state", json_string(power_state_name(depth->port)));
	add_ns(props, "since_ns", since_ns);
	emit(slot, event, t_ns, props);
}

void power_event_alive(struct power_slot *slot, uint64_t t_ns, uint64_t since_ns)
{
	json_t *props = properties(slot, NULL);

	add_ns(props, "since_ns", since_ns);
	add_ns(props, "exit_ns", slot->last_exit_ns);
	emit(slot, "power-alive", t_ns, props);
}

void power_event_wake(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns)
{
	emit(slot, "power-wake", t_ns, properties(slot, device));
}
