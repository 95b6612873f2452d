// SPDX-License-Identifier: BSD-3-Clause
// ENTER: what holds when it returns, and what it says when it could not go deeper.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"

#define WAIT_MS 5000

/* What the kernel lists of the ports above is what sysfs shows, and all of it. */
static bool ports_agree(const char *bdf, unsigned int nr_ports,
			const struct vfio_pci_d3cold_port *ports, struct result *result)
{
	char below[BDF_SIZE], port[BDF_SIZE];
	unsigned int count = 0;

	memcpy(below, bdf, sizeof(below));
	for (; port_above(below, port); count++, memcpy(below, port, sizeof(below))) {
		if (count >= VFIO_PCI_D3COLD_MAX_PORTS)
			continue;
		REQUIRE(result, count < nr_ports, "%s: only %u ports are listed", bdf, nr_ports);
		REQUIRE(result, ports[count].bdf == bdf_number(port),
			"%s: port %u is listed as 0x%x, not as %s", bdf, count, ports[count].bdf,
			port);
		REQUIRE(result, (int)ports[count].state == power_state(port),
			"%s: %s is listed in %s, sysfs says %s", bdf, port,
			power_state_name(ports[count].state), power_state_name(power_state(port)));
	}
	REQUIRE(result, count == nr_ports, "%s: %u ports are listed, %u are there", bdf, nr_ports,
		count);
	return true;
}

/* Device and ports are in D3cold when ENTER returns, and every witness says so. */
bool enter_is_synchronous(struct device *device, struct result *result)
{
	struct power_count before = power_log_count(device->bdf), after;
	struct vfio_pci_d3cold_control control;
	struct vfio_pci_d3cold_status status;
	int64_t start = clock_now(), wall;
	int ret = d3cold_enter(device->fd, -1, &control);
	int state = power_state(device->bdf);

	wall = clock_now() - start;
	REQUIRE(result, !ret, "%s: ENTER: %s", device->bdf, strerror(-ret));
	REQUIRE(result, state == VFIO_PCI_D3COLD_STATE_D3COLD,
		"%s: sysfs says %s when ENTER returns, rc %d at 0x%x", device->bdf,
		power_state_name(state), control.rc, control.rc_bdf);
	REQUIRE(result, (int)control.state == state, "%s: ENTER says %s, sysfs D3cold", device->bdf,
		power_state_name(control.state));
	REQUIRE(result, !control.rc && !control.rc_bdf, "%s: ENTER tells rc %d at 0x%x",
		device->bdf, control.rc, control.rc_bdf);
	REQUIRE(result, control.nr_ports, "%s: no port is listed", device->bdf);
	if (!ports_agree(device->bdf, control.nr_ports, control.ports, result))
		return false;
	REQUIRE(result, control.ports[0].state == VFIO_PCI_D3COLD_STATE_D3COLD,
		"%s: its port is in %s", device->bdf, power_state_name(control.ports[0].state));
	after = power_log_count(device->bdf);
	if (power_log_there())
		REQUIRE(result, after.off == before.off + 1 && after.on == before.on,
			"%s: power log: %u times off, %u times on", device->bdf,
			after.off - before.off, after.on - before.on);
	REQUIRE(result,
		(int64_t)control.elapsed_ns <= wall && control.elapsed_ns &&
			(int64_t)control.elapsed_ns >= wall / 2,
		"%s: elapsed %llu ns of %lld", device->bdf, control.elapsed_ns, (long long)wall);
	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.state == VFIO_PCI_D3COLD_STATE_D3COLD &&
			status.asked == VFIO_PCI_D3COLD_STATE_D3COLD &&
			status.flags == VFIO_PCI_D3COLD_SEALED && status.entries == 1 &&
			status.last_entry_ns == control.elapsed_ns,
		"%s: GET: %s, asked %s, flags %u, entries %llu, last entry %llu ns", device->bdf,
		power_state_name(status.state), power_state_name(status.asked), status.flags,
		status.entries, status.last_entry_ns);
	if (!ports_agree(device->bdf, status.nr_ports, status.ports, result))
		return false;
	result_note(result, "%s and %u port(s) in D3cold after %llu us", device->bdf,
		    control.nr_ports, control.elapsed_ns / 1000);
	return true;
}

/* A host that does not let the device sleep: ENTER succeeds, stays in D0, and says where and why.
 */
bool enter_names_refusal(struct device *device, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	int ret, back;

	ret = sysfs_write(device->bdf, "power/control", "on");
	REQUIRE(result, !ret, "%s: power/control cannot be written: %s", device->bdf,
		strerror(-ret));
	ret = d3cold_enter(device->fd, -1, &control);
	back = sysfs_write(device->bdf, "power/control", "auto");
	REQUIRE(result, !back, "%s: power/control does not go back to auto", device->bdf);
	REQUIRE(result, !ret, "%s: ENTER: %s", device->bdf, strerror(-ret));
	REQUIRE(result,
		control.state == VFIO_PCI_D3COLD_STATE_D0 && control.rc == -EAGAIN &&
			control.rc_bdf == bdf_number(device->bdf),
		"%s: power/control=on gives %s, rc %d at 0x%x", device->bdf,
		power_state_name(control.state), control.rc, control.rc_bdf);
	REQUIRE(result, power_state_wait(device->bdf, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
		"%s stays in %s when power/control is auto again", device->bdf,
		power_state_name(power_state(device->bdf)));
	result_note(result, "%s EAGAIN at the device, D3cold once it may", device->bdf);
	return cold_exit(device, result);
}

static bool wakeups_signal(struct device *device, int wakeup, struct result *result)
{
	struct vfio_pci_d3cold_status status;
	uint32_t id;

	if (!cold_enter(device, wakeup, result) || !cold_exit(device, result))
		return false;
	REQUIRE(result, !wakeup_drain(wakeup), "%s: EXIT signals the eventfd", device->bdf);
	if (!siblings_settle(device->bdf) || !cold_enter(device, wakeup, result))
		return false;
	REQUIRE(result, !wakeup_drain(wakeup), "%s: ENTER signals the eventfd", device->bdf);
	REQUIRE(result, !host_config_read(device->bdf, 0, &id) && id != UINT32_MAX,
		"%s: the host's config read gives 0x%08x", device->bdf, id);
	REQUIRE(result, wakeup_drain(wakeup) == 1, "%s: a wake by the host is not signalled once",
		device->bdf);
	clock_sleep_ms(300);
	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.asked == VFIO_PCI_D3COLD_STATE_D0 && !status.flags &&
			status.state == VFIO_PCI_D3COLD_STATE_D0,
		"%s: after a signalled wake asked %s, flags %u, state %s", device->bdf,
		power_state_name(status.asked), status.flags, power_state_name(status.state));
	REQUIRE(result, !config_read(device, 0, &id, sizeof(id)) && id != UINT32_MAX,
		"%s: config reads 0x%08x after a signalled wake", device->bdf, id);
	REQUIRE(result, !wakeup_drain(wakeup), "%s: one wake is signalled twice", device->bdf);
	result_note(result, "%s one signal for the host's wake, none for EXIT", device->bdf);
	return true;
}

/* The eventfd is signalled for wakes by others, and then low power has ended. */
bool enter_signals_wakes(struct device *device, struct result *result)
{
	int wakeup = wakeup_open();
	bool holds;

	REQUIRE(result, wakeup >= 0, "no eventfd");
	holds = wakeups_signal(device, wakeup, result);
	close(wakeup);
	return holds;
}

/* The first function of a slot leaves the port up, and is told so; the last takes it down. */
bool enter_takes_port_last(struct device *first, struct device *second, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	char port[BDF_SIZE];
	int ret;

	REQUIRE(result, port_above(first->bdf, port), "%s has no port", first->bdf);
	ret = d3cold_enter(first->fd, -1, &control);
	REQUIRE(result, !ret, "%s: ENTER: %s", first->bdf, strerror(-ret));
	REQUIRE(result, control.rc == -EBUSY && control.rc_bdf == bdf_number(port),
		"%s: rc %d at 0x%x while %s is awake", first->bdf, control.rc, control.rc_bdf,
		second->bdf);
	REQUIRE(result,
		control.state == VFIO_PCI_D3COLD_STATE_D3HOT &&
			power_state(first->bdf) == VFIO_PCI_D3COLD_STATE_D3HOT,
		"%s is in %s while %s is awake", first->bdf, power_state_name(control.state),
		second->bdf);
	if (!ports_agree(first->bdf, control.nr_ports, control.ports, result))
		return false;
	REQUIRE(result, power_state(port) == VFIO_PCI_D3COLD_STATE_D0,
		"%s is in %s with a function awake", port, power_state_name(power_state(port)));
	if (!cold_enter(second, -1, result))
		return false;
	REQUIRE(result, power_state(port) == VFIO_PCI_D3COLD_STATE_D3COLD,
		"%s is in %s with both functions asleep", port,
		power_state_name(power_state(port)));
	REQUIRE(result, power_state(first->bdf) == VFIO_PCI_D3COLD_STATE_D3COLD,
		"%s is in %s with its slot off", first->bdf,
		power_state_name(power_state(first->bdf)));
	result_note(result, "EBUSY at %s and D3hot for %s, D3cold for all with %s", port,
		    first->bdf, second->bdf);
	return cold_exit(second, result) && cold_exit(first, result);
}
