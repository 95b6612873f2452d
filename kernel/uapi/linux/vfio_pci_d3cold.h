/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * D3cold on request for devices bound to vfio-pci
 *
 * A user that knows when its device may lose power (a hypervisor whose guest
 * ran the _OFF method of a virtual power resource) asks for it here, and is
 * told what was reached. See Documentation/driver-api/vfio-pci-d3cold.rst.
 */
#ifndef _UAPI_LINUX_VFIO_PCI_D3COLD_H
#define _UAPI_LINUX_VFIO_PCI_D3COLD_H

#include <linux/types.h>

/*
 * Index for VFIO_DEVICE_FEATURE. SET takes struct vfio_pci_d3cold_control and
 * writes the outcome back into it, GET fills struct vfio_pci_d3cold_status,
 * PROBE works for both. Unlike every other ioctl of a VFIO device, none of
 * them resumes a device in low power, but for VFIO_PCI_D3COLD_EXIT.
 */
#define VFIO_DEVICE_FEATURE_PCI_D3COLD	0x7c01

/* Power states, as the kernel believes them (pci_power_t) */
#define VFIO_PCI_D3COLD_STATE_D0	0
#define VFIO_PCI_D3COLD_STATE_D1	1
#define VFIO_PCI_D3COLD_STATE_D2	2
#define VFIO_PCI_D3COLD_STATE_D3HOT	3
#define VFIO_PCI_D3COLD_STATE_D3COLD	4
#define VFIO_PCI_D3COLD_STATE_UNKNOWN	5

/* Where a function sits: domain (31:16), bus (15:8), device and function */
#define VFIO_PCI_D3COLD_BDF(domain, bus, devfn) \
	(((__u32)(domain) << 16) | ((__u32)(bus) << 8) | (__u32)(devfn))

#define VFIO_PCI_D3COLD_MAX_PORTS	8

struct vfio_pci_d3cold_port {
	__u32	bdf;
	__u32	state;
};

/*
 * struct vfio_pci_d3cold_control - what SET asks for, and what came of it
 * @op: VFIO_PCI_D3COLD_ENTER or VFIO_PCI_D3COLD_EXIT
 * @flags: VFIO_PCI_D3COLD_WAKEUP, with ENTER only
 * @wakeup_eventfd: signalled when anything but EXIT resumes the device, which
 *	then has left low power; read with VFIO_PCI_D3COLD_WAKEUP only
 * @reserved: must be zero
 *
 * The rest is written by the kernel, also where the ioctl fails with EIO or
 * ENODEV, and is ignored on input:
 *
 * @rc: 0, or the negative error of the first step that was refused
 * @rc_bdf: the function whose step that was
 * @state: state of the device on return
 * @nr_ports: how many ports lie above the device; @ports describes the first
 *	VFIO_PCI_D3COLD_MAX_PORTS of them
 * @elapsed_ns: time that the operation took
 * @ports: the ports above the device, nearest first
 *
 * ENTER suspends the function, and then each port above it that has no other
 * user, before it returns, without a port's autosuspend delay. It succeeds
 * once the function is in low power by request, however deep that is: @state
 * says so, and @rc why it is not deeper. -EBUSY at a port means that another
 * function below it is in use.
 *
 * EXIT resumes the function. It succeeds only when the device is in D0 and
 * answers. It fails with EIO when the device could not be resumed or is not
 * in D0, and with ENODEV when it is in D0 but config space reads all ones.
 * The request for low power is withdrawn in any case. On a device that is not
 * in low power it gives the same verdict, at once.
 *
 * Errors of both: EINVAL (argsz, op, flags, reserved), EBADF or EINVAL (no
 * open descriptor, or not an eventfd), EBUSY (ENTER while in low power).
 */
struct vfio_pci_d3cold_control {
	__u32	op;
#define VFIO_PCI_D3COLD_ENTER		1
#define VFIO_PCI_D3COLD_EXIT		2
	__u32	flags;
#define VFIO_PCI_D3COLD_WAKEUP		(1 << 0)
	__s32	wakeup_eventfd;
	__u32	reserved;

	__s32	rc;
	__u32	rc_bdf;
	__u32	state;
	__u32	nr_ports;
	__aligned_u64	elapsed_ns;
	struct vfio_pci_d3cold_port ports[VFIO_PCI_D3COLD_MAX_PORTS];
};

/*
 * struct vfio_pci_d3cold_status - what GET tells, without waking the device
 * @asked: VFIO_PCI_D3COLD_STATE_D3COLD while low power is asked for, be it by
 *	ENTER or by VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY; D0 otherwise, also
 *	after a wake that was signalled
 * @state: state of the device now
 * @nr_ports: as in struct vfio_pci_d3cold_control
 * @flags: VFIO_PCI_D3COLD_SEALED while asked for by ENTER: regions of the
 *	device file then read as all ones or fail, and wake nothing
 * @entries: ENTERs that took effect
 * @wakes_exit: resumes by VFIO_PCI_D3COLD_EXIT
 * @wakes_access: resumes by another access, of this user or of the host
 * @wakes_unknown: resumes by a kernel thread for nobody: a wake by the device
 *	itself, a port that was powered up for another function, system resume
 * @sealed_accesses: reads and writes that SEALED answered
 * @open_ns: time since the device was opened
 * @d3cold_ns: how much of it the device spent in D3cold, as far as ENTER or
 *	GET have seen it there
 * @last_entry_ns: time that the last ENTER took
 * @last_exit_ns: time that the last EXIT took
 * @ports: as in struct vfio_pci_d3cold_control
 *
 * Counters run from the opening of the device. Wakes are counted while low
 * power is asked for.
 */
struct vfio_pci_d3cold_status {
	__u32	asked;
	__u32	state;
	__u32	nr_ports;
	__u32	flags;
#define VFIO_PCI_D3COLD_SEALED		(1 << 0)
	__aligned_u64	entries;
	__aligned_u64	wakes_exit;
	__aligned_u64	wakes_access;
	__aligned_u64	wakes_unknown;
	__aligned_u64	sealed_accesses;
	__aligned_u64	open_ns;
	__aligned_u64	d3cold_ns;
	__aligned_u64	last_entry_ns;
	__aligned_u64	last_exit_ns;
	struct vfio_pci_d3cold_port ports[VFIO_PCI_D3COLD_MAX_PORTS];
};

#endif /* _UAPI_LINUX_VFIO_PCI_D3COLD_H */
