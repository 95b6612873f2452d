/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of a guest that means harm, or that cuts its buffers as it likes. */
#include "devices/virtio/blk_request.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/blk_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define SECTOR	512u
#define SECTORS (BLK_RIG_SIZE / SECTOR)

/* After all that a test did the disk still works. */
static void expect_alive(void)
{
	uint8_t data[SECTOR];

	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 3, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(data[1], blk_rig_byte(3 * SECTOR + 1));
}

static const struct {
	uint64_t sector;
	uint32_t len;
} outside[] = {
	{ SECTORS, 512 },	       /* just behind the end */
	{ SECTORS - 1, 1024 },	       /* over the end */
	{ UINT64_MAX, 512 },	       /* sector + length wraps */
	{ UINT64_MAX / 512 + 1, 512 }, /* sector * 512 wraps to 0 */
	{ UINT64_MAX / 512, 4096 },
	{ 0, 511 }, /* no whole sectors */
	{ 0, 513 },
	{ 0, 1 },
};

START_TEST(a_read_that_is_not_inside_the_disk_is_an_error)
{
	uint8_t data[4096];

	blk_rig_start_default();
	memset(data, 0x55, sizeof(data));
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, outside[_i].sector, data, outside[_i].len),
			 VIRTIO_BLK_S_IOERR);
	expect_alive();
}
END_TEST

START_TEST(a_write_that_is_not_inside_the_disk_is_an_error_and_changes_nothing)
{
	uint8_t data[4096] = { 0 }, after;
	bool same = true;

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, outside[_i].sector, data, outside[_i].len),
			 VIRTIO_BLK_S_IOERR);
	for (uint64_t off = 0; off < BLK_RIG_SIZE; off += 509) {
		blk_rig_look(&after, 1, off);
		same = same && after == blk_rig_byte(off);
	}
	ck_assert(same);
	expect_alive();
}
END_TEST

static const uint32_t unknown_types[] = { 2, 3, 5, 7, 9, 10, 12, 14, 15, 0x80000000, UINT32_MAX };

START_TEST(an_unknown_request_is_unsupported)
{
	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(unknown_types[_i], 0, NULL, 0), VIRTIO_BLK_S_UNSUPP);
	expect_alive();
}
END_TEST

START_TEST(nothing_to_transfer_is_no_error)
{
	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, SECTORS, NULL, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, NULL, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, SECTORS + 1, NULL, 0), VIRTIO_BLK_S_IOERR);
}
END_TEST

START_TEST(a_header_that_is_too_short_is_an_error)
{
	struct virtio_rig_buffer buffers[2] = {
		{ 0, 15, false },
		{ 0, 513, true },
	};

	blk_rig_start_default();
	buffers[0].gpa = blk_rig_header(VIRTIO_BLK_T_IN, 0);
	buffers[1].gpa = virtio_rig_alloc(&blk_rig, 513, 1);
	ck_assert_int_eq(blk_rig_do_buffers(buffers, 2), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do_buffers(buffers + 1, 1), VIRTIO_BLK_S_IOERR);
	expect_alive();
}
END_TEST

START_TEST(a_request_without_a_status_breaks_the_queue_until_a_reset)
{
	struct virtio_rig_buffer buffer = { 0, 16, false };

	blk_rig_start_default();
	buffer.gpa = blk_rig_header(VIRTIO_BLK_T_FLUSH, 0);
	virtio_rig_add(&blk_rig, 0, &buffer, 1);
	virtio_rig_kick(&blk_rig, 0);
	ck_assert(virtio_rig_needs_reset(&blk_rig, BLK_RIG_WAIT_MS));
	virtio_rig_reset(&blk_rig);
	virtio_rig_start(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL, 1);
	expect_alive();
}
END_TEST

/* Header, data and status in buffers of these lengths; 0 ends each list. */
static const struct {
	uint32_t out[6], in[6];
} layouts[] = {
	{ { 16 }, { 1025 } },		      /* data and status together */
	{ { 1, 2, 13 }, { 1024, 1 } },	      /* the header in parts */
	{ { 8, 8 }, { 1, 511, 500, 12, 1 } }, /* all of it in parts */
	{ { 16, 100 }, { 3, 1000, 22 } },     /* something behind the header */
	{ { 16 }, { 512, 511, 2 } },	      /* the status after the last data byte */
};

START_TEST(buffers_may_be_cut_anywhere_for_a_read)
{
	uint64_t header, data;
	struct virtio_rig_buffer buffers[12];
	unsigned nr = 0;
	uint32_t off = 0;
	uint8_t *bytes;

	blk_rig_start_default();
	header = virtio_rig_alloc(&blk_rig, 256, 8);
	*(struct virtio_blk_outhdr *)virtio_rig_at(&blk_rig, header, 16) =
		(struct virtio_blk_outhdr){ .type = VIRTIO_BLK_T_IN, .sector = 9 };
	data = virtio_rig_alloc(&blk_rig, 1025, 1);
	for (unsigned i = 0; i < 6 && layouts[_i].out[i]; i++) {
		buffers[nr++] =
			(struct virtio_rig_buffer){ header + off, layouts[_i].out[i], false };
		off += layouts[_i].out[i];
	}
	off = 0;
	for (unsigned i = 0; i < 6 && layouts[_i].in[i]; i++) {
		buffers[nr++] = (struct virtio_rig_buffer){ data + off, layouts[_i].in[i], true };
		off += layouts[_i].in[i];
	}
	ck_assert_uint_eq(off, 1025);
	ck_assert_int_eq(blk_rig_do_buffers(buffers, nr), VIRTIO_BLK_S_OK);
	bytes = virtio_rig_at(&blk_rig, data, 1024);
	for (unsigned i = 0; i < 1024; i++)
		ck_assert_uint_eq(bytes[i], blk_rig_byte(9 * SECTOR + i));
}
END_TEST

START_TEST(buffers_may_be_cut_anywhere_for_a_write)
{
	struct virtio_rig_buffer buffers[4];
	uint8_t after[SECTOR];
	uint64_t gpa;
	uint8_t *bytes;

	blk_rig_start_default();
	/* The header and the data's first bytes share a buffer. */
	gpa = virtio_rig_alloc(&blk_rig, 16 + SECTOR, 1);
	bytes = virtio_rig_at(&blk_rig, gpa, 16 + SECTOR);
	memset(bytes, 0, 16);
	bytes[0] = VIRTIO_BLK_T_OUT;
	bytes[8] = 4;
	for (unsigned i = 0; i < SECTOR; i++)
		bytes[16 + i] = (uint8_t)(i * 3);
	buffers[0] = (struct virtio_rig_buffer){ gpa, 5, false };
	buffers[1] = (struct virtio_rig_buffer){ gpa + 5, 111, false };
	buffers[2] = (struct virtio_rig_buffer){ gpa + 116, 412, false };
	buffers[3] = (struct virtio_rig_buffer){ virtio_rig_alloc(&blk_rig, 1, 1), 1, true };
	ck_assert_int_eq(blk_rig_do_buffers(buffers, 4), VIRTIO_BLK_S_OK);
	blk_rig_look(after, SECTOR, 4 * SECTOR);
	ck_assert_mem_eq(after, bytes + 16, SECTOR);
}
END_TEST

static const struct {
	uint64_t sector;
	uint32_t sectors, flags;
	int status;
} ranges[] = {
	{ SECTORS, 1, 0, VIRTIO_BLK_S_IOERR },	   { SECTORS - 1, 2, 0, VIRTIO_BLK_S_IOERR },
	{ UINT64_MAX, 1, 0, VIRTIO_BLK_S_IOERR },  { UINT64_MAX - 7, 16, 0, VIRTIO_BLK_S_IOERR },
	{ 0, UINT32_MAX, 0, VIRTIO_BLK_S_IOERR },  { 0, 8, 2, VIRTIO_BLK_S_UNSUPP },
	{ 0, 8, UINT32_MAX, VIRTIO_BLK_S_UNSUPP }, { SECTORS, 0, 0, VIRTIO_BLK_S_OK }, /* empty */
};

START_TEST(a_range_that_makes_no_sense_is_refused)
{
	uint8_t after;

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, ranges[_i].sector,
				       ranges[_i].sectors, ranges[_i].flags),
			 ranges[_i].status);
	if (virtio_device_has(blk_device(blk_rig_blk), VIRTIO_BLK_F_DISCARD))
		ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_DISCARD, ranges[_i].sector,
					       ranges[_i].sectors, ranges[_i].flags),
				 ranges[_i].status);
	blk_rig_look(&after, 1, 0);
	ck_assert_uint_eq(after, blk_rig_byte(0));
	expect_alive();
}
END_TEST

START_TEST(a_discard_may_not_ask_to_unmap)
{
	blk_rig_start_default();
	ck_assert_int_eq(
		blk_rig_range(VIRTIO_BLK_T_DISCARD, 0, 8, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP),
		VIRTIO_BLK_S_UNSUPP);
}
END_TEST

START_TEST(a_good_range_before_a_bad_one_is_not_begun)
{
	struct virtio_blk_discard_write_zeroes two[2] = {
		{ .sector = 0, .num_sectors = 8 },
		{ .sector = SECTORS, .num_sectors = 8 },
	};
	uint8_t after;

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, two, sizeof(two)),
			 VIRTIO_BLK_S_IOERR);
	blk_rig_look(&after, 1, 0);
	ck_assert_uint_eq(after, blk_rig_byte(0));
}
END_TEST

START_TEST(ranges_in_a_wrong_number_are_refused)
{
	struct virtio_blk_discard_write_zeroes many[BLK_MAX_RANGES + 1] = { 0 };

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, NULL, 0), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, 15), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, 17), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, sizeof(many)),
			 VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, 16 * BLK_MAX_RANGES),
			 VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_range_has_a_longest_length)
{
	ck_assert_int_eq(truncate(blk_rig_path, (off_t)GIB(3)), 0);
	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_MAX_SECTORS + 1, 0),
			 VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, SECTORS, BLK_MAX_SECTORS,
				       VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP),
			 VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_short_buffer_gets_the_start_of_the_serial_number)
{
	struct blk_config config = blk_rig_config();
	char serial[8] = "........";

	config.serial = "abcdefgh";
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_GET_ID, 0, serial, 3), VIRTIO_BLK_S_OK);
	ck_assert_mem_eq(serial, "abc.....", 8);
}
END_TEST

/* Good, since the same numbers must come on every machine. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

START_TEST(no_request_whatsoever_goes_without_an_answer)
{
	uint32_t state = 12345;
	uint64_t start;

	blk_rig_start_default();
	start = blk_rig.next;
	for (unsigned n = 0; n < 3000; n++) {
		uint8_t data[2048];
		uint32_t type = next_random(&state) % 16;
		uint32_t len = next_random(&state) % 4 ? next_random(&state) % 4 * 512
						       : next_random(&state) % sizeof(data);
		uint64_t sector = next_random(&state) % 2 ? next_random(&state) % (SECTORS + 8)
							  : UINT64_MAX - next_random(&state) % 99;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = next_random(&state) % 4 ? 0 : (uint8_t)next_random(&state);
		blk_rig.next = start;
		ck_assert_int_le(blk_rig_do(type, sector, data, len), VIRTIO_BLK_S_UNSUPP);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_request");
	TCase *tcase;

	tcase = suite_case(suite, "transfers", blk_rig_setup, blk_rig_teardown);
	tcase_add_loop_test(tcase, a_read_that_is_not_inside_the_disk_is_an_error, 0,
			    ARRAY_SIZE(outside));
	tcase_add_loop_test(tcase,
			    a_write_that_is_not_inside_the_disk_is_an_error_and_changes_nothing, 0,
			    ARRAY_SIZE(outside));
	tcase_add_loop_test(tcase, an_unknown_request_is_unsupported, 0, ARRAY_SIZE(unknown_types));
	tcase_add_test(tcase, nothing_to_transfer_is_no_error);
	tcase = suite_case(suite, "layout", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, a_header_that_is_too_short_is_an_error);
	tcase_add_test(tcase, a_request_without_a_status_breaks_the_queue_until_a_reset);
	tcase_add_loop_test(tcase, buffers_may_be_cut_anywhere_for_a_read, 0, ARRAY_SIZE(layouts));
	tcase_add_test(tcase, buffers_may_be_cut_anywhere_for_a_write);
	tcase_add_test(tcase, a_short_buffer_gets_the_start_of_the_serial_number);
	tcase = suite_case(suite, "ranges", blk_rig_setup, blk_rig_teardown);
	tcase_add_loop_test(tcase, a_range_that_makes_no_sense_is_refused, 0, ARRAY_SIZE(ranges));
	tcase_add_test(tcase, a_discard_may_not_ask_to_unmap);
	tcase_add_test(tcase, a_good_range_before_a_bad_one_is_not_begun);
	tcase_add_test(tcase, a_range_has_a_longest_length);
	tcase_add_test(tcase, ranges_in_a_wrong_number_are_refused);
	tcase = suite_case(suite, "anything", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, no_request_whatsoever_goes_without_an_answer);
	return blk_rig_run(suite);
}
