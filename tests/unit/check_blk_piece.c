/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a large transfer is cut. */
#include "devices/virtio/blk_piece.h"

#include <stdlib.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define PAGE  BLK_PIECE_PAGE
#define BLOCK 512u

/* Buffers are never touched, so any address will do. */
static void *at(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static const struct blk_piece_limits limits = { .bytes = 31 * PAGE, .pages = 20 };

START_TEST(limits_are_whole_pages_and_blocks)
{
	/* What null_blk says: 255 sectors. */
	struct blk_piece_limits of_pages = blk_piece_limits(KIB(127) + 512, 128, 512);
	struct blk_piece_limits of_blocks = blk_piece_limits(KIB(250), 128, 65536);

	ck_assert_uint_eq(of_pages.bytes, 31 * PAGE);
	ck_assert_uint_eq(of_pages.pages, 128);
	ck_assert_uint_eq(of_blocks.bytes, 3 * 65536);
}
END_TEST

static const struct {
	uint64_t bytes, segments;
} useless[] = {
	{ 0, 128 },	      /* not told */
	{ KIB(128), 0 },      /* not told */
	{ KIB(64) - 1, 128 }, /* less than 64 KiB */
	{ KIB(128), 15 },     /* less than 16 pages */
};

START_TEST(limits_that_are_unknown_or_tiny_cut_nothing)
{
	struct blk_piece_limits none =
		blk_piece_limits(useless[_i].bytes, useless[_i].segments, BLOCK);
	struct iovec iov = { at(PAGE), GIB(1) };

	ck_assert_uint_eq(none.bytes, 0);
	ck_assert(!blk_piece_needed(&none, &iov, 1));
}
END_TEST

START_TEST(what_the_host_takes_at_once_is_not_cut)
{
	struct iovec iov[20];

	for (unsigned i = 0; i < 20; i++)
		iov[i] = (struct iovec){ at((2 * i + 1) * PAGE), PAGE };
	ck_assert(!blk_piece_needed(&limits, iov, 20));
	/* Within one buffer pages count too: the host may have them anywhere. */
	iov[0].iov_len = 20 * PAGE;
	ck_assert(!blk_piece_needed(&limits, iov, 1));
}
END_TEST

START_TEST(too_many_pages_are_cut_between_buffers)
{
	struct blk_piece_place place = { 0 };
	struct blk_piece piece;
	struct iovec iov[21];

	for (unsigned i = 0; i < 21; i++)
		iov[i] = (struct iovec){ at((2 * i + 1) * PAGE), PAGE };
	ck_assert(blk_piece_needed(&limits, iov, 21));
	piece = blk_piece_next(&limits, BLOCK, iov, 21, &place);
	ck_assert_ptr_eq(piece.iov, iov);
	ck_assert_uint_eq(piece.nr, 20);
	ck_assert_uint_eq(piece.len, 20 * PAGE);
	piece = blk_piece_next(&limits, BLOCK, iov, 21, &place);
	ck_assert_ptr_eq(piece.iov, iov + 20);
	ck_assert_uint_eq(piece.nr, 1);
	ck_assert_uint_eq(place.at, 21);
}
END_TEST

START_TEST(a_buffer_that_begins_inside_a_page_has_one_more)
{
	struct iovec aligned = { at(PAGE), 20 * PAGE }, inside = { at(PAGE + 512), 20 * PAGE };

	ck_assert(!blk_piece_needed(&limits, &aligned, 1));
	ck_assert(blk_piece_needed(&limits, &inside, 1));
}
END_TEST

START_TEST(too_many_bytes_are_cut_inside_a_buffer)
{
	const struct blk_piece_limits wide = { .bytes = 31 * PAGE, .pages = 1000 };
	struct iovec iov = { at(PAGE), 256 * PAGE };
	struct blk_piece_place place = { 0 };
	unsigned nr = 0;

	for (uint64_t done = 0; done < 256 * PAGE; nr++) {
		struct blk_piece piece = blk_piece_next(&wide, BLOCK, &iov, 1, &place);

		ck_assert_ptr_null(piece.iov);
		ck_assert_ptr_eq(piece.base, at(PAGE + done));
		ck_assert_uint_le(piece.len, 31 * PAGE);
		done += piece.len;
	}
	ck_assert_uint_eq(nr, 9);
	ck_assert_uint_eq(place.at, 1);
	ck_assert_uint_eq(place.off, 0);
}
END_TEST

/* Whatever the buffers are like: all bytes once, in order, in blocks, within the limits. */
START_TEST(pieces_are_all_of_the_buffers_in_order)
{
	struct blk_piece_place place = { 0 };
	struct iovec iov[40];
	unsigned buffer = 0;
	uint64_t off = 0;

	srand((unsigned)_i + 1);
	for (unsigned i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ at(GIB(1) * (i + 1) + (unsigned)rand() % 16 * BLOCK),
					 (size_t)(rand() % (i % 4 ? 16 : 2000) + 1) * BLOCK };
	while (place.at < ARRAY_SIZE(iov)) {
		struct blk_piece piece =
			blk_piece_next(&limits, BLOCK, iov, ARRAY_SIZE(iov), &place);
		uint64_t len = 0;

		if (piece.iov) {
			ck_assert_ptr_eq(piece.iov, iov + buffer);
			ck_assert_uint_eq(off, 0);
			for (unsigned i = 0; i < piece.nr; i++)
				len += piece.iov[i].iov_len;
			buffer += piece.nr;
		} else {
			ck_assert_ptr_eq(piece.base, (uint8_t *)iov[buffer].iov_base + off);
			len = piece.len;
			off += len;
			if (off == iov[buffer].iov_len) {
				buffer++;
				off = 0;
			}
		}
		ck_assert_uint_eq(piece.len, len);
		ck_assert_uint_gt(len, 0);
		ck_assert_uint_eq(len % BLOCK, 0);
		ck_assert_uint_le(len, limits.bytes);
	}
	ck_assert_uint_eq(buffer, ARRAY_SIZE(iov));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_piece");
	TCase *tcase = suite_case(suite, "limits", NULL, NULL);

	tcase_add_test(tcase, limits_are_whole_pages_and_blocks);
	tcase_add_loop_test(tcase, limits_that_are_unknown_or_tiny_cut_nothing, 0,
			    ARRAY_SIZE(useless));
	tcase_add_test(tcase, what_the_host_takes_at_once_is_not_cut);

	tcase = suite_case(suite, "pieces", NULL, NULL);
	tcase_add_test(tcase, too_many_pages_are_cut_between_buffers);
	tcase_add_test(tcase, a_buffer_that_begins_inside_a_page_has_one_more);
	tcase_add_test(tcase, too_many_bytes_are_cut_inside_a_buffer);
	tcase_add_loop_test(tcase, pieces_are_all_of_the_buffers_in_order, 0, 50);
	return suite_run(suite);
}
