/* SPDX-License-Identifier: BSD-3-Clause */
/* One virtqueue in RAM, and a driver that writes its rings byte by byte. For suites of queue.c
 * alone; devices have virtio_rig.h. */
#ifndef COLDVM_TESTS_RING_RIG_H
#define COLDVM_TESTS_RING_RIG_H

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "devices/virtio/queue.h"
#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/kvm.h"
#include "vmm/memory.h"

#define RAM	 MIB(16)
#define SIZE	 8
#define DESC	 0x10000
#define AVAIL	 0x20000
#define USED	 0x30000
#define INDIRECT 0x40000
#define DATA	 0x100000

#define EVENT_IDX (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)
#define TABLES	  (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC)

static struct kvm kvm;
static struct memory memory;
static struct virtq queue;
static struct virtq_chain chain;

/* For long loops: Check notes each assertion that holds in a file. */
static inline void must(bool holds)
{
	if (!holds)
		ck_abort();
}

static inline void *at(uint64_t gpa)
{
	void *hva = memory_at(&memory, gpa, 1);

	must(hva);
	return hva;
}

static inline struct vring_desc *desc(unsigned n)
{
	return (struct vring_desc *)at(DESC) + n;
}

static inline struct vring_desc *indirect(unsigned n)
{
	return (struct vring_desc *)at(INDIRECT) + n;
}

static inline struct vring_avail *avail(void)
{
	return at(AVAIL);
}

static inline struct vring_used *used(void)
{
	return at(USED);
}

static inline uint16_t *used_event(void)
{
	return &avail()->ring[SIZE];
}

static inline uint16_t avail_event(void)
{
	uint16_t event;

	memcpy(&event, &used()->ring[SIZE], sizeof(event));
	return event;
}

static inline void start(uint64_t features)
{
	virtq_stop(&queue);
	memset(at(DESC), 0, KIB(4));
	memset(at(AVAIL), 0, KIB(4));
	memset(at(USED), 0, KIB(4));
	must(!virtq_start(&queue, &memory, features));
}

static inline void setup(void)
{
	const struct memory_config config = { .size = RAM, .low_limit = GIB(3) };
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	queue = (struct virtq){
		.size_max = VIRTQ_SIZE_MAX,
		.size = SIZE,
		.desc = DESC,
		.avail = AVAIL,
		.used = USED,
		.kick_fd = -1,
		.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	ck_assert_int_ge(queue.call_fd, 0);
	start(0);
}

static inline void teardown(void)
{
	virtq_stop(&queue);
	close_fd(&queue.call_fd);
	memory_exit(&memory);
	kvm_close(&kvm);
}

static inline void put(unsigned n, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*desc(n) = (struct vring_desc){ addr, len, flags, next };
}

static inline void offer(uint16_t head)
{
	avail()->ring[avail()->idx % SIZE] = head;
	avail()->idx++;
}

/* One readable buffer of 4 bytes in descriptor @n. */
static inline void offer_simple(uint16_t n)
{
	put(n, DATA + n * 16u, 4, 0, 0);
	offer(n);
}

static inline bool interrupted(void)
{
	uint64_t count;

	return read(queue.call_fd, &count, sizeof(count)) == sizeof(count);
}

static inline void expect_broken(const char *why)
{
	ck_assert_int_eq(virtq_pop(&queue, &chain), -EPROTO);
	ck_assert(queue.broken);
	ck_assert_str_eq(queue.why, why);
}

#endif
