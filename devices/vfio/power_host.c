/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls to the host that the power sequence is made of. */
#include "devices/vfio/power_host.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vmm/log.h"

const char *power_backend_name(enum power_backend backend)
{
	static const char *const names[] = {
		[POWER_BACKEND_LOWPOWER] = "lowpower",
		[POWER_BACKEND_D3HOT] = "d3hot",
		[POWER_BACKEND_NONE] = "none",
	};

	return names[backend];
}

enum power_backend power_host_choose(struct vfio_device *const *functions, unsigned nr,
				     enum power_policy policy)
{
	if (policy == POWER_POLICY_ON)
		return POWER_BACKEND_NONE;
	if (policy == POWER_POLICY_D3HOT)
		return POWER_BACKEND_D3HOT;
	for (unsigned i = 0; i < nr; i++) {
		int r = functions[i]->ops->low_power_probe(functions[i]);

		if (r < 0) {
			log_warn(
				functions[i]->id,
				"the host's vfio-pci has no low power feature (%s; Linux 6.1 has): "
				"D3hot at best",
				strerror(-r));
			return POWER_BACKEND_D3HOT;
		}
	}
	return POWER_BACKEND_LOWPOWER;
}

int power_host_set_pmcsr(struct vfio_device *device, uint16_t state)
{
	uint16_t pmcsr;
	unsigned at = device->pm_cap + PCI_PM_CTRL;
	int r;

	if (!device->pm_cap)
		return -EOPNOTSUPP;
	r = device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, at, &pmcsr, 2);
	if (r < 0)
		return r;
	pmcsr = (uint16_t)((pmcsr & ~PCI_PM_CTRL_STATE_MASK) | state);
	return device->ops->region_write(device, VFIO_PCI_CONFIG_REGION_INDEX, at, &pmcsr, 2);
}

int power_host_enter(struct vfio_device *device, enum power_backend backend, int wake_fd)
{
	switch (backend) {
	case POWER_BACKEND_LOWPOWER:
		return device->ops->low_power_entry(device, wake_fd);
	case POWER_BACKEND_D3HOT:
		return power_host_set_pmcsr(device, 3);
	default:
		return 0;
	}
}

int power_host_leave(struct vfio_device *device, enum power_backend backend)
{
	switch (backend) {
	case POWER_BACKEND_LOWPOWER:
		return device->ops->low_power_exit(device);
	case POWER_BACKEND_D3HOT:
		return power_host_set_pmcsr(device, 0);
	default:
		return 0;
	}
}

/* Vendor and device id are virtual in vfio and look fine on a dead device; STATUS does not: a gone
 * device reads all ones there, and vfio's own bits are in the other half (vfio_pci_config.c). */
bool power_host_alive(struct vfio_device *device)
{
	uint32_t dword;

	if (device->gone || device->ops->power_state(device) != HOST_POWER_D0)
		return false;
	if (device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &dword, 4) <
	    0)
		return false;
	return dword >> 16 != 0xffff;
}
