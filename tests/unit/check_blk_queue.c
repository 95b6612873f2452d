/* SPDX-License-Identifier: BSD-3-Clause */
/* Many requests at once, big ones, several queues, and resets in the middle of it all. */
#include "devices/virtio/blk_queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/blk_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define SECTOR	512u
#define SECTORS (BLK_RIG_SIZE / SECTOR)

static void expect_original_at(uint64_t gpa, uint32_t len, uint64_t off)
{
	const uint8_t *data = virtio_rig_at(&blk_rig, gpa, len);

	uint32_t same = 0;

	/* One check for all: each costs a write to the suite's parent. */
	while (same < len && data[same] == blk_rig_byte(off + same))
		same++;
	ck_assert_uint_eq(same, len);
}

/* A driver that takes the whole ring, which virtio_rig_start() does not. */
static void start_with_size(uint16_t size)
{
	struct blk_config config = blk_rig_config();

	config.queue_size = size;
	ck_assert_msg(blk_rig_open(&config) == 0, "%s", blk_rig_why);
	virtio_rig_negotiate(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL);
	virtio_rig_queue(&blk_rig, 0, size);
	virtio_rig_ready(&blk_rig);
}

START_TEST(more_requests_than_there_are_places_are_all_served)
{
	struct blk_rig_request requests[340]; /* of 3 descriptors */

	start_with_size(1024);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		requests[i] = blk_rig_add(0, VIRTIO_BLK_T_IN, i * 8, 0, 4096);
	virtio_rig_kick(&blk_rig, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		blk_rig_wait(0);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		ck_assert_int_eq(blk_rig_status(&requests[i]), VIRTIO_BLK_S_OK);
		expect_original_at(requests[i].data, 4096, i * 4096);
	}
}
END_TEST

/* @nr buffers of 512 bytes, every second one elsewhere, so that none are neighbours. */
static unsigned scattered(struct virtio_rig_buffer *buffers, uint64_t gpa, unsigned nr, bool write)
{
	for (unsigned i = 0; i < nr; i++)
		buffers[i] = (struct virtio_rig_buffer){ gpa + (uint64_t)i * 1024, 512, write };
	return nr;
}

START_TEST(more_long_requests_than_there_is_room_for_are_all_served)
{
	struct virtio_rig_buffer buffers[10];
	uint64_t data[80];

	start_with_size(1024);
	for (unsigned n = 0; n < ARRAY_SIZE(data); n++) {
		unsigned nr = 0;

		data[n] = virtio_rig_alloc(&blk_rig, 8 * 1024 + 1, 512);
		buffers[nr++] = (struct virtio_rig_buffer){ blk_rig_header(VIRTIO_BLK_T_IN, n * 8),
							    16, false };
		nr += scattered(buffers + nr, data[n], 8, true);
		buffers[nr++] = (struct virtio_rig_buffer){ data[n] + 8192, 1, true };
		virtio_rig_add(&blk_rig, 0, buffers, nr);
	}
	virtio_rig_kick(&blk_rig, 0);
	for (unsigned n = 0; n < ARRAY_SIZE(data); n++)
		blk_rig_wait(0);
	for (unsigned n = 0; n < ARRAY_SIZE(data); n++)
		for (unsigned i = 0; i < 8; i++)
			expect_original_at(data[n] + i * 1024, 512, n * 4096 + i * 512);
}
END_TEST

START_TEST(the_longest_chain_is_served)
{
	struct virtio_rig_buffer buffers[VIRTQ_IOV_MAX];
	unsigned nr_data = VIRTQ_IOV_MAX - 2, nr = 0;
	uint64_t data;

	start_with_size(512);
	data = virtio_rig_alloc(&blk_rig, nr_data * 1024 + 1, 512);
	buffers[nr++] = (struct virtio_rig_buffer){ blk_rig_header(VIRTIO_BLK_T_IN, 1), 16, false };
	nr += scattered(buffers + nr, data, nr_data, true);
	buffers[nr++] = (struct virtio_rig_buffer){ data + nr_data * 1024, 1, true };
	ck_assert_int_eq(blk_rig_do_buffers(buffers, nr), VIRTIO_BLK_S_OK);
	for (unsigned i = 0; i < nr_data; i++)
		expect_original_at(data + i * 1024, 512, 512 + i * 512);
}
END_TEST

START_TEST(queues_work_side_by_side)
{
	struct blk_config config = blk_rig_config();
	struct blk_rig_request requests[4][10];

	config.nr_queues = 4;
	blk_rig_start(&config, BLK_RIG_ALL);
	for (unsigned n = 0; n < 10; n++)
		for (unsigned q = 0; q < 4; q++)
			requests[q][n] = blk_rig_add(q, VIRTIO_BLK_T_IN, q * 100 + n * 8, 0, 4096);
	for (unsigned q = 0; q < 4; q++)
		virtio_rig_kick(&blk_rig, q);
	for (unsigned q = 0; q < 4; q++)
		for (unsigned n = 0; n < 10; n++)
			blk_rig_wait(q);
	for (unsigned q = 0; q < 4; q++)
		for (unsigned n = 0; n < 10; n++)
			expect_original_at(requests[q][n].data, 4096, (q * 100 + n * 8) * SECTOR);
}
END_TEST

START_TEST(a_driver_may_leave_queues_alone)
{
	struct blk_config config = blk_rig_config();
	struct blk_rig_request request;

	config.nr_queues = 4;
	ck_assert_int_eq(blk_rig_open(&config), 0);
	virtio_rig_negotiate(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL);
	virtio_rig_queue(&blk_rig, 2, 64);
	virtio_rig_ready(&blk_rig);
	request = blk_rig_add(2, VIRTIO_BLK_T_IN, 0, 0, 512);
	virtio_rig_kick(&blk_rig, 2);
	blk_rig_wait(2);
	ck_assert_int_eq(blk_rig_status(&request), VIRTIO_BLK_S_OK);
	virtio_rig_reset(&blk_rig);
}
END_TEST

START_TEST(requests_that_were_there_before_the_start_are_served)
{
	struct blk_config config = blk_rig_config();

	ck_assert_int_eq(blk_rig_open(&config), 0);
	virtio_rig_negotiate(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL);
	virtio_rig_queue(&blk_rig, 0, 64);
	blk_rig_add(0, VIRTIO_BLK_T_IN, 0, 0, 512);
	virtio_rig_ready(&blk_rig);
	blk_rig_wait(0); /* without a kick */
}
END_TEST

START_TEST(a_reset_right_after_the_start_comes_to_its_end)
{
	blk_rig_start_default();
	for (unsigned n = 0; n < 300; n++) {
		blk_rig.next = MIB(1);
		virtio_rig_reset(&blk_rig);
		virtio_rig_start(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL, 1);
	}
	blk_rig_add(0, VIRTIO_BLK_T_IN, 0, 0, 512);
	virtio_rig_kick(&blk_rig, 0);
	blk_rig_wait(0);
}
END_TEST

/* @_i: with O_DIRECT, where reads are slow enough to be overtaken. */
START_TEST(nothing_reaches_guest_memory_after_a_reset)
{
	struct blk_config config = blk_rig_config();
	const uint32_t len = 65536;

	config.direct = _i;
	if (blk_rig_open(&config)) {
		printf("not tried: %s\n", blk_rig_why);
		return;
	}
	virtio_rig_start(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL, 1);
	for (unsigned n = 0; n < 50; n++) {
		uint64_t data[16];

		for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
			data[i] = blk_rig_add(0, VIRTIO_BLK_T_IN, i * 128, 0, len).data;
		virtio_rig_kick(&blk_rig, 0);
		virtio_rig_reset(&blk_rig);
		for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
			memset(virtio_rig_at(&blk_rig, data[i], len), 0, len);
		virtio_rig_start(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL, 1);
		/* Time for what would be late. */
		blk_rig_add(0, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
		virtio_rig_kick(&blk_rig, 0);
		blk_rig_wait(0);
		for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
			const uint8_t *bytes = virtio_rig_at(&blk_rig, data[i], len);
			uint32_t same = 0;

			/* No byte of the image is zero. */
			while (same < len && !bytes[same])
				same++;
			ck_assert_uint_eq(same, len);
		}
		blk_rig.next = MIB(1);
	}
}
END_TEST

START_TEST(a_disk_can_go_in_the_middle_of_its_work)
{
	blk_rig_start_default();
	for (unsigned i = 0; i < 16; i++)
		blk_rig_add(0, VIRTIO_BLK_T_OUT, i * 128, 0, 65536);
	virtio_rig_kick(&blk_rig, 0);
	blk_destroy(blk_rig_blk);
	blk_rig_blk = NULL;
}
END_TEST

/* --- direct=on -------------------------------------------------------------------------------- */

/* False, and a line that says so, where this file system has no O_DIRECT. */
static bool start_direct(void)
{
	struct blk_config config = blk_rig_config();

	config.direct = true;
	if (blk_rig_open(&config)) {
		printf("not tried: %s\n", blk_rig_why);
		return false;
	}
	virtio_rig_start(&blk_rig, blk_device(blk_rig_blk), BLK_RIG_ALL, 1);
	return true;
}

/* Offsets into a page; the second is what no host takes for O_DIRECT. */
static const unsigned misaligned[] = { 0, 3, 512, 511 };

START_TEST(a_direct_read_goes_to_any_buffer)
{
	/* Longer than the buffer that such requests go through. */
	const uint32_t len = 300 * 1024;
	struct blk_rig_request request;
	uint64_t gpa;

	if (!start_direct())
		return;
	gpa = virtio_rig_alloc(&blk_rig, len + 4096, 4096) + misaligned[_i];
	request = blk_rig_add(0, VIRTIO_BLK_T_IN, 8, gpa, len);
	virtio_rig_kick(&blk_rig, 0);
	blk_rig_wait(0);
	ck_assert_int_eq(blk_rig_status(&request), VIRTIO_BLK_S_OK);
	expect_original_at(gpa, len, 4096);
}
END_TEST

START_TEST(a_direct_write_comes_from_any_buffer)
{
	const uint32_t len = 300 * 1024;
	struct blk_rig_request request;
	uint8_t *data, *after = malloc(len);
	uint64_t gpa;

	if (!start_direct()) {
		free(after);
		return;
	}
	gpa = virtio_rig_alloc(&blk_rig, len + 4096, 4096) + misaligned[_i];
	data = virtio_rig_at(&blk_rig, gpa, len);
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 11 + (i >> 12));
	request = blk_rig_add(0, VIRTIO_BLK_T_OUT, 16, gpa, len);
	virtio_rig_kick(&blk_rig, 0);
	blk_rig_wait(0);
	ck_assert_int_eq(blk_rig_status(&request), VIRTIO_BLK_S_OK);
	blk_rig_look(after, len, 8192);
	ck_assert_int_eq(memcmp(after, data, len), 0);
	free(after);
}
END_TEST

START_TEST(requests_that_need_the_same_buffer_take_turns)
{
	struct blk_rig_request requests[20];
	const uint32_t len = 160 * 1024;

	if (!start_direct())
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		uint64_t gpa = virtio_rig_alloc(&blk_rig, len + 8, 8) | 1;

		requests[i] = blk_rig_add(0, VIRTIO_BLK_T_IN, i * 8, gpa, len);
	}
	virtio_rig_kick(&blk_rig, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		blk_rig_wait(0);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		ck_assert_int_eq(blk_rig_status(&requests[i]), VIRTIO_BLK_S_OK);
		expect_original_at(requests[i].data, len, i * 4096);
	}
}
END_TEST

START_TEST(a_direct_request_in_odd_pieces_is_put_together)
{
	struct virtio_rig_buffer buffers[5];
	uint64_t data;

	if (!start_direct())
		return;
	data = virtio_rig_alloc(&blk_rig, 8193, 4096);
	buffers[0] = (struct virtio_rig_buffer){ blk_rig_header(VIRTIO_BLK_T_IN, 8), 16, false };
	buffers[1] = (struct virtio_rig_buffer){ data, 1000, true };
	buffers[2] = (struct virtio_rig_buffer){ data + 1000, 3, true };
	buffers[3] = (struct virtio_rig_buffer){ data + 1003, 7189, true };
	buffers[4] = (struct virtio_rig_buffer){ data + 8192, 1, true };
	ck_assert_int_eq(blk_rig_do_buffers(buffers, 5), VIRTIO_BLK_S_OK);
	expect_original_at(data, 8192, 4096);
}
END_TEST

START_TEST(zeroes_are_written_directly_too)
{
	uint8_t after[8192];

	if (!start_direct())
		return;
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 16, 16, 0), VIRTIO_BLK_S_OK);
	blk_rig_look(after, sizeof(after), 8192);
	for (unsigned i = 0; i < sizeof(after); i++)
		ck_assert_uint_eq(after[i], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_queue");
	TCase *tcase;

	tcase = suite_case(suite, "load", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, more_requests_than_there_are_places_are_all_served);
	tcase_add_test(tcase, more_long_requests_than_there_is_room_for_are_all_served);
	tcase_add_test(tcase, the_longest_chain_is_served);
	tcase_add_test(tcase, queues_work_side_by_side);
	tcase_add_test(tcase, a_driver_may_leave_queues_alone);
	tcase = suite_case(suite, "life", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, requests_that_were_there_before_the_start_are_served);
	tcase_add_test(tcase, a_reset_right_after_the_start_comes_to_its_end);
	tcase_add_loop_test(tcase, nothing_reaches_guest_memory_after_a_reset, 0, 2);
	tcase_add_test(tcase, a_disk_can_go_in_the_middle_of_its_work);
	tcase = suite_case(suite, "direct", blk_rig_setup, blk_rig_teardown);
	tcase_add_loop_test(tcase, a_direct_read_goes_to_any_buffer, 0, ARRAY_SIZE(misaligned));
	tcase_add_loop_test(tcase, a_direct_write_comes_from_any_buffer, 0, ARRAY_SIZE(misaligned));
	tcase_add_test(tcase, requests_that_need_the_same_buffer_take_turns);
	tcase_add_test(tcase, a_direct_request_in_odd_pieces_is_put_together);
	tcase_add_test(tcase, zeroes_are_written_directly_too);
	return blk_rig_run(suite);
}
