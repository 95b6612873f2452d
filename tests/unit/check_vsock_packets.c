/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio socket: packets that make no sense, credit in both directions, and rings without room. */
#include "devices/virtio/vsock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "tests/unit/vsock_rig.h"

#define OP(name) VIRTIO_VSOCK_OP_##name
#define HEADER	 sizeof(struct virtio_vsock_hdr)
#define OURS	 (64u << 10) /* what the device can hold for a connection */

static struct vsock_rig rig;
static uint32_t port;
static int fd;

static void start(unsigned buffers)
{
	const struct vsock_config config = {
		.name = "vsock0",
		.cid = VSOCK_RIG_CID,
		.socket = rig.path,
	};

	ck_assert_int_eq(vsock_rig_create(&rig, &config), 0);
	vsock_rig_start(&rig, buffers);
}

static void setup(void)
{
	vsock_rig_init(&rig);
	start(16);
	fd = vsock_rig_connect(&rig, 52, &port);
}

static void setup_without_buffers(void)
{
	vsock_rig_init(&rig);
	start(0);
	fd = -1;
}

static void setup_small(void)
{
	vsock_rig_init(&rig);
	rig.buf_alloc = 100;
	start(16);
	fd = vsock_rig_connect(&rig, 52, &port);
}

static void teardown(void)
{
	close(fd);
	vsock_rig_exit(&rig);
}

static void ask(void)
{
	vsock_rig_send(&rig, OP(CREDIT_REQUEST), 52, port, 0, NULL, 0);
}

/* The connection is as it was: its answer is the next packet. */
static void expect_alive(void)
{
	ask();
	vsock_rig_expect(&rig, OP(CREDIT_UPDATE));
}

static void expect_reset(uint32_t guest_port, uint32_t host_port)
{
	const struct vsock_rig_packet *packet = vsock_rig_expect(&rig, OP(RST));

	ck_assert_uint_eq(packet->header.src_port, host_port);
	ck_assert_uint_eq(packet->header.dst_port, guest_port);
}

/* --- packets -----------------------------------------------------------------------------------
 */

START_TEST(packet_that_says_more_than_there_is_is_dropped)
{
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(RW), 52, port);

	header.len = 5;
	vsock_rig_send_raw(&rig, &header, "four", 4);
	header.len = UINT32_MAX;
	vsock_rig_send_raw(&rig, &header, "four", 4);
	expect_alive();
	/* Nor has the program seen a part of it. */
	vsock_rig_send(&rig, OP(SHUTDOWN), 52, port, VIRTIO_VSOCK_SHUTDOWN_SEND, NULL, 0);
	ck_assert_uint_eq(vsock_rig_read(&rig, fd, &(char){ 0 }, 1), 0);
}
END_TEST

START_TEST(packet_without_a_whole_header_is_dropped)
{
	const struct virtio_rig_buffer buffer = { .gpa = rig.tx_gpa, .len = HEADER - 1 };

	virtio_rig_add(&rig.virtio, 1, &buffer, 1);
	virtio_rig_kick(&rig.virtio, 1);
	ck_assert(virtio_rig_loop_used(&rig.virtio, &rig.loop, 1, VSOCK_RIG_WAIT_MS, NULL, NULL));
	expect_alive();
}
END_TEST

START_TEST(packet_above_64k_is_dropped)
{
	static const uint8_t payload[OURS + 1];
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(RW), 52, port);

	header.len = sizeof(payload);
	vsock_rig_send_raw(&rig, &header, payload, sizeof(payload));
	expect_alive();
}
END_TEST

START_TEST(bytes_behind_the_payload_are_not_payload)
{
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(RW), 52, port);
	char text[8] = "";

	header.len = 4;
	vsock_rig_send_raw(&rig, &header, "goodBAD!", 8);
	vsock_rig_send(&rig, OP(SHUTDOWN), 52, port, VIRTIO_VSOCK_SHUTDOWN_SEND, NULL, 0);
	ck_assert_uint_eq(vsock_rig_read(&rig, fd, text, sizeof(text)), 4);
	ck_assert_mem_eq(text, "good", 4);
}
END_TEST

START_TEST(header_and_payload_may_be_cut_anywhere)
{
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = rig.tx_gpa, .len = 1 },
		{ .gpa = rig.tx_gpa + 1, .len = HEADER - 2 },
		{ .gpa = rig.tx_gpa + HEADER - 1, .len = 4 },
		{ .gpa = rig.tx_gpa + HEADER + 3, .len = 2 },
	};
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(RW), 52, port);
	char text[8] = "";

	header.len = 5;
	memcpy(virtio_rig_at(&rig.virtio, rig.tx_gpa, HEADER), &header, HEADER);
	memcpy(virtio_rig_at(&rig.virtio, rig.tx_gpa + HEADER, 5), "split", 5);
	virtio_rig_add(&rig.virtio, 1, buffers, 4);
	virtio_rig_kick(&rig.virtio, 1);
	ck_assert_uint_eq(vsock_rig_read(&rig, fd, text, 5), 5);
	ck_assert_str_eq(text, "split");
}
END_TEST

START_TEST(packet_of_or_for_another_cid_is_dropped)
{
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(RST), 52, port);

	header.src_cid = VSOCK_RIG_CID + 1;
	vsock_rig_send_raw(&rig, &header, NULL, 0);
	header = vsock_rig_header(&rig, OP(RST), 52, port);
	header.dst_cid = VSOCK_RIG_CID;
	vsock_rig_send_raw(&rig, &header, NULL, 0);
	header.dst_cid = UINT64_C(1) << 32 | 2;
	vsock_rig_send_raw(&rig, &header, NULL, 0);
	expect_alive();
}
END_TEST

START_TEST(other_type_of_socket_is_refused)
{
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(REQUEST), 60, 1024);

	header.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	vsock_rig_send_raw(&rig, &header, NULL, 0);
	ck_assert_uint_eq(vsock_rig_expect(&rig, OP(RST))->header.type,
			  VIRTIO_VSOCK_TYPE_SEQPACKET);
	expect_alive();
}
END_TEST

START_TEST(packet_for_no_connection_is_reset)
{
	static const uint16_t ops[] = { 0,	   OP(RESPONSE),      OP(SHUTDOWN),
					OP(RW),	   OP(CREDIT_UPDATE), OP(CREDIT_REQUEST),
					UINT16_MAX };

	for (unsigned i = 0; i < 7; i++) {
		vsock_rig_send(&rig, ops[i], 53, port, 0, NULL, 0);
		expect_reset(53, port);
	}
	/* But never an RST, or two of them would talk for ever. */
	vsock_rig_send(&rig, OP(RST), 53, port, 0, NULL, 0);
	expect_alive();
}
END_TEST

START_TEST(op_without_a_meaning_is_dropped)
{
	vsock_rig_send(&rig, 0, 52, port, 0, NULL, 0);
	vsock_rig_send(&rig, 8, 52, port, 0, NULL, 0);
	vsock_rig_send(&rig, OP(REQUEST), 52, port, 0, NULL, 0);
	vsock_rig_send(&rig, OP(RESPONSE), 52, port, 0, NULL, 0);
	expect_alive();
}
END_TEST

START_TEST(answer_that_is_none_resets)
{
	int other = vsock_rig_dial(&rig);
	uint32_t other_port;
	char byte;

	vsock_rig_say(other, "CONNECT 53\n");
	other_port = vsock_rig_expect(&rig, OP(REQUEST))->header.src_port;
	vsock_rig_send(&rig, OP(RW), 53, other_port, 0, "x", 1);
	expect_reset(53, other_port);
	ck_assert_uint_eq(vsock_rig_read(&rig, other, &byte, 1), 0);
	close(other);
}
END_TEST

START_TEST(data_after_the_end_resets)
{
	vsock_rig_send(&rig, OP(SHUTDOWN), 52, port, VIRTIO_VSOCK_SHUTDOWN_SEND, NULL, 0);
	vsock_rig_send(&rig, OP(RW), 52, port, 0, "x", 1);
	expect_reset(52, port);
}
END_TEST

START_TEST(ring_that_makes_no_sense_breaks_the_device)
{
	virtio_rig_desc(
		&rig.virtio, 1,
		virtio_rig_add(&rig.virtio, 1,
			       &(struct virtio_rig_buffer){ .gpa = rig.tx_gpa, .len = HEADER }, 1))
		->addr = UINT64_MAX - 4;
	virtio_rig_kick(&rig.virtio, 1);
	virtio_rig_loop_run(&rig.loop, 1);
	ck_assert(virtio_rig_needs_reset(&rig.virtio, 0));
	virtio_rig_reset(&rig.virtio);
	vsock_rig_start(&rig, 16);
	ask();
	expect_reset(52, port);
}
END_TEST

START_TEST(receive_buffer_without_room_breaks_the_device)
{
	rig.rx_len = HEADER;
	vsock_rig_post(&rig, 1);
	vsock_rig_send(&rig, OP(RW), 53, 1, 0, NULL, 0);
	ck_assert(virtio_rig_needs_reset(&rig.virtio, 0));
}
END_TEST

/* --- credit ------------------------------------------------------------------------------------
 */

START_TEST(guest_beyond_its_credit_is_reset)
{
	static const uint8_t chunk[OURS];
	const struct virtio_vsock_hdr *header;
	uint32_t sent = 0, open;

	/* Until the program's socket and the buffer behind it are full. */
	do {
		vsock_rig_send(&rig, OP(RW), 52, port, 0, chunk, 4096);
		sent += 4096;
		ask();
		header = &vsock_rig_expect(&rig, OP(CREDIT_UPDATE))->header;
		open = header->buf_alloc - (sent - header->fwd_cnt);
	} while (open >= 4096);
	vsock_rig_send(&rig, OP(RW), 52, port, 0, chunk, open + 1);
	expect_reset(52, port);
}
END_TEST

START_TEST(guest_is_told_when_the_program_reads_on)
{
	static uint8_t chunk[OURS], data[OURS];
	const struct virtio_vsock_hdr *header;
	uint32_t sent = 0, open;

	do {
		for (unsigned i = 0; i < 4096; i++)
			chunk[i] = (uint8_t)(sent / 4096 + i % 251);
		vsock_rig_send(&rig, OP(RW), 52, port, 0, chunk, 4096);
		sent += 4096;
		ask();
		header = &vsock_rig_expect(&rig, OP(CREDIT_UPDATE))->header;
		open = header->buf_alloc - (sent - header->fwd_cnt);
	} while (open >= 4096);
	for (uint32_t at = 0; at < sent; at += 4096) {
		ck_assert_uint_eq(vsock_rig_read(&rig, fd, data, 4096), 4096);
		for (unsigned i = 0; i < 4096; i++)
			ck_assert_uint_eq(data[i], (uint8_t)(at / 4096 + i % 251));
	}
	vsock_rig_expect(&rig, OP(CREDIT_UPDATE));
	expect_alive();
}
END_TEST

START_TEST(guest_gets_no_more_than_it_has_room_for)
{
	char text[301];
	const struct vsock_rig_packet *packet;

	memset(text, 'y', 300);
	text[300] = 0;
	vsock_rig_say(fd, text);
	ck_assert_uint_eq(vsock_rig_expect(&rig, OP(RW))->header.len, 100);
	vsock_rig_expect(&rig, OP(CREDIT_REQUEST));
	expect_alive();
	rig.fwd_cnt = 40;
	vsock_rig_send(&rig, OP(CREDIT_UPDATE), 52, port, 0, NULL, 0);
	packet = vsock_rig_expect(&rig, OP(RW));
	ck_assert_uint_eq(packet->header.len, 40);
	vsock_rig_expect(&rig, OP(CREDIT_REQUEST));
}
END_TEST

START_TEST(guest_that_lies_about_its_room_gets_nothing)
{
	vsock_rig_say(fd, "y");
	vsock_rig_expect(&rig, OP(RW));
	/* It has passed on more than it was sent. */
	rig.fwd_cnt = 500;
	vsock_rig_send(&rig, OP(CREDIT_UPDATE), 52, port, 0, NULL, 0);
	vsock_rig_say(fd, "z");
	expect_alive();
	rig.fwd_cnt = 1;
	vsock_rig_send(&rig, OP(CREDIT_UPDATE), 52, port, 0, NULL, 0);
	vsock_rig_expect(&rig, OP(RW));
}
END_TEST

/* --- rings without room ------------------------------------------------------------------------
 */

START_TEST(what_the_guest_has_no_buffer_for_comes_later)
{
	int other = vsock_rig_dial(&rig);

	vsock_rig_say(other, "CONNECT 52\n");
	virtio_rig_loop_run(&rig.loop, 1);
	vsock_rig_post(&rig, 1);
	port = vsock_rig_expect(&rig, OP(REQUEST))->header.src_port;
	vsock_rig_send(&rig, OP(RESPONSE), 52, port, 0, NULL, 0);
	vsock_rig_say(other, "data");
	vsock_rig_expect(&rig, OP(RW));
	close(other);
}
END_TEST

START_TEST(answers_to_strangers_are_bounded_and_none_is_lost)
{
	const struct virtio_rig_buffer buffer = { .gpa = rig.tx_gpa, .len = HEADER };
	struct virtio_vsock_hdr header = vsock_rig_header(&rig, OP(RW), 52, 1);
	unsigned taken = 0;

	memcpy(virtio_rig_at(&rig.virtio, rig.tx_gpa, HEADER), &header, HEADER);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 48; i++)
			virtio_rig_add(&rig.virtio, 1, &buffer, 1);
		virtio_rig_kick(&rig.virtio, 1);
		while (virtio_rig_loop_used(&rig.virtio, &rig.loop, 1,
					    taken < 64 ? VSOCK_RIG_WAIT_MS : 1, NULL, NULL))
			if (++taken == 48 * (round + 1))
				break;
	}
	ck_assert_uint_eq(taken, 64);
	vsock_rig_post(&rig, 16);
	for (unsigned i = 0; i < 96; i++)
		expect_reset(52, 1);
	while (taken < 96) {
		ck_assert(virtio_rig_loop_used(&rig.virtio, &rig.loop, 1, VSOCK_RIG_WAIT_MS, NULL,
					       NULL));
		taken++;
	}
}
END_TEST

/* Nothing asks the device to run: a main loop that is called again and again would burn a CPU. */
static bool is_idle(void)
{
	struct pollfd poll_fd = { .fd = -1, .events = POLLIN };

	for (unsigned i = 0; i < LOOP_MAX_SOURCES && poll_fd.fd < 0; i++)
		if (rig.loop.slots[i].source)
			poll_fd.fd = rig.loop.slots[i].source->fd;
	ck_assert_int_ge(poll_fd.fd, 0);
	for (unsigned i = 0; i < 20; i++)
		virtio_rig_loop_run(&rig.loop, 1);
	return poll(&poll_fd, 1, 0) == 0;
}

START_TEST(device_is_idle_while_the_guest_has_no_room)
{
	static char chunk[1 << 16];

	ck_assert_int_gt(send(fd, chunk, sizeof(chunk), MSG_DONTWAIT), 0);
	ck_assert(is_idle());
	/* And when nobody is left who could say more. */
	close(fd);
	fd = -1;
	ck_assert(is_idle());
}
END_TEST

START_TEST(device_is_idle_while_the_guest_has_no_buffer)
{
	int other = vsock_rig_dial(&rig);

	vsock_rig_say(other, "CONNECT 52\n");
	ck_assert(is_idle());
	vsock_rig_post(&rig, 1);
	port = vsock_rig_expect(&rig, OP(REQUEST))->header.src_port;
	vsock_rig_send(&rig, OP(RESPONSE), 52, port, 0, NULL, 0);
	for (unsigned i = 0; i < 4; i++) {
		vsock_rig_say(other, "data");
		ck_assert(is_idle());
	}
	ck_assert_int_eq(shutdown(other, SHUT_WR), 0);
	ck_assert(is_idle());
	close(other);
	ck_assert(is_idle());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vsock packets");
	TCase *packets = suite_case(suite, "packets", setup, teardown);
	TCase *credit = suite_case(suite, "credit", setup, teardown);
	TCase *small = suite_case(suite, "small credit", setup_small, teardown);
	TCase *room = suite_case(suite, "room", setup_without_buffers, teardown);

	tcase_add_test(packets, packet_that_says_more_than_there_is_is_dropped);
	tcase_add_test(packets, packet_without_a_whole_header_is_dropped);
	tcase_add_test(packets, packet_above_64k_is_dropped);
	tcase_add_test(packets, bytes_behind_the_payload_are_not_payload);
	tcase_add_test(packets, header_and_payload_may_be_cut_anywhere);
	tcase_add_test(packets, packet_of_or_for_another_cid_is_dropped);
	tcase_add_test(packets, other_type_of_socket_is_refused);
	tcase_add_test(packets, packet_for_no_connection_is_reset);
	tcase_add_test(packets, op_without_a_meaning_is_dropped);
	tcase_add_test(packets, answer_that_is_none_resets);
	tcase_add_test(packets, data_after_the_end_resets);
	tcase_add_test(packets, ring_that_makes_no_sense_breaks_the_device);
	tcase_add_test(room, receive_buffer_without_room_breaks_the_device);
	tcase_add_test(credit, guest_beyond_its_credit_is_reset);
	tcase_add_test(credit, guest_is_told_when_the_program_reads_on);
	tcase_add_test(small, guest_gets_no_more_than_it_has_room_for);
	tcase_add_test(small, guest_that_lies_about_its_room_gets_nothing);
	tcase_add_test(room, what_the_guest_has_no_buffer_for_comes_later);
	tcase_add_test(room, answers_to_strangers_are_bounded_and_none_is_lost);
	tcase_add_test(small, device_is_idle_while_the_guest_has_no_room);
	tcase_add_test(room, device_is_idle_while_the_guest_has_no_buffer);
	return suite_run(suite);
}
