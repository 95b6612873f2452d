/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk on a real file with a real io_uring, and the driver of virtio_rig.h in front of it. */
#ifndef COLDVM_TESTS_UNIT_BLK_RIG_H
#define COLDVM_TESTS_UNIT_BLK_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_blk.h>

#include "devices/virtio/blk.h"
#include "tests/unit/virtio_rig.h"

#define BLK_RIG_SIZE	(UINT64_C(8) << 20) /* bytes of the image */
#define BLK_RIG_WAIT_MS 20000u
#define BLK_RIG_STATUS	0xee /* before the device writes one */

/* The features of a driver that knows all. */
#define BLK_RIG_ALL (~UINT64_C(0))

extern struct virtio_rig blk_rig;
extern struct blk *blk_rig_blk;
extern char blk_rig_dir[64];   /* of the test's own */
extern char blk_rig_path[128]; /* of the image in it */
extern char blk_rig_why[512];  /* what blk_create() said */

/* Fixture: guest RAM, the directory, and an image of BLK_RIG_SIZE bytes that are not zero. */
void blk_rig_setup(void);
void blk_rig_teardown(void);

/* Byte @off of the image as the fixture made it. */
uint8_t blk_rig_byte(uint64_t off);
/* What is in the image now, by the test's own descriptor. */
void blk_rig_look(void *data, size_t len, uint64_t off);

/* A config for the image with one queue of 64. */
struct blk_config blk_rig_config(void);
/* blk_create() with blk_rig_why; returns what it returned. */
int blk_rig_open(const struct blk_config *config);
/* blk_create() and a driver with @features and all queues. */
void blk_rig_start(const struct blk_config *config, uint64_t features);
/* The same with blk_rig_config() and everything. */
void blk_rig_start_default(void);

/* A request that was put into queue @index and not waited for. */
struct blk_rig_request {
	uint64_t header, data, status; /* guest addresses */
	uint16_t head;
};
/* @len bytes of data at guest address @data (0: newly made, page aligned). No kick. */
struct blk_rig_request blk_rig_add(unsigned index, uint32_t type, uint64_t sector, uint64_t data,
				   uint32_t len);
int blk_rig_status(const struct blk_rig_request *request);
/* Waits for one used entry of queue @index. */
void blk_rig_wait(unsigned index);

/* Adds, kicks and waits; returns the status. @data is copied to the guest or from it, and may be
 * NULL if @len is 0. */
int blk_rig_do(uint32_t type, uint64_t sector, void *data, uint32_t len);
/* DISCARD or WRITE_ZEROES of one range. */
int blk_rig_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags);
/* A request whose buffers are given; the status is the last byte of the last one. */
int blk_rig_do_buffers(const struct virtio_rig_buffer *buffers, unsigned nr);
/* Writes a header to new guest memory. */
uint64_t blk_rig_header(uint32_t type, uint64_t sector);

/* suite_run(), or 77 with a message where the host offers no io_uring. */
int blk_rig_run(void *suite);

#endif
