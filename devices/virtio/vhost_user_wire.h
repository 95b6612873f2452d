/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of vhost-user (QEMU: docs/interop/vhost-user.rst), as they are on the socket. */
#ifndef COLDVM_DEVICES_VIRTIO_VHOST_USER_WIRE_H
#define COLDVM_DEVICES_VIRTIO_VHOST_USER_WIRE_H

#include <linux/vhost_types.h>
#include <stdint.h>

enum {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
};

#define VHOST_USER_VERSION	       0x1u /* in flags; the two lowest bits */
#define VHOST_USER_VERSION_MASK	       0x3u
#define VHOST_USER_REPLY	       0x4u
#define VHOST_USER_NEED_REPLY	       0x8u
#define VHOST_USER_F_PROTOCOL_FEATURES 30 /* bit of the features */
#define VHOST_USER_PROTOCOL_MQ	       0  /* bits of the protocol features */
#define VHOST_USER_PROTOCOL_REPLY_ACK  3
#define VHOST_USER_VRING_NO_FD	       0x100u /* with the index of KICK and CALL */
#define VHOST_USER_MAX_REGIONS	       8

/*
 * Where the guest's RAM begins among the "user addresses" of the memory table and of rings. They
 * are the front end's own, and only compared with each other; the usual ones, those of its mapping,
 * may be others after a reboot, and libvhost-user looks for the rings of before in each new table
 * (QEMU: subprojects/libvhost-user/libvhost-user.c, vu_set_mem_table_exec()).
 */
#define VHOST_USER_RAM (UINT64_C(1) << 46)

struct vhost_user_region {
	uint64_t guest_addr, size, user_addr, mmap_offset;
};

struct vhost_user_memory {
	uint32_t nr, padding;
	struct vhost_user_region regions[VHOST_USER_MAX_REGIONS];
};

struct vhost_user_message {
	uint32_t request, flags;
	uint32_t size; /* bytes of the payload */
	union {
		uint64_t number;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct vhost_user_memory memory;
	} payload;
} __attribute__((packed));

#define VHOST_USER_HEADER offsetof(struct vhost_user_message, payload)

#endif
