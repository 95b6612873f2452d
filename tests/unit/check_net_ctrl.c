/* SPDX-License-Identifier: BSD-3-Clause */
/* Several queue pairs of virtio network, and the control queue that chooses among them. */
#include "devices/virtio/net_ctrl.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>

#include "tests/unit/net_rig.h"
#include "tests/unit/suite.h"

#define CONTROL 4 /* of a device with two pairs */

#define MRG NET_BIT(VIRTIO_NET_F_MRG_RXBUF)

static struct net_rig rig;
static uint8_t in[2048], out[2048];

static void setup(void)
{
	net_rig_init(&rig);
	net_rig_taps(&rig, 2);
	net_rig_create(&rig);
}

static void teardown(void)
{
	net_rig_exit(&rig);
}

static uint8_t command(uint8_t class, uint8_t cmd, uint16_t value, uint32_t len)
{
	uint64_t gpa = virtio_rig_alloc(&rig.guest, 64, 16);
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = gpa, .len = len },
		{ .gpa = gpa + 32, .len = 1, .write = true },
	};
	uint8_t *data = virtio_rig_at(&rig.guest, gpa, 64);
	uint32_t used;

	data[0] = class;
	data[1] = cmd;
	memcpy(data + 2, &value, 2);
	data[32] = 0xaa;
	virtio_rig_add(&rig.guest, CONTROL, buffers, 2);
	virtio_rig_kick(&rig.guest, CONTROL);
	ck_assert(virtio_rig_used(&rig.guest, CONTROL, NET_WAIT_MS, NULL, &used));
	ck_assert_uint_eq(used, 1);
	return data[32];
}

static uint8_t set_pairs(uint16_t nr)
{
	return command(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, nr, 4);
}

static short last_queue_flags(void)
{
	return ((const struct ifreq *)(const void *)net_rig_last_call(TUNSETQUEUE)->bytes)
		->ifr_flags;
}

#define MQ (NET_BIT(VIRTIO_NET_F_MQ) | NET_BIT(VIRTIO_NET_F_CTRL_VQ))

START_TEST(several_pairs_are_offered_with_their_number)
{
	ck_assert_uint_eq(rig.device->offered & MQ, MQ);
	ck_assert_uint_eq(net_rig_config(&rig).max_virtqueue_pairs, 2);
	ck_assert_uint_eq(rig.device->nr_queues, 5);
}
END_TEST

START_TEST(the_host_uses_one_pair_until_the_driver_asks_for_more)
{
	ck_assert_int_eq(last_queue_flags(), IFF_DETACH_QUEUE);
	net_rig_start(&rig, MRG | MQ, 5);
	ck_assert_uint_eq(set_pairs(2), VIRTIO_NET_OK);
	ck_assert_int_eq(last_queue_flags(), IFF_ATTACH_QUEUE);
	ck_assert_uint_eq(net_rig_calls(TUNSETQUEUE), 2);
	virtio_rig_reset(&rig.guest);
	ck_assert_int_eq(last_queue_flags(), IFF_DETACH_QUEUE);
}
END_TEST

START_TEST(a_number_of_pairs_that_is_none_is_refused)
{
	net_rig_start(&rig, MRG | MQ, 5);
	ck_assert_uint_eq(set_pairs(0), VIRTIO_NET_ERR);
	ck_assert_uint_eq(set_pairs(3), VIRTIO_NET_ERR);
	ck_assert_uint_eq(net_rig_calls(TUNSETQUEUE), 1);
}
END_TEST

START_TEST(a_host_that_does_not_attach_is_an_error_for_the_driver)
{
	net_rig_start(&rig, MRG | MQ, 5);
	net_rig_host.refuse = TUNSETQUEUE;
	net_rig_host.refuse_err = -EINVAL;
	ck_assert_uint_eq(set_pairs(2), VIRTIO_NET_ERR);
}
END_TEST

START_TEST(commands_that_are_not_offered_are_refused)
{
	net_rig_start(&rig, MRG | MQ, 5);
	ck_assert_uint_eq(command(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 1, 3),
			  VIRTIO_NET_ERR);
	/* The same words as for two pairs, of another class. */
	ck_assert_uint_eq(command(VIRTIO_NET_CTRL_RX, 0, 2, 4), VIRTIO_NET_ERR);
	ck_assert_uint_eq(command(VIRTIO_NET_CTRL_MQ, 0xff, 1, 4), VIRTIO_NET_ERR);
	/* Cut short. */
	ck_assert_uint_eq(command(VIRTIO_NET_CTRL_MQ, 0, 2, 3), VIRTIO_NET_ERR);
	ck_assert_uint_eq(command(VIRTIO_NET_CTRL_MQ, 0, 2, 1), VIRTIO_NET_ERR);
}
END_TEST

START_TEST(a_command_without_room_for_the_answer_is_given_back)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig.guest, 64, 16),
		.len = 4,
	};
	uint32_t used;

	net_rig_start(&rig, MRG | MQ, 5);
	virtio_rig_add(&rig.guest, CONTROL, &buffer, 1);
	virtio_rig_kick(&rig.guest, CONTROL);
	ck_assert(virtio_rig_used(&rig.guest, CONTROL, NET_WAIT_MS, NULL, &used));
	ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(each_pair_has_a_way_of_its_own)
{
	net_rig_start(&rig, MRG | MQ, 5);
	ck_assert_uint_eq(set_pairs(2), VIRTIO_NET_OK);
	net_rig_pattern(in, 100, 1);
	net_rig_send(&rig, 3, in, 100);
	ck_assert_uint_eq(net_rig_host_read(rig.outside[1], out, sizeof(out)), 100 + NET_HDR_LEN);
	net_rig_offer(&rig, 2, 2000);
	virtio_rig_kick(&rig.guest, 2);
	net_rig_host_write(rig.outside[1], in, 100 + NET_HDR_LEN);
	ck_assert(virtio_rig_used(&rig.guest, 2, NET_WAIT_MS, NULL, NULL));
}
END_TEST

START_TEST(a_full_ring_of_commands_is_served)
{
	uint64_t gpa = virtio_rig_alloc(&rig.guest, 64, 16);
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = gpa, .len = 4 },
		{ .gpa = gpa + 32, .len = 1, .write = true },
	};

	net_rig_start(&rig, MRG | MQ, 5);
	for (unsigned i = 0; i < 32; i++)
		virtio_rig_add(&rig.guest, CONTROL, buffers, 2);
	virtio_rig_kick(&rig.guest, CONTROL);
	for (unsigned i = 0; i < 32; i++)
		ck_assert(virtio_rig_used(&rig.guest, CONTROL, NET_WAIT_MS, NULL, NULL));
}
END_TEST

/* Virtio 1.2, 5.1.2: without VIRTIO_NET_F_MQ there is one pair, and control comes right behind. */
START_TEST(a_driver_of_one_pair_has_its_control_queue_behind_it)
{
	uint64_t gpa = virtio_rig_alloc(&rig.guest, 64, 16);
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = gpa, .len = 4 },
		{ .gpa = gpa + 32, .len = 1, .write = true },
	};

	net_rig_start(&rig, MRG | NET_BIT(VIRTIO_NET_F_CTRL_VQ), 3);
	virtio_rig_add(&rig.guest, 2, buffers, 2);
	virtio_rig_kick(&rig.guest, 2);
	ck_assert(virtio_rig_used(&rig.guest, 2, NET_WAIT_MS, NULL, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_ctrl");
	TCase *tcase = suite_case(suite, "pairs", setup, teardown);

	tcase_add_test(tcase, several_pairs_are_offered_with_their_number);
	tcase_add_test(tcase, the_host_uses_one_pair_until_the_driver_asks_for_more);
	tcase_add_test(tcase, a_number_of_pairs_that_is_none_is_refused);
	tcase_add_test(tcase, a_host_that_does_not_attach_is_an_error_for_the_driver);
	tcase_add_test(tcase, commands_that_are_not_offered_are_refused);
	tcase_add_test(tcase, a_command_without_room_for_the_answer_is_given_back);
	tcase_add_test(tcase, each_pair_has_a_way_of_its_own);
	tcase_add_test(tcase, a_full_ring_of_commands_is_served);
	tcase_add_test(tcase, a_driver_of_one_pair_has_its_control_queue_behind_it);
	return suite_run(suite);
}
