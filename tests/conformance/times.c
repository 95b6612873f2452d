// SPDX-License-Identifier: BSD-3-Clause
// What ENTER and EXIT take, and mainline's exit beside it, taken by turns.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/modes.h"

#define ROUNDS 16
/* The kernel's sleeps end with a tick, of 1, 4 or 10 ms: what is timed begins at moments that are
 * spread over this, the same ones for each kind of call. */
#define PHASE_NS 20000000LL
#define COLD_MS	 200
#define AWAKE_MS 500
#define WAIT_MS	 5000

static void phase_wait(unsigned int round)
{
	int64_t now = clock_now(), left = PHASE_NS / ROUNDS * round - now % PHASE_NS;
	struct timespec wait = { .tv_nsec = left < 0 ? left + PHASE_NS : left };

	nanosleep(&wait, NULL);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void figures_print(const char *what, int64_t *times)
{
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	printf("%s median_us %lld least_us %lld most_us %lld\n", what,
	       (long long)times[ROUNDS / 2] / 1000, (long long)times[0] / 1000,
	       (long long)times[ROUNDS - 1] / 1000);
}

/* One ENTER with device and port cold at its return, in ns; the device was awake for so long. */
static bool enter_timed(struct device *device, const char *port, unsigned int awake_ms,
			int64_t *took, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	int64_t start;
	int ret;

	if (awake_ms)
		clock_sleep_ms(awake_ms);
	start = clock_now();
	ret = d3cold_enter(device->fd, -1, &control);
	*took = clock_now() - start;
	REQUIRE(result,
		!ret && power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D3COLD &&
			power_state(port) == VFIO_PCI_D3COLD_STATE_D3COLD,
		"%s: no D3cold when ENTER returns, awake for %u ms before: %s, rc %d", device->bdf,
		awake_ms, strerror(-ret), control.rc);
	return true;
}

static bool enters_take(struct device *device, const char *port, unsigned int awake_ms,
			struct result *result)
{
	int64_t times[ROUNDS];
	char what[64];

	for (int i = 0; i < ROUNDS; i++) {
		if (!enter_timed(device, port, awake_ms, &times[i], result))
			return false;
		clock_sleep_ms(COLD_MS);
		if (!cold_exit(device, result))
			return false;
	}
	snprintf(what, sizeof(what), "enter awake_ms %u", awake_ms);
	figures_print(what, times);
	return true;
}

static bool exits_take(struct device *device, const char *port, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	int64_t ours[ROUNDS], mainline[ROUNDS], start;
	int ret;

	for (int i = 0; i < ROUNDS; i++) {
		if (!enter_timed(device, port, AWAKE_MS, &start, result))
			return false;
		clock_sleep_ms(COLD_MS);
		phase_wait(i);
		start = clock_now();
		ret = d3cold_exit(device->fd, &control);
		ours[i] = clock_now() - start;
		REQUIRE(result, !ret, "%s: EXIT: %s", device->bdf, strerror(-ret));

		clock_sleep_ms(AWAKE_MS);
		ret = low_power_enter(device->fd, -1);
		REQUIRE(result,
			!ret && power_state_wait(port, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
			"%s: LOW_POWER_ENTRY: %s, the port is in %s", device->bdf, strerror(-ret),
			power_state_name(power_state(port)));
		clock_sleep_ms(COLD_MS);
		phase_wait(i);
		start = clock_now();
		ret = low_power_exit(device->fd);
		mainline[i] = clock_now() - start;
		REQUIRE(result, !ret, "%s: LOW_POWER_EXIT: %s", device->bdf, strerror(-ret));
	}
	figures_print("exit explicit", ours);
	figures_print("exit mainline", mainline);
	return true;
}

/* times BDF */
int times_main(int argc, char **argv)
{
	static const unsigned int awake_ms[] = { 0, 20, 500 };
	struct group_list groups = { 0 };
	struct result result = { 0 };
	struct device device;
	char port[BDF_SIZE];
	bool holds;

	if (argc != 2)
		return usage_say("times needs a device");
	if (!bdf_usable(argv[1]) || !port_above(argv[1], port))
		return 2;
	if (device_open(&device, &groups, argv[1]))
		return 1;
	if (d3cold_offered(device.fd)) {
		holds = siblings_settle(argv[1]);
		for (int i = 0; holds && i < 3; i++)
			holds = enters_take(&device, port, awake_ms[i], &result);
		if (holds && exits_take(&device, port, &result))
			result_note(&result, "%s %d rounds each", argv[1], ROUNDS);
	} else {
		result_not_offered(&result, "this kernel has no feature 0x%x",
				   VFIO_DEVICE_FEATURE_PCI_D3COLD);
	}
	result_print(&result, "times");
	device_close(&device);
	return result.verdict == VERDICT_FAIL ? 1 : 0;
}
