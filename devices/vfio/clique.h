/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GPUs that reach each other: NVIDIA's driver in a guest cannot see the host's PCIe switches, so a
 * hypervisor tells it, by a vendor-specific capability, which of its GPUs are in one clique (NVIDIA
 * GPUDirect P2P on QEMU, 2017):
 *
 *	byte 0  09 (vendor-specific)	3 to 5  'P' '2' 'P'
 *	byte 1  next capability		6	version (0) in bits 2:0, clique in bits 6:3
 *	byte 2  08 (bytes)		7	0
 */
#ifndef COLDVM_DEVICES_VFIO_CLIQUE_H
#define COLDVM_DEVICES_VFIO_CLIQUE_H

#include <stdint.h>

struct vfio_device;

#define CLIQUE_CAP_SIZE 8
#define CLIQUE_MAX	15

/* Where the capability fits in @config (PCI_CONFIG_CONV_SIZE bytes, as the device has it): at c8h,
 * which NVIDIA reserves for it, or at d4h, or anywhere else where there is neither a capability nor
 * a byte that is set. 0: nowhere. */
unsigned clique_find_place(const uint8_t *config);

/* Puts @device into @clique, 0 to CLIQUE_MAX: adds the capability to those that the guest finds, as
 * the last one. After vfio_config_init(), before a vCPU runs. -ENOSPC: no place for it, or no list
 * of capabilities; else -errno of reading config space. */
int clique_add(struct vfio_device *device, unsigned clique);

#endif
