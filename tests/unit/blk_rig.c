/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk on a real file with a real io_uring. */
#include "tests/unit/blk_rig.h"

#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

struct virtio_rig blk_rig;
struct blk *blk_rig_blk;
char blk_rig_dir[64], blk_rig_path[128], blk_rig_why[512];

uint8_t blk_rig_byte(uint64_t off)
{
	/* Every sector is different, and no byte is zero. */
	return (uint8_t)(off * 7 + (off >> 9) * 13) | 1;
}

static void make_image(void)
{
	uint8_t *data = malloc(BLK_RIG_SIZE);
	int fd = open(blk_rig_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(data);
	for (uint64_t off = 0; off < BLK_RIG_SIZE; off++)
		data[off] = blk_rig_byte(off);
	ck_assert_int_eq(write(fd, data, BLK_RIG_SIZE), BLK_RIG_SIZE);
	close(fd);
	free(data);
}

void blk_rig_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(blk_rig_dir, sizeof(blk_rig_dir), "%s/coldvm-blk-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(blk_rig_dir));
	snprintf(blk_rig_path, sizeof(blk_rig_path), "%s/image", blk_rig_dir);
	blk_rig_why[0] = '\0';
	blk_rig_blk = NULL;
	make_image();
	virtio_rig_init(&blk_rig, false);
}

void blk_rig_teardown(void)
{
	blk_destroy(blk_rig_blk);
	virtio_rig_exit(&blk_rig);
	unlink(blk_rig_path);
	rmdir(blk_rig_dir);
}

void blk_rig_look(void *data, size_t len, uint64_t off)
{
	int fd = open(blk_rig_path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, data, len, (off_t)off), (ssize_t)len);
	close(fd);
}

struct blk_config blk_rig_config(void)
{
	return (struct blk_config){
		.name = "disk0",
		.path = blk_rig_path,
		.nr_queues = 1,
		.queue_size = 64,
	};
}

int blk_rig_open(const struct blk_config *config)
{
	return blk_create(config, &blk_rig.memory, &blk_rig_blk, blk_rig_why, sizeof(blk_rig_why));
}

void blk_rig_start(const struct blk_config *config, uint64_t features)
{
	ck_assert_msg(blk_rig_open(config) == 0, "%s", blk_rig_why);
	virtio_rig_start(&blk_rig, blk_device(blk_rig_blk), features, config->nr_queues);
}

void blk_rig_start_default(void)
{
	struct blk_config config = blk_rig_config();

	blk_rig_start(&config, BLK_RIG_ALL);
}

uint64_t blk_rig_header(uint32_t type, uint64_t sector)
{
	uint64_t gpa = virtio_rig_alloc(&blk_rig, sizeof(struct virtio_blk_outhdr), 8);
	struct virtio_blk_outhdr *header = virtio_rig_at(&blk_rig, gpa, sizeof(*header));

	*header = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	return gpa;
}

static uint64_t make_status(void)
{
	uint64_t gpa = virtio_rig_alloc(&blk_rig, 1, 1);

	*(uint8_t *)virtio_rig_at(&blk_rig, gpa, 1) = BLK_RIG_STATUS;
	return gpa;
}

static bool from_device(uint32_t type)
{
	return type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
}

struct blk_rig_request blk_rig_add(unsigned index, uint32_t type, uint64_t sector, uint64_t data,
				   uint32_t len)
{
	struct blk_rig_request request = {
		.header = blk_rig_header(type, sector),
		.data = data,
		.status = make_status(),
	};
	struct virtio_rig_buffer buffers[3];
	unsigned nr = 0;

	if (!data && len)
		request.data = virtio_rig_alloc(&blk_rig, len, 4096);
	buffers[nr++] = (struct virtio_rig_buffer){ request.header, 16, false };
	if (len)
		buffers[nr++] = (struct virtio_rig_buffer){ request.data, len, from_device(type) };
	buffers[nr++] = (struct virtio_rig_buffer){ request.status, 1, true };
	request.head = virtio_rig_add(&blk_rig, index, buffers, nr);
	return request;
}

int blk_rig_status(const struct blk_rig_request *request)
{
	return *(uint8_t *)virtio_rig_at(&blk_rig, request->status, 1);
}

void blk_rig_wait(unsigned index)
{
	ck_assert(virtio_rig_used(&blk_rig, index, BLK_RIG_WAIT_MS, NULL, NULL));
}

int blk_rig_do(uint32_t type, uint64_t sector, void *data, uint32_t len)
{
	uint64_t gpa = len ? virtio_rig_alloc(&blk_rig, len, 4096) : 0;
	struct blk_rig_request request;

	if (len && !from_device(type))
		memcpy(virtio_rig_at(&blk_rig, gpa, len), data, len);
	request = blk_rig_add(0, type, sector, gpa, len);
	virtio_rig_kick(&blk_rig, 0);
	blk_rig_wait(0);
	if (len && from_device(type))
		memcpy(data, virtio_rig_at(&blk_rig, gpa, len), len);
	return blk_rig_status(&request);
}

int blk_rig_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = sector,
		.num_sectors = sectors,
		.flags = flags,
	};

	return blk_rig_do(type, 0, &range, sizeof(range));
}

int blk_rig_do_buffers(const struct virtio_rig_buffer *buffers, unsigned nr)
{
	const struct virtio_rig_buffer *last = &buffers[nr - 1];
	uint8_t *status = virtio_rig_at(&blk_rig, last->gpa + last->len - 1, 1);

	*status = BLK_RIG_STATUS;
	virtio_rig_add(&blk_rig, 0, buffers, nr);
	virtio_rig_kick(&blk_rig, 0);
	blk_rig_wait(0);
	return *status;
}

int blk_rig_run(void *suite)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(4, &ring, 0);

	if (ret < 0) {
		printf("skipped: this host offers no io_uring: %s\n", strerror(-ret));
		return 77;
	}
	io_uring_queue_exit(&ring);
	return suite_run(suite);
}
