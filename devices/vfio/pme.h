/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wake signal (PME) of a passthrough function: what the device has, and what the guest's PM
 * capability says of it. A PME support is the PME_Support field of a PMC register, in place: bits
 * PCI_PM_CAP_PME_D0, _D3hot and _D3cold (PCI PM 1.2, 3.2.3). D1 and D2 are never among them, for no
 * guest is offered these states.
 */
#ifndef COLDVM_DEVICES_VFIO_PME_H
#define COLDVM_DEVICES_VFIO_PME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfio_device;

enum pme_policy {
	PME_POLICY_OFF,
	PME_POLICY_ON,	  /* what the device has */
	PME_POLICY_FORCE, /* all three, whatever the device has */
};

/*
 * PME support of @bdf from its real config space. vfio hides it (vfio_pci_config.c:
 * init_pci_cap_pm_perm()), so this reads sysfs `config`, which wakes a device that sleeps: only for
 * one that is open and on. -EACCES: sysfs gives the capabilities to root alone. -ENOENT: there is
 * no PM capability. -EIO: the device does not answer.
 */
int pme_read_support(const char *root, const char *bdf, uint16_t *ret);

/*
 * What the guest's function offers under @policy. *@ret_warn: @why says that this is less, or more,
 * than the device has; else @why says what is offered. Never fails: the least is 0, no PME.
 */
uint16_t pme_choose(const char *root, const char *bdf, enum pme_policy policy, bool *ret_warn,
		    char *why, size_t why_len);

/* The guest has been given @wakes, bits by function number, to notify: PME_Status of @device says
 * the same if it is one of them. On a vCPU thread; device->lock not held. */
void pme_tell(struct vfio_device *device, uint32_t wakes);

#endif
