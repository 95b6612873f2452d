/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls to the host that the power sequence is made of. */
#include "devices/vfio/power_host.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "vmm/log.h"

const char *power_backend_name(enum power_backend backend)
{
	static const char *const names[] = {
		[POWER_BACKEND_AUTO] = "auto",	       [POWER_BACKEND_EXPLICIT] = "explicit",
		[POWER_BACKEND_LOWPOWER] = "lowpower", [POWER_BACKEND_D3HOT] = "d3hot",
		[POWER_BACKEND_NONE] = "none",
	};

	return names[backend];
}

/* --- the choice ----------------------------------------------------------------------------------
 */

/* 0 if all of @functions can do what @backend needs; else what the host says, and of whom. */
static int probe(struct vfio_device *const *functions, unsigned nr, enum power_backend backend,
		 const char **ret_bdf)
{
	for (unsigned i = 0; i < nr; i++) {
		const struct vfio_ops *ops = functions[i]->ops;
		int r = 0;

		if (backend == POWER_BACKEND_EXPLICIT)
			r = ops->d3cold_probe(functions[i]);
		else if (backend == POWER_BACKEND_LOWPOWER)
			r = ops->low_power_probe(functions[i]);
		if (r < 0) {
			*ret_bdf = functions[i]->bdf;
			return r;
		}
	}
	return 0;
}

static const char *missing(enum power_backend backend)
{
	return backend == POWER_BACKEND_EXPLICIT
		       ? "has no D3cold on request (the driver of kernel/ has)"
		       : "has no low power feature (Linux 6.1 has)";
}

static int choose_wanted(struct vfio_device *const *functions, unsigned nr,
			 enum power_backend wanted, char *why, size_t why_len)
{
	const char *bdf;
	int r = probe(functions, nr, wanted, &bdf);

	if (r == 0) {
		snprintf(why, why_len, "backend=%s says so", power_backend_name(wanted));
		return 0;
	}
	snprintf(why, why_len,
		 "%s: backend=%s cannot be had: the host's vfio-pci %s: %s; use backend=auto", bdf,
		 power_backend_name(wanted), missing(wanted), strerror(-r));
	return -EOPNOTSUPP;
}

static enum power_backend choose_best(struct vfio_device *const *functions, unsigned nr, char *why,
				      size_t why_len)
{
	const char *bdf;
	int r = probe(functions, nr, POWER_BACKEND_EXPLICIT, &bdf);

	if (r == 0) {
		snprintf(why, why_len, "the host's vfio-pci has D3cold on request");
		return POWER_BACKEND_EXPLICIT;
	}
	int n = snprintf(why, why_len, "%s: the host's vfio-pci %s: %s", bdf,
			 missing(POWER_BACKEND_EXPLICIT), strerror(-r));

	r = probe(functions, nr, POWER_BACKEND_LOWPOWER, &bdf);
	if (r == 0)
		return POWER_BACKEND_LOWPOWER;
	if (n >= 0 && (size_t)n < why_len)
		snprintf(why + n, why_len - (size_t)n, ", and %s: %s",
			 missing(POWER_BACKEND_LOWPOWER), strerror(-r));
	log_warn(bdf, "the host's vfio-pci %s: D3hot at best", missing(POWER_BACKEND_LOWPOWER));
	return POWER_BACKEND_D3HOT;
}

int power_host_choose(struct vfio_device *const *functions, unsigned nr, enum power_policy policy,
		      enum power_backend wanted, enum power_backend *ret, char *why, size_t why_len)
{
	if (wanted != POWER_BACKEND_AUTO && policy == POWER_POLICY_D3COLD) {
		*ret = wanted;
		return choose_wanted(functions, nr, wanted, why, why_len);
	}
	if (policy == POWER_POLICY_D3COLD) {
		*ret = choose_best(functions, nr, why, why_len);
		return 0;
	}
	*ret = policy == POWER_POLICY_ON ? POWER_BACKEND_NONE : POWER_BACKEND_D3HOT;
	snprintf(why, why_len, "power=%s says so", policy == POWER_POLICY_ON ? "on" : "d3hot");
	return 0;
}

/* --- calls ---------------------------------------------------------------------------------------
 */

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

void power_host_enter(struct vfio_device *device, enum power_backend backend, int wake_fd,
		      struct power_call *ret)
{
	ret->made = true;
	switch (backend) {
	case POWER_BACKEND_EXPLICIT:
		ret->rc = device->ops->d3cold_enter(device, wake_fd, &ret->said);
		break;
	case POWER_BACKEND_LOWPOWER:
		ret->rc = device->ops->low_power_entry(device, wake_fd);
		break;
	case POWER_BACKEND_D3HOT:
		ret->rc = power_host_set_pmcsr(device, 3);
		break;
	default:
		ret->rc = 0;
	}
}

void power_host_leave(struct vfio_device *device, enum power_backend backend,
		      struct power_call *ret)
{
	ret->made = true;
	switch (backend) {
	case POWER_BACKEND_EXPLICIT:
		ret->rc = device->ops->d3cold_exit(device, &ret->said);
		break;
	case POWER_BACKEND_LOWPOWER:
		ret->rc = device->ops->low_power_exit(device);
		break;
	case POWER_BACKEND_D3HOT:
		ret->rc = power_host_set_pmcsr(device, 0);
		break;
	default:
		ret->rc = 0;
	}
}

bool power_host_still_engaged(enum power_backend backend, const struct power_call *left)
{
	/* A verdict, good or bad, withdraws the request (linux/vfio_pci_d3cold.h). */
	if (backend == POWER_BACKEND_EXPLICIT)
		return left->rc && left->rc != -EIO && left->rc != -ENODEV;
	return left->rc != 0;
}

/* --- proof of life -------------------------------------------------------------------------------
 */

/* Vendor and device id are virtual in vfio and look fine on a dead device; STATUS does not: a gone
 * device reads all ones there, and vfio's own bits are in the other half (vfio_pci_config.c). */
static bool answers_in_d0(struct vfio_device *device)
{
	uint32_t dword;

	if (device->ops->power_state(device) != HOST_POWER_D0)
		return false;
	if (device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &dword, 4) <
	    0)
		return false;
	return dword >> 16 != 0xffff;
}

bool power_host_alive(struct vfio_device *device, enum power_backend backend,
		      const struct power_call *left)
{
	return backend == POWER_BACKEND_EXPLICIT ? left->rc == 0 : answers_in_d0(device);
}

bool power_host_revive(struct vfio_device *device, enum power_backend backend)
{
	struct power_call again = { 0 };
	int r = device->ops->reset(device);

	log_info(device->id, "reset to get the device back: %s", r < 0 ? strerror(-r) : "done");
	/* Out of low power an exit of the explicit driver is nothing but its verdict. */
	if (backend == POWER_BACKEND_EXPLICIT)
		power_host_leave(device, backend, &again);
	return power_host_alive(device, backend, &again);
}
