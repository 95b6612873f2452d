/* SPDX-License-Identifier: BSD-3-Clause */
/* From a device up to the port that switches its power. */
#include "devices/vfio/ports.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/host.h"
#include "devices/vfio/vfio.h"
#include "vmm/bits.h"

static bool has_resource(const char *path)
{
	return host_exists("%s/firmware_node/power_resources_D3hot", path);
}

void ports_open(struct vfio_device *device, const char *path)
{
	char below[PATH_MAX], port[PATH_MAX], file[PATH_MAX + 16];
	bool own = has_resource(path), found = own;

	device->nr_ports = device->power_port = 0;
	snprintf(below, sizeof(below), "%s", path);
	while (device->nr_ports < VFIO_MAX_PORTS && (!found || !device->nr_ports)) {
		struct vfio_port *p = &device->ports[device->nr_ports];

		if (host_parent(below, p->bdf, port, sizeof(port)))
			return;
		snprintf(file, sizeof(file), "%s/power_state", port);
		p->power_fd = open(file, O_RDONLY | O_CLOEXEC);
		if (!own && has_resource(port)) {
			found = true;
			device->power_port = device->nr_ports;
		}
		device->nr_ports++;
		memcpy(below, port, sizeof(below));
	}
}

void ports_close(struct vfio_device *device)
{
	while (device->nr_ports)
		close_fd(&device->ports[--device->nr_ports].power_fd);
	device->power_port = 0;
}
