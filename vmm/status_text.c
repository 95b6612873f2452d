/* SPDX-License-Identifier: BSD-3-Clause */
/* Status for people. */
#include "vmm/status_text.h"

#include <inttypes.h>
#include <string.h>

#include "vmm/bits.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

const char *status_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

uint64_t status_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* Three digits that count: 1.23, 12.3, 123. */
static void three_digits(double value, const char *unit, char *text)
{
	snprintf(text, STATUS_TIME, "%.*f %s",
		 value < 9.995	 ? 2
		 : value < 99.95 ? 1
				 : 0,
		 value, unit);
}

void status_time(uint64_t ns, char *text)
{
	uint64_t s = ns / S;

	if (ns < US)
		snprintf(text, STATUS_TIME, "%" PRIu64 " ns", ns);
	else if (ns < MS)
		three_digits((double)ns / (double)US, "us", text);
	else if (ns < S)
		three_digits((double)ns / (double)MS, "ms", text);
	else if (s < 60)
		three_digits((double)ns / (double)S, "s", text);
	else if (s < 3600)
		snprintf(text, STATUS_TIME, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, STATUS_TIME, "%" PRIu64 " h %02" PRIu64 " min", s / 3600,
			 s / 60 % 60);
	else
		snprintf(text, STATUS_TIME, "%" PRIu64 " d %02" PRIu64 " h", s / 86400,
			 s / 3600 % 24);
}

/* --- the VM ------------------------------------------------------------------------------------
 */

void status_info(FILE *out, const json_t *info)
{
	const json_t *config = json_object_get(info, "config");
	const json_t *payload = json_object_get(config, "payload");
	char up[STATUS_TIME];

	status_time(status_number(info, "uptime_ns"), up);
	fprintf(out, "%s for %s: process %" PRIu64 ", coldvm %s\n", status_string(info, "state"),
		up, status_number(info, "pid"), status_string(info, "version"));
	fprintf(out, "%" PRIu64 " vCPUs, %" PRIu64 " MiB of RAM, %zu devices\n",
		status_number(json_object_get(config, "cpus"), "boot_vcpus"),
		status_number(json_object_get(config, "memory"), "size") >> 20,
		json_array_size(json_object_get(config, "devices")));
	fprintf(out, "kernel     %s\n", status_string(payload, "kernel"));
	fprintf(out, "initramfs  %s\n", status_string(payload, "initramfs"));
	fprintf(out, "cmdline    %s\n", status_string(payload, "cmdline"));
}

void status_slots(FILE *out, const json_t *slots)
{
	char since[STATUS_TIME];
	const json_t *slot;
	size_t i;

	fprintf(out, "%-4s %-16s %-12s %-5s %-7s %-8s %s\n", "SLOT", "DEVICE", "ADDRESS", "ASKED",
		"HOST", "STATE", "FOR");
	json_array_foreach(slots, i, slot)
	{
		const json_t *devices = json_object_get(slot, "devices"), *device;
		size_t d;

		status_time(status_number(slot, "since_ns"), since);
		json_array_foreach(devices, d, device)
		{
			char number[8] = "";

			if (d == 0)
				snprintf(number, sizeof(number), "%u",
					 (unsigned)status_number(slot, "slot"));
			fprintf(out, "%-4s %-16.16s %-12s %-5s %-7s %-8s %s\n", number,
				status_string(device, "id"), status_string(device, "bdf"),
				status_string(slot, "guest_state"),
				status_string(device, "host_state"), status_string(slot, "state"),
				since);
		}
	}
}

/* --- a slot ------------------------------------------------------------------------------------
 */

#define LABEL 16 /* columns, with two of indent */

static void put_label(FILE *out, const char *label)
{
	fprintf(out, "  %-*s", LABEL - 2, label);
}

/* Words of @text up to STATUS_COLUMNS, continued below themselves; a longer word stands alone. */
static void put_wrapped(FILE *out, const char *label, const char *text)
{
	unsigned column = LABEL;

	put_label(out, label);
	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column > LABEL && column + 1 + len > STATUS_COLUMNS) {
			fprintf(out, "\n%*s", LABEL, "");
			column = LABEL;
		} else if (column > LABEL) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += (unsigned)len;
		text += len;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

/* Commands, each on a line of its own and never wrapped: they are there to be copied. */
static void put_commands(FILE *out, const char *label, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		put_label(out, label);
		fprintf(out, "%.*s\n", (int)len, text);
		label = "";
		text += len;
		text += *text == '\n';
	}
}

static void put_devices(FILE *out, const json_t *slot)
{
	const json_t *device;
	size_t i;

	json_array_foreach(json_object_get(slot, "devices"), i, device)
	{
		char text[160];

		snprintf(text, sizeof(text), "%s %s: %s", status_string(device, "bdf"),
			 status_string(device, "id"), status_string(device, "host_state"));
		put_wrapped(out, i ? "" : "host", text);
	}
	json_array_foreach(json_object_get(slot, "ports"), i, device)
	{
		put_label(out, i ? "" : "ports");
		fprintf(out, "%s: %s\n", status_string(device, "bdf"),
			status_string(device, "state"));
	}
}

static void put_times(FILE *out, const json_t *slot)
{
	double total = (double)status_number(slot, "total_ns");
	const char *state, *label = "time";
	const json_t *ns;

	json_object_foreach((json_t *)json_object_get(slot, "time_ns"), state, ns)
	{
		char text[STATUS_TIME];

		if (json_integer_value(ns) <= 0)
			continue;
		status_time((uint64_t)json_integer_value(ns), text);
		put_label(out, label);
		fprintf(out, "%-9s %12s %6.2f %%\n", state, text,
			total > 0 ? (double)json_integer_value(ns) * 100 / total : 0);
		label = "";
	}
}

static void put_counts(FILE *out, const json_t *slot)
{
	const json_t *counts = json_object_get(slot, "counts");
	char text[256];

	snprintf(text, sizeof(text),
		 "%" PRIu64 " entries (%" PRIu64 " to D3cold, %" PRIu64 " refused, %" PRIu64
		 " cancelled), %" PRIu64 " exits (%" PRIu64 " cancelled), %" PRIu64
		 " failures, %" PRIu64 " late",
		 status_number(counts, "entries"), status_number(counts, "d3cold"),
		 status_number(counts, "entries_refused"),
		 status_number(counts, "entries_cancelled"), status_number(counts, "exits"),
		 status_number(counts, "exits_cancelled"), status_number(counts, "failures"),
		 status_number(counts, "late"));
	put_wrapped(out, "counts", text);
	snprintf(text, sizeof(text), "%" PRIu64 " by the guest, %" PRIu64 " by the host",
		 status_number(counts, "on_asked"), status_number(counts, "host_wakes"));
	put_wrapped(out, "wakes", text);
}

static void put_latencies(FILE *out, const json_t *slot)
{
	static const struct {
		const char *key, *label;
	} rows[] = {
		{ "off_to_entry", "_OFF to entry" },
		{ "entry_to_d3cold", "to D3cold" },
		{ "on_to_alive", "_ON to alive" },
		{ "host_exit", "host exit" },
	};
	static const char *const keys[] = { "last_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns" };
	const json_t *latency = json_object_get(slot, "latency");

	put_label(out, "");
	fprintf(out, "%7s %10s %10s %10s %10s %10s\n", "COUNT", "LAST", "P50", "P95", "P99", "MAX");
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const json_t *values = json_object_get(latency, rows[i].key);

		put_label(out, rows[i].label);
		fprintf(out, "%7" PRIu64, status_number(values, "count"));
		for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
			char text[STATUS_TIME] = "-";

			if (status_number(values, "count"))
				status_time(status_number(values, keys[k]), text);
			fprintf(out, " %10s", text);
		}
		fputc('\n', out);
	}
}

static void put_driver(FILE *out, const json_t *slot)
{
	const json_t *device;
	const char *label = "host's driver";
	size_t i;

	json_array_foreach(json_object_get(slot, "driver"), i, device)
	{
		char text[256], cold[STATUS_TIME], open[STATUS_TIME];

		status_time(status_number(device, "d3cold_ns"), cold);
		status_time(status_number(device, "open_ns"), open);
		snprintf(text, sizeof(text),
			 "%s: %" PRIu64 " entries, D3cold for %s of %s; woken %" PRIu64
			 " times by exits, %" PRIu64 " by an access, %" PRIu64
			 " by the device or system",
			 status_string(device, "id"), status_number(device, "entries"), cold, open,
			 status_number(device, "wakes_exit"), status_number(device, "wakes_access"),
			 status_number(device, "wakes_unknown"));
		put_wrapped(out, label, text);
		label = "";
	}
}

void status_slot(FILE *out, const json_t *slot)
{
	const json_t *reason = json_object_get(slot, "reason");
	char text[128], since[STATUS_TIME];

	status_time(status_number(slot, "since_ns"), since);
	fprintf(out, "slot %" PRIu64 ": %s\n", status_number(slot, "slot"),
		status_string(slot, "id"));
	put_wrapped(out, "guest asked", status_string(slot, "guest_state"));
	put_devices(out, slot);
	snprintf(text, sizeof(text), "%s for %s%s", status_string(slot, "state"), since,
		 json_is_true(json_object_get(slot, "busy")) ? ", on its way" : "");
	put_wrapped(out, "state", text);
	if (reason) {
		put_wrapped(out, "not D3cold", status_string(reason, "text"));
		if (json_object_get(reason, "fix"))
			put_commands(out, "to change it", status_string(reason, "fix"));
	}
	snprintf(text, sizeof(text), "%s, power=%s", status_string(slot, "backend"),
		 status_string(slot, "policy"));
	put_wrapped(out, "back end", text);
	put_times(out, slot);
	put_counts(out, slot);
	put_driver(out, slot);
	put_latencies(out, slot);
}
