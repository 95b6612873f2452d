/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio network on a tap served by a thread, and what the device tells and takes. */
#include "devices/virtio/net.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define RX 0
#define TX 1

#define MRG NET_BIT(VIRTIO_NET_F_MRG_RXBUF)

static struct net_rig rig;
static uint8_t in[NET_HDR_LEN + NET_FRAME_MAX + 64], out[NET_HDR_LEN + NET_FRAME_MAX + 64];

static void setup(void)
{
	net_rig_init(&rig);
}

static void setup_tap(void)
{
	setup();
	net_rig_taps(&rig, 1);
	net_rig_create(&rig);
}

static void teardown(void)
{
	net_rig_exit(&rig);
}

/* What the host writes to the tap: a header, then a frame of @len bytes. */
static size_t host_frame(uint32_t len, uint8_t seed)
{
	memset(in, 0, NET_HDR_LEN);
	net_rig_pattern(in + NET_HDR_LEN, len, seed);
	return NET_HDR_LEN + len;
}

static const uint8_t *guest_at(uint64_t gpa, uint32_t len)
{
	return virtio_rig_at(&rig.guest, gpa, len);
}

static unsigned num_buffers(uint64_t gpa)
{
	const struct virtio_net_hdr_mrg_rxbuf *hdr = (const void *)guest_at(gpa, sizeof(*hdr));

	return hdr->num_buffers;
}

/* --- configuration ---------------------------------------------------------------------------- */

START_TEST(a_mac_that_is_given_is_told)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

	net_rig_taps(&rig, 1);
	rig.config.has_mac = true;
	memcpy(rig.config.mac, mac, 6);
	net_rig_create(&rig);
	ck_assert_mem_eq(net_rig_config(&rig).mac, mac, 6);
}
END_TEST

START_TEST(a_mac_that_is_made_is_local_and_of_one_station)
{
	net_rig_taps(&rig, 1);
	net_rig_create(&rig);
	ck_assert_uint_eq(net_rig_config(&rig).mac[0] & 3, 2);
}
END_TEST

START_TEST(a_multicast_mac_is_refused)
{
	net_rig_taps(&rig, 1);
	rig.config.has_mac = true;
	rig.config.mac[0] = 1;
	net_rig_refused(&rig, -EINVAL, "multicast");
}
END_TEST

START_TEST(the_mtu_is_told_when_it_is_given)
{
	net_rig_taps(&rig, 1);
	rig.config.mtu = 9000;
	net_rig_create(&rig);
	ck_assert(rig.device->offered & NET_BIT(VIRTIO_NET_F_MTU));
	ck_assert_uint_eq(net_rig_config(&rig).mtu, 9000);
	ck_assert_uint_eq(net_rig_calls(SIOCSIFMTU), 1);
}
END_TEST

START_TEST(an_mtu_that_the_tap_does_not_take_is_said)
{
	net_rig_taps(&rig, 1);
	rig.config.mtu = 9000;
	net_rig_host.refuse = SIOCSIFMTU;
	net_rig_host.refuse_err = -EPERM;
	net_rig_refused(&rig, -EPERM, "mtu 9000");
}
END_TEST

START_TEST(the_link_is_up_from_the_start)
{
	ck_assert(net_rig_link(&rig));
	ck_assert(!(rig.device->offered & NET_BIT(VIRTIO_NET_F_MTU)));
	ck_assert(!(rig.device->offered & NET_BIT(VIRTIO_NET_F_CTRL_VQ)));
}
END_TEST

START_TEST(exactly_one_way_out_is_taken)
{
	net_rig_refused(&rig, -EINVAL, "one of tap, fd, socket and passt");
	net_rig_taps(&rig, 1);
	rig.config.passt = true;
	net_rig_refused(&rig, -EINVAL, "one of tap, fd, socket and passt");
}
END_TEST

START_TEST(descriptors_and_queues_must_agree)
{
	net_rig_taps(&rig, 2);
	rig.config.nr_pairs = 1;
	net_rig_refused(&rig, -EINVAL, "num_queues=2 takes 1 descriptors");
}
END_TEST

START_TEST(a_descriptor_that_is_no_tap_is_refused)
{
	net_rig_taps(&rig, 1);
	net_rig_host.refuse = TUNGETIFF;
	net_rig_host.refuse_err = -ENOTTY;
	net_rig_refused(&rig, -EINVAL, "is no tap device");
}
END_TEST

START_TEST(a_tap_without_virtio_headers_is_refused)
{
	net_rig_taps(&rig, 1);
	net_rig_host.if_flags = IFF_TAP | IFF_NO_PI;
	net_rig_refused(&rig, -EINVAL, "IFF_VNET_HDR");
}
END_TEST

START_TEST(taps_of_one_queue_do_for_one_pair_only)
{
	net_rig_taps(&rig, 2);
	net_rig_host.if_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	net_rig_refused(&rig, -EINVAL, "IFF_MULTI_QUEUE");
}
END_TEST

START_TEST(descriptors_are_taken_over_even_when_they_are_refused)
{
	net_rig_taps(&rig, 1);
	net_rig_host.if_flags = IFF_TUN;
	net_rig_refused(&rig, -EINVAL, "IFF_TAP");
	/* The other end hears of it. */
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)), 0);
}
END_TEST

START_TEST(a_tap_starts_with_long_little_endian_headers_and_nothing_unfinished)
{
	ck_assert_int_eq(*(const int *)net_rig_last_call(TUNSETVNETHDRSZ)->bytes, NET_HDR_LEN);
	ck_assert_int_eq(*(const int *)net_rig_last_call(TUNSETVNETLE)->bytes, 1);
	ck_assert_uint_eq(net_rig_last_call(TUNSETOFFLOAD)->number, 0);
}
END_TEST

START_TEST(the_tap_leaves_to_the_guest_what_the_guest_takes)
{
	net_rig_start(&rig,
		      MRG | NET_BIT(VIRTIO_NET_F_GUEST_CSUM) | NET_BIT(VIRTIO_NET_F_GUEST_TSO4), 2);
	ck_assert_uint_eq(net_rig_last_call(TUNSETOFFLOAD)->number, TUN_F_CSUM | TUN_F_TSO4);
	virtio_rig_reset(&rig.guest);
	ck_assert_uint_eq(net_rig_last_call(TUNSETOFFLOAD)->number, 0);
}
END_TEST

START_TEST(segments_without_checksums_are_not_asked_for)
{
	net_rig_start(&rig, MRG | NET_BIT(VIRTIO_NET_F_GUEST_TSO4), 2);
	ck_assert_uint_eq(net_rig_last_call(TUNSETOFFLOAD)->number, 0);
}
END_TEST

/* --- to the host ------------------------------------------------------------------------------ */

START_TEST(a_frame_of_the_guest_reaches_the_tap_with_its_header)
{
	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, 1500, 3);
	net_rig_send(&rig, TX, in, 1500);
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)), 1500 + NET_HDR_LEN);
	ck_assert_mem_eq(out + NET_HDR_LEN, in, 1500);
}
END_TEST

START_TEST(a_frame_in_many_buffers_is_one_frame)
{
	struct virtio_rig_buffer buffers[40];
	uint64_t gpa = virtio_rig_alloc(&rig.guest, 40 * 33, 16);

	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, sizeof(buffers) / sizeof(buffers[0]) * 33, 9);
	memcpy(virtio_rig_at(&rig.guest, gpa, 40 * 33), in, 40 * 33);
	for (unsigned i = 0; i < 40; i++)
		buffers[i] = (struct virtio_rig_buffer){ .gpa = gpa + 33 * i, .len = 33 };
	virtio_rig_add(&rig.guest, TX, buffers, 40);
	virtio_rig_kick(&rig.guest, TX);
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)), 40 * 33);
	ck_assert_mem_eq(out, in, 40 * 33);
}
END_TEST

START_TEST(frames_that_are_too_short_are_dropped_and_given_back)
{
	static const uint32_t lens[] = { 1, NET_HDR_LEN - 1, NET_HDR_LEN, NET_HDR_LEN + 13 };
	struct virtio_rig_buffer buffer = { .gpa = virtio_rig_alloc(&rig.guest, 64, 16) };

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		buffer.len = lens[i];
		virtio_rig_add(&rig.guest, TX, &buffer, 1);
		virtio_rig_kick(&rig.guest, TX);
		ck_assert(virtio_rig_used(&rig.guest, TX, NET_WAIT_MS, NULL, NULL));
	}
	net_rig_wait_dropped(&rig, 0, ARRAY_SIZE(lens));
	ck_assert_int_eq(recv(rig.outside[0], out, sizeof(out), MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(a_frame_longer_than_any_is_dropped)
{
	net_rig_start(&rig, MRG, 2);
	net_rig_send(&rig, TX, in, NET_FRAME_MAX + 1);
	net_rig_wait_dropped(&rig, 0, 1);
	ck_assert_int_eq(recv(rig.outside[0], out, sizeof(out), MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(a_buffer_to_write_in_the_transmit_queue_is_a_dropped_frame)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig.guest, 64, 16),
		.len = 64,
		.write = true,
	};

	net_rig_start(&rig, MRG, 2);
	virtio_rig_add(&rig.guest, TX, &buffer, 1);
	virtio_rig_kick(&rig.guest, TX);
	ck_assert(virtio_rig_used(&rig.guest, TX, NET_WAIT_MS, NULL, NULL));
	net_rig_wait_dropped(&rig, 0, 1);
}
END_TEST

START_TEST(a_transmit_ring_without_sense_asks_for_a_reset_and_works_after_it)
{
	net_rig_start(&rig, MRG, 2);
	virtio_rig_avail(&rig.guest, TX)->idx = 1000;
	virtio_rig_kick(&rig.guest, TX);
	ck_assert(virtio_rig_needs_reset(&rig.guest, NET_WAIT_MS));
	virtio_rig_reset(&rig.guest);
	net_rig_start(&rig, MRG, 2);
	net_rig_send(&rig, TX, in, 60);
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)), 60 + NET_HDR_LEN);
}
END_TEST

/* A host that takes no more: the queue stands, nothing is lost, and it goes on. */
START_TEST(frames_wait_for_a_host_that_is_slow)
{
	unsigned sent = 0;

	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, 60000, 0);
	for (; sent < 16; sent++) {
		const struct virtio_rig_buffer buffer = {
			.gpa = virtio_rig_alloc(&rig.guest, 60000, 16),
			.len = 60000,
		};

		memset(virtio_rig_at(&rig.guest, buffer.gpa, 60000), (int)sent, 60000);
		virtio_rig_add(&rig.guest, TX, &buffer, 1);
	}
	virtio_rig_kick(&rig.guest, TX);
	for (unsigned i = 0; i < sent; i++) {
		ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)), 60000);
		ck_assert_uint_eq(out[59999], i);
	}
	for (unsigned i = 0; i < sent; i++)
		ck_assert(virtio_rig_used(&rig.guest, TX, NET_WAIT_MS, NULL, NULL));
	net_rig_wait_dropped(&rig, 0, 0);
}
END_TEST

/* --- to the guest ----------------------------------------------------------------------------- */

START_TEST(a_frame_of_the_host_reaches_the_guest)
{
	size_t len = host_frame(1000, 5);
	uint64_t gpa;
	uint32_t used;

	net_rig_start(&rig, 0, 2);
	gpa = net_rig_offer(&rig, RX, 2048);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, len);
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, &used));
	ck_assert_uint_eq(used, len);
	ck_assert_mem_eq(guest_at(gpa, 2048) + NET_HDR_LEN, in + NET_HDR_LEN, 1000);
	ck_assert_uint_eq(num_buffers(gpa), 1);
}
END_TEST

START_TEST(a_frame_without_a_buffer_waits_until_there_is_one)
{
	size_t len = host_frame(100, 5);

	net_rig_start(&rig, 0, 2);
	net_rig_host_write(rig.outside[0], in, len);
	ck_assert(!virtio_rig_used(&rig.guest, RX, 50, NULL, NULL));
	net_rig_offer(&rig, RX, 2048);
	virtio_rig_kick(&rig.guest, RX);
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
}
END_TEST

/* What waits for the guest stays in the host's queue, not here: the host notices. */
START_TEST(a_guest_without_buffers_makes_the_host_wait)
{
	unsigned sent = 0;

	net_rig_start(&rig, MRG, 2);
	while (send(rig.outside[0], in, host_frame(20000, 1), MSG_DONTWAIT) > 0)
		ck_assert_uint_lt(sent++, 10000);
	ck_assert_int_eq(errno, EAGAIN);
	net_rig_wait_dropped(&rig, 0, 0);
}
END_TEST

START_TEST(a_frame_too_long_for_its_buffer_is_dropped_and_the_buffer_used_for_the_next)
{
	uint16_t used;
	uint32_t len;

	net_rig_start(&rig, 0, 2);
	net_rig_offer(&rig, RX, 500);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(489, 1));
	net_rig_host_write(rig.outside[0], in, host_frame(488, 2));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, &used, &len));
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(len, 500);
	net_rig_wait_dropped(&rig, 1, 0);
}
END_TEST

START_TEST(a_long_frame_fills_several_buffers)
{
	size_t len = host_frame(5000, 5), off = 0;
	uint64_t gpas[8];

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < 8; i++)
		gpas[i] = net_rig_offer(&rig, RX, 1000);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, len);
	for (unsigned i = 0; off < len; i++) {
		uint32_t used;

		ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, &used));
		ck_assert_uint_eq(used, min_u64(1000, len - off));
		if (i)
			ck_assert_mem_eq(guest_at(gpas[i], 1000), in + off, used);
		off += used;
	}
	ck_assert_uint_eq(num_buffers(gpas[0]), 6);
	ck_assert_mem_eq(guest_at(gpas[0], 1000) + NET_HDR_LEN, in + NET_HDR_LEN,
			 1000 - NET_HDR_LEN);
}
END_TEST

/* A driver that reads num_buffers takes as many at once, and drops the frame if one is missing. */
START_TEST(the_buffers_of_a_frame_are_seen_all_at_once)
{
	const volatile struct vring_used *ring;

	net_rig_start(&rig, MRG, 2);
	ring = virtio_rig_used_ring(&rig.guest, RX);
	for (unsigned round = 0; round < 300; round++) {
		uint64_t end = now_ns() + NET_WAIT_MS * UINT64_C(1000000);

		rig.guest.next = KIB(512);
		for (unsigned i = 0; i < 32; i++)
			net_rig_offer(&rig, RX, 100);
		virtio_rig_kick(&rig.guest, RX);
		net_rig_host_write(rig.outside[0], in, host_frame(3200 - NET_HDR_LEN, 1));
		while (ring->idx != (uint16_t)(32 * (round + 1))) {
			ck_assert_uint_eq(ring->idx % 32, 0);
			ck_assert_uint_lt(now_ns(), end);
		}
	}
}
END_TEST

/* With room for the longest frame it is read into the guest's memory at once. */
START_TEST(frames_are_read_right_into_many_buffers)
{
	size_t len = host_frame(30000, 5), off = 0;
	uint64_t gpas[60];

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < 60; i++)
		gpas[i] = net_rig_offer(&rig, RX, 1500);
	virtio_rig_kick(&rig.guest, RX);
	for (unsigned frame = 0; frame < 2; frame++) {
		unsigned first = frame * 21;

		net_rig_host_write(rig.outside[0], in, len);
		off = 0;
		for (unsigned i = first; off < len; i++) {
			uint32_t used;
			uint16_t head;

			ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, &head, &used));
			ck_assert_uint_eq(head, i);
			if (i > first)
				ck_assert_mem_eq(guest_at(gpas[i], 1500), in + off, used);
			off += used;
		}
		ck_assert_uint_eq(off, len);
		ck_assert_uint_eq(num_buffers(gpas[first]), 21);
	}
}
END_TEST

START_TEST(a_frame_longer_than_the_whole_ring_is_dropped)
{
	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < 64; i++)
		net_rig_offer(&rig, RX, 100);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(6400, 1));
	net_rig_wait_dropped(&rig, 1, 0);
	net_rig_host_write(rig.outside[0], in, host_frame(80, 2));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
}
END_TEST

START_TEST(a_frame_waits_until_enough_short_buffers_are_there)
{
	net_rig_start(&rig, MRG, 2);
	net_rig_offer(&rig, RX, 100);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(188, 1));
	ck_assert(!virtio_rig_used(&rig.guest, RX, 50, NULL, NULL));
	net_rig_offer(&rig, RX, 100);
	virtio_rig_kick(&rig.guest, RX);
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
	ck_assert(virtio_rig_used(&rig.guest, RX, 0, NULL, NULL));
	net_rig_wait_dropped(&rig, 0, 0);
}
END_TEST

START_TEST(a_buffer_too_short_for_a_header_goes_back_empty)
{
	uint32_t used;

	net_rig_start(&rig, MRG, 2);
	net_rig_offer(&rig, RX, NET_HDR_LEN - 1);
	net_rig_offer(&rig, RX, 2000);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(100, 1));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, &used));
	ck_assert_uint_eq(used, 0);
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, &used));
	ck_assert_uint_eq(used, 100 + NET_HDR_LEN);
}
END_TEST

START_TEST(a_header_may_lie_across_buffers_of_one_chain)
{
	uint64_t gpa = virtio_rig_alloc(&rig.guest, 4096, 16);
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = gpa, .len = 7, .write = true },
		{ .gpa = gpa + 1024, .len = 4, .write = true },
		{ .gpa = gpa + 2048, .len = 1000, .write = true },
	};

	net_rig_start(&rig, 0, 2);
	virtio_rig_add(&rig.guest, RX, buffers, 3);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(200, 1));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
	/* num_buffers is the bytes 10 and 11: the last of the second, the first of the third. */
	ck_assert_uint_eq(guest_at(gpa + 1024, 4)[3], 1);
	ck_assert_uint_eq(guest_at(gpa + 2048, 1)[0], 0);
	ck_assert_mem_eq(guest_at(gpa + 2049, 200), in + NET_HDR_LEN, 200);
}
END_TEST

START_TEST(short_records_of_the_host_are_dropped)
{
	net_rig_start(&rig, 0, 2);
	net_rig_offer(&rig, RX, 2000);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, NET_HDR_LEN + 13);
	net_rig_host_write(rig.outside[0], in, 1);
	net_rig_wait_dropped(&rig, 2, 0);
}
END_TEST

START_TEST(a_receive_ring_without_sense_asks_for_a_reset_and_works_after_it)
{
	net_rig_start(&rig, MRG, 2);
	net_rig_offer(&rig, RX, 2000);
	virtio_rig_desc(&rig.guest, RX, 0)->addr = VIRTIO_RIG_RAM;
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(100, 1));
	ck_assert(virtio_rig_needs_reset(&rig.guest, NET_WAIT_MS));
	virtio_rig_reset(&rig.guest);
	net_rig_start(&rig, MRG, 2);
	net_rig_offer(&rig, RX, 2000);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(100, 1));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
}
END_TEST

/* It may have segments that the next driver does not take. */
START_TEST(a_frame_that_waits_is_forgotten_with_its_driver)
{
	uint64_t gpa;

	net_rig_start(&rig, MRG, 2);
	net_rig_offer(&rig, RX, 100);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(188, 1));
	ck_assert(!virtio_rig_used(&rig.guest, RX, 50, NULL, NULL));
	virtio_rig_reset(&rig.guest);
	net_rig_start(&rig, MRG, 2);
	gpa = net_rig_offer(&rig, RX, 1000);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(188, 2));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
	ck_assert_mem_eq(guest_at(gpa, 1000) + NET_HDR_LEN, in + NET_HDR_LEN, 188);
}
END_TEST

/* --- resets and losses ------------------------------------------------------------------------ */

/* The guest's memory of a driver that is gone must not change any more. */
START_TEST(nothing_is_written_after_a_reset)
{
	uint64_t gpa;

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < 63; i++)
		net_rig_offer(&rig, RX, 1500);
	gpa = net_rig_offer(&rig, RX, 1500);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, host_frame(100, 1));
	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
	virtio_rig_reset(&rig.guest);
	for (unsigned i = 0; i < 3; i++)
		net_rig_host_write(rig.outside[0], in, host_frame(60000, 1));
	poll(NULL, 0, 20);
	for (unsigned i = 0; i < 1500; i++)
		ck_assert_uint_eq(guest_at(gpa, 1500)[i], 0xee);
}
END_TEST

START_TEST(resets_while_frames_flow_lose_no_later_frame)
{
	for (unsigned round = 0; round < 50; round++) {
		rig.guest.next = KIB(64);
		net_rig_start(&rig, MRG, 2);
		for (unsigned i = 0; i < 60; i++)
			net_rig_offer(&rig, RX, 1500);
		virtio_rig_kick(&rig.guest, RX);
		for (unsigned i = 0; i < 10; i++)
			if (send(rig.outside[0], in, host_frame(1000, 1), MSG_DONTWAIT) < 0)
				break;
		virtio_rig_reset(&rig.guest);
	}
	net_rig_start(&rig, MRG, 2);
	net_rig_send(&rig, TX, in, 60);
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)), 60 + NET_HDR_LEN);
}
END_TEST

START_TEST(a_tap_that_goes_away_takes_the_link_down_and_the_guest_goes_on)
{
	net_rig_start(&rig, MRG, 2);
	close_fd(&rig.outside[0]);
	ck_assert(net_rig_wait_down(&rig));
	ck_assert_uint_eq(virtio_rig_config_changes(&rig.guest), 1);
	net_rig_send(&rig, TX, in, 60);
	net_rig_wait_dropped(&rig, 0, 1);
}
END_TEST

START_TEST(a_tap_that_goes_away_before_there_is_a_driver_is_noticed_too)
{
	close_fd(&rig.outside[0]);
	ck_assert(net_rig_wait_down(&rig));
	net_rig_start(&rig, MRG, 2);
	net_rig_send(&rig, TX, in, 60);
	virtio_rig_reset(&rig.guest);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *tcase = suite_case(suite, "config", setup, teardown);

	tcase_add_test(tcase, a_mac_that_is_given_is_told);
	tcase_add_test(tcase, a_mac_that_is_made_is_local_and_of_one_station);
	tcase_add_test(tcase, a_multicast_mac_is_refused);
	tcase_add_test(tcase, the_mtu_is_told_when_it_is_given);
	tcase_add_test(tcase, an_mtu_that_the_tap_does_not_take_is_said);
	tcase_add_test(tcase, exactly_one_way_out_is_taken);
	tcase_add_test(tcase, descriptors_and_queues_must_agree);
	tcase_add_test(tcase, a_descriptor_that_is_no_tap_is_refused);
	tcase_add_test(tcase, a_tap_without_virtio_headers_is_refused);
	tcase_add_test(tcase, taps_of_one_queue_do_for_one_pair_only);
	tcase_add_test(tcase, descriptors_are_taken_over_even_when_they_are_refused);

	tcase = suite_case(suite, "offload", setup_tap, teardown);
	tcase_add_test(tcase, the_link_is_up_from_the_start);
	tcase_add_test(tcase, a_tap_starts_with_long_little_endian_headers_and_nothing_unfinished);
	tcase_add_test(tcase, the_tap_leaves_to_the_guest_what_the_guest_takes);
	tcase_add_test(tcase, segments_without_checksums_are_not_asked_for);

	tcase = suite_case(suite, "transmit", setup_tap, teardown);
	tcase_add_test(tcase, a_frame_of_the_guest_reaches_the_tap_with_its_header);
	tcase_add_test(tcase, a_frame_in_many_buffers_is_one_frame);
	tcase_add_test(tcase, frames_that_are_too_short_are_dropped_and_given_back);
	tcase_add_test(tcase, a_frame_longer_than_any_is_dropped);
	tcase_add_test(tcase, a_buffer_to_write_in_the_transmit_queue_is_a_dropped_frame);
	tcase_add_test(tcase, a_transmit_ring_without_sense_asks_for_a_reset_and_works_after_it);
	tcase_add_test(tcase, frames_wait_for_a_host_that_is_slow);

	tcase = suite_case(suite, "receive", setup_tap, teardown);
	tcase_add_test(tcase, a_frame_of_the_host_reaches_the_guest);
	tcase_add_test(tcase, a_frame_without_a_buffer_waits_until_there_is_one);
	tcase_add_test(tcase, a_guest_without_buffers_makes_the_host_wait);
	tcase_add_test(tcase,
		       a_frame_too_long_for_its_buffer_is_dropped_and_the_buffer_used_for_the_next);
	tcase_add_test(tcase, a_long_frame_fills_several_buffers);
	tcase_add_test(tcase, the_buffers_of_a_frame_are_seen_all_at_once);
	tcase_add_test(tcase, frames_are_read_right_into_many_buffers);
	tcase_add_test(tcase, a_frame_longer_than_the_whole_ring_is_dropped);
	tcase_add_test(tcase, a_frame_waits_until_enough_short_buffers_are_there);
	tcase_add_test(tcase, a_buffer_too_short_for_a_header_goes_back_empty);
	tcase_add_test(tcase, a_header_may_lie_across_buffers_of_one_chain);
	tcase_add_test(tcase, short_records_of_the_host_are_dropped);
	tcase_add_test(tcase, a_receive_ring_without_sense_asks_for_a_reset_and_works_after_it);

	tcase = suite_case(suite, "ends", setup_tap, teardown);
	tcase_add_test(tcase, a_frame_that_waits_is_forgotten_with_its_driver);
	tcase_add_test(tcase, nothing_is_written_after_a_reset);
	tcase_add_test(tcase, resets_while_frames_flow_lose_no_later_frame);
	tcase_add_test(tcase, a_tap_that_goes_away_takes_the_link_down_and_the_guest_goes_on);
	tcase_add_test(tcase, a_tap_that_goes_away_before_there_is_a_driver_is_noticed_too);
	return suite_run(suite);
}
