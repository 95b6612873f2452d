/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of a slot, as JSON. The names are part of the interface: docs/events.md. */
#include "devices/vfio/power_events.h"

#include <jansson.h>

#include "devices/vfio/host.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/power_notes.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_verdict.h"
#include "vmm/bits.h"
#include "vmm/event.h"

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

/* Every event passes here: it is noted, and told, unless a guest switches its slot back and forth
 * faster than anybody could read of it. */
static void emit(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t took_ns,
		 enum host_power state, json_t *props)
{
	uint64_t suppressed = 0;

	power_notes_event(&slot->notes, slot->config.index, event, t_ns, took_ns, state);
	if (!power_notes_may_tell(&slot->notes, &suppressed)) {
		json_decref(props);
		return;
	}
	if (suppressed)
		json_object_set_new(props, "suppressed", json_integer((json_int_t)suppressed));
	event_emit(slot->config.events, "device", event, t_ns, props);
}

static void add_ns(json_t *props, const char *key, uint64_t ns)
{
	json_object_set_new(props, key, json_integer((json_int_t)ns));
}

void power_event_plain(struct power_slot *slot, const char *event, struct vfio_device *device,
		       uint64_t t_ns)
{
	emit(slot, event, t_ns, 0, HOST_POWER_UNKNOWN, properties(slot, device));
}

static void add_text(json_t *props, const char *key, const char *text)
{
	json_object_set_new(props, key, json_string(text));
}

/* What the driver of back end explicit said: states, and what kept them from being deeper. */
static void add_verdict(json_t *function, const struct vfio_pci_d3cold_control *said)
{
	json_t *ports = json_array();
	char bdf[HOST_BDF_LEN];

	for (unsigned i = 0; i < min_u64(said->nr_ports, VFIO_PCI_D3COLD_MAX_PORTS); i++) {
		json_t *port = json_object();

		power_verdict_bdf(said->ports[i].bdf, bdf);
		add_text(port, "bdf", bdf);
		add_text(port, "state",
			 power_state_name(power_verdict_state(said->ports[i].state)));
		json_array_append_new(ports, port);
	}
	add_text(function, "state", power_state_name(power_verdict_state(said->state)));
	json_object_set_new(function, "ports", ports);
	add_ns(function, "elapsed_ns", said->elapsed_ns);
	if (!said->rc)
		return;
	power_verdict_bdf(said->rc_bdf, bdf);
	json_object_set_new(function, "limit_rc", json_integer(said->rc));
	add_text(function, "limit_bdf", bdf);
	add_text(function, "limit", power_verdict_limit(said));
}

void power_event_calls(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t took_ns,
		       const struct power_call *calls)
{
	json_t *props = properties(slot, NULL);
	json_t *functions = json_array();

	for (unsigned i = 0; i < slot->nr; i++) {
		const struct vfio_device *device = slot->functions[i];
		json_t *function;

		if (!calls[i].made && !device->gone)
			continue;
		function = json_pack("{s:s, s:i}", "id", device->id, "rc", calls[i].rc);
		if (slot->backend == POWER_BACKEND_EXPLICIT && calls[i].made)
			add_verdict(function, &calls[i].said);
		json_array_append_new(functions, function);
	}
	add_text(props, "backend", power_backend_name(slot->backend));
	add_ns(props, "took_ns", took_ns);
	json_object_set_new(props, "functions", functions);
	if (power_mark_parse(event) == POWER_MARK_ENTRY_ISSUED)
		power_notes_entry(&slot->notes, calls, slot->nr);
	emit(slot, event, t_ns, took_ns, HOST_POWER_UNKNOWN, props);
}

/* The ports above the slot, the nearest first, up to the one that switches the power. */
static json_t *port_states(struct power_slot *slot)
{
	json_t *ports = json_array();

	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];

		if (device->gone)
			continue;
		for (unsigned p = 0; p < device->nr_ports; p++) {
			enum host_power state = device->ops->upstream_power_state(device, p);

			json_array_append_new(ports,
					      json_pack("{s:s, s:s}", "bdf", device->ports[p].bdf,
							"state", power_state_name(state)));
		}
		break; /* the same for all functions of the slot */
	}
	return ports;
}

static json_t *depth_properties(struct power_slot *slot, uint64_t since_ns,
				const struct power_depth *depth)
{
	json_t *props = properties(slot, NULL);

	add_text(props, "device_state", power_state_name(depth->device));
	add_text(props, "port_state", power_state_name(depth->port));
	json_object_set_new(props, "ports", port_states(slot));
	add_ns(props, "since_ns", since_ns);
	return props;
}

void power_event_depth(struct power_slot *slot, const char *event, uint64_t t_ns, uint64_t since_ns,
		       const struct power_depth *depth)
{
	emit(slot, event, t_ns, since_ns, depth->device, depth_properties(slot, since_ns, depth));
}

void power_event_disagreement(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns,
			      enum host_power driver, enum host_power sysfs)
{
	json_t *props = properties(slot, device);

	add_text(props, "driver_state", power_state_name(driver));
	add_text(props, "sysfs_state", power_state_name(sysfs));
	emit(slot, "power-disagreement", t_ns, 0, sysfs, props);
}

void power_event_alive(struct power_slot *slot, uint64_t t_ns, uint64_t since_ns)
{
	json_t *props = properties(slot, NULL);

	add_ns(props, "since_ns", since_ns);
	add_ns(props, "exit_ns", slot->last_exit_ns);
	emit(slot, "power-alive", t_ns, since_ns, HOST_POWER_D0, props);
}

void power_event_wake(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns, bool told,
		      uint64_t again_ns)
{
	json_t *props = properties(slot, device);

	for (unsigned i = 0; i < slot->nr; i++)
		if (slot->functions[i] == device)
			power_notes_wake(&slot->notes, i, told);
	json_object_set_new(props, "told", json_boolean(told));
	if (!told)
		add_ns(props, "again_ns", again_ns > t_ns ? again_ns - t_ns : 0);
	emit(slot, "power-wake", t_ns, 0, HOST_POWER_UNKNOWN, props);
}

void power_event_failed(struct power_slot *slot, const char *event, uint64_t t_ns,
			uint64_t since_ns, const struct power_depth *depth)
{
	json_t *props = depth_properties(slot, since_ns, depth);
	json_t *tried = json_array();

	for (unsigned i = 0; i < slot->nr_tried; i++)
		json_array_append_new(tried, json_string(slot->tried[i]));
	json_object_set_new(props, "tried", tried);
	emit(slot, event, t_ns, since_ns, depth->device, props);
}

void power_event_recovered(struct power_slot *slot, uint64_t t_ns, uint64_t since_ns)
{
	json_t *props = properties(slot, NULL);

	add_text(props, "by", slot->tried[slot->nr_tried - 1]);
	add_ns(props, "since_ns", since_ns);
	emit(slot, "power-recovered", t_ns, since_ns, HOST_POWER_UNKNOWN, props);
}

void power_event_config_lost(struct power_slot *slot, struct vfio_device *device, uint64_t t_ns,
			     const struct power_config *saved, const struct power_config *found,
			     bool repaired)
{
	const struct {
		const char *name;
		uint16_t saved, found;
	} registers[] = {
		{ "command", saved->command, found->command },
		{ "device-control", saved->devctl, found->devctl },
		{ "msix", saved->msix, found->msix },
	};
	json_t *props = properties(slot, device);
	json_t *lost = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].saved != registers[i].found)
			json_array_append_new(lost, json_string(registers[i].name));
	json_object_set_new(props, "registers", lost);
	json_object_set_new(props, "repaired", json_boolean(repaired));
	emit(slot, "power-config-lost", t_ns, 0, HOST_POWER_UNKNOWN, props);
}

void power_event_held_back(struct power_slot *slot, uint64_t t_ns, uint64_t until_ns)
{
	json_t *props = properties(slot, NULL);

	add_ns(props, "wait_ns", until_ns > t_ns ? until_ns - t_ns : 0);
	emit(slot, "power-entry-held-back", t_ns, 0, HOST_POWER_UNKNOWN, props);
}

void power_event_policy(struct power_slot *slot, uint64_t t_ns,
			const struct power_policy_config *policy)
{
	static const char *const deepest[] = { "d3cold", "d3hot", "on" };
	static const char *const wakes[] = { "notify", "rearm" };
	json_t *props = properties(slot, NULL);

	add_text(props, "power", deepest[policy->deepest]);
	add_text(props, "wake", wakes[policy->wake]);
	json_object_set_new(props, "max_wakes_per_min", json_integer(policy->max_wakes_per_min));
	json_object_set_new(props, "min_off_ms", json_integer(policy->min_off_ms));
	add_text(props, "backend", power_backend_name(slot->backend));
	emit(slot, "power-policy", t_ns, 0, HOST_POWER_UNKNOWN, props);
}
