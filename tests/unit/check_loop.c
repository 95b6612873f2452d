/* SPDX-License-Identifier: BSD-3-Clause */
/* The main loop: level triggered, and sources that come and go inside callbacks. */
#include "vmm/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct loop loop;

/* Two sources that can do something to themselves or to each other. */
static struct actor {
	struct loop_source source;
	unsigned calls;
	int revents;
	unsigned quit_after; /* calls */
	bool drain;
	struct loop_source *del; /* is taken away at the first call */
	bool add_again;		 /* and put back */
} actors[2];

static void act(struct loop_source *source, int revents)
{
	struct actor *actor = source->opaque;
	uint64_t value;

	actor->calls++;
	actor->revents = revents;
	if (actor->drain)
		ck_assert_int_eq(read(source->fd, &value, sizeof(value)), sizeof(value));
	if (actor->del && actor->calls == 1) {
		loop_del(&loop, actor->del);
		if (actor->add_again)
			ck_assert_int_eq(loop_add(&loop, actor->del), 0);
	}
	if (actor->calls == actor->quit_after)
		loop_quit(&loop);
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	for (unsigned i = 0; i < 2; i++) {
		actors[i] = (struct actor){
			.source = { .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN, .ready = act },
		};
		actors[i].source.opaque = &actors[i];
		ck_assert_int_eq(loop_add(&loop, &actors[i].source), 0);
	}
}

static void teardown(void)
{
	loop_exit(&loop);
	for (unsigned i = 0; i < 2; i++)
		close_fd(&actors[i].source.fd);
}

static void signal_actor(unsigned i)
{
	ck_assert_int_eq(eventfd_write(actors[i].source.fd, 1), 0);
}

START_TEST(ready_source_is_called_and_others_are_not)
{
	actors[1].quit_after = 1;
	actors[1].drain = true;
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 0);
	ck_assert_uint_eq(actors[1].calls, 1);
	ck_assert_int_eq(actors[1].revents, POLLIN);
}
END_TEST

START_TEST(source_that_was_not_drained_is_called_again)
{
	actors[0].quit_after = 5;
	signal_actor(0);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 5);
}
END_TEST

START_TEST(busy_source_does_not_starve_another)
{
	actors[1].quit_after = 3;
	signal_actor(0);
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_le(actors[0].calls, 4);
}
END_TEST

START_TEST(drained_source_waits_for_the_next_event)
{
	actors[0].drain = true;
	actors[1].drain = true;
	actors[1].quit_after = 1;
	signal_actor(0);
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	actors[1].quit_after = 2;
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 1);
}
END_TEST

START_TEST(source_may_delete_itself)
{
	actors[0].del = &actors[0].source;
	actors[1].quit_after = 3;
	signal_actor(0);
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 1);
}
END_TEST

/* Both are ready at once; whichever comes first takes the other away. */
START_TEST(source_deleted_by_another_is_not_called)
{
	actors[0].del = &actors[1].source;
	actors[1].del = &actors[0].source;
	actors[0].quit_after = 3;
	actors[1].quit_after = 3;
	signal_actor(0);
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls + actors[1].calls, 3);
	ck_assert(!actors[0].calls || !actors[1].calls);
}
END_TEST

START_TEST(source_that_is_added_again_is_armed_once)
{
	actors[0].del = &actors[0].source;
	actors[0].add_again = true;
	actors[0].drain = true;
	actors[1].quit_after = 1;
	signal_actor(0);
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	actors[1].quit_after = 2;
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 1);
	actors[0].quit_after = 2;
	actors[1].quit_after = 0;
	signal_actor(0);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 2);
}
END_TEST

START_TEST(descriptor_number_that_comes_back_is_another_source)
{
	int fd = actors[0].source.fd;

	loop_del(&loop, &actors[0].source);
	close(fd);
	ck_assert_int_eq(eventfd(1, EFD_CLOEXEC), fd);
	actors[1].quit_after = 1;
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 0);
}
END_TEST

START_TEST(source_is_watched_once)
{
	ck_assert_int_eq(loop_add(&loop, &actors[0].source), -EBUSY);
	loop_del(&loop, &actors[0].source);
	loop_del(&loop, &actors[0].source);
	ck_assert_int_eq(loop_add(&loop, &actors[0].source), 0);
}
END_TEST

START_TEST(descriptor_that_is_none_is_reported_once)
{
	loop_del(&loop, &actors[0].source);
	close_fd(&actors[0].source.fd);
	actors[0].source.fd = 1000;
	ck_assert_int_eq(loop_add(&loop, &actors[0].source), 0);
	actors[1].quit_after = 3;
	signal_actor(1);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 1);
	ck_assert_int_eq(actors[0].revents, POLLNVAL);
	ck_assert(!actors[0].source.active);
	actors[0].source.fd = -1;
}
END_TEST

START_TEST(closed_pipe_is_a_hang_up)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	loop_del(&loop, &actors[0].source);
	close_fd(&actors[0].source.fd);
	actors[0].source.fd = ends[0];
	actors[0].quit_after = 2;
	ck_assert_int_eq(loop_add(&loop, &actors[0].source), 0);
	close(ends[1]);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_int_eq(actors[0].revents, POLLHUP);
}
END_TEST

START_TEST(quit_before_run_ends_it)
{
	signal_actor(0);
	loop_quit(&loop);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 0);
	actors[0].quit_after = 1;
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(actors[0].calls, 1);
}
END_TEST

START_TEST(more_sources_than_the_ring_has_entries)
{
	static struct actor many[300];

	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		many[i].source = (struct loop_source){
			.fd = eventfd(1, EFD_CLOEXEC),
			.events = POLLIN,
			.ready = act,
			.opaque = &many[i],
		};
		many[i].drain = true;
		many[i].del = &many[i].source;
		ck_assert_int_eq(loop_add(&loop, &many[i].source), 0);
	}
	actors[0].quit_after = 10;
	signal_actor(0);
	ck_assert_int_eq(loop_run(&loop), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		ck_assert_uint_eq(many[i].calls, 1);
		close_fd(&many[i].source.fd);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tcase = suite_case(suite, "loop", setup, teardown);
	int ret = loop_init(&loop);

	if (ret) {
		printf("no io_uring here: %d\n", ret);
		return 77; /* skipped */
	}
	loop_exit(&loop);
	tcase_add_test(tcase, ready_source_is_called_and_others_are_not);
	tcase_add_test(tcase, source_that_was_not_drained_is_called_again);
	tcase_add_test(tcase, busy_source_does_not_starve_another);
	tcase_add_test(tcase, drained_source_waits_for_the_next_event);
	tcase_add_test(tcase, source_may_delete_itself);
	tcase_add_test(tcase, source_deleted_by_another_is_not_called);
	tcase_add_test(tcase, source_that_is_added_again_is_armed_once);
	tcase_add_test(tcase, descriptor_number_that_comes_back_is_another_source);
	tcase_add_test(tcase, source_is_watched_once);
	tcase_add_test(tcase, descriptor_that_is_none_is_reported_once);
	tcase_add_test(tcase, closed_pipe_is_a_hang_up);
	tcase_add_test(tcase, quit_before_run_ends_it);
	tcase_add_test(tcase, more_sources_than_the_ring_has_entries);
	return suite_run(suite);
}
