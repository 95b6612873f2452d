// SPDX-License-Identifier: BSD-3-Clause
// The driver's tracepoints, by tracefs.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/rows.h"

#define TRACEFS "/sys/kernel/tracing"
#define EVENTS	TRACEFS "/events/vfio_pci/"
#define WAIT_MS 5000

static const char *const events[] = { "vfio_pci_d3cold_enter", "vfio_pci_d3cold_exit",
				      "vfio_pci_d3cold_wake" };

/* A field of the event's own record, behind the common ones. */
static bool event_has_field(const char *event, const char *word)
{
	char path[256], line[256];
	bool found = false;
	FILE *format;

	snprintf(path, sizeof(path), EVENTS "%s/format", event);
	format = fopen(path, "re");
	if (!format)
		return false;
	while (!found && fgets(line, sizeof(line), format))
		found = strstr(line, "field:") && !strstr(line, "common_") && strstr(line, word);
	fclose(format);
	return found;
}

/* How many lines of the trace name the event and the device; the last one in text. */
static int trace_count(const char *event, const char *bdf, char *text, size_t size)
{
	char line[512];
	FILE *trace = fopen(TRACEFS "/trace", "re");
	int count = 0;

	if (!trace)
		return -1;
	while (fgets(line, sizeof(line), trace)) {
		char *at = strstr(line, event);

		if (line[0] == '#' || !at || !strstr(at, bdf))
			continue;
		count++;
		at[strcspn(at, "\n")] = 0;
		snprintf(text, size, "%s", at);
	}
	fclose(trace);
	return count;
}

static bool traced_cycle(struct device *device, struct result *result)
{
	char text[3][256] = { "", "", "" };
	uint32_t id;
	int counts[3];

	if (!cold_enter(device, -1, result))
		return false;
	REQUIRE(result, !host_config_read(device->bdf, 0, &id), "%s: no config read", device->bdf);
	REQUIRE(result, power_state_wait(device->bdf, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
		"%s stays awake after a read", device->bdf);
	if (!cold_exit(device, result))
		return false;
	for (int i = 0; i < 3; i++)
		counts[i] = trace_count(events[i], device->bdf, text[i], sizeof(text[i]));
	REQUIRE(result, counts[0] == 1 && counts[1] == 1 && counts[2] >= 1,
		"%s: %d events of enter, %d of exit, %d of wake for one of each", device->bdf,
		counts[0], counts[1], counts[2]);
	REQUIRE(result, strstr(text[0], "D3cold"), "the event names no D3cold: %s", text[0]);
	REQUIRE(result, strstr(text[1], "D0"), "the event names no D0: %s", text[1]);
	result_note(result, "%s; %s; %s", text[0], text[2], text[1]);
	return true;
}

/* Each step is an event with the device, the state and, where it takes time, the time. */
bool tracepoints_fire(struct device *device, struct result *result)
{
	bool holds;
	int ret;

	if (access(TRACEFS "/trace", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	REQUIRE(result, !access(TRACEFS "/trace", F_OK), "there is no tracefs: %s",
		strerror(errno));
	for (int i = 0; i < 3; i++) {
		REQUIRE(result, event_has_field(events[i], "state"), "%s has no state", events[i]);
		REQUIRE(result, event_has_field(events[i], "name"), "%s has no device name",
			events[i]);
	}
	for (int i = 0; i < 2; i++)
		REQUIRE(result, event_has_field(events[i], "_ns"), "%s has no time in ns",
			events[i]);
	ret = text_write(EVENTS "enable", "1");
	REQUIRE(result, !ret, "the events cannot be switched on: %s", strerror(-ret));
	text_write(TRACEFS "/trace", "");
	truncate(TRACEFS "/trace", 0);
	holds = traced_cycle(device, result);
	text_write(EVENTS "enable", "0");
	return holds;
}
