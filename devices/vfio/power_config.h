/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a device has kept its configuration. vfio answers most of config space from memory (BARs,
 * MSI), so a device that came back empty looks right there; the bits below are the device's own.
 */
#ifndef COLDVM_DEVICES_VFIO_POWER_CONFIG_H
#define COLDVM_DEVICES_VFIO_POWER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct vfio_device;

struct power_config {
	bool valid;
	uint16_t command; /* decoding and bus mastering */
	uint16_t devctl;  /* of the PCIe capability: error reporting, ordering */
	uint16_t msix;	  /* enable and mask of MSI-X */
};

enum power_config_state {
	POWER_CONFIG_KEPT,
	POWER_CONFIG_REPAIRED, /* written again, and read back */
	POWER_CONFIG_LOST,
};

/* Both: the device is awake and sealed, device->lock not held. */
/* Not valid if the device does not answer. */
void power_config_save(struct vfio_device *device, struct power_config *ret);
/* Compares with what @saved says, if it is valid, and writes what differs. *@ret_found is what was
 * found before that. */
enum power_config_state power_config_restore(struct vfio_device *device,
					     const struct power_config *saved,
					     struct power_config *ret_found);

#endif
