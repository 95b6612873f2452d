/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio network on passt's stream, and the passt that coldvm starts: a program of that name in
 * PATH that sends back what it gets, or fails in ways of its own. */
#include "devices/virtio/net_passt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/net_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/event.h"

#define RX 0
#define TX 1

#define MRG NET_BIT(VIRTIO_NET_F_MRG_RXBUF)

static struct net_rig rig;
static uint8_t in[70000], out[70000];
static char folder[64], path[108];
static struct event_monitor events;
static int events_fd;
static struct net_link kept;

static void setup(void)
{
	net_rig_init(&rig);
	kept = (struct net_link){ 0 };
	snprintf(folder, sizeof(folder), "/tmp/check_net_passt.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
}

static void teardown(void)
{
	char command[128];

	net_rig_exit(&rig);
	net_link_exit(&kept);
	snprintf(command, sizeof(command), "/bin/rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* A passt that listens, and the device connected to it; it takes no second connection. */
static void connect_device(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, sizeof(addr.sun_path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	rig.config.socket = path;
	net_rig_create(&rig);
	rig.outside[0] = accept(fd, NULL, NULL);
	ck_assert_int_ge(rig.outside[0], 0);
	close(fd);
	ck_assert_int_eq(unlink(path), 0);
}

static void setup_stream(void)
{
	setup();
	connect_device();
}

static void setup_link(void)
{
	setup();
	rig.config.link = &kept;
	connect_device();
}

/* As a reboot does. */
static void destroy_device(void)
{
	net_destroy(rig.net);
	rig.net = NULL;
}

/* --- the stream ------------------------------------------------------------------------------- */

static size_t stream_frame(uint8_t *to, uint32_t len, uint8_t seed)
{
	uint32_t prefix = htonl(len);

	memcpy(to, &prefix, 4);
	net_rig_pattern(to + 4, len, seed);
	return 4 + len;
}

static uint64_t offer_and_kick(uint32_t len)
{
	uint64_t gpa = net_rig_offer(&rig, RX, len);

	virtio_rig_kick(&rig.guest, RX);
	return gpa;
}

static void expect(uint64_t gpa, uint32_t len, uint8_t seed)
{
	static uint8_t want[70000];
	const uint8_t *got = virtio_rig_at(&rig.guest, gpa, NET_HDR_LEN + len);
	uint32_t used;

	ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, &used));
	ck_assert_uint_eq(used, NET_HDR_LEN + len);
	net_rig_pattern(want, len, seed);
	ck_assert_mem_eq(got + NET_HDR_LEN, want, len);
}

START_TEST(nothing_unfinished_is_offered)
{
	ck_assert(!(rig.device->offered &
		    (NET_BIT(VIRTIO_NET_F_CSUM) | NET_BIT(VIRTIO_NET_F_GUEST_CSUM) |
		     NET_BIT(VIRTIO_NET_F_HOST_TSO4) | NET_BIT(VIRTIO_NET_F_GUEST_TSO4))));
}
END_TEST

START_TEST(a_frame_of_the_guest_comes_behind_its_length_and_without_a_header)
{
	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, 1500, 3);
	net_rig_send(&rig, TX, in, 1500);
	net_rig_host_read_all(rig.outside[0], out, 1504);
	ck_assert_uint_eq(out[0] << 24 | out[1] << 16 | out[2] << 8 | out[3], 1500);
	ck_assert_mem_eq(out + 4, in, 1500);
}
END_TEST

START_TEST(a_header_apart_from_its_frame_is_cut_off_all_the_same)
{
	uint64_t gpa = virtio_rig_alloc(&rig.guest, 256, 16);
	const struct virtio_rig_buffer buffers[] = {
		{ .gpa = gpa, .len = 5 },
		{ .gpa = gpa + 16, .len = 20 },
		{ .gpa = gpa + 64, .len = 50 },
	};

	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(virtio_rig_at(&rig.guest, gpa, 256), 256, 0);
	net_rig_pattern(in, 256, 0);
	virtio_rig_add(&rig.guest, TX, buffers, 3);
	virtio_rig_kick(&rig.guest, TX);
	net_rig_host_read_all(rig.outside[0], out, 4 + 63);
	ck_assert_uint_eq(out[3], 63);
	ck_assert_mem_eq(out + 4, in + 16 + 7, 13);
	ck_assert_mem_eq(out + 4 + 13, in + 64, 50);
}
END_TEST

START_TEST(a_frame_of_the_host_reaches_the_guest)
{
	uint64_t gpa;

	net_rig_start(&rig, MRG, 2);
	gpa = offer_and_kick(2000);
	net_rig_host_write(rig.outside[0], in, stream_frame(in, 1000, 7));
	expect(gpa, 1000, 7);
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte)
{
	size_t len = stream_frame(in, 60, 7);
	uint64_t gpa;

	net_rig_start(&rig, MRG, 2);
	gpa = offer_and_kick(2000);
	for (size_t i = 0; i < len; i++) {
		net_rig_host_write(rig.outside[0], in + i, 1);
		poll(NULL, 0, 1);
	}
	expect(gpa, 60, 7);
}
END_TEST

START_TEST(many_frames_may_come_at_once)
{
	size_t len = 0;
	uint64_t gpas[60];

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < 60; i++)
		gpas[i] = net_rig_offer(&rig, RX, 1600);
	virtio_rig_kick(&rig.guest, RX);
	for (unsigned i = 0; i < 60; i++)
		len += stream_frame(in + len, 1000 + i, (uint8_t)i);
	net_rig_host_write(rig.outside[0], in, len);
	for (unsigned i = 0; i < 60; i++)
		expect(gpas[i], 1000 + i, (uint8_t)i);
}
END_TEST

/* More than what is kept here: the stream itself holds the rest. */
START_TEST(frames_wait_for_a_guest_without_buffers)
{
	size_t len = stream_frame(in, 1000, 7);
	unsigned sent = 0;

	net_rig_start(&rig, MRG, 2);
	while (send(rig.outside[0], in, len, MSG_DONTWAIT) == (ssize_t)len)
		ck_assert_uint_lt(sent++, 100000);
	for (unsigned i = 0; i < 50; i++)
		expect(offer_and_kick(1100), 1000, 7);
	net_rig_wait_dropped(&rig, 0, 0);
}
END_TEST

START_TEST(the_longest_frame_passes_both_ways)
{
	uint64_t gpa;

	net_rig_start(&rig, 0, 2);
	gpa = offer_and_kick(NET_HDR_LEN + NET_FRAME_MAX);
	net_rig_host_write(rig.outside[0], in, stream_frame(in, NET_FRAME_MAX, 7));
	expect(gpa, NET_FRAME_MAX, 7);
	net_rig_send(&rig, TX, in, NET_FRAME_MAX);
	net_rig_host_read_all(rig.outside[0], out, 4 + NET_FRAME_MAX);
	ck_assert_mem_eq(out + 4, in, NET_FRAME_MAX);
}
END_TEST

/* The socket takes parts of frames; each arrives whole, in order, and its buffer comes back. */
START_TEST(frames_that_the_stream_takes_in_parts_arrive_whole)
{
	static const int small = 4096;
	const unsigned nr = 12, len = 50000;

	ck_assert_int_eq(setsockopt(rig.outside[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
			 0);
	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < nr; i++) {
		const struct virtio_rig_buffer buffer = {
			.gpa = virtio_rig_alloc(&rig.guest, NET_HDR_LEN + len, 16),
			.len = NET_HDR_LEN + len,
		};

		net_rig_pattern(virtio_rig_at(&rig.guest, buffer.gpa + NET_HDR_LEN, len), len,
				(uint8_t)i);
		virtio_rig_add(&rig.guest, TX, &buffer, 1);
	}
	virtio_rig_kick(&rig.guest, TX);
	for (unsigned i = 0; i < nr; i++) {
		net_rig_host_read_all(rig.outside[0], out, 4 + len);
		net_rig_pattern(in, len, (uint8_t)i);
		ck_assert_mem_eq(out + 4, in, len);
	}
	for (unsigned i = 0; i < nr; i++)
		ck_assert(virtio_rig_used(&rig.guest, TX, NET_WAIT_MS, NULL, NULL));
}
END_TEST

/* Nobody reads until all that fits is in the socket: for some number of frames the last one is
 * there in part, and nothing but the socket's room can tell the thread to go on. */
START_TEST(the_rest_of_the_last_frame_goes_out)
{
	const unsigned nr = (unsigned)_i, len = 50000;

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < nr; i++) {
		const struct virtio_rig_buffer buffer = {
			.gpa = virtio_rig_alloc(&rig.guest, NET_HDR_LEN + len, 16),
			.len = NET_HDR_LEN + len,
		};

		net_rig_pattern(virtio_rig_at(&rig.guest, buffer.gpa + NET_HDR_LEN, len), len,
				(uint8_t)i);
		virtio_rig_add(&rig.guest, TX, &buffer, 1);
	}
	virtio_rig_kick(&rig.guest, TX);
	/* Long enough for the thread to have done what it can; a shorter time tests less. */
	poll(NULL, 0, 50);
	for (unsigned i = 0; i < nr; i++) {
		net_rig_host_read_all(rig.outside[0], out, 4 + len);
		net_rig_pattern(in, len, (uint8_t)i);
		ck_assert_mem_eq(out + 4, in, len);
	}
}
END_TEST

START_TEST(a_reset_cuts_no_frame_off)
{
	const unsigned nr = 12, len = 50000;
	const struct virtio_rig_buffer last = {
		.gpa = virtio_rig_alloc(&rig.guest, NET_HDR_LEN + 77, 16),
		.len = NET_HDR_LEN + 77,
	};
	uint32_t prefix;

	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < nr; i++) {
		const struct virtio_rig_buffer buffer = {
			.gpa = virtio_rig_alloc(&rig.guest, NET_HDR_LEN + len, 16),
			.len = NET_HDR_LEN + len,
		};

		virtio_rig_add(&rig.guest, TX, &buffer, 1);
	}
	virtio_rig_kick(&rig.guest, TX);
	/* Some frames are out, one in part, and the rest waits. */
	ck_assert(virtio_rig_used(&rig.guest, TX, NET_WAIT_MS, NULL, NULL));
	virtio_rig_reset(&rig.guest);
	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, 77, 1);
	memcpy(virtio_rig_at(&rig.guest, last.gpa + NET_HDR_LEN, 77), in, 77);
	virtio_rig_add(&rig.guest, TX, &last, 1);
	virtio_rig_kick(&rig.guest, TX);
	do {
		net_rig_host_read_all(rig.outside[0], &prefix, 4);
		prefix = ntohl(prefix);
		ck_assert(prefix == len || prefix == 77);
		net_rig_host_read_all(rig.outside[0], out, prefix);
	} while (prefix == len);
	ck_assert_mem_eq(out, in, 77);
}
END_TEST

START_TEST(a_length_that_no_frame_has_takes_the_link_down)
{
	static const uint32_t lens[] = { 0, 13, NET_FRAME_MAX + 1, 0x7fffffff, 0xffffffff };
	uint32_t prefix = htonl(lens[_i]);

	net_rig_start(&rig, MRG, 2);
	offer_and_kick(2000);
	net_rig_host_write(rig.outside[0], &prefix, 4);
	ck_assert(net_rig_wait_down(&rig));
	net_rig_send(&rig, TX, in, 60);
	net_rig_wait_dropped(&rig, 0, 1);
}
END_TEST

START_TEST(a_stream_that_ends_within_a_frame_takes_the_link_down)
{
	net_rig_start(&rig, MRG, 2);
	offer_and_kick(2000);
	net_rig_host_write(rig.outside[0], in, stream_frame(in, 1000, 7) - 1);
	close_fd(&rig.outside[0]);
	ck_assert(net_rig_wait_down(&rig));
	ck_assert(!virtio_rig_used(&rig.guest, RX, 0, NULL, NULL));
}
END_TEST

/* More of them than are moved in one round, and the end is told with each. */
START_TEST(frames_before_the_end_of_the_stream_still_arrive)
{
	uint64_t gpas[200];
	size_t len = 0;

	virtio_rig_negotiate(&rig.guest, rig.device, MRG);
	virtio_rig_queue(&rig.guest, RX, 256);
	virtio_rig_queue(&rig.guest, TX, 64);
	virtio_rig_ready(&rig.guest);
	for (unsigned i = 0; i < 200; i++)
		len += stream_frame(in + len, 100, (uint8_t)i);
	for (unsigned i = 0; i < 200; i++)
		gpas[i] = net_rig_offer(&rig, RX, 200);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_host_write(rig.outside[0], in, len);
	close_fd(&rig.outside[0]);
	for (unsigned i = 0; i < 200; i++)
		expect(gpas[i], 100, (uint8_t)i);
	ck_assert(net_rig_wait_down(&rig));
}
END_TEST

START_TEST(a_frame_too_long_for_its_buffer_is_dropped_and_the_buffer_used_for_the_next)
{
	uint64_t gpa;

	net_rig_start(&rig, 0, 2);
	gpa = offer_and_kick(500);
	net_rig_host_write(rig.outside[0], in, stream_frame(in, 489, 1));
	net_rig_host_write(rig.outside[0], in, stream_frame(in, 488, 2));
	expect(gpa, 488, 2);
	net_rig_wait_dropped(&rig, 1, 0);
}
END_TEST

/* --- connecting ------------------------------------------------------------------------------- */

START_TEST(a_socket_that_is_missing_is_named)
{
	rig.config.socket = path;
	net_rig_refused(&rig, -ENOENT, path);
}
END_TEST

START_TEST(a_socket_path_that_is_too_long_is_refused)
{
	char long_path[200];

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	rig.config.socket = long_path;
	net_rig_refused(&rig, -EINVAL, "107 bytes");
}
END_TEST

START_TEST(passt_has_one_pair_and_no_vhost)
{
	rig.config.socket = path;
	rig.config.vhost = NET_VHOST_ON;
	net_rig_refused(&rig, -EINVAL, "vhost=on takes a tap");
	rig.config.nr_pairs = 2;
	net_rig_refused(&rig, -EINVAL, "num_queues is 2");
}
END_TEST

/* --- reboots ---------------------------------------------------------------------------------- */

START_TEST(another_boot_goes_on_with_the_stream)
{
	destroy_device();
	net_rig_create(&rig);
	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, 300, 3);
	net_rig_send(&rig, TX, in, 300);
	net_rig_host_read_all(rig.outside[0], out, 304);
	ck_assert_mem_eq(out + 4, in, 300);
	ck_assert(net_rig_link(&rig));
}
END_TEST

START_TEST(a_frame_that_came_in_part_before_a_reboot_is_whole_after_it)
{
	size_t len = stream_frame(in, 1000, 7);
	uint64_t gpa;

	net_rig_start(&rig, MRG, 2);
	gpa = offer_and_kick(2000);
	net_rig_host_write(rig.outside[0], in, len);
	expect(gpa, 1000, 7);
	net_rig_host_write(rig.outside[0], in, 500);
	poll(NULL, 0, 20);
	virtio_rig_reset(&rig.guest);
	destroy_device();
	net_rig_create(&rig);
	net_rig_start(&rig, MRG, 2);
	gpa = offer_and_kick(2000);
	net_rig_host_write(rig.outside[0], in + 500, len - 500);
	expect(gpa, 1000, 7);
}
END_TEST

START_TEST(a_passt_that_is_gone_at_a_reboot_takes_the_link_down_and_is_one_event)
{
	char line[1000];
	ssize_t len;
	int fds[2];

	destroy_device();
	close_fd(&rig.outside[0]);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	event_monitor_init(&events, fds[1]);
	rig.config.events = &events;
	net_rig_create(&rig);
	ck_assert(net_rig_wait_down(&rig));
	destroy_device();
	event_monitor_exit(&events);
	len = read(fds[0], line, sizeof(line) - 1);
	ck_assert_int_gt(len, 0);
	line[len] = '\0';
	ck_assert_msg(strstr(line, "\"net-backend-lost\"") && strstr(line, "cannot connect to"),
		      "%s", line);
	ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
	close(fds[0]);
}
END_TEST

START_TEST(a_passt_that_was_started_again_serves_the_next_boot)
{
	destroy_device();
	close_fd(&rig.outside[0]);
	connect_device();
	net_rig_start(&rig, MRG, 2);
	net_rig_pattern(in, 300, 3);
	net_rig_send(&rig, TX, in, 300);
	net_rig_host_read_all(rig.outside[0], out, 304);
	ck_assert(net_rig_link(&rig));
}
END_TEST

START_TEST(a_card_has_its_mac_address_after_a_reboot)
{
	struct virtio_net_config before = net_rig_config(&rig), after;

	destroy_device();
	net_rig_create(&rig);
	after = net_rig_config(&rig);
	ck_assert_mem_eq(before.mac, after.mac, sizeof(before.mac));
}
END_TEST

START_TEST(a_passt_that_was_never_there_is_a_failure_with_a_link_too)
{
	rig.config.link = &kept;
	rig.config.socket = path;
	net_rig_refused(&rig, -ENOENT, "cannot connect");
	net_rig_refused(&rig, -ENOENT, "cannot connect");
}
END_TEST

/* --- a passt of our own ----------------------------------------------------------------------- */

static void write_passt(const char *text)
{
	char file[100];
	FILE *out_file;

	snprintf(file, sizeof(file), "%s/passt", folder);
	out_file = fopen(file, "we");
	ck_assert_ptr_nonnull(out_file);
	fprintf(out_file, "#!/bin/sh\n%s\n", text);
	fclose(out_file);
	ck_assert_int_eq(chmod(file, 0755), 0);
}

/* Events go to a pipe. */
static void start_passt(const char *text)
{
	char search[300];
	int fds[2];

	write_passt(text);
	snprintf(search, sizeof(search), "%s:/usr/bin:/bin", folder);
	ck_assert_int_eq(setenv("PATH", search, 1), 0);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	events_fd = fds[0];
	event_monitor_init(&events, fds[1]);
	rig.config.passt = true;
	rig.config.events = &events;
	net_rig_create(&rig);
}

static void stop_passt(void)
{
	net_destroy(rig.net);
	rig.net = NULL;
	event_monitor_exit(&events);
	close_fd(&events_fd);
}

static void read_file(const char *name, char *text, size_t size)
{
	char file[100];
	size_t len = 0;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	for (unsigned i = 0; i < NET_WAIT_MS && !len; i++) {
		FILE *in_file = fopen(file, "re");

		if (in_file) {
			len = fread(text, 1, size - 1, in_file);
			fclose(in_file);
		}
		poll(NULL, 0, 1);
	}
	ck_assert_uint_gt(len, 0);
	text[len] = '\0';
}

/* @script is a passt that gives each frame back: cat is the simplest network there is. */
static void pass_frame_through(const char *script)
{
	uint64_t gpa;

	start_passt(script);
	net_rig_start(&rig, MRG, 2);
	gpa = offer_and_kick(2000);
	net_rig_pattern(in, 300, 4);
	net_rig_send(&rig, TX, in, 300);
	expect(gpa, 300, 4);
	stop_passt();
}

START_TEST(frames_pass_through_the_passt_that_is_started)
{
	pass_frame_through("exec cat <&3 >&3");
}
END_TEST

START_TEST(passt_gets_its_socket_and_the_words_of_the_user_and_no_other_descriptor)
{
	char text[1000], script[400], line[200];

	snprintf(script, sizeof(script),
		 "echo \"$@\" $(cd /proc/self/fd; echo *) >%s/part; mv %s/part %s/args\n"
		 "exec cat <&3 >&3",
		 folder, folder, folder);
	rig.config.passt_args = "  --tcp-ports 8080  -4 ";
	ck_assert_int_ge(dup(STDERR_FILENO), 0); /* open at exec, and not for it */
	start_passt(script);
	read_file("args", text, sizeof(text));
	snprintf(line, sizeof(line), "--foreground --quiet --fd 3 --tcp-ports 8080 -4 0 1 2 3");
	ck_assert_msg(!strncmp(text, line, strlen(line)), "%s", text);
	/* The shell's own, to list them, and no more. */
	ck_assert_uint_le(strlen(text), strlen(line) + 4);
	stop_passt();
}
END_TEST

START_TEST(a_passt_that_fails_takes_the_link_down_and_says_why)
{
	char line[500];
	ssize_t len;

	start_passt("echo 'no route to anywhere' >&2; exit 5");
	ck_assert(net_rig_wait_down(&rig));
	len = read(events_fd, line, sizeof(line) - 1);
	ck_assert_int_gt(len, 0);
	line[len] = '\0';
	ck_assert_msg(strstr(line, "\"net-backend-lost\""), "%s", line);
	ck_assert_msg(strstr(line, "it ended with status 5: no route to anywhere"), "%s", line);
	ck_assert_msg(strstr(line, "\"id\": \"net0\"") || strstr(line, "\"id\":\"net0\""), "%s",
		      line);
	stop_passt();
}
END_TEST

START_TEST(a_passt_that_is_killed_is_one_event_and_the_guest_goes_on)
{
	char text[100], script[400], line[500];
	ssize_t len;

	snprintf(script, sizeof(script), "echo $$ >%s/part; mv %s/part %s/pid; exec cat <&3 >&3",
		 folder, folder, folder);
	start_passt(script);
	net_rig_start(&rig, MRG, 2);
	read_file("pid", text, sizeof(text));
	ck_assert_int_eq(kill(atoi(text), SIGKILL), 0);
	ck_assert(net_rig_wait_down(&rig));
	len = read(events_fd, line, sizeof(line) - 1);
	ck_assert_int_gt(len, 0);
	line[len] = '\0';
	ck_assert_msg(strstr(line, "killed by signal 9"), "%s", line);
	net_rig_send(&rig, TX, in, 60);
	net_rig_wait_dropped(&rig, 0, 1);
	/* Reaped. */
	ck_assert_int_eq(kill(atoi(text), 0), -1);
	ck_assert_int_eq(errno, ESRCH);
	stop_passt();
}
END_TEST

START_TEST(passt_is_gone_when_the_device_is)
{
	char text[100], script[400];

	snprintf(script, sizeof(script), "echo $$ >%s/part; mv %s/part %s/pid; exec cat <&3 >&3",
		 folder, folder, folder);
	start_passt(script);
	read_file("pid", text, sizeof(text));
	stop_passt();
	ck_assert_int_eq(kill(atoi(text), 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(a_passt_that_does_not_end_is_killed)
{
	char text[100], script[400];

	snprintf(script, sizeof(script),
		 "trap '' TERM; echo $$ >%s/part; mv %s/part %s/pid; exec sleep 1000", folder,
		 folder, folder);
	start_passt(script);
	read_file("pid", text, sizeof(text));
	stop_passt();
	ck_assert_int_eq(kill(atoi(text), 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(a_passt_that_is_not_installed_is_said)
{
	ck_assert_int_eq(setenv("PATH", folder, 1), 0);
	rig.config.passt = true;
	net_rig_refused(&rig, -ENOENT, "package passt");
}
END_TEST

START_TEST(a_passt_that_talks_without_end_does_not_stop_frames)
{
	pass_frame_through("yes >&2 & cat <&3 >&3; kill $!");
}
END_TEST

START_TEST(too_many_words_for_passt_are_refused)
{
	char args[400] = "";

	for (unsigned i = 0; i < 100; i++)
		strcat(args, "a ");
	rig.config.passt = true;
	rig.config.passt_args = args;
	net_rig_refused(&rig, -E2BIG, "words");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_passt");
	TCase *tcase = suite_case(suite, "stream", setup_stream, teardown);

	tcase_add_test(tcase, nothing_unfinished_is_offered);
	tcase_add_test(tcase, a_frame_of_the_guest_comes_behind_its_length_and_without_a_header);
	tcase_add_test(tcase, a_header_apart_from_its_frame_is_cut_off_all_the_same);
	tcase_add_test(tcase, a_frame_of_the_host_reaches_the_guest);
	tcase_add_test(tcase, a_frame_may_come_byte_by_byte);
	tcase_add_test(tcase, many_frames_may_come_at_once);
	tcase_add_test(tcase, frames_wait_for_a_guest_without_buffers);
	tcase_add_test(tcase, the_longest_frame_passes_both_ways);
	tcase_add_test(tcase, frames_that_the_stream_takes_in_parts_arrive_whole);
	tcase_add_loop_test(tcase, the_rest_of_the_last_frame_goes_out, 1, 9);
	tcase_add_test(tcase, a_reset_cuts_no_frame_off);
	tcase_add_loop_test(tcase, a_length_that_no_frame_has_takes_the_link_down, 0, 5);
	tcase_add_test(tcase, a_stream_that_ends_within_a_frame_takes_the_link_down);
	tcase_add_test(tcase, frames_before_the_end_of_the_stream_still_arrive);
	tcase_add_test(tcase,
		       a_frame_too_long_for_its_buffer_is_dropped_and_the_buffer_used_for_the_next);

	tcase = suite_case(suite, "connect", setup, teardown);
	tcase_add_test(tcase, a_socket_that_is_missing_is_named);
	tcase_add_test(tcase, a_socket_path_that_is_too_long_is_refused);
	tcase_add_test(tcase, passt_has_one_pair_and_no_vhost);

	tcase_add_test(tcase, a_passt_that_was_never_there_is_a_failure_with_a_link_too);

	tcase = suite_case(suite, "reboot", setup_link, teardown);
	tcase_add_test(tcase, another_boot_goes_on_with_the_stream);
	tcase_add_test(tcase, a_frame_that_came_in_part_before_a_reboot_is_whole_after_it);
	tcase_add_test(tcase,
		       a_passt_that_is_gone_at_a_reboot_takes_the_link_down_and_is_one_event);
	tcase_add_test(tcase, a_passt_that_was_started_again_serves_the_next_boot);
	tcase_add_test(tcase, a_card_has_its_mac_address_after_a_reboot);

	tcase = suite_case(suite, "process", setup, teardown);
	tcase_add_test(tcase, frames_pass_through_the_passt_that_is_started);
	tcase_add_test(tcase,
		       passt_gets_its_socket_and_the_words_of_the_user_and_no_other_descriptor);
	tcase_add_test(tcase, a_passt_that_fails_takes_the_link_down_and_says_why);
	tcase_add_test(tcase, a_passt_that_is_killed_is_one_event_and_the_guest_goes_on);
	tcase_add_test(tcase, passt_is_gone_when_the_device_is);
	tcase_add_test(tcase, a_passt_that_does_not_end_is_killed);
	tcase_add_test(tcase, a_passt_that_is_not_installed_is_said);
	tcase_add_test(tcase, a_passt_that_talks_without_end_does_not_stop_frames);
	tcase_add_test(tcase, too_many_words_for_passt_are_refused);
	return suite_run(suite);
}
