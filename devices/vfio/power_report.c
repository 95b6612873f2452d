/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slot's power as JSON. The two truths stay two: guest_state is what was asked, host_state what
 * sysfs says now. Where they differ `reason` says why, from the nearest cause to the farthest: the
 * VM's own options, what the host answered to the entry, who woke the device since, which setting
 * of the host stands in the way.
 */
#include "devices/vfio/power_report.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "devices/vfio/power_events.h"
#include "devices/vfio/power_notes.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_verdict.h"
#include "devices/vfio/preflight.h"
#include "vmm/bits.h"

/* Linux decides about D3cold within 90 ms of the entry, the worker looks for a second. */
#define SETTLE_NS UINT64_C(1000000000)

/* All that a report is made of, of one moment. */
struct snapshot {
	struct power_policy_config policy;
	uint64_t now_ns;
	enum power_ask ask;
	bool settled;
	struct power_stats stats;
	struct power_call entry[POWER_MAX_FUNCTIONS];
	uint32_t woken;
	enum host_power states[POWER_MAX_FUNCTIONS];
	bool gone[POWER_MAX_FUNCTIONS];
	enum host_power host, port;
};

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* --- looking --------------------------------------------------------------------------------- */

/* As power_read_depth(), from a thread that is not the worker: the lock keeps the device open. */
static void look_at_host(struct power_slot *slot, struct snapshot *now)
{
	bool any = false;

	now->host = HOST_POWER_D3COLD;
	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];

		pthread_mutex_lock(&device->lock);
		now->gone[i] = device->gone;
		if (!device->gone) {
			now->states[i] = device->ops->power_state(device);
			now->port = device->ops->port_power_state(device);
		}
		pthread_mutex_unlock(&device->lock);
		if (now->gone[i])
			continue;
		any = true;
		if (now->states[i] < now->host)
			now->host = now->states[i];
	}
	if (!any)
		now->host = HOST_POWER_UNKNOWN;
}

static void copy_notes(struct power_slot *slot, struct snapshot *now)
{
	pthread_mutex_lock(&slot->notes.lock);
	now->stats = slot->notes.stats;
	memcpy(now->entry, slot->notes.entry, sizeof(now->entry));
	now->woken = slot->notes.woken;
	pthread_mutex_unlock(&slot->notes.lock);
}

static uint64_t count_marks(const struct power_stats *stats)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < POWER_NR_MARKS; i++)
		sum += stats->marks[i];
	return sum;
}

/* D3cold later than the worker looked for it is an observation like any other, unless something
 * has happened to the slot between @before and now. */
static void note_observation(struct power_slot *slot, uint64_t before)
{
	pthread_mutex_lock(&slot->notes.lock);
	if (count_marks(&slot->notes.stats) == before)
		power_stats_observe(&slot->notes.stats, now_ns());
	pthread_mutex_unlock(&slot->notes.lock);
}

static void take_snapshot(struct power_slot *slot, struct snapshot *now)
{
	uint64_t marks;

	memset(now, 0, sizeof(*now));
	pthread_mutex_lock(&slot->notes.lock);
	marks = count_marks(&slot->notes.stats);
	pthread_mutex_unlock(&slot->notes.lock);
	look_at_host(slot, now);
	if (now->host == HOST_POWER_D3COLD)
		note_observation(slot, marks);

	pthread_mutex_lock(&slot->lock);
	now->ask = slot->ask;
	now->policy = slot->policy;
	now->settled = slot->settled;
	pthread_mutex_unlock(&slot->lock);
	copy_notes(slot, now);
	now->now_ns = now_ns();
}

/* --- the reason ---------------------------------------------------------------------------------
 */

static json_t *reason(const char *cause, const char *text)
{
	return json_pack("{s:s, s:s}", "cause", cause, "text", text);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static json_t *refused_reason(const struct power_slot *slot, const struct snapshot *now)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		const struct vfio_device *device = slot->functions[i];
		char text[256];
		json_t *why;

		if (now->gone[i] || !now->entry[i].made || now->entry[i].rc == 0)
			continue;
		snprintf(text, sizeof(text), "the host refused low power for %s (%s): %s",
			 device->id, device->bdf, strerror(-now->entry[i].rc));
		why = reason("refused", text);
		set_text(why, "bdf", device->bdf);
		json_object_set_new(why, "rc", json_integer(now->entry[i].rc));
		return why;
	}
	return NULL;
}

static json_t *wake_reason(const struct power_slot *slot, const struct snapshot *now)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		const struct vfio_device *device = slot->functions[i];
		char text[256];
		json_t *why;

		if (now->gone[i] || !(now->woken & (1u << i)))
			continue;
		snprintf(text, sizeof(text),
			 "%s (%s) was woken on the host after the entry, not by the guest",
			 device->id, device->bdf);
		why = reason("wake", text);
		set_text(why, "bdf", device->bdf);
		return why;
	}
	return NULL;
}

/* What the driver of back end explicit said at the last entry. */
static json_t *verdict_reason(const struct power_slot *slot, const struct snapshot *now)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		const struct power_call *call = &now->entry[i];
		char bdf[HOST_BDF_LEN], text[256];
		json_t *why;

		if (now->gone[i] || !call->made || !call->said.rc)
			continue;
		power_verdict_bdf(call->said.rc_bdf, bdf);
		snprintf(text, sizeof(text), "%s: %s", bdf, power_verdict_limit(&call->said));
		why = reason("limit", text);
		set_text(why, "bdf", bdf);
		json_object_set_new(why, "rc", json_integer(call->said.rc));
		return why;
	}
	return NULL;
}

/* The host's settings: what preflight finds for the first function that is held up. */
static json_t *settings_reason(const struct power_slot *slot, const struct snapshot *now,
			       const char *sysfs_root)
{
	struct preflight *found = malloc(sizeof(*found));
	json_t *why = NULL;

	for (unsigned i = 0; found && !why && i < slot->nr; i++) {
		const struct preflight_item *item;

		if (now->gone[i] || now->states[i] == HOST_POWER_D3COLD ||
		    preflight_report(sysfs_root, slot->functions[i]->bdf, found) < 0)
			continue;
		item = preflight_reason(found);
		if (!item || found->deepest == HOST_POWER_D3COLD)
			continue;
		why = reason(preflight_link_name(item->link), item->text);
		set_text(why, "bdf", slot->functions[i]->bdf);
		if (item->fix[0])
			set_text(why, "fix", item->fix);
	}
	free(found);
	return why;
}

static json_t *find_reason(const struct power_slot *slot, const struct snapshot *now,
			   const char *sysfs_root)
{
	json_t *why = NULL;

	if (now->ask != POWER_ASK_OFF || !now->settled || now->host == HOST_POWER_D3COLD ||
	    now->host == HOST_POWER_UNKNOWN)
		return NULL;
	if (now->policy.deepest == POWER_POLICY_ON)
		return reason("policy", "power=on: the host is not asked for low power");
	if (now->policy.deepest == POWER_POLICY_D3HOT)
		return reason("policy", "power=d3hot: the host is asked for D3hot");
	why = refused_reason(slot, now);
	if (!why)
		why = wake_reason(slot, now);
	if (!why && slot->backend == POWER_BACKEND_D3HOT)
		return reason("backend", "back end d3hot: the host is asked for D3hot, and cannot "
					 "be asked for more or need not be");
	if (!why && slot->backend == POWER_BACKEND_EXPLICIT)
		why = verdict_reason(slot, now);
	if (!why)
		why = settings_reason(slot, now, sysfs_root);
	if (why)
		return why;
	if (now->now_ns - now->stats.span_since_ns < SETTLE_NS)
		return reason("settling", "the entry was made a moment ago; the host takes up to "
					  "100 ms");
	return reason("unknown", "no setting that sysfs shows stands in the way: a driver, or the "
				 "kernel itself, forbids it");
}

/* --- parts of the report ------------------------------------------------------------------------
 */

static json_t *devices(const struct power_slot *slot, const struct snapshot *now)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < slot->nr; i++) {
		const struct vfio_device *device = slot->functions[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b}", "id", device->id, "bdf",
					device->bdf, "host_state",
					now->gone[i] ? "gone" : power_state_name(now->states[i]),
					"released", now->gone[i]));
	}
	return list;
}

/* The ports above the slot, nearest first. */
static json_t *ports(const struct power_slot *slot)
{
	char path[PATH_MAX], bdf[HOST_BDF_LEN], state[16];
	json_t *list = json_array();

	snprintf(path, sizeof(path), "%s", slot->functions[0]->sysfs);
	while (host_parent(path, bdf, path, sizeof(path)) == 0) {
		if (host_read(state, sizeof(state), "%s/power_state", path) < 0)
			strcpy(state, "unknown");
		json_array_append_new(list, json_pack("{s:s, s:s}", "bdf", bdf, "state", state));
	}
	return list;
}

static json_t *spans(const struct snapshot *now)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < POWER_NR_SPANS; i++)
		json_object_set_new(
			object, power_span_name((enum power_span)i),
			integer(power_stats_span_ns(&now->stats, (enum power_span)i, now->now_ns)));
	return object;
}

static json_t *latencies(const struct power_stats *stats)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < POWER_NR_LATENCIES; i++) {
		const struct power_histogram *h = &stats->latency[i];

		json_object_set_new(
			object, power_latency_name((enum power_latency)i),
			json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "count",
				  (json_int_t)h->count, "sum_ns", (json_int_t)h->sum_ns, "last_ns",
				  (json_int_t)h->last_ns, "p50_ns",
				  (json_int_t)power_histogram_percentile(h, 50), "p95_ns",
				  (json_int_t)power_histogram_percentile(h, 95), "p99_ns",
				  (json_int_t)power_histogram_percentile(h, 99), "max_ns",
				  (json_int_t)h->max_ns));
	}
	return object;
}

static json_t *counts(const struct power_stats *stats)
{
	static const struct {
		const char *name;
		enum power_mark mark;
	} names[] = {
		{ "off_asked", POWER_MARK_OFF_ASKED },
		{ "on_asked", POWER_MARK_ON_ASKED },
		{ "entries", POWER_MARK_ENTRY_ISSUED },
		{ "d3cold", POWER_MARK_D3COLD },
		{ "deadlines", POWER_MARK_DEADLINE },
		{ "entries_cancelled", POWER_MARK_ENTRY_CANCELLED },
		{ "exits", POWER_MARK_ALIVE },
		{ "exits_cancelled", POWER_MARK_EXIT_CANCELLED },
		{ "host_wakes", POWER_MARK_WAKE },
		{ "failures", POWER_MARK_FAILED },
		{ "late", POWER_MARK_LATE },
		{ "disagreements", POWER_MARK_DISAGREEMENT },
		{ "entries_held_back", POWER_MARK_HELD_BACK },
		{ "recovered", POWER_MARK_RECOVERED },
		{ "config_lost", POWER_MARK_CONFIG_LOST },
	};
	json_t *object = json_object();

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		json_object_set_new(object, names[i].name, integer(stats->marks[names[i].mark]));
	json_object_set_new(object, "entries_refused", integer(stats->refused));
	json_object_set_new(object, "host_wakes_untold", integer(stats->untold_wakes));
	return object;
}

/* Counters that the driver of back end explicit keeps itself, function by function. */
static json_t *driver_counters(struct power_slot *slot)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];
		struct vfio_pci_d3cold_status s;

		if (power_slot_driver_status(slot, device, &s) < 0)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "id",
				  device->id, "state",
				  power_state_name(power_verdict_state(s.state)), "sealed",
				  (s.flags & VFIO_PCI_D3COLD_SEALED) != 0, "entries",
				  (json_int_t)s.entries, "wakes_exit", (json_int_t)s.wakes_exit,
				  "wakes_access", (json_int_t)s.wakes_access, "wakes_unknown",
				  (json_int_t)s.wakes_unknown, "sealed_accesses",
				  (json_int_t)s.sealed_accesses, "open_ns", (json_int_t)s.open_ns,
				  "d3cold_ns", (json_int_t)s.d3cold_ns));
	}
	return list;
}

static const char *policy_name(enum power_policy policy)
{
	static const char *const names[] = {
		[POWER_POLICY_D3COLD] = "d3cold",
		[POWER_POLICY_D3HOT] = "d3hot",
		[POWER_POLICY_ON] = "on",
	};

	return names[policy];
}

/* --- the report ---------------------------------------------------------------------------------
 */

const char *power_report_id(const struct power_slot *slot)
{
	return slot->functions[0]->id;
}

json_t *power_report(struct power_slot *slot, const char *sysfs_root)
{
	struct snapshot *now = malloc(sizeof(*now));
	json_t *report, *why;

	if (!now)
		return NULL;
	take_snapshot(slot, now);
	report = json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:I, s:I}", "slot",
		(int)slot->config.index, "id", power_report_id(slot), "guest_state",
		now->ask == POWER_ASK_ON ? "on" : "off", "host_state", power_state_name(now->host),
		"state", power_span_name(now->stats.span), "busy", !now->settled, "port_state",
		power_state_name(now->port), "policy", policy_name(now->policy.deepest), "backend",
		power_backend_name(slot->backend), "since_ns",
		(json_int_t)(now->now_ns - min_u64(now->stats.span_since_ns, now->now_ns)),
		"total_ns", (json_int_t)(now->now_ns - now->stats.start_ns));
	json_object_set_new(report, "wake",
			    json_string(now->policy.wake == POWER_WAKE_REARM ? "rearm" : "notify"));
	json_object_set_new(report, "max_wakes_per_min", integer(now->policy.max_wakes_per_min));
	json_object_set_new(report, "min_off_ms", integer(now->policy.min_off_ms));
	json_object_set_new(report, "devices", devices(slot, now));
	json_object_set_new(report, "ports", ports(slot));
	why = find_reason(slot, now, sysfs_root);
	if (why)
		json_object_set_new(report, "reason", why);
	json_object_set_new(report, "time_ns", spans(now));
	json_object_set_new(report, "counts", counts(&now->stats));
	json_object_set_new(report, "latency", latencies(&now->stats));
	if (slot->backend == POWER_BACKEND_EXPLICIT)
		json_object_set_new(report, "driver", driver_counters(slot));
	free(now);
	return report;
}

json_t *power_report_counters(struct power_slot *slot)
{
	struct power_stats *stats = malloc(sizeof(*stats));
	json_t *object;

	if (!stats)
		return NULL;
	pthread_mutex_lock(&slot->notes.lock);
	*stats = slot->notes.stats;
	pthread_mutex_unlock(&slot->notes.lock);
	object = counts(stats);
	free(stats);
	return object;
}
