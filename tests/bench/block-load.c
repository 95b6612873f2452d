/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads from a block device with a fixed number of requests in flight, past the page cache, and
 * prints how long that took. Small and static, so that it fits into a guest's initrd.
 *
 * usage: block-load DEVICE random|sequential SIZE DEPTH COUNT
 * Prints: load random|sequential SIZE DEPTH COUNT NANOSECONDS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

enum {
	MAX_DEPTH = 256,
	MAX_SIZE = 1 << 24,
	ALIGNMENT = 4096,
};

struct load {
	struct io_uring ring;
	int fd;
	bool random;
	unsigned int size;
	unsigned int depth;
	uint64_t count;
	uint64_t blocks; /* of size bytes, on the device */
	uint64_t next;	 /* block of a sequential load */
	uint64_t seed;
	void *buffers[MAX_DEPTH];
};

static void die(const char *what, int error)
{
	fprintf(stderr, "block-load: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t number(const char *text, uint64_t max)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || !value || value > max) {
		fprintf(stderr, "block-load: '%s': want a number from 1 to %" PRIu64 "\n", text,
			max);
		exit(2);
	}
	return value;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The same sequence in each run (Knuth's MMIX constants); its low bits have short periods. */
static uint64_t next_block(struct load *load)
{
	if (!load->random)
		return load->next++ % load->blocks;
	load->seed = load->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (load->seed >> 24) % load->blocks;
}

static void queue_read(struct load *load, unsigned int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&load->ring);

	if (!sqe)
		die("submission queue", ENOSPC);
	io_uring_prep_read(sqe, load->fd, load->buffers[slot], load->size,
			   next_block(load) * load->size);
	io_uring_sqe_set_data64(sqe, slot);
}

/* Takes one completion, waiting for it if need be; the slot that is free again. */
static unsigned int reap(struct load *load)
{
	struct io_uring_cqe *cqe;
	unsigned int slot;
	int ret;

	ret = io_uring_peek_cqe(&load->ring, &cqe);
	if (ret == -EAGAIN) {
		ret = io_uring_submit_and_wait(&load->ring, 1);
		if (ret < 0)
			die("submit", -ret);
		ret = io_uring_peek_cqe(&load->ring, &cqe);
	}
	if (ret < 0)
		die("completion", -ret);
	if (cqe->res != (int)load->size)
		die("read", cqe->res < 0 ? -cqe->res : ENODATA);
	slot = io_uring_cqe_get_data64(cqe);
	io_uring_cqe_seen(&load->ring, cqe);
	return slot;
}

/* Reads COUNT blocks; the time from the first to the last. */
static int64_t run(struct load *load, uint64_t count)
{
	int64_t start = now_ns();
	uint64_t queued = 0;

	while (queued < load->depth && queued < count)
		queue_read(load, queued++);
	for (uint64_t done = 0; done < count; done++) {
		unsigned int slot = reap(load);

		if (queued < count) {
			queue_read(load, slot);
			queued++;
		}
	}
	return now_ns() - start;
}

static void open_load(struct load *load, const char *device)
{
	uint64_t bytes;
	int ret;

	load->fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (load->fd < 0)
		die(device, errno);
	if (ioctl(load->fd, BLKGETSIZE64, &bytes) < 0)
		die(device, errno);
	load->blocks = bytes / load->size;
	if (!load->blocks)
		die(device, ENOSPC);
	for (unsigned int i = 0; i < load->depth; i++) {
		load->buffers[i] = aligned_alloc(ALIGNMENT, load->size);
		if (!load->buffers[i])
			die("buffers", ENOMEM);
		/* Pages that are there: no fault belongs to the figure. */
		memset(load->buffers[i], 0xa5, load->size);
	}
	ret = io_uring_queue_init(load->depth, &load->ring, 0);
	if (ret < 0)
		die("io_uring", -ret);
}

int main(int argc, char **argv)
{
	struct load load = { .seed = 1 };
	int64_t took;

	if (argc != 6 || (strcmp(argv[2], "random") != 0 && strcmp(argv[2], "sequential") != 0)) {
		fprintf(stderr, "usage: block-load DEVICE random|sequential SIZE DEPTH COUNT\n");
		return 2;
	}
	load.random = !strcmp(argv[2], "random");
	load.size = number(argv[3], MAX_SIZE);
	load.depth = number(argv[4], MAX_DEPTH);
	load.count = number(argv[5], UINT32_MAX);
	if (load.size % ALIGNMENT) {
		fprintf(stderr, "block-load: size %u: want a multiple of %d\n", load.size,
			ALIGNMENT);
		return 2;
	}
	open_load(&load, argv[1]);
	/* First uses of queue, caches and branches are not in the figure. */
	run(&load, load.depth * 4ULL);
	took = run(&load, load.count);
	printf("load %s %u %u %" PRIu64 " %" PRId64 "\n", argv[2], load.size, load.depth,
	       load.count, took);
	return 0;
}
