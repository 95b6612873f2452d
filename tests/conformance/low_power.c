// SPDX-License-Identifier: BSD-3-Clause
// The calls that ask for low power: the explicit control's, and mainline's.
#include "tests/conformance/device.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int d3cold_set(int fd, struct vfio_pci_d3cold_control *control)
{
	return feature_call(fd, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_D3COLD, control,
			    sizeof(*control));
}

int d3cold_enter(int fd, int eventfd, struct vfio_pci_d3cold_control *control)
{
	memset(control, 0, sizeof(*control));
	control->op = VFIO_PCI_D3COLD_ENTER;
	if (eventfd >= 0) {
		control->flags = VFIO_PCI_D3COLD_WAKEUP;
		control->wakeup_eventfd = eventfd;
	}
	return d3cold_set(fd, control);
}

int d3cold_exit(int fd, struct vfio_pci_d3cold_control *control)
{
	memset(control, 0, sizeof(*control));
	control->op = VFIO_PCI_D3COLD_EXIT;
	return d3cold_set(fd, control);
}

int d3cold_get(int fd, struct vfio_pci_d3cold_status *status)
{
	memset(status, 0xa5, sizeof(*status));
	return feature_call(fd, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_PCI_D3COLD, status,
			    sizeof(*status));
}

bool d3cold_offered(int fd)
{
	return !feature_call(fd,
			     VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
				     VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_D3COLD,
			     NULL, 0);
}

int low_power_enter(int fd, int eventfd)
{
	struct vfio_device_low_power_entry_with_wakeup entry = { .wakeup_eventfd = eventfd };

	if (eventfd < 0)
		return feature_call(
			fd, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL, 0);
	return feature_call(
		fd, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		&entry, sizeof(entry));
}

int low_power_exit(int fd)
{
	return feature_call(fd, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL,
			    0);
}

int wakeup_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

uint64_t wakeup_drain(int eventfd)
{
	uint64_t count;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
