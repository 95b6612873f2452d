/* SPDX-License-Identifier: BSD-3-Clause */
/* Prometheus' text format 0.0.4. All lines of a metric stand together, as it demands. */
#include "vmm/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

#define NS 1e9

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* The value of a label: backslash, quote and newline are escaped. */
static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* 17 digits: counters of nanoseconds stay exact for 100 days. */
static void put_plain(FILE *out, const char *name, const char *type, const char *help, double value)
{
	put_head(out, name, type, help);
	fprintf(out, "%s %.17g\n", name, value);
}

/* name{slot="0",id="gpu",label="value"} number; @label NULL: without it. */
static void put_slot(FILE *out, const char *name, const json_t *slot, const char *label,
		     const char *value, double number)
{
	fprintf(out, "%s{slot=\"%d\",", name, (int)number_of(slot, "slot"));
	put_label(out, "id", text_of(slot, "id"));
	if (label) {
		fputc(',', out);
		put_label(out, label, value);
	}
	fprintf(out, "} %.17g\n", number);
}

static void put_states(FILE *out, const json_t *slots)
{
	static const char *const states[] = { "D0", "D3hot", "D3cold", "unknown" };
	const json_t *slot;
	size_t i;

	put_head(out, "coldvm_slot_guest_on", "gauge", "1 if the guest wants the slot on.");
	json_array_foreach(slots, i, slot) put_slot(out, "coldvm_slot_guest_on", slot, NULL, NULL,
						    !strcmp(text_of(slot, "guest_state"), "on"));
	put_head(out, "coldvm_slot_host_state", "gauge",
		 "1 for the power state that the host has the slot in.");
	json_array_foreach(slots, i, slot) for (unsigned s = 0; s < ARRAY_SIZE(states); s++)
		put_slot(out, "coldvm_slot_host_state", slot, "state", states[s],
			 !strcmp(text_of(slot, "host_state"), states[s]));
}

static void put_times(FILE *out, const json_t *slots)
{
	const json_t *slot, *ns;
	const char *state;
	size_t i;

	put_head(out, "coldvm_slot_state_seconds_total", "counter",
		 "Time in each state since the VM started.");
	json_array_foreach(slots, i, slot)
		json_object_foreach((json_t *)json_object_get(slot, "time_ns"), state, ns)
			put_slot(out, "coldvm_slot_state_seconds_total", slot, "state", state,
				 json_number_value(ns) / NS);
}

static void put_counts(FILE *out, const json_t *slots)
{
	static const struct {
		const char *key, *name, *help;
	} counters[] = {
		{ "entries", "coldvm_slot_entries_total", "Low power was asked of the host." },
		{ "entries_refused", "coldvm_slot_entries_refused_total",
		  "The host refused low power for a function." },
		{ "entries_cancelled", "coldvm_slot_entries_cancelled_total",
		  "The guest wanted the slot again before the host was asked." },
		{ "d3cold", "coldvm_slot_d3cold_total", "D3cold was observed." },
		{ "deadlines", "coldvm_slot_deadlines_total",
		  "D3cold was not observed within a second." },
		{ "exits", "coldvm_slot_exits_total", "The slot came back, and was proven alive." },
		{ "exits_cancelled", "coldvm_slot_exits_cancelled_total",
		  "The guest wanted the slot off again before it had it." },
		{ "entries_held_back", "coldvm_slot_entries_held_back_total",
		  "Low power was asked of the host later, by min-off-ms." },
		{ "recovered", "coldvm_slot_recovered_total",
		  "The slot came back by more than the first exit." },
		{ "config_lost", "coldvm_slot_config_lost_total",
		  "The slot came back without bits of its configuration." },
		{ "failures", "coldvm_slot_failures_total", "The slot did not come back." },
		{ "late", "coldvm_slot_late_total",
		  "The slot came back after the guest had given up." },
		{ "host_wakes_untold", "coldvm_slot_host_wakes_untold_total",
		  "The host woke the slot and the guest was not told: rate, or wake=rearm." },
		{ "disagreements", "coldvm_slot_disagreements_total",
		  "The host's driver and its sysfs contradicted each other." },
	};
	const json_t *slot;
	size_t i;

	for (unsigned c = 0; c < ARRAY_SIZE(counters); c++) {
		put_head(out, counters[c].name, "counter", counters[c].help);
		json_array_foreach(slots, i, slot)
			put_slot(out, counters[c].name, slot, NULL, NULL,
				 number_of(json_object_get(slot, "counts"), counters[c].key));
	}
	put_head(out, "coldvm_slot_wakes_total", "counter",
		 "Wakes of the slot, by who caused them.");
	json_array_foreach(slots, i, slot)
	{
		const json_t *counts = json_object_get(slot, "counts");

		put_slot(out, "coldvm_slot_wakes_total", slot, "cause", "guest",
			 number_of(counts, "on_asked"));
		put_slot(out, "coldvm_slot_wakes_total", slot, "cause", "host",
			 number_of(counts, "host_wakes"));
	}
}

static void put_latency(FILE *out, const json_t *slots, const char *key, const char *name,
			const char *help)
{
	static const struct {
		const char *quantile, *key;
	} quantiles[] = { { "0.5", "p50_ns" }, { "0.95", "p95_ns" }, { "0.99", "p99_ns" } };
	char sum[80], count[80];
	const json_t *slot;
	size_t i;

	snprintf(sum, sizeof(sum), "%s_sum", name);
	snprintf(count, sizeof(count), "%s_count", name);
	put_head(out, name, "summary", help);
	json_array_foreach(slots, i, slot)
	{
		const json_t *values = json_object_get(json_object_get(slot, "latency"), key);

		for (unsigned q = 0; q < ARRAY_SIZE(quantiles); q++)
			put_slot(out, name, slot, "quantile", quantiles[q].quantile,
				 number_of(values, quantiles[q].key) / NS);
		put_slot(out, sum, slot, NULL, NULL, number_of(values, "sum_ns") / NS);
		put_slot(out, count, slot, NULL, NULL, number_of(values, "count"));
	}
}

static void put_latencies(FILE *out, const json_t *slots)
{
	put_latency(out, slots, "off_to_entry", "coldvm_slot_off_to_entry_seconds",
		    "From the guest's _OFF until the host was asked.");
	put_latency(out, slots, "entry_to_d3cold", "coldvm_slot_entry_to_d3cold_seconds",
		    "From then until D3cold was observed.");
	put_latency(out, slots, "on_to_alive", "coldvm_slot_on_to_alive_seconds",
		    "From the guest's _ON until the slot was proven alive.");
	put_latency(out, slots, "host_exit", "coldvm_slot_host_exit_seconds",
		    "Time in the host's exit calls.");
}

static void put_vm(FILE *out, const json_t *info)
{
	const json_t *config = json_object_get(info, "config");

	put_head(out, "coldvm_info", "gauge", "1, with the version.");
	fputs("coldvm_info{", out);
	put_label(out, "version", text_of(info, "version"));
	fputs("} 1\n", out);
	put_plain(out, "coldvm_uptime_seconds", "gauge", "Time since the process started.",
		  number_of(info, "uptime_ns") / NS);
	put_plain(out, "coldvm_memory_bytes", "gauge", "RAM of the guest.",
		  number_of(json_object_get(config, "memory"), "size"));
	put_plain(out, "coldvm_vcpus", "gauge", "vCPUs of the guest.",
		  number_of(json_object_get(config, "cpus"), "boot_vcpus"));
}

/* Of the disks and network cards among @counters, which are those that have the key. */
static void put_counter(FILE *out, const json_t *counters, const char *key, const char *name,
			const char *help)
{
	const char *id;
	const json_t *device;
	bool any = false;

	json_object_foreach((json_t *)counters, id, device)
	{
		if (!json_object_get(device, key))
			continue;
		if (!any)
			put_head(out, name, "counter", help);
		any = true;
		fprintf(out, "%s{", name);
		put_label(out, "id", id);
		fprintf(out, "} %.17g\n", number_of(device, key));
	}
}

static void put_devices(FILE *out, const json_t *counters)
{
	static const struct {
		const char *key, *name, *help;
	} rows[] = {
		{ "read_bytes", "coldvm_disk_read_bytes_total", "Bytes that the guest has read." },
		{ "read_ops", "coldvm_disk_read_ops_total", "Reads of the guest." },
		{ "write_bytes", "coldvm_disk_write_bytes_total",
		  "Bytes that the guest has written." },
		{ "write_ops", "coldvm_disk_write_ops_total", "Writes of the guest." },
		{ "io_errors", "coldvm_disk_io_errors_total", "Requests that the host failed." },
		{ "rx_bytes", "coldvm_net_rx_bytes_total", "Bytes that the guest has received." },
		{ "rx_frames", "coldvm_net_rx_frames_total",
		  "Frames that the guest has received." },
		{ "rx_dropped", "coldvm_net_rx_dropped_total",
		  "Frames that the guest had no room for." },
		{ "tx_bytes", "coldvm_net_tx_bytes_total", "Bytes that the guest has sent." },
		{ "tx_frames", "coldvm_net_tx_frames_total", "Frames that the guest has sent." },
		{ "tx_dropped", "coldvm_net_tx_dropped_total",
		  "Frames of the guest that did not get out." },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		put_counter(out, counters, rows[i].key, rows[i].name, rows[i].help);
}

char *metrics_format(const json_t *info, const json_t *slots, const json_t *counters)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return NULL;
	put_vm(out, info);
	if (json_array_size(slots)) {
		put_states(out, slots);
		put_times(out, slots);
		put_counts(out, slots);
		put_latencies(out, slots);
	}
	put_devices(out, counters);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
