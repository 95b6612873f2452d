/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio disk that is asked what it promises: data, flush, zeroes, identity. */
#include "devices/virtio/blk.h"

#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/blk_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define SECTOR	512u
#define SECTORS (BLK_RIG_SIZE / SECTOR)

static struct virtio_blk_config read_config(void)
{
	struct virtio_device *device = blk_device(blk_rig_blk);
	struct virtio_blk_config config = { 0 };
	uint8_t *bytes = (uint8_t *)&config;

	for (unsigned off = 0; off < device->config_size; off++)
		device->ops->config_read(device, off, bytes + off, 1);
	return config;
}

static void expect_original(const uint8_t *data, size_t len, uint64_t off)
{
	size_t same = 0;

	/* One check for all: each costs a write to the suite's parent. */
	while (same < len && data[same] == blk_rig_byte(off + same))
		same++;
	ck_assert_uint_eq(same, len);
}

static void expect_zeroes(uint64_t off, size_t len)
{
	uint8_t data[16384];
	size_t same = 0;

	ck_assert_uint_le(len, sizeof(data));
	blk_rig_look(data, len, off);
	while (same < len && !data[same])
		same++;
	ck_assert_uint_eq(same, len);
}

static uint64_t blocks_in_use(void)
{
	struct stat st;

	ck_assert_int_eq(stat(blk_rig_path, &st), 0);
	return (uint64_t)st.st_blocks;
}

START_TEST(a_read_gives_what_is_in_the_image)
{
	uint8_t data[4096];

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 24, data, sizeof(data)), VIRTIO_BLK_S_OK);
	expect_original(data, sizeof(data), 24 * SECTOR);
}
END_TEST

START_TEST(a_write_is_in_the_image_when_the_guest_hears_of_it)
{
	uint8_t data[4096], after[4096 + 2 * SECTOR];

	memset(data, 0xa5, sizeof(data));
	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 100, data, sizeof(data)), VIRTIO_BLK_S_OK);
	blk_rig_look(after, sizeof(after), 99 * SECTOR);
	expect_original(after, SECTOR, 99 * SECTOR);
	ck_assert_mem_eq(after + SECTOR, data, sizeof(data));
	expect_original(after + SECTOR + sizeof(data), SECTOR, 108 * SECTOR);
}
END_TEST

START_TEST(the_used_length_counts_data_and_status)
{
	uint32_t len = 0;

	blk_rig_start_default();
	blk_rig_add(0, VIRTIO_BLK_T_IN, 0, 0, 1024);
	virtio_rig_kick(&blk_rig, 0);
	ck_assert(virtio_rig_used(&blk_rig, 0, BLK_RIG_WAIT_MS, NULL, &len));
	ck_assert_uint_eq(len, 1025);
}
END_TEST

START_TEST(the_last_sector_can_be_used)
{
	uint8_t data[SECTOR];

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, SECTORS - 1, data, SECTOR), VIRTIO_BLK_S_OK);
	expect_original(data, SECTOR, BLK_RIG_SIZE - SECTOR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, SECTORS - 1, data, SECTOR), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_flush_succeeds_with_and_without_writes_before_it)
{
	uint8_t data[SECTOR] = { 1 };

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_FLUSH, 0, NULL, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_FLUSH, 0, NULL, 0), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_discard_gives_the_space_back_to_the_host)
{
	uint64_t before = blocks_in_use();

	blk_rig_start_default();
	if (!virtio_device_has(blk_device(blk_rig_blk), VIRTIO_BLK_F_DISCARD))
		return; /* this file system makes no holes */
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_DISCARD, 2048, 2048, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_le(blocks_in_use() + 2048, before);
	expect_zeroes(MIB(1), 16384);
}
END_TEST

START_TEST(zeroes_are_written_where_asked_and_nowhere_else)
{
	uint8_t around[SECTOR];

	blk_rig_start_default();
	/* Odd sectors: no file system's block begins or ends there. */
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 17, 21, 0), VIRTIO_BLK_S_OK);
	expect_zeroes(17 * SECTOR, 21 * SECTOR);
	blk_rig_look(around, SECTOR, 16 * SECTOR);
	expect_original(around, SECTOR, 16 * SECTOR);
	blk_rig_look(around, SECTOR, 38 * SECTOR);
	expect_original(around, SECTOR, 38 * SECTOR);
}
END_TEST

START_TEST(zeroes_keep_their_space_unless_the_guest_lets_it_go)
{
	uint64_t before = blocks_in_use();

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 2048, 2048, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_ge(blocks_in_use(), before);
	expect_zeroes(MIB(1), 16384);
	if (!virtio_device_has(blk_device(blk_rig_blk), VIRTIO_BLK_F_DISCARD))
		return; /* this file system makes no holes */
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 4096, 2048,
				       VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP),
			 VIRTIO_BLK_S_OK);
	ck_assert_uint_le(blocks_in_use() + 2048, before);
	expect_zeroes(MIB(2), 16384);
}
END_TEST

START_TEST(several_ranges_are_served_by_one_request)
{
	struct virtio_blk_discard_write_zeroes ranges[3] = {
		{ .sector = 8, .num_sectors = 8 },
		{ .sector = 0, .num_sectors = 0 },
		{ .sector = SECTORS - 8, .num_sectors = 8 },
	};

	blk_rig_start_default();
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_WRITE_ZEROES, 0, ranges, sizeof(ranges)),
			 VIRTIO_BLK_S_OK);
	expect_zeroes(8 * SECTOR, 8 * SECTOR);
	expect_zeroes(BLK_RIG_SIZE - 8 * SECTOR, 8 * SECTOR);
}
END_TEST

START_TEST(the_serial_number_is_padded_with_zeroes)
{
	struct blk_config config = blk_rig_config();
	char serial[BLK_SERIAL_LEN];

	config.serial = "abc";
	memset(serial, 'x', sizeof(serial));
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_GET_ID, 0, serial, sizeof(serial)),
			 VIRTIO_BLK_S_OK);
	ck_assert_mem_eq(serial, "abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", BLK_SERIAL_LEN);
}
END_TEST

START_TEST(a_full_serial_number_needs_no_end)
{
	struct blk_config config = blk_rig_config();
	char serial[BLK_SERIAL_LEN];

	config.serial = "0123456789abcdefghij";
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_GET_ID, 0, serial, sizeof(serial)),
			 VIRTIO_BLK_S_OK);
	ck_assert_mem_eq(serial, "0123456789abcdefghij", BLK_SERIAL_LEN);
}
END_TEST

START_TEST(the_configuration_describes_the_image)
{
	struct blk_config config = blk_rig_config();
	struct virtio_blk_config told;

	config.nr_queues = 3;
	ck_assert_int_eq(blk_rig_open(&config), 0);
	told = read_config();
	ck_assert_uint_eq(told.capacity, SECTORS);
	ck_assert_uint_eq(told.seg_max, 62);
	ck_assert_uint_eq(told.blk_size, 512);
	ck_assert_uint_eq(told.num_queues, 3);
	ck_assert_uint_eq(told.max_write_zeroes_seg, 64);
	ck_assert_uint_ge(told.discard_sector_alignment, 1);
	ck_assert_uint_eq(blk_device(blk_rig_blk)->type, VIRTIO_ID_BLOCK);
}
END_TEST

START_TEST(a_readonly_disk_offers_nothing_that_writes)
{
	struct blk_config config = blk_rig_config();
	uint64_t features;

	config.readonly = true;
	ck_assert_int_eq(blk_rig_open(&config), 0);
	features = virtio_device_features(blk_device(blk_rig_blk));
	ck_assert(features & UINT64_C(1) << VIRTIO_BLK_F_RO);
	ck_assert(!(features & UINT64_C(1) << VIRTIO_BLK_F_DISCARD));
	ck_assert(!(features & UINT64_C(1) << VIRTIO_BLK_F_WRITE_ZEROES));
}
END_TEST

START_TEST(a_readonly_disk_refuses_to_be_written)
{
	struct blk_config config = blk_rig_config();
	uint8_t data[SECTOR] = { 0 };

	config.readonly = true;
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	blk_rig_look(data, SECTOR, 0);
	expect_original(data, SECTOR, 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 0, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_FLUSH, 0, NULL, 0), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_driver_without_flush_is_served_too)
{
	struct blk_config config = blk_rig_config();
	uint8_t data[SECTOR] = { 7 }, after[SECTOR];

	blk_rig_start(&config, BLK_RIG_ALL & ~(UINT64_C(1) << VIRTIO_BLK_F_FLUSH));
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 5, data, SECTOR), VIRTIO_BLK_S_OK);
	blk_rig_look(after, SECTOR, 5 * SECTOR);
	ck_assert_mem_eq(after, data, SECTOR);
	ck_assert_int_eq(blk_rig_range(VIRTIO_BLK_T_WRITE_ZEROES, 5, 1, 0), VIRTIO_BLK_S_OK);
	expect_zeroes(5 * SECTOR, SECTOR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk");
	TCase *tcase;

	tcase = suite_case(suite, "data", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, a_read_gives_what_is_in_the_image);
	tcase_add_test(tcase, a_write_is_in_the_image_when_the_guest_hears_of_it);
	tcase_add_test(tcase, the_used_length_counts_data_and_status);
	tcase_add_test(tcase, the_last_sector_can_be_used);
	tcase_add_test(tcase, a_flush_succeeds_with_and_without_writes_before_it);
	tcase_add_test(tcase, a_driver_without_flush_is_served_too);
	tcase = suite_case(suite, "ranges", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, a_discard_gives_the_space_back_to_the_host);
	tcase_add_test(tcase, zeroes_are_written_where_asked_and_nowhere_else);
	tcase_add_test(tcase, zeroes_keep_their_space_unless_the_guest_lets_it_go);
	tcase_add_test(tcase, several_ranges_are_served_by_one_request);
	tcase = suite_case(suite, "identity", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, the_serial_number_is_padded_with_zeroes);
	tcase_add_test(tcase, a_full_serial_number_needs_no_end);
	tcase_add_test(tcase, the_configuration_describes_the_image);
	tcase = suite_case(suite, "readonly", blk_rig_setup, blk_rig_teardown);
	tcase_add_test(tcase, a_readonly_disk_offers_nothing_that_writes);
	tcase_add_test(tcase, a_readonly_disk_refuses_to_be_written);
	return blk_rig_run(suite);
}
