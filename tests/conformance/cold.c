// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/cold.h"

#include <string.h>

bool cold_enter(const struct device *device, int eventfd, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	int ret = d3cold_enter(device->fd, eventfd, &control);

	REQUIRE(result, !ret, "%s: ENTER: %s", device->bdf, strerror(-ret));
	REQUIRE(result, control.state == VFIO_PCI_D3COLD_STATE_D3COLD,
		"%s: ENTER reaches %s only, rc %d at 0x%x", device->bdf,
		power_state_name(control.state), control.rc, control.rc_bdf);
	return true;
}

bool cold_exit(const struct device *device, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	int ret = d3cold_exit(device->fd, &control);

	REQUIRE(result, !ret && control.state == VFIO_PCI_D3COLD_STATE_D0,
		"%s: EXIT: %s, state %s, rc %d", device->bdf, strerror(-ret),
		power_state_name(control.state), control.rc);
	return true;
}

bool cold_status(const struct device *device, struct vfio_pci_d3cold_status *status,
		 struct result *result)
{
	int ret = d3cold_get(device->fd, status);

	REQUIRE(result, !ret, "%s: GET: %s", device->bdf, strerror(-ret));
	return true;
}
