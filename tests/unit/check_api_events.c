/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket's stream of events: many listeners, slow ones, and the end. */
#include "vmm/api.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/api_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

static void emit(const char *event)
{
	event_emit(&rig.events, "test", event, rig.events.start_ns + 1000000002,
		   json_pack("{s:s}", "id", "gpu"));
}

#define LINE(event)                                                                      \
	"{\"timestamp\":{\"secs\":1,\"nanos\":2},\"source\":\"test\",\"event\":\"" event \
	"\",\"properties\":{\"id\":\"gpu\",\"t_ns\":"

START_TEST(listener_gets_events_in_chunks)
{
	int fd = listener();

	ck_assert_ptr_nonnull(strstr(rig_text, "Transfer-Encoding: chunked\r\n"));
	ck_assert_ptr_null(strstr(rig_text, "Content-Length"));
	emit("one");
	hear(fd, "}}\n\r\n");
	ck_assert_ptr_nonnull(strstr(rig_text, "\r\n" LINE("one")));
	ck_assert_uint_eq(strtoul(rig_text, NULL, 16), strlen(strchr(rig_text, '\n') + 1) - 2);
	emit("two");
	hear(fd, "}}\n\r\n");
	ck_assert_ptr_nonnull(strstr(rig_text, "\r\n" LINE("two")));
	close(fd);
}
END_TEST

START_TEST(old_listener_gets_plain_lines)
{
	int fd = dial();

	say(fd, "GET /api/v1/events HTTP/1.0\r\n\r\n");
	hear(fd, "\r\n\r\n");
	ck_assert_ptr_null(strstr(rig_text, "chunked"));
	emit("one");
	hear(fd, "}}\n");
	ck_assert_ptr_eq(strstr(rig_text, LINE("one")), rig_text);
	close(fd);
}
END_TEST

START_TEST(every_listener_gets_every_event)
{
	int fds[5];

	for (unsigned i = 0; i < 5; i++)
		fds[i] = listener();
	for (unsigned n = 0; n < 50; n++)
		emit(n < 49 ? "some" : "last");
	for (unsigned i = 0; i < 5; i++) {
		unsigned lines = 0;

		hear(fds[i], LINE("last"));
		for (const char *at = rig_text; (at = strstr(at, LINE("some"))); at++)
			lines++;
		ck_assert_uint_eq(lines, 49);
		close(fds[i]);
	}
}
END_TEST

static void *emit_many(void *opaque)
{
	(void)opaque;
	for (unsigned i = 0; i < 100; i++) {
		emit("some");
		usleep(100);
	}
	return NULL;
}

START_TEST(events_of_many_threads_come_whole)
{
	pthread_t threads[4];
	unsigned lines = 0;
	int fd = listener();

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, emit_many, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	emit("last");
	hear(fd, LINE("last"));
	for (const char *at = rig_text; (at = strstr(at, LINE("some"))); at++)
		lines++;
	ck_assert_uint_eq(lines, 400);
	close(fd);
}
END_TEST

static bool is_fed(void)
{
	bool fed;

	pthread_mutex_lock(&rig.events.lock);
	fed = rig.events.line;
	pthread_mutex_unlock(&rig.events.lock);
	return fed;
}

START_TEST(nobody_is_fed_when_the_last_listener_left)
{
	int fd = listener();

	ck_assert(is_fed());
	close(fd);
	for (unsigned i = 0; i < 1000 && is_fed(); i++)
		usleep(1000);
	ck_assert(!is_fed());
	emit("unheard");
	fd = listener();
	emit("heard");
	hear(fd, LINE("heard"));
	ck_assert_ptr_null(strstr(rig_text, "unheard"));
	close(fd);
}
END_TEST

START_TEST(what_a_listener_says_is_of_no_interest)
{
	int fd = listener();

	say(fd, "PUT /api/v1/vm.shutdown HTTP/1.1\r\n\r\n");
	emit("one");
	hear(fd, LINE("one"));
	ck_assert_uint_eq(rig.shutdowns, 0);
	close(fd);
}
END_TEST

/* 64 KiB and what the kernel's buffers hold. */
START_TEST(slow_listener_is_told_and_dropped_and_others_are_not)
{
	int slow = listener(), quick = listener();
	size_t lines = 0, told;
	char *padding = calloc(1, 4001);

	memset(padding, 'x', 4000);
	for (unsigned i = 0; i < 120; i++) {
		event_emit(&rig.events, "test", "big", now_ns(),
			   json_pack("{s:s}", "padding", padding));
		hear(quick, "}}\n\r\n");
		lines++;
	}
	hear_all(slow);
	ck_assert_ptr_nonnull(
		strstr(rig_text, "\"source\":\"api\",\"event\":\"listener-dropped\""));
	ck_assert_ptr_nonnull(strstr(rig_text, "\"waiting_bytes\":"));
	ck_assert_str_eq(rig_text + strlen(rig_text) - 7, "\r\n0\r\n\r\n");
	told = 0;
	for (const char *at = rig_text; (at = strstr(at, "\"big\"")); at++)
		told++;
	ck_assert_uint_gt(told, API_LISTENER_BUFFER / 4100 - 1);
	ck_assert_uint_lt(told, lines);
	emit("after");
	hear(quick, LINE("after"));
	free(padding);
	close(slow);
	close(quick);
}
END_TEST

START_TEST(slow_listener_that_never_reads_is_let_go)
{
	int slow = listener();
	char *padding = calloc(1, 4001);

	memset(padding, 'x', 4000);
	for (unsigned i = 0; i < 120; i++) {
		event_emit(&rig.events, "test", "big", now_ns(),
			   json_pack("{s:s}", "padding", padding));
		usleep(500);
	}
	for (unsigned i = 0; i < 5000 && is_fed(); i++)
		usleep(1000);
	ck_assert(!is_fed());
	free(padding);
	close(slow);
}
END_TEST

START_TEST(end_gives_listeners_their_last_events)
{
	int fd = listener();

	rig_halt();
	emit("one");
	emit("two");
	api_destroy(rig.api);
	rig.api = NULL;
	hear_all(fd);
	ck_assert_ptr_nonnull(strstr(rig_text, LINE("one")));
	ck_assert_ptr_nonnull(strstr(rig_text, LINE("two")));
	ck_assert_str_eq(rig_text + strlen(rig_text) - 7, "\r\n0\r\n\r\n");
	close(fd);
}
END_TEST

START_TEST(end_does_not_wait_for_a_listener_that_does_not_read)
{
	int fd = listener();
	char *padding = calloc(1, 250001);
	uint64_t started;

	memset(padding, 'x', 250000);
	rig_halt();
	event_emit(&rig.events, "test", "big", now_ns(), json_pack("{s:s}", "padding", padding));
	started = now_ns();
	api_destroy(rig.api);
	rig.api = NULL;
	ck_assert_uint_lt(now_ns() - started, 1000000000);
	free(padding);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api events");
	TCase *events = suite_case(suite, "events", rig_setup, rig_teardown);
	TCase *slow = suite_case(suite, "slow", rig_setup_short, rig_teardown);

	tcase_add_test(events, listener_gets_events_in_chunks);
	tcase_add_test(events, old_listener_gets_plain_lines);
	tcase_add_test(events, every_listener_gets_every_event);
	tcase_add_test(events, events_of_many_threads_come_whole);
	tcase_add_test(events, nobody_is_fed_when_the_last_listener_left);
	tcase_add_test(events, what_a_listener_says_is_of_no_interest);
	tcase_add_test(events, slow_listener_is_told_and_dropped_and_others_are_not);
	tcase_add_test(slow, slow_listener_that_never_reads_is_let_go);
	tcase_add_test(events, end_gives_listeners_their_last_events);
	tcase_add_test(events, end_does_not_wait_for_a_listener_that_does_not_read);
	return suite_run(suite);
}
