/* SPDX-License-Identifier: BSD-3-Clause */
/* Large transfers: which operations they are made of, and what their results come to. */
#include "devices/virtio/blk_work.h"

#include <errno.h>
#include <liburing.h>
#include <linux/virtio_blk.h>
#include <string.h>

#include "devices/virtio/blk_image.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define PAGE	BLK_PIECE_PAGE
#define PIECE	(16 * PAGE) /* what the host takes */
#define SECTOR0 100u	    /* where the transfer is on the disk */
#define OFFSET	(SECTOR0 * 512u)

static struct blk_image image;
static struct blk_host host;
static struct blk_work work;
static union blk_many many;
static struct io_uring_sqe sqe;

/* A transfer with O_DIRECT in one buffer at BASE, of @pieces pieces and @rest bytes. */
#define BASE ((uint8_t *)(uintptr_t)GIB(1))

static void setup(void)
{
	image = (struct blk_image){
		.direct = true,
		.block_size = 512,
		.mem_align = 512,
		.pieces = { .bytes = PIECE, .pages = 64 },
	};
	memset(&host, 0, sizeof(host));
	host.image = &image;
	blk_host_init(&host);
	memset(&work, 0, sizeof(work));
}

static void begin(uint32_t type, uint64_t len)
{
	work.request = (struct blk_request){ .type = type, .sector = SECTOR0, .len = len };
	work.many = &many;
	many.iov[0] = (struct iovec){ BASE, len };
	work.nr = 1;
	blk_work_begin(&work, &host);
}

/* The next operation; what it says of another one is @more. */
static void prepare(bool more)
{
	memset(&sqe, 0, sizeof(sqe));
	ck_assert_int_eq(blk_work_prepare(&work, &host, &sqe), more);
}

static void expect_transfer(int opcode, uint64_t off, uint64_t len)
{
	ck_assert_int_eq(sqe.opcode, opcode);
	ck_assert_uint_eq(sqe.off, OFFSET + off);
	ck_assert_uint_eq(sqe.addr, (uintptr_t)BASE + off);
	ck_assert_uint_eq(sqe.len, len);
}

static int result(int64_t value)
{
	return blk_work_result(&work, &host, (int)value);
}

START_TEST(what_the_host_takes_at_once_is_one_operation)
{
	begin(VIRTIO_BLK_T_IN, PIECE);
	prepare(false);
	expect_transfer(IORING_OP_READ, 0, PIECE);
	ck_assert_int_eq(result(PIECE), 0);
}
END_TEST

START_TEST(more_is_pieces_that_follow_each_other)
{
	begin(VIRTIO_BLK_T_IN, 2 * PIECE + 512);
	prepare(true);
	expect_transfer(IORING_OP_READ, 0, PIECE);
	prepare(true);
	expect_transfer(IORING_OP_READ, PIECE, PIECE);
	prepare(false);
	expect_transfer(IORING_OP_READ, 2 * PIECE, 512);
}
END_TEST

START_TEST(scattered_buffers_go_into_a_piece_together)
{
	begin(VIRTIO_BLK_T_OUT, 20 * PAGE);
	for (unsigned i = 0; i < 20; i++)
		many.iov[i] = (struct iovec){ BASE + 2 * i * PAGE, PAGE };
	work.nr = 20;
	prepare(true);
	ck_assert_int_eq(sqe.opcode, IORING_OP_WRITEV);
	ck_assert_uint_eq(sqe.addr, (uintptr_t)many.iov);
	ck_assert_uint_eq(sqe.len, 16);
	prepare(false);
	ck_assert_uint_eq(sqe.addr, (uintptr_t)(many.iov + 16));
	ck_assert_uint_eq(sqe.len, 4);
	ck_assert_uint_eq(sqe.off, OFFSET + PIECE);
}
END_TEST

START_TEST(a_request_is_done_when_its_last_piece_is)
{
	begin(VIRTIO_BLK_T_OUT, 2 * PIECE + 512);
	prepare(true);
	ck_assert_int_eq(result(PIECE), -EINPROGRESS); /* before the others are made */
	prepare(true);
	prepare(false);
	ck_assert_int_eq(result(512), -EINPROGRESS);
	ck_assert_int_eq(result(PIECE), 0);
}
END_TEST

START_TEST(a_piece_that_does_not_succeed_is_no_result_yet)
{
	static const int results[] = { PIECE - 512, 0, -EIO, -EAGAIN, -EINTR };

	begin(VIRTIO_BLK_T_IN, 2 * PIECE);
	prepare(true);
	prepare(false);
	ck_assert_int_eq(result(results[_i]), -EINPROGRESS);
	ck_assert_int_eq(result(PIECE), 1);
	/* All of it again, in one. */
	prepare(false);
	expect_transfer(IORING_OP_READ, 0, 2 * PIECE);
	/* Whose results count. */
	ck_assert_int_eq(result(PIECE), 1);
	prepare(false);
	expect_transfer(IORING_OP_READ, PIECE, PIECE);
	ck_assert_int_eq(result(-ENODATA), -ENODATA);
}
END_TEST

START_TEST(a_long_request_does_not_have_the_ring_for_itself)
{
	begin(VIRTIO_BLK_T_IN, (BLK_MAX_PIECES + 1) * PIECE);
	for (unsigned i = 1; i < BLK_MAX_PIECES; i++)
		prepare(true);
	prepare(false);
	for (unsigned i = 1; i < BLK_MAX_PIECES; i++)
		ck_assert_int_eq(result(PIECE), -EINPROGRESS);
	ck_assert_int_eq(result(PIECE), 1);
	prepare(false);
	expect_transfer(IORING_OP_READ, BLK_MAX_PIECES * PIECE, PIECE);
	ck_assert_int_eq(result(PIECE), 0);
}
END_TEST

START_TEST(a_driver_that_does_not_flush_gets_one_sync_behind_all_pieces)
{
	host.writethrough = true;
	begin(VIRTIO_BLK_T_OUT, 2 * PIECE);
	prepare(true);
	prepare(false);
	ck_assert_int_eq(result(PIECE), -EINPROGRESS);
	ck_assert_int_eq(result(PIECE), 1);
	prepare(false);
	ck_assert_int_eq(sqe.opcode, IORING_OP_FSYNC);
	ck_assert_int_eq(result(0), 0);
}
END_TEST

START_TEST(buffers_that_have_to_be_copied_are_not_cut)
{
	static uint8_t room[PAGE];
	struct iovec bounce = { room, sizeof(room) };

	host.bounce = &bounce;
	begin(VIRTIO_BLK_T_IN, 2 * PIECE);
	many.iov[0].iov_base = BASE + 1;
	blk_work_begin(&work, &host);
	prepare(false);
	ck_assert_uint_eq(sqe.addr, (uintptr_t)room);
	ck_assert_uint_eq(sqe.len, sizeof(room));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_work");
	TCase *tcase = suite_case(suite, "pieces", setup, NULL);

	tcase_add_test(tcase, what_the_host_takes_at_once_is_one_operation);
	tcase_add_test(tcase, more_is_pieces_that_follow_each_other);
	tcase_add_test(tcase, scattered_buffers_go_into_a_piece_together);
	tcase_add_test(tcase, a_request_is_done_when_its_last_piece_is);
	tcase_add_loop_test(tcase, a_piece_that_does_not_succeed_is_no_result_yet, 0, 5);
	tcase_add_test(tcase, a_long_request_does_not_have_the_ring_for_itself);
	tcase_add_test(tcase, a_driver_that_does_not_flush_gets_one_sync_behind_all_pieces);
	tcase_add_test(tcase, buffers_that_have_to_be_copied_are_not_cut);
	return suite_run(suite);
}
