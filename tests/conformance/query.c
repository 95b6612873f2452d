// SPDX-License-Identifier: BSD-3-Clause
// GET: it wakes nothing, tells who woke the device, and how long the device was without power.
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"

#define QUERIES	 1000
#define WAIT_MS	 5000
#define COLD_MS	 3000
#define AWAKE_MS 700
/* The end of a stay in D3cold is taken at one end of the wake or the other. */
#define WAKE_NS 400000000LL
/* A port's accounting by sysfs: whole milliseconds, and its own moments. */
#define PORT_NS 50000000LL

/* A thousand queries and probes of a device in D3cold leave it there. */
bool query_wakes_nothing(struct device *device, struct result *result)
{
	struct vfio_pci_d3cold_status status;
	struct power_count before, after;

	if (!cold_enter(device, -1, result))
		return false;
	before = power_log_count(device->bdf);
	for (int i = 0; i < QUERIES; i++) {
		if (!cold_status(device, &status, result))
			return false;
		REQUIRE(result, status.state == VFIO_PCI_D3COLD_STATE_D3COLD,
			"%s: query %d says %s", device->bdf, i, power_state_name(status.state));
		REQUIRE(result, d3cold_offered(device->fd), "%s: probe %d fails", device->bdf, i);
		REQUIRE(result,
			power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D3COLD &&
				is_suspended(device->bdf),
			"%s: query %d wakes it", device->bdf, i);
	}
	after = power_log_count(device->bdf);
	REQUIRE(result, after.on == before.on && after.off == before.off,
		"%s: power log: %u times on during queries", device->bdf, after.on - before.on);
	REQUIRE(result, !status.wakes_exit && !status.wakes_access && !status.wakes_unknown,
		"%s: queries count as wakes", device->bdf);
	result_note(result, "%s stays in D3cold over %d GETs and PROBEs", device->bdf, QUERIES);
	return true;
}

/* The counters since the opening. */
static bool causes_are(const struct device *device, const char *when, uint64_t entries,
		       uint64_t exits, uint64_t accesses, uint64_t unknown, struct result *result)
{
	struct vfio_pci_d3cold_status status;

	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.entries == entries && status.wakes_exit == exits &&
			status.wakes_access == accesses && status.wakes_unknown == unknown,
		"%s: %s: entries %llu of %" PRIu64 ", wakes by exit %llu of %" PRIu64
		", access %llu of %" PRIu64 ", unknown %llu of %" PRIu64,
		device->bdf, when, status.entries, entries, status.wakes_exit, exits,
		status.wakes_access, accesses, status.wakes_unknown, unknown);
	return true;
}

static bool cold_again(const struct device *device, const char *after, struct result *result)
{
	REQUIRE(result, power_state_wait(device->bdf, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
		"%s stays in %s after %s", device->bdf, power_state_name(power_state(device->bdf)),
		after);
	return true;
}

/* Each wake is counted once, by its cause. */
bool counters_tell_causes(struct device *device, struct result *result)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t id;

	if (!causes_are(device, "after the open", 0, 0, 0, 0, result) ||
	    !cold_enter(device, -1, result) || !cold_exit(device, result) ||
	    !causes_are(device, "after EXIT", 1, 1, 0, 0, result))
		return false;
	REQUIRE(result, siblings_settle(device->bdf), "%s: its slot does not settle", device->bdf);
	if (!cold_enter(device, -1, result))
		return false;
	REQUIRE(result, !host_config_read(device->bdf, 0, &id), "%s: no config read", device->bdf);
	if (!cold_again(device, "a read by the host", result) ||
	    !causes_are(device, "after a read by the host", 2, 1, 1, 0, result))
		return false;
	REQUIRE(result, !ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info), "%s: GET_INFO fails",
		device->bdf);
	if (!cold_again(device, "GET_INFO", result) ||
	    !causes_are(device, "after the user's GET_INFO", 2, 1, 2, 0, result))
		return false;
	if (!cold_exit(device, result) ||
	    !causes_are(device, "after the second EXIT", 2, 2, 2, 0, result))
		return false;
	result_note(result, "%s 2 entries, 2 exits, 2 accesses", device->bdf);
	return true;
}

/* A wake by a kernel thread: the port's resume wakes every function below it. */
bool counters_tell_kernel_wakes(struct device *first, struct device *second, struct result *result)
{
	struct vfio_pci_d3cold_status status;
	struct vfio_pci_d3cold_control control;
	int wakeup = wakeup_open(), ret;
	int64_t end;

	REQUIRE(result, wakeup >= 0, "no eventfd");
	ret = d3cold_enter(first->fd, wakeup, &control);
	if (ret || !cold_enter(second, -1, result) || !cold_exit(second, result)) {
		close(wakeup);
		return ret ? result_fail(result, "%s: ENTER: %s", first->bdf, strerror(-ret))
			   : false;
	}
	end = clock_now() + WAIT_MS * 1000000LL;
	do {
		clock_sleep_ms(5);
		ret = d3cold_get(first->fd, &status);
	} while (!ret && status.asked == VFIO_PCI_D3COLD_STATE_D3COLD && clock_now() < end);
	REQUIRE(result, !ret && wakeup_drain(wakeup) == 1,
		"%s is not signalled when the kernel resumes it with its port", first->bdf);
	close(wakeup);
	if (!causes_are(first, "after the port's resume", 1, 0, 0, 1, result) ||
	    !causes_are(second, "after its EXIT", 1, 1, 0, 0, result))
		return false;
	result_note(result, "%s 1 unknown when %s took the port up", first->bdf, second->bdf);
	return true;
}

/* Counters belong to one opening of the device. */
bool counters_start_at_open(struct group_list *groups, const char *bdf, struct result *result)
{
	struct vfio_pci_d3cold_status status;
	struct device device;
	int64_t start = clock_now();
	bool holds;

	for (int round = 0; round < 2; round++) {
		start = clock_now();
		REQUIRE(result, !device_open(&device, groups, bdf), "%s does not open", bdf);
		siblings_settle(bdf);
		holds = causes_are(&device, "at the open", 0, 0, 0, 0, result) &&
			cold_status(&device, &status, result);
		if (holds && ((int64_t)status.open_ns > clock_now() - start || status.d3cold_ns ||
			      status.sealed_accesses || status.last_entry_ns))
			holds = result_fail(result,
					    "%s: round %d opens with open_ns %llu, "
					    "d3cold_ns %llu",
					    bdf, round, status.open_ns, status.d3cold_ns);
		/* Closed while sealed: the next opening must find an open device. */
		if (holds)
			holds = cold_enter(&device, -1, result) &&
				!config_read(&device, 0, &status, 4);
		device_close(&device);
		if (!holds)
			return false;
	}
	REQUIRE(result, suspended_wait(bdf, 2 * WAIT_MS), "%s stays awake after its close", bdf);
	result_note(result, "%s counts from zero again, closed while sealed", bdf);
	return true;
}

/* Two stays in D3cold, against this clock and the port's accounting. */
bool residency_is_true(struct device *device, struct result *result)
{
	struct vfio_pci_d3cold_status status;
	int64_t least = 0, most = 0, port_before, port_ns, last = 0, awake;
	char port[BDF_SIZE];

	REQUIRE(result, port_above(device->bdf, port), "%s has no port", device->bdf);
	port_before = sysfs_number(port, "power/runtime_suspended_time");
	REQUIRE(result, port_before >= 0, "%s has no runtime_suspended_time", port);
	for (int round = 0; round < 2; round++) {
		int64_t asked = clock_now(), entered, leaving;

		if (!cold_enter(device, -1, result))
			return false;
		entered = clock_now();
		for (int i = 0; i < 3; i++) {
			clock_sleep_ms(COLD_MS / 3);
			if (!cold_status(device, &status, result))
				return false;
			REQUIRE(result, (int64_t)status.d3cold_ns >= last + COLD_MS / 4 * 1000000LL,
				"%s: d3cold_ns does not grow in D3cold: %llu after %" PRId64,
				device->bdf, status.d3cold_ns, last);
			last = status.d3cold_ns;
		}
		leaving = clock_now();
		if (!cold_exit(device, result))
			return false;
		least += leaving - entered;
		most += clock_now() - asked;
		if (!cold_status(device, &status, result))
			return false;
		REQUIRE(result, (int64_t)status.d3cold_ns >= last, "%s: d3cold_ns goes back",
			device->bdf);
		last = status.d3cold_ns;
		clock_sleep_ms(AWAKE_MS);
		siblings_settle(device->bdf);
		if (!cold_status(device, &status, result))
			return false;
		awake = status.d3cold_ns - last;
		REQUIRE(result, !awake, "%s: d3cold_ns grows in D0 by %" PRId64 " ns", device->bdf,
			awake);
	}
	port_ns = (sysfs_number(port, "power/runtime_suspended_time") - port_before) * 1000000LL;
	REQUIRE(result, last >= least && last <= most,
		"%s: d3cold_ns %" PRId64 ", by the clock between %" PRId64 " and %" PRId64,
		device->bdf, last, least, most);
	REQUIRE(result, last >= port_ns - PORT_NS && last <= port_ns + 2 * WAKE_NS,
		"%s: d3cold_ns %" PRId64 ", its port was suspended for %" PRId64, device->bdf, last,
		port_ns);
	REQUIRE(result, (int64_t)status.open_ns >= last + 2 * AWAKE_MS * 1000000LL,
		"%s: open_ns %llu with d3cold_ns %" PRId64, device->bdf, status.open_ns, last);
	result_note(result,
		    "%s %" PRId64 " ms in D3cold, clock %" PRId64 " to %" PRId64 ", port %" PRId64,
		    device->bdf, last / 1000000, least / 1000000, most / 1000000,
		    port_ns / 1000000);
	return true;
}
