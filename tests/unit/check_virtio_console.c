/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio console, between two pipes, or on a pseudo terminal where its size matters. */
#include "devices/virtio/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"
#include "vmm/loop.h"

#define WAIT_MS 20000
#define RX	0
#define TX	1
#define F_SIZE	(UINT64_C(1) << 0)

static struct virtio_rig rig;
static struct loop loop;
static struct virtio_console *console;
static int in[2], out[2]; /* read end, write end */
static size_t (*typed)(void *opaque, uint8_t *data, size_t len);

/* No reader of these tests is late but the one that shall be. */
static void create(unsigned stall_ms)
{
	const struct virtio_console_config config = {
		.name = "console0",
		.in_fd = in[0],
		.out_fd = out[1],
		.size = true,
		.typed = typed,
		.stall_ms = stall_ms,
	};

	ck_assert_int_eq(virtio_console_create(&config, &rig.memory, &loop, &console), 0);
	virtio_rig_start(&rig, virtio_console_device(console), F_SIZE, 2);
}

static void setup_world(void)
{
	signal(SIGPIPE, SIG_IGN);
	virtio_rig_init(&rig, false);
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(pipe2(in, O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_NONBLOCK | O_CLOEXEC), 0);
	typed = NULL;
	console = NULL;
}

static void setup(void)
{
	setup_world();
	create(3600000);
}

static void setup_impatient(void)
{
	setup_world();
	create(1);
}

static void teardown(void)
{
	virtio_console_destroy(console);
	loop_exit(&loop);
	virtio_rig_exit(&rig);
	for (unsigned i = 0; i < 2; i++) {
		close_fd(&in[i]);
		close_fd(&out[i]);
	}
}

/* --- the guest ---------------------------------------------------------------------------------
 */

static void add_output(const void *data, uint32_t len)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig, len, 1),
		.len = len,
	};

	memcpy(virtio_rig_at(&rig, buffer.gpa, len), data, len);
	virtio_rig_add(&rig, TX, &buffer, 1);
}

static uint64_t add_room(uint32_t len)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig, len, 1),
		.len = len,
		.write = true,
	};

	virtio_rig_add(&rig, RX, &buffer, 1);
	return buffer.gpa;
}

static uint32_t used(unsigned queue)
{
	uint32_t len;

	ck_assert(virtio_rig_loop_used(&rig, &loop, queue, WAIT_MS, NULL, &len));
	return len;
}

static bool used_at_once(unsigned queue)
{
	virtio_rig_loop_run(&loop, 50);
	return virtio_rig_used(&rig, queue, 0, NULL, NULL);
}

/* --- the user ----------------------------------------------------------------------------------
 */

static void type(const char *text)
{
	ck_assert_int_eq(write(in[1], text, strlen(text)), (ssize_t)strlen(text));
}

/* Reads @len bytes of output, while the loop runs; by pieces that leave the writer some room. */
static void expect(uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(out[0], data + done, min_u64(len - done, 5000));

		if (n > 0)
			done += (size_t)n;
		virtio_rig_loop_run(&loop, 1);
	}
}

static void expect_text(const char *text)
{
	uint8_t data[200];

	expect(data, strlen(text));
	ck_assert_mem_eq(data, text, strlen(text));
}

/* Bytes that follow from their place, so that one lost or twice is seen. */
static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i ^ (i >> 8) ^ (i >> 16));
}

static uint8_t pattern[KIB(512)], got[KIB(512)];

static void make_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = byte_at(i);
}

START_TEST(what_the_guest_writes_comes_out)
{
	add_output("hello, ", 7);
	add_output("world", 5);
	virtio_rig_kick(&rig, TX);
	ck_assert_uint_eq(used(TX), 0);
	ck_assert_uint_eq(used(TX), 0);
	expect_text("hello, world");
}
END_TEST

START_TEST(request_of_many_buffers_comes_out_in_order)
{
	struct virtio_rig_buffer buffers[3];

	for (unsigned i = 0; i < 3; i++) {
		buffers[i] = (struct virtio_rig_buffer){
			.gpa = virtio_rig_alloc(&rig, 2, 1),
			.len = 2,
		};
		memcpy(virtio_rig_at(&rig, buffers[i].gpa, 2), &"aabbcc"[i * 2], 2);
	}
	virtio_rig_add(&rig, TX, buffers, 3);
	virtio_rig_kick(&rig, TX);
	used(TX);
	expect_text("aabbcc");
}
END_TEST

START_TEST(guest_waits_for_a_slow_reader_and_nothing_is_lost)
{
	const unsigned nr = 60, size = KIB(8);
	unsigned n = 0;

	make_pattern();
	for (unsigned i = 0; i < nr; i++)
		add_output(pattern + i * size, size);
	virtio_rig_kick(&rig, TX);
	virtio_rig_loop_run(&loop, 200);
	while (virtio_rig_used(&rig, TX, 0, NULL, NULL))
		n++;
	/* The pipe and the buffer have 64 KiB each. */
	ck_assert_uint_lt(n, 20);
	ck_assert_uint_ge(n, 14);
	expect(got, nr * size);
	ck_assert_mem_eq(got, pattern, nr * size);
	for (; n < nr; n++)
		used(TX);
}
END_TEST

START_TEST(request_longer_than_the_buffer_comes_out_whole)
{
	make_pattern();
	add_output(pattern, sizeof(pattern));
	virtio_rig_kick(&rig, TX);
	expect(got, sizeof(pattern));
	ck_assert_mem_eq(got, pattern, sizeof(pattern));
	ck_assert_uint_eq(used(TX), 0);
	ck_assert(!used_at_once(TX));
}
END_TEST

START_TEST(half_a_request_is_forgotten_by_a_reset)
{
	make_pattern();
	add_output(pattern, sizeof(pattern));
	virtio_rig_kick(&rig, TX);
	virtio_rig_loop_run(&loop, 50);
	virtio_rig_reset(&rig);
	virtio_rig_loop_run(&loop, 1);
	while (read(out[0], got, sizeof(got)) > 0)
		virtio_rig_loop_run(&loop, 1);
	virtio_rig_start(&rig, virtio_console_device(console), 0, 2);
	add_output("from the start", 14);
	virtio_rig_kick(&rig, TX);
	expect_text("from the start");
}
END_TEST

static uint16_t used_at_its_turn;

static void other_ready(struct loop_source *source, int revents)
{
	(void)source;
	(void)revents;
	used_at_its_turn = virtio_rig_used_ring(&rig, TX)->idx;
	loop_quit(&loop);
}

START_TEST(round_of_output_leaves_time_for_others)
{
	struct loop_source other = {
		.fd = eventfd(1, EFD_CLOEXEC),
		.events = POLLIN,
		.ready = other_ready,
	};

	virtio_rig_reset(&rig);
	virtio_rig_negotiate(&rig, virtio_console_device(console), 0);
	virtio_rig_queue(&rig, RX, 128);
	virtio_rig_queue(&rig, TX, 128);
	for (unsigned i = 0; i < 120; i++)
		add_output("x", 1);
	virtio_rig_ready(&rig);
	ck_assert_int_eq(loop_add(&loop, &other), 0);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_lt(used_at_its_turn, 120);
	loop_del(&loop, &other);
	close(other.fd);
	for (unsigned i = 0; i < 120; i++)
		used(TX); /* what was there before the start, and beyond a round */
}
END_TEST

START_TEST(guest_does_not_wait_for_a_reader_that_reads_nothing)
{
	make_pattern();
	for (unsigned i = 0; i < 60; i++)
		add_output(pattern + i * KIB(8), KIB(8));
	virtio_rig_kick(&rig, TX);
	for (unsigned i = 0; i < 60; i++)
		used(TX);
	/* What the reader finds when it comes is the beginning. */
	expect(got, KIB(128));
	ck_assert_mem_eq(got, pattern, KIB(128));
}
END_TEST

START_TEST(reader_that_comes_back_sees_what_is_new)
{
	for (unsigned i = 0; i < 60; i++)
		add_output(pattern, KIB(8));
	virtio_rig_kick(&rig, TX);
	for (unsigned i = 0; i < 60; i++)
		used(TX);
	expect(got, KIB(128));
	add_output("back again", 10);
	virtio_rig_kick(&rig, TX);
	expect_text("back again");
}
END_TEST

START_TEST(reader_that_is_gone_does_not_stop_the_guest)
{
	close_fd(&out[0]);
	for (unsigned i = 0; i < 60; i++)
		add_output(pattern, KIB(8));
	virtio_rig_kick(&rig, TX);
	for (unsigned i = 0; i < 60; i++)
		used(TX);
	ck_assert(!virtio_rig_needs_reset(&rig, 0));
}
END_TEST

START_TEST(what_is_typed_reaches_the_guest)
{
	uint64_t gpa = add_room(100);

	virtio_rig_kick(&rig, RX);
	type("ls\r");
	ck_assert_uint_eq(used(RX), 3);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 3), "ls\r", 3);
}
END_TEST

START_TEST(input_stays_where_it_is_while_the_guest_has_no_room)
{
	int waiting;
	uint64_t gpa;

	type("patience");
	virtio_rig_loop_run(&loop, 50);
	ck_assert_int_eq(ioctl(in[0], FIONREAD, &waiting), 0);
	ck_assert_int_eq(waiting, 8);
	gpa = add_room(100);
	virtio_rig_kick(&rig, RX);
	ck_assert_uint_eq(used(RX), 8);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 8), "patience", 8);
	/* And again, now that there was room once. */
	type("more");
	virtio_rig_loop_run(&loop, 50);
	ck_assert_int_eq(ioctl(in[0], FIONREAD, &waiting), 0);
	ck_assert_int_eq(waiting, 4);
}
END_TEST

START_TEST(input_longer_than_a_buffer_fills_the_next_ones)
{
	uint64_t gpa[4];

	for (unsigned i = 0; i < 3; i++)
		gpa[i] = add_room(2);
	virtio_rig_kick(&rig, RX);
	type("abcdefgh");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(used(RX), 2);
		ck_assert_mem_eq(virtio_rig_at(&rig, gpa[i], 2), &"abcdefgh"[i * 2], 2);
	}
	ck_assert(!used_at_once(RX));
	gpa[3] = add_room(2);
	virtio_rig_kick(&rig, RX);
	ck_assert_uint_eq(used(RX), 2);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa[3], 2), "gh", 2);
}
END_TEST

START_TEST(much_input_arrives_whole)
{
	size_t typed_len = KIB(20), len = 0;

	make_pattern();
	ck_assert_int_eq(write(in[1], pattern, typed_len), (ssize_t)typed_len);
	while (len < typed_len) {
		uint64_t gpa = add_room(300);
		uint32_t n;

		virtio_rig_kick(&rig, RX);
		n = used(RX);
		memcpy(got + len, virtio_rig_at(&rig, gpa, n ? n : 1), n);
		len += n;
	}
	ck_assert_mem_eq(got, pattern, typed_len);
}
END_TEST

START_TEST(end_of_input_does_not_end_output)
{
	add_room(100);
	virtio_rig_kick(&rig, RX);
	close_fd(&in[1]);
	ck_assert(!used_at_once(RX));
	add_output("still here", 10);
	virtio_rig_kick(&rig, TX);
	expect_text("still here");
}
END_TEST

START_TEST(end_of_input_is_final)
{
	char path[64];

	add_room(100);
	virtio_rig_kick(&rig, RX);
	close_fd(&in[1]);
	ck_assert(!used_at_once(RX));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", in[0]);
	in[1] = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(in[1], 0);
	type("too late");
	ck_assert(!used_at_once(RX));
}
END_TEST

START_TEST(input_goes_on_after_a_reset)
{
	uint64_t gpa;

	add_room(100);
	virtio_rig_kick(&rig, RX);
	virtio_rig_loop_run(&loop, 10);
	virtio_rig_reset(&rig);
	type("kept");
	virtio_rig_loop_run(&loop, 50);
	virtio_rig_start(&rig, virtio_console_device(console), 0, 2);
	gpa = add_room(100);
	virtio_rig_kick(&rig, RX);
	ck_assert_uint_eq(used(RX), 4);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 4), "kept", 4);
}
END_TEST

/* Swallows 'q', doubles 'd'. */
static size_t filter(void *opaque, uint8_t *data, size_t len)
{
	uint8_t copy[512];
	size_t n = 0;

	(void)opaque;
	ck_assert_uint_le(len, sizeof(copy));
	memcpy(copy, data, len);
	for (size_t i = 0; i < len; i++) {
		if (copy[i] != 'q')
			data[n++] = copy[i];
		if (copy[i] == 'd')
			data[n++] = copy[i];
	}
	return n;
}

START_TEST(keys_of_the_caller_are_not_the_guests)
{
	uint8_t many[1500];
	uint64_t gpa;

	typed = filter;
	create(3600000);
	gpa = add_room(100);
	virtio_rig_kick(&rig, RX);
	type("aqbd");
	ck_assert_uint_eq(used(RX), 4);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 4), "abdd", 4);
	memset(many, 'd', sizeof(many));
	ck_assert_int_eq(write(in[1], many, sizeof(many)), sizeof(many));
	add_room(2000);
	virtio_rig_kick(&rig, RX);
	ck_assert_uint_eq(used(RX), 1024);
}
END_TEST

START_TEST(ring_without_sense_needs_a_reset)
{
	add_output("x", 1);
	virtio_rig_desc(&rig, TX, 0)->next = 999;
	virtio_rig_desc(&rig, TX, 0)->flags = VRING_DESC_F_NEXT;
	virtio_rig_kick(&rig, TX);
	virtio_rig_loop_run(&loop, 50);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
}
END_TEST

START_TEST(buffers_without_room_cost_nothing_but_themselves)
{
	const struct virtio_rig_buffer none = { .gpa = virtio_rig_alloc(&rig, 8, 1), .len = 8 };

	for (unsigned i = 0; i < 10; i++)
		virtio_rig_add(&rig, RX, &none, 1);
	virtio_rig_kick(&rig, RX);
	type("abc");
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(used(RX), 0);
	add_room(10);
	virtio_rig_kick(&rig, RX);
	ck_assert_uint_eq(used(RX), 3);
}
END_TEST

static void set_size(int fd, uint16_t cols, uint16_t rows)
{
	const struct winsize size = { .ws_col = cols, .ws_row = rows };

	ck_assert_int_eq(ioctl(fd, TIOCSWINSZ, &size), 0);
}

static void expect_size(uint16_t cols, uint16_t rows)
{
	struct virtio_device *device = virtio_console_device(console);
	uint16_t value;

	device->ops->config_read(device, 0, &value, 2);
	ck_assert_uint_eq(value, cols);
	device->ops->config_read(device, 2, &value, 2);
	ck_assert_uint_eq(value, rows);
}

START_TEST(guest_learns_the_size_of_the_terminal)
{
	close_fd(&out[1]);
	out[1] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(out[1], 0);
	set_size(out[1], 132, 43);
	create(3600000);
	ck_assert_uint_eq(virtio_device_features(virtio_console_device(console)) & F_SIZE, F_SIZE);
	expect_size(132, 43);
	virtio_rig_config_changes(&rig);
	virtio_console_resized(console);
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 0);
	set_size(out[1], 80, 25);
	virtio_console_resized(console);
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 1);
	expect_size(80, 25);
}
END_TEST

START_TEST(what_is_no_terminal_has_no_size)
{
	ck_assert_uint_eq(virtio_device_features(virtio_console_device(console)) & F_SIZE, 0);
	virtio_console_resized(console);
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtio_console");
	TCase *output = suite_case(suite, "output", setup, teardown);
	TCase *impatient = suite_case(suite, "impatient", setup_impatient, teardown);
	TCase *input = suite_case(suite, "input", setup, teardown);
	TCase *own = suite_case(suite, "own", setup_world, teardown);

	tcase_add_test(output, what_the_guest_writes_comes_out);
	tcase_add_test(output, request_of_many_buffers_comes_out_in_order);
	tcase_add_test(output, guest_waits_for_a_slow_reader_and_nothing_is_lost);
	tcase_add_test(output, request_longer_than_the_buffer_comes_out_whole);
	tcase_add_test(output, half_a_request_is_forgotten_by_a_reset);
	tcase_add_test(output, round_of_output_leaves_time_for_others);
	tcase_add_test(output, reader_that_is_gone_does_not_stop_the_guest);
	tcase_add_test(output, ring_without_sense_needs_a_reset);
	tcase_add_test(output, what_is_no_terminal_has_no_size);
	tcase_add_test(impatient, guest_does_not_wait_for_a_reader_that_reads_nothing);
	tcase_add_test(impatient, reader_that_comes_back_sees_what_is_new);
	tcase_add_test(input, what_is_typed_reaches_the_guest);
	tcase_add_test(input, input_stays_where_it_is_while_the_guest_has_no_room);
	tcase_add_test(input, input_longer_than_a_buffer_fills_the_next_ones);
	tcase_add_test(input, much_input_arrives_whole);
	tcase_add_test(input, end_of_input_does_not_end_output);
	tcase_add_test(input, end_of_input_is_final);
	tcase_add_test(input, input_goes_on_after_a_reset);
	tcase_add_test(input, buffers_without_room_cost_nothing_but_themselves);
	tcase_add_test(own, keys_of_the_caller_are_not_the_guests);
	tcase_add_test(own, guest_learns_the_size_of_the_terminal);
	return suite_run(suite);
}
