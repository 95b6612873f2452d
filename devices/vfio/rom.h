/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The expansion ROM that the guest finds. It is a copy in memory, from a file or from the device,
 * made before the guest starts: a device without power needs no access for it.
 */
#ifndef COLDVM_DEVICES_VFIO_ROM_H
#define COLDVM_DEVICES_VFIO_ROM_H

#include <stddef.h>
#include <stdint.h>

#include "devices/vfio/vfio.h"
#include "vmm/bits.h"

#define ROM_FILE_MIN 512
#define ROM_MAX	     MIB(16)
#define ROM_BAR_MIN  KIB(2) /* the register has no address bits below (PCIe 6.0, 7.5.1.2.4) */

/* Size in bytes of the BAR that has room for a ROM of @len bytes, up to ROM_MAX. */
uint64_t rom_bar_size(uint64_t len);

/* The same for the image in the file @path. -errno, with "rom=PATH: what is wrong" in @why. */
int rom_file_bar_size(const char *path, uint64_t *ret_size, char *why, size_t why_len);

/*
 * Copies the ROM for a BAR of @size bytes, from rom_file_bar_size() or as the host has it. Both
 * after vfio_config_init(), before a vCPU runs, device->lock not held; then
 * vfio_config_place_rom(). On -errno the guest finds no ROM: -ENOMEM; -EFBIG if the BAR is too
 * small for it; -ENODATA if the device has none, or no image in it.
 */
int rom_from_file(struct vfio_device *device, const char *path, uint64_t size, char *why,
		  size_t why_len);
int rom_from_device(struct vfio_device *device, uint64_t size);

/* Parts of vfio_bars_retreat(), _update() and _exit(). device->lock held. */
void rom_retreat(struct vfio_device *device);
void rom_update(struct vfio_device *device);
void rom_exit(struct vfio_device *device);

#endif
