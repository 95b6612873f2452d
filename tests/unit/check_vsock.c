/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio socket: who can connect to whom, what comes through, and how it ends. */
#include "devices/virtio/vsock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "tests/unit/vsock_rig.h"

#define OP(name) VIRTIO_VSOCK_OP_##name
#define RCV	 VIRTIO_VSOCK_SHUTDOWN_RCV
#define SEND	 VIRTIO_VSOCK_SHUTDOWN_SEND

static struct vsock_rig rig;
static uint32_t port; /* the host's */

static int create(unsigned time_limit_s)
{
	const struct vsock_config config = {
		.name = "vsock0",
		.cid = VSOCK_RIG_CID,
		.socket = rig.path,
		.time_limit_s = time_limit_s,
	};

	return vsock_rig_create(&rig, &config);
}

static void setup(void)
{
	vsock_rig_init(&rig);
	ck_assert_int_eq(create(0), 0);
	vsock_rig_start(&rig, 16);
}

static void setup_impatient(void)
{
	vsock_rig_init(&rig);
	ck_assert_int_eq(create(1), 0);
	vsock_rig_start(&rig, 16);
}

static void teardown(void)
{
	vsock_rig_exit(&rig);
}

/* What a program that has been turned away sees. */
static void expect_closed(int fd)
{
	char byte;

	ck_assert_uint_eq(vsock_rig_read(&rig, fd, &byte, 1), 0);
	close(fd);
}

static void guest_says(const char *text)
{
	vsock_rig_send(&rig, OP(RW), 52, port, 0, text, (uint32_t)strlen(text));
}

static void guest_shuts(uint32_t flags)
{
	vsock_rig_send(&rig, OP(SHUTDOWN), 52, port, flags, NULL, 0);
}

static void expect_data(const char *text)
{
	const struct vsock_rig_packet *packet = vsock_rig_expect(&rig, OP(RW));

	ck_assert_uint_eq(packet->header.len, strlen(text));
	ck_assert_mem_eq(packet->payload, text, strlen(text));
}

static void expect_text(int fd, const char *text)
{
	char data[64] = "";

	ck_assert_uint_eq(vsock_rig_read(&rig, fd, data, strlen(text)), strlen(text));
	ck_assert_str_eq(data, text);
}

/* The connection still answers, and has said nothing else meanwhile. */
static void expect_alive(void)
{
	vsock_rig_send(&rig, OP(CREDIT_REQUEST), 52, port, 0, NULL, 0);
	vsock_rig_expect(&rig, OP(CREDIT_UPDATE));
}

/* The device has forgotten the connection. */
static void expect_forgotten(void)
{
	vsock_rig_send(&rig, OP(CREDIT_REQUEST), 52, port, 0, NULL, 0);
	vsock_rig_expect(&rig, OP(RST));
}

static uint32_t expect_shutdown(void)
{
	return vsock_rig_expect(&rig, OP(SHUTDOWN))->header.flags;
}

/* --- the device --------------------------------------------------------------------------------
 */

START_TEST(guest_reads_its_cid)
{
	uint64_t cid = 0;

	vsock_device(rig.vsock)->ops->config_read(vsock_device(rig.vsock), 0, &cid, sizeof(cid));
	ck_assert_uint_eq(cid, VSOCK_RIG_CID);
}
END_TEST

START_TEST(reserved_cids_are_refused)
{
	static const uint32_t cids[] = { 0, 1, 2, UINT32_MAX };
	struct vsock_config config = { .name = "vsock1", .socket = rig.path };
	struct vsock *other;

	for (unsigned i = 0; i < 4; i++) {
		config.cid = cids[i];
		ck_assert_int_eq(vsock_create(&config, &rig.virtio.memory, &rig.loop, &other,
					      rig.why, sizeof(rig.why)),
				 -EINVAL);
		ck_assert_ptr_nonnull(strstr(rig.why, "cid="));
	}
}
END_TEST

START_TEST(path_without_room_for_a_port_is_refused)
{
	char path[98] = "/";
	const struct vsock_config config = { .name = "vsock1", .cid = 3, .socket = path };
	struct vsock *other;

	memset(path + 1, 'x', sizeof(path) - 2);
	ck_assert_int_eq(vsock_create(&config, &rig.virtio.memory, &rig.loop, &other, rig.why,
				      sizeof(rig.why)),
			 -ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(rig.why, "too long: 96 bytes"));
}
END_TEST

START_TEST(socket_of_another_vm_is_left_alone)
{
	const struct vsock_config config = { .name = "vsock1", .cid = 3, .socket = rig.path };
	struct vsock *other;

	ck_assert_int_eq(vsock_create(&config, &rig.virtio.memory, &rig.loop, &other, rig.why,
				      sizeof(rig.why)),
			 -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(rig.why, rig.path));
}
END_TEST

/* --- host to guest -----------------------------------------------------------------------------
 */

START_TEST(host_program_connects_and_both_talk)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	vsock_rig_say(fd, "ping");
	expect_data("ping");
	guest_says("pong");
	expect_text(fd, "pong");
	close(fd);
}
END_TEST

START_TEST(line_that_comes_in_pieces_is_one_line)
{
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, "CONN");
	virtio_rig_loop_run(&rig.loop, 1);
	vsock_rig_say(fd, "ECT 5");
	virtio_rig_loop_run(&rig.loop, 1);
	vsock_rig_say(fd, "2\n");
	ck_assert_uint_eq(vsock_rig_expect(&rig, OP(REQUEST))->header.dst_port, 52);
	close(fd);
}
END_TEST

START_TEST(what_follows_the_line_is_for_the_guest)
{
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, "CONNECT 52\nhello");
	port = vsock_rig_expect(&rig, OP(REQUEST))->header.src_port;
	vsock_rig_send(&rig, OP(RESPONSE), 52, port, 0, NULL, 0);
	expect_data("hello");
	close(fd);
}
END_TEST

START_TEST(program_that_does_not_wait_for_the_answer_is_heard)
{
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, "CONNECT 52\nREADY=1\n");
	close(fd);
	port = vsock_rig_expect(&rig, OP(REQUEST))->header.src_port;
	vsock_rig_send(&rig, OP(RESPONSE), 52, port, 0, NULL, 0);
	ck_assert_uint_eq(expect_shutdown(), RCV);
	expect_data("READY=1\n");
	ck_assert_uint_eq(expect_shutdown(), RCV | SEND);
}
END_TEST

START_TEST(malformed_line_is_closed)
{
	static const char *const lines[] = {
		"\n",
		"CONNECT\n",
		"CONNECT \n",
		"connect 52\n",
		"CONNECT 52 \n",
		"CONNECT  52\n",
		"CONNECT -1\n",
		"CONNECT 0x34\n",
		"CONNECT 4294967295\n",
		"CONNECT 18446744073709551668\n",
		"GET / HTTP/1.1\r\n",
		"CONNECT 0000000000000000000000052",
	};
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, lines[_i]);
	expect_closed(fd);
	/* And the guest has heard nothing of it. */
	expect_forgotten();
}
END_TEST

START_TEST(line_with_a_nul_is_closed)
{
	static const char line[] = "CONNECT 5\0002\n";
	int fd = vsock_rig_dial(&rig);

	ck_assert_int_eq(send(fd, line, sizeof(line) - 1, 0), sizeof(line) - 1);
	expect_closed(fd);
}
END_TEST

START_TEST(slow_line_is_closed)
{
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, "CONNECT 5");
	expect_closed(fd);
}
END_TEST

START_TEST(guest_that_does_not_answer_is_given_up)
{
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, "CONNECT 52\n");
	vsock_rig_expect(&rig, OP(REQUEST));
	expect_closed(fd);
	vsock_rig_expect(&rig, OP(RST));
}
END_TEST

START_TEST(port_nobody_listens_on_in_the_guest_is_closed)
{
	int fd = vsock_rig_dial(&rig);

	vsock_rig_say(fd, "CONNECT 52\n");
	port = vsock_rig_expect(&rig, OP(REQUEST))->header.src_port;
	vsock_rig_send(&rig, OP(RST), 52, port, 0, NULL, 0);
	expect_closed(fd);
}
END_TEST

START_TEST(guest_without_driver_is_closed)
{
	int fd;

	virtio_rig_reset(&rig.virtio);
	fd = vsock_rig_dial(&rig);
	expect_closed(fd);
}
END_TEST

/* --- guest to host -----------------------------------------------------------------------------
 */

START_TEST(guest_connects_to_a_host_program)
{
	int listener = vsock_rig_listen(&rig, 1024), fd;

	port = 1024;
	vsock_rig_send(&rig, OP(REQUEST), 52, port, 0, NULL, 0);
	vsock_rig_expect(&rig, OP(RESPONSE));
	fd = vsock_rig_accept(&rig, listener);
	guest_says("hello");
	expect_text(fd, "hello");
	vsock_rig_say(fd, "you too");
	expect_data("you too");
	close(fd);
}
END_TEST

START_TEST(port_nobody_listens_on_is_refused)
{
	const struct vsock_rig_packet *packet;

	vsock_rig_send(&rig, OP(REQUEST), 52, 1025, 0, NULL, 0);
	packet = vsock_rig_expect(&rig, OP(RST));
	ck_assert_uint_eq(packet->header.src_port, 1025);
	ck_assert_uint_eq(packet->header.dst_port, 52);
}
END_TEST

/* --- the ends ----------------------------------------------------------------------------------
 */

START_TEST(host_that_has_said_all_can_still_be_answered)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	vsock_rig_say(fd, "question");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_data("question");
	ck_assert_uint_eq(expect_shutdown(), SEND);
	guest_says("answer");
	expect_text(fd, "answer");
	expect_alive();
	close(fd);
}
END_TEST

START_TEST(guest_that_has_said_all_can_still_be_answered)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	guest_says("question");
	guest_shuts(SEND);
	expect_text(fd, "question");
	ck_assert_uint_eq(vsock_rig_read(&rig, fd, &(char){ 0 }, 1), 0);
	vsock_rig_say(fd, "answer");
	expect_data("answer");
	expect_alive();
	close(fd);
}
END_TEST

START_TEST(directions_end_one_after_the_other)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	ck_assert_uint_eq(expect_shutdown(), SEND);
	guest_shuts(SEND);
	ck_assert_uint_eq(vsock_rig_read(&rig, fd, &(char){ 0 }, 1), 0);
	ck_assert_uint_eq(expect_shutdown(), RCV | SEND);
	guest_shuts(RCV | SEND);
	vsock_rig_expect(&rig, OP(RST));
	expect_forgotten();
	close(fd);
}
END_TEST

START_TEST(guest_that_closes_gets_its_rst)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	guest_says("bye");
	guest_shuts(RCV | SEND);
	vsock_rig_expect(&rig, OP(RST));
	expect_text(fd, "bye");
	expect_closed(fd);
	expect_forgotten();
}
END_TEST

START_TEST(host_that_closes_is_told_to_the_guest_behind_its_data)
{
	int fd = vsock_rig_connect(&rig, 52, &port);
	uint32_t flags;

	vsock_rig_say(fd, "last words");
	close(fd);
	/* That nobody reads any more may be told at once. */
	flags = vsock_rig_next(&rig)->header.flags;
	ck_assert_uint_eq(flags, RCV);
	expect_data("last words");
	ck_assert_uint_eq(expect_shutdown(), RCV | SEND);
	vsock_rig_send(&rig, OP(RST), 52, port, 0, NULL, 0);
	expect_forgotten();
}
END_TEST

START_TEST(guest_that_does_not_read_is_an_error_for_the_host)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	guest_shuts(RCV);
	expect_alive();
	ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	ck_assert_int_eq(errno, EPIPE);
	guest_says("still here");
	expect_text(fd, "still here");
	close(fd);
}
END_TEST

START_TEST(rst_of_the_guest_closes)
{
	int fd = vsock_rig_connect(&rig, 52, &port);

	vsock_rig_send(&rig, OP(RST), 52, port, 0, NULL, 0);
	expect_closed(fd);
	expect_forgotten();
}
END_TEST

/* Fills the program's socket and then the device's buffer; the bytes that were taken. */
static size_t flood(void)
{
	static uint8_t chunk[4096];
	size_t sent = 0;
	uint32_t open;

	memset(chunk, 'x', sizeof(chunk));
	do {
		const struct virtio_vsock_hdr *header;

		vsock_rig_send(&rig, OP(RW), 52, port, 0, chunk, sizeof(chunk));
		sent += sizeof(chunk);
		vsock_rig_send(&rig, OP(CREDIT_REQUEST), 52, port, 0, NULL, 0);
		header = &vsock_rig_expect(&rig, OP(CREDIT_UPDATE))->header;
		open = header->buf_alloc - ((uint32_t)sent - header->fwd_cnt);
		ck_assert_uint_lt(sent, 64 << 20);
	} while (open >= sizeof(chunk));
	return sent;
}

static size_t read_all(int fd)
{
	static char data[1 << 16];
	size_t all = 0, n;

	do
		all += n = vsock_rig_read(&rig, fd, data, sizeof(data));
	while (n == sizeof(data));
	return all;
}

START_TEST(data_of_a_guest_that_has_gone_is_delivered)
{
	int fd = vsock_rig_connect(&rig, 52, &port);
	size_t sent = flood();

	vsock_rig_send(&rig, OP(RST), 52, port, 0, NULL, 0);
	expect_forgotten();
	ck_assert_uint_eq(read_all(fd), sent);
	close(fd);
}
END_TEST

START_TEST(rst_for_a_close_comes_behind_the_data)
{
	int fd = vsock_rig_connect(&rig, 52, &port);
	size_t sent = flood();

	guest_shuts(RCV | SEND);
	expect_alive();
	ck_assert_uint_eq(read_all(fd), sent);
	while (vsock_rig_next(&rig)->header.op != OP(RST))
		;
	expect_forgotten();
	close(fd);
}
END_TEST

START_TEST(end_of_the_guest_comes_behind_the_data)
{
	int fd = vsock_rig_connect(&rig, 52, &port);
	size_t sent = flood();

	guest_shuts(SEND);
	ck_assert_uint_eq(read_all(fd), sent);
	vsock_rig_say(fd, "got it");
	for (;;) {
		const struct vsock_rig_packet *packet = vsock_rig_next(&rig);

		if (packet->header.op == OP(CREDIT_UPDATE))
			continue;
		ck_assert_uint_eq(packet->header.op, OP(RW));
		break;
	}
	close(fd);
}
END_TEST

START_TEST(reset_closes_all_and_the_next_driver_starts_afresh)
{
	int fds[3];

	for (unsigned i = 0; i < 3; i++)
		fds[i] = vsock_rig_connect(&rig, 52, &port);
	virtio_rig_reset(&rig.virtio);
	for (unsigned i = 0; i < 3; i++)
		expect_closed(fds[i]);
	vsock_rig_start(&rig, 16);
	expect_forgotten();
	fds[0] = vsock_rig_connect(&rig, 52, &port);
	vsock_rig_say(fds[0], "again");
	expect_data("again");
	close(fds[0]);
}
END_TEST

START_TEST(end_with_open_connections_closes_them_and_removes_the_socket)
{
	int fd = vsock_rig_connect(&rig, 52, &port);
	char byte;

	vsock_destroy(rig.vsock);
	rig.vsock = NULL;
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
	ck_assert_int_eq(access(rig.path, F_OK), -1);
	close(fd);
}
END_TEST

START_TEST(connections_are_bounded_and_a_closed_one_makes_room)
{
	static int fds[VSOCK_MAX_CONNECTIONS];
	uint32_t ports[VSOCK_MAX_CONNECTIONS];
	int fd;

	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		fds[i] = vsock_rig_connect(&rig, 52, &ports[i]);
	expect_closed(vsock_rig_dial(&rig));
	vsock_rig_send(&rig, OP(REQUEST), 53, 1024, 0, NULL, 0);
	vsock_rig_expect(&rig, OP(RST));
	vsock_rig_send(&rig, OP(RST), 52, ports[7], 0, NULL, 0);
	fd = vsock_rig_connect(&rig, 52, &port);
	vsock_rig_say(fd, "in");
	expect_data("in");
	close(fd);
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		close(fds[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vsock");
	TCase *device = suite_case(suite, "device", setup, teardown);
	TCase *host = suite_case(suite, "host to guest", setup, teardown);
	TCase *impatient = suite_case(suite, "time", setup_impatient, teardown);
	TCase *guest = suite_case(suite, "guest to host", setup, teardown);
	TCase *ends = suite_case(suite, "ends", setup, teardown);

	tcase_add_test(device, guest_reads_its_cid);
	tcase_add_test(device, reserved_cids_are_refused);
	tcase_add_test(device, path_without_room_for_a_port_is_refused);
	tcase_add_test(device, socket_of_another_vm_is_left_alone);
	tcase_add_test(host, host_program_connects_and_both_talk);
	tcase_add_test(host, line_that_comes_in_pieces_is_one_line);
	tcase_add_test(host, what_follows_the_line_is_for_the_guest);
	tcase_add_test(host, program_that_does_not_wait_for_the_answer_is_heard);
	tcase_add_loop_test(host, malformed_line_is_closed, 0, 12);
	tcase_add_test(host, line_with_a_nul_is_closed);
	tcase_add_test(host, port_nobody_listens_on_in_the_guest_is_closed);
	tcase_add_test(host, guest_without_driver_is_closed);
	tcase_add_test(impatient, slow_line_is_closed);
	tcase_add_test(impatient, guest_that_does_not_answer_is_given_up);
	tcase_add_test(guest, guest_connects_to_a_host_program);
	tcase_add_test(guest, port_nobody_listens_on_is_refused);
	tcase_add_test(ends, host_that_has_said_all_can_still_be_answered);
	tcase_add_test(ends, guest_that_has_said_all_can_still_be_answered);
	tcase_add_test(ends, directions_end_one_after_the_other);
	tcase_add_test(ends, guest_that_closes_gets_its_rst);
	tcase_add_test(ends, host_that_closes_is_told_to_the_guest_behind_its_data);
	tcase_add_test(ends, guest_that_does_not_read_is_an_error_for_the_host);
	tcase_add_test(ends, rst_of_the_guest_closes);
	tcase_add_test(ends, data_of_a_guest_that_has_gone_is_delivered);
	tcase_add_test(ends, rst_for_a_close_comes_behind_the_data);
	tcase_add_test(ends, end_of_the_guest_comes_behind_the_data);
	tcase_add_test(ends, reset_closes_all_and_the_next_driver_starts_afresh);
	tcase_add_test(ends, end_with_open_connections_closes_them_and_removes_the_socket);
	tcase_add_test(ends, connections_are_bounded_and_a_closed_one_makes_room);
	return suite_run(suite);
}
