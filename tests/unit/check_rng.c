/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio entropy. The source is a pseudo terminal, which gives what a test types and no more. */
#include "devices/virtio/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"
#include "vmm/loop.h"

#define WAIT_MS 20000

static struct virtio_rig rig;
static struct loop loop;
static struct rng *rng;
static int typist;
static char why[200];

static int create(const char *src)
{
	const struct rng_config config = { .name = "rng0", .src = src };

	why[0] = 0;
	return rng_create(&config, &rig.memory, &loop, &rng, why, sizeof(why));
}

/* A terminal in raw mode: bytes come out as they are typed. Its other side stays open here, as
 * without a reader what is typed would be gone. */
static int open_terminal(char *path, size_t len)
{
	struct termios raw;
	int fd;

	typist = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(typist, 0);
	ck_assert_int_eq(grantpt(typist), 0);
	ck_assert_int_eq(unlockpt(typist), 0);
	ck_assert_int_eq(ptsname_r(typist, path, len), 0);
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(tcgetattr(fd, &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(fd, TCSANOW, &raw), 0);
	return fd;
}

static void setup(void)
{
	virtio_rig_init(&rig, false);
	ck_assert_int_eq(loop_init(&loop), 0);
	rng = NULL;
	typist = -1;
}

static void setup_urandom(void)
{
	setup();
	ck_assert_msg(create("/dev/urandom") == 0, "%s", why);
	virtio_rig_start(&rig, rng_device(rng), 0, 1);
}

static void setup_terminal(void)
{
	char path[64];
	int slave;

	setup();
	slave = open_terminal(path, sizeof(path));
	ck_assert_msg(create(path) == 0, "%s", why);
	close(slave);
	virtio_rig_start(&rig, rng_device(rng), 0, 1);
}

static void teardown(void)
{
	rng_destroy(rng);
	loop_exit(&loop);
	virtio_rig_exit(&rig);
	close_fd(&typist);
}

static uint64_t ask(uint32_t len)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig, len, 1),
		.len = len,
		.write = true,
	};

	virtio_rig_add(&rig, 0, &buffer, 1);
	return buffer.gpa;
}

static uint32_t answered(void)
{
	uint32_t len;

	ck_assert(virtio_rig_loop_used(&rig, &loop, 0, WAIT_MS, NULL, &len));
	return len;
}

static void type(const char *text)
{
	ck_assert_int_eq(write(typist, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(a_request_is_filled_with_bytes_of_the_source)
{
	uint64_t gpa = ask(8);

	type("entropy!");
	virtio_rig_kick(&rig, 0);
	ck_assert_uint_eq(answered(), 8);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 8), "entropy!", 8);
}
END_TEST

START_TEST(a_request_may_get_less_than_it_asks)
{
	ask(100);
	type("abc");
	virtio_rig_kick(&rig, 0);
	ck_assert_uint_eq(answered(), 3);
}
END_TEST

START_TEST(a_request_waits_until_the_source_has_something)
{
	uint64_t gpa = ask(4);

	virtio_rig_kick(&rig, 0);
	virtio_rig_loop_run(&loop, 50);
	ck_assert(!virtio_rig_used(&rig, 0, 0, NULL, NULL));
	type("late");
	ck_assert_uint_eq(answered(), 4);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 4), "late", 4);
}
END_TEST

START_TEST(a_source_that_is_gone_does_not_end_the_device)
{
	ask(4);
	close_fd(&typist);
	virtio_rig_kick(&rig, 0);
	virtio_rig_loop_run(&loop, 50);
	ck_assert(!virtio_rig_used(&rig, 0, 0, NULL, NULL));
	ck_assert(!virtio_rig_needs_reset(&rig, 0));
}
END_TEST

START_TEST(a_request_gets_64_kib_at_most)
{
	ask(KIB(256));
	virtio_rig_kick(&rig, 0);
	ck_assert_uint_eq(answered(), KIB(64));
}
END_TEST

START_TEST(more_requests_than_a_round_are_all_served)
{
	for (unsigned i = 0; i < 50; i++)
		ask(16);
	virtio_rig_kick(&rig, 0);
	for (unsigned i = 0; i < 50; i++)
		ck_assert_uint_eq(answered(), 16);
}
END_TEST

static uint16_t used_at_its_turn;

static void other_ready(struct loop_source *source, int revents)
{
	(void)source;
	(void)revents;
	used_at_its_turn = virtio_rig_used_ring(&rig, 0)->idx;
	loop_quit(&loop);
}

START_TEST(a_round_leaves_time_for_others)
{
	struct loop_source other = {
		.fd = eventfd(1, EFD_CLOEXEC),
		.events = POLLIN,
		.ready = other_ready,
	};

	for (unsigned i = 0; i < 50; i++)
		ask(16);
	virtio_rig_kick(&rig, 0);
	ck_assert_int_eq(loop_add(&loop, &other), 0);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_lt(used_at_its_turn, 50);
	loop_del(&loop, &other);
	close(other.fd);
}
END_TEST

START_TEST(a_request_without_room_is_given_back_empty)
{
	const struct virtio_rig_buffer buffer = { .gpa = virtio_rig_alloc(&rig, 8, 1), .len = 8 };

	memcpy(virtio_rig_at(&rig, buffer.gpa, 8), "the same", 8);
	virtio_rig_add(&rig, 0, &buffer, 1);
	virtio_rig_kick(&rig, 0);
	ck_assert_uint_eq(answered(), 0);
	ck_assert_mem_eq(virtio_rig_at(&rig, buffer.gpa, 8), "the same", 8);
}
END_TEST

START_TEST(a_ring_without_sense_needs_a_reset)
{
	ask(8);
	virtio_rig_desc(&rig, 0, 0)->addr = UINT64_MAX - 3;
	virtio_rig_kick(&rig, 0);
	virtio_rig_loop_run(&loop, 50);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
}
END_TEST

START_TEST(a_reset_ends_the_wait_of_a_request)
{
	uint64_t gpa = ask(4);

	virtio_rig_kick(&rig, 0);
	virtio_rig_loop_run(&loop, 30);
	virtio_rig_reset(&rig);
	type("late");
	virtio_rig_loop_run(&loop, 50);
	ck_assert_mem_eq(virtio_rig_at(&rig, gpa, 4), "\0\0\0", 4);
}
END_TEST

START_TEST(a_request_that_was_there_before_the_start_is_served)
{
	virtio_rig_reset(&rig);
	virtio_rig_negotiate(&rig, rng_device(rng), 0);
	virtio_rig_queue(&rig, 0, 64);
	ask(16);
	virtio_rig_ready(&rig);
	ck_assert_uint_eq(answered(), 16);
}
END_TEST

START_TEST(a_source_that_is_missing_is_named)
{
	ck_assert_int_eq(create("/nonexistent/rng"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/nonexistent/rng"));
	ck_assert_ptr_null(rng);
}
END_TEST

START_TEST(a_source_that_ends_is_refused)
{
	ck_assert_int_eq(create("/proc/self/maps"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "/proc/self/maps"));
	ck_assert_int_eq(create("/tmp"), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rng");
	TCase *urandom = suite_case(suite, "urandom", setup_urandom, teardown);
	TCase *terminal = suite_case(suite, "terminal", setup_terminal, teardown);
	TCase *source = suite_case(suite, "source", setup, teardown);

	tcase_add_test(terminal, a_request_is_filled_with_bytes_of_the_source);
	tcase_add_test(terminal, a_request_may_get_less_than_it_asks);
	tcase_add_test(terminal, a_request_waits_until_the_source_has_something);
	tcase_add_test(terminal, a_source_that_is_gone_does_not_end_the_device);
	tcase_add_test(terminal, a_reset_ends_the_wait_of_a_request);
	tcase_add_test(urandom, a_request_gets_64_kib_at_most);
	tcase_add_test(urandom, more_requests_than_a_round_are_all_served);
	tcase_add_test(urandom, a_round_leaves_time_for_others);
	tcase_add_test(urandom, a_request_without_room_is_given_back_empty);
	tcase_add_test(urandom, a_ring_without_sense_needs_a_reset);
	tcase_add_test(urandom, a_request_that_was_there_before_the_start_is_served);
	tcase_add_test(source, a_source_that_is_missing_is_named);
	tcase_add_test(source, a_source_that_ends_is_refused);
	return suite_run(suite);
}
