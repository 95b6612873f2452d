/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver for one virtio device, without a bus: guest RAM (on the fake KVM), rings in it that a
 * test fills well or badly, and the steps of Virtio 1.2, 3.1. Everything asserts, so a test reads
 * as what the guest does.
 */
#ifndef COLDVM_TESTS_VIRTIO_RIG_H
#define COLDVM_TESTS_VIRTIO_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/device.h"
#include "vmm/kvm.h"
#include "vmm/memory.h"

struct loop;

#define VIRTIO_RIG_RAM (UINT64_C(16) << 20)

struct virtio_rig {
	struct kvm kvm;
	struct memory memory;
	uint64_t next; /* guest address of free RAM */
	struct virtio_device *device;
	struct virtio_rig_queue {
		uint16_t size;
		uint64_t desc, avail, used; /* guest addresses */
		uint16_t free;		    /* next descriptor; wraps, a test keeps count itself */
		uint16_t seen;		    /* used entries that virtio_rig_used() has returned */
		uint16_t kicked;	    /* the available index at the last kick */
		int call_fd;		    /* what the device interrupts */
		bool interrupted;	    /* read from it, and not yet told */
	} queues[VIRTIO_MAX_QUEUES];
	int config_fd; /* counts interrupts for a changed configuration */
};

struct virtio_rig_buffer {
	uint64_t gpa;
	uint32_t len;
	bool write; /* by the device */
};

/* RAM of VIRTIO_RIG_RAM bytes, shared or not; resets the fake KVM. */
void virtio_rig_init(struct virtio_rig *rig, bool shared);
/* The device must be gone by now. */
void virtio_rig_exit(struct virtio_rig *rig);

/* Zeroed guest RAM, and its host address. */
uint64_t virtio_rig_alloc(struct virtio_rig *rig, uint64_t len, uint64_t align);
void *virtio_rig_at(struct virtio_rig *rig, uint64_t gpa, uint64_t len);

/* Up to FEATURES_OK, with those of @features that the device offers, and VERSION_1. */
void virtio_rig_negotiate(struct virtio_rig *rig, struct virtio_device *device, uint64_t features);
/* Makes and enables a ring of @size entries for queue @index. */
void virtio_rig_queue(struct virtio_rig *rig, unsigned index, uint16_t size);
/* DRIVER_OK. */
void virtio_rig_ready(struct virtio_rig *rig);
/* The three above for @nr_queues queues of 64 entries. */
void virtio_rig_start(struct virtio_rig *rig, struct virtio_device *device, uint64_t features,
		      unsigned nr_queues);
/* Writes 0 to the status and waits until it reads 0. */
void virtio_rig_reset(struct virtio_rig *rig);

/* The rings' entries, for tests that spoil them. */
struct vring_desc *virtio_rig_desc(struct virtio_rig *rig, unsigned index, unsigned n);
struct vring_avail *virtio_rig_avail(struct virtio_rig *rig, unsigned index);
struct vring_used *virtio_rig_used_ring(struct virtio_rig *rig, unsigned index);

/* Makes a chain of @nr buffers and puts it into the available ring; returns its head. */
uint16_t virtio_rig_add(struct virtio_rig *rig, unsigned index,
			const struct virtio_rig_buffer *buffers, unsigned nr);
/* As Linux does: says nothing to a device that asked for no notification of what is new. When
 * nothing is new the notification comes all the same, for tests of spurious ones. */
void virtio_rig_kick(struct virtio_rig *rig, unsigned index);
/* The next used entry within @ms milliseconds; false if there is none. It asks for an interrupt and
 * then waits for that, as a driver does: one that is missing is a failure. NULLs are fine. */
bool virtio_rig_used(struct virtio_rig *rig, unsigned index, unsigned ms, uint16_t *ret_head,
		     uint32_t *ret_len);
/* Runs @loop, for devices that live on it, until a used entry of queue @index is there. */
bool virtio_rig_loop_used(struct virtio_rig *rig, struct loop *loop, unsigned index, unsigned ms,
			  uint16_t *ret_head, uint32_t *ret_len);
/* Runs @loop for @ms milliseconds. */
void virtio_rig_loop_run(struct loop *loop, unsigned ms);
/* True if the device has interrupted for queue @index since the last call. */
bool virtio_rig_interrupted(struct virtio_rig *rig, unsigned index);
/* How often the device has said that its configuration changed (which a need for a reset also is)
 * since the last call. */
uint64_t virtio_rig_config_changes(struct virtio_rig *rig);
/* The device says that it needs a reset (waits up to @ms). */
bool virtio_rig_needs_reset(struct virtio_rig *rig, unsigned ms);

#endif
