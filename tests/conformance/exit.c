// SPDX-License-Identifier: BSD-3-Clause
// EXIT: its verdict, on a device that comes back and on one that does not, and mainline's beside
// it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/modes.h"
#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"

#define WAIT_MS 5000

/* EXIT succeeds with the device in D0 and alive; where it is so already, at once. */
bool exit_proves_life(struct device *device, struct result *result)
{
	struct power_count before = power_log_count(device->bdf), after;
	struct vfio_pci_d3cold_control control, again;
	struct vfio_pci_d3cold_status status;
	int64_t start, wall;
	char port[BDF_SIZE];
	uint32_t id;
	int ret;

	if (!cold_enter(device, -1, result))
		return false;
	start = clock_now();
	ret = d3cold_exit(device->fd, &control);
	wall = clock_now() - start;
	REQUIRE(result, !ret && !control.rc, "%s: EXIT: %s, rc %d", device->bdf, strerror(-ret),
		control.rc);
	REQUIRE(result,
		control.state == VFIO_PCI_D3COLD_STATE_D0 &&
			power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D0 &&
			port_above(device->bdf, port) &&
			power_state(port) == VFIO_PCI_D3COLD_STATE_D0,
		"%s: EXIT says %s, sysfs %s", device->bdf, power_state_name(control.state),
		power_state_name(power_state(device->bdf)));
	REQUIRE(result,
		(int64_t)control.elapsed_ns <= wall && (int64_t)control.elapsed_ns >= wall / 2,
		"%s: elapsed %llu ns of %lld", device->bdf, control.elapsed_ns, (long long)wall);
	REQUIRE(result, !config_read(device, 0, &id, sizeof(id)) && id != UINT32_MAX,
		"%s: config reads 0x%08x after EXIT", device->bdf, id);
	ret = d3cold_exit(device->fd, &again);
	REQUIRE(result, !ret && again.state == VFIO_PCI_D3COLD_STATE_D0,
		"%s: EXIT of a device that is awake: %s", device->bdf, strerror(-ret));
	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.asked == VFIO_PCI_D3COLD_STATE_D0 && !status.flags && status.wakes_exit == 1,
		"%s: GET after EXIT: asked %s, flags %u, %llu wakes by EXIT", device->bdf,
		power_state_name(status.asked), status.flags, status.wakes_exit);
	after = power_log_count(device->bdf);
	if (power_log_there())
		REQUIRE(result, after.on == before.on + 1, "%s: power log: %u times on",
			device->bdf, after.on - before.on);
	result_note(result, "%s alive after %llu us", device->bdf, control.elapsed_ns / 1000);
	return true;
}

/* Mainline's calls keep their meaning, and one request is ended by the other's exit. */
bool mainline_mixes(struct device *device, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	struct vfio_pci_d3cold_status status;
	uint32_t id;
	int ret;

	ret = low_power_enter(device->fd, -1);
	REQUIRE(result, !ret, "%s: LOW_POWER_ENTRY: %s", device->bdf, strerror(-ret));
	REQUIRE(result, suspended_wait(device->bdf, WAIT_MS), "%s: LOW_POWER_ENTRY stays in %s",
		device->bdf, power_state_name(power_state(device->bdf)));
	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.asked == VFIO_PCI_D3COLD_STATE_D3COLD && !status.flags && !status.entries,
		"%s: GET in mainline's low power: asked %s, flags %u, entries %llu", device->bdf,
		power_state_name(status.asked), status.flags, status.entries);
	ret = d3cold_enter(device->fd, -1, &control);
	REQUIRE(result, ret == -EBUSY, "%s: ENTER in mainline's low power: %s", device->bdf,
		strerror(-ret));
	REQUIRE(result, !config_read(device, 0, &id, sizeof(id)) && id != UINT32_MAX,
		"%s: config reads 0x%08x in mainline's low power", device->bdf, id);
	if (!cold_exit(device, result) || !siblings_settle(device->bdf))
		return false;
	clock_sleep_ms(200);
	REQUIRE(result, power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D0,
		"%s: EXIT does not end LOW_POWER_ENTRY", device->bdf);

	if (!cold_enter(device, -1, result))
		return false;
	ret = low_power_exit(device->fd);
	REQUIRE(result, !ret, "%s: LOW_POWER_EXIT: %s", device->bdf, strerror(-ret));
	clock_sleep_ms(200);
	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.asked == VFIO_PCI_D3COLD_STATE_D0 && !status.flags &&
			status.state == VFIO_PCI_D3COLD_STATE_D0,
		"%s: after LOW_POWER_EXIT asked %s, flags %u, state %s", device->bdf,
		power_state_name(status.asked), status.flags, power_state_name(status.state));
	result_note(result, "%s each exit ends the other's entry", device->bdf);
	return true;
}

static bool dead_is_told(struct device *device, const char *command, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	struct vfio_pci_d3cold_status status;
	int64_t start, wall;
	int ret;

	if (!cold_enter(device, -1, result))
		return false;
	REQUIRE(result, !system(command), "the command '%s' fails", command);
	start = clock_now();
	ret = d3cold_exit(device->fd, &control);
	wall = clock_now() - start;
	REQUIRE(result, ret == -EIO || ret == -ENODEV, "%s: EXIT of a dead device: %s, state %s",
		device->bdf, strerror(-ret), power_state_name(control.state));
	REQUIRE(result, (ret == -ENODEV) == (control.state == VFIO_PCI_D3COLD_STATE_D0),
		"%s: EXIT: %s, but state %s", device->bdf, strerror(-ret),
		power_state_name(control.state));
	REQUIRE(result, control.elapsed_ns && (int64_t)control.elapsed_ns <= wall,
		"%s: elapsed %llu ns of %lld where EXIT failed", device->bdf, control.elapsed_ns,
		(long long)wall);
	result_note(result, "%s: EXIT: %s, state %s, rc %d, after %llu ms", device->bdf,
		    strerror(-ret), power_state_name(control.state), control.rc,
		    control.elapsed_ns / 1000000);
	/* The request is withdrawn all the same. */
	ret = d3cold_get(device->fd, &status);
	if (!ret)
		REQUIRE(result, status.asked == VFIO_PCI_D3COLD_STATE_D0 && !status.flags,
			"%s: still asked for after a failed EXIT", device->bdf);
	return true;
}

/* dead BDF COMMAND: the command breaks the slot while the device is in D3cold. */
int dead_main(int argc, char **argv)
{
	struct group_list groups = { 0 };
	struct result result = { 0 };
	struct device device;

	if (argc != 3)
		return usage_say("dead needs a device and a command");
	if (!bdf_usable(argv[1]))
		return 2;
	if (device_open(&device, &groups, argv[1]))
		return 1;
	if (!d3cold_offered(device.fd))
		result_not_offered(&result, "this kernel has no feature 0x%x",
				   VFIO_DEVICE_FEATURE_PCI_D3COLD);
	else
		dead_is_told(&device, argv[2], &result);
	result_print(&result, "exit-dead");
	device_close(&device);
	return result.verdict == VERDICT_FAIL ? 1 : 0;
}
