/* SPDX-License-Identifier: BSD-3-Clause */
/* The event monitor: whole lines, and a reader that cannot stop the VM. */
#include "vmm/event.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct event_monitor monitor;
static int ends[2]; /* what a reader reads, what the monitor was given */
static char text[1 << 20];

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN); /* as main() does */
	ck_assert_int_eq(pipe(ends), 0);
	event_monitor_init(&monitor, ends[1]);
}

static void teardown(void)
{
	event_monitor_exit(&monitor);
	close_fd(&ends[0]);
}

/* What the reader finds now, as a string. */
static size_t read_all(void)
{
	size_t len = 0;
	ssize_t done;

	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while ((done = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)done;
	text[len] = '\0';
	return len;
}

/* Takes one line off @cursor and parses it. Fails the test if it is no whole JSON object. */
static json_t *next_line(char **cursor)
{
	char *end = strchr(*cursor, '\n');
	json_t *object;

	ck_assert_ptr_nonnull(end);
	*end = '\0';
	object = json_loads(*cursor, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_is_object(object), "no JSON object: %s", *cursor);
	*cursor = end + 1;
	return object;
}

static void emit_big(size_t size)
{
	char *padding = malloc(size + 1);

	memset(padding, 'x', size);
	padding[size] = '\0';
	event_emit(&monitor, "test", "big", now_ns(), json_pack("{s:s}", "padding", padding));
	free(padding);
}

START_TEST(event_is_one_line_with_the_documented_fields)
{
	uint64_t t_ns = monitor.start_ns + 5000000123;
	char *cursor = text;
	const char *source, *event;
	json_int_t secs, nanos, at;
	json_t *object;
	int state;

	event_emit(&monitor, "nvme0", "power-alive", t_ns, json_pack("{s:i}", "state", 3));
	read_all();
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	object = next_line(&cursor);
	ck_assert_int_eq(json_unpack(object, "{s:{s:I,s:I!},s:s,s:s,s:{s:I,s:i!}!}", "timestamp",
				     "secs", &secs, "nanos", &nanos, "source", &source, "event",
				     &event, "properties", "t_ns", &at, "state", &state),
			 0);
	ck_assert_int_eq(secs, 5);
	ck_assert_int_eq(nanos, 123);
	ck_assert_str_eq(source, "nvme0");
	ck_assert_str_eq(event, "power-alive");
	ck_assert_int_eq(at, (json_int_t)t_ns);
	ck_assert_int_eq(state, 3);
	json_decref(object);
}
END_TEST

START_TEST(event_without_properties_has_its_time)
{
	char *cursor = text;
	json_t *object;

	event_emit(&monitor, "vmm", "started", 42, NULL);
	read_all();
	object = next_line(&cursor);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(object, "properties"), "t_ns")),
		42);
	json_decref(object);
}
END_TEST

START_TEST(time_before_the_start_is_0)
{
	char *cursor = text;
	json_t *object;

	event_emit(&monitor, "vmm", "early", monitor.start_ns - 1, NULL);
	read_all();
	object = next_line(&cursor);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(object, "timestamp"), "secs")),
		0);
	json_decref(object);
}
END_TEST

START_TEST(newline_in_a_property_does_not_break_the_line)
{
	char *cursor = text;

	event_emit(&monitor, "vmm", "odd", 1, json_pack("{s:s}", "text", "two\nlines \"quoted\""));
	read_all();
	json_decref(next_line(&cursor));
	ck_assert_str_eq(cursor, "");
}
END_TEST

/* Check's timeout is the judge. */
START_TEST(full_pipe_does_not_block)
{
	char *cursor = text;

	for (unsigned i = 0; i < 5000; i++)
		event_emit(&monitor, "vmm", "tick", i, NULL);
	ck_assert(monitor.dropped);
	ck_assert(!monitor.broken);
	read_all();
	while (*cursor)
		json_decref(next_line(&cursor));
}
END_TEST

/* A pipe of four pages and lines of three: the second goes out in part. What follows must start on
 * a line of its own. */
START_TEST(line_cut_by_a_full_pipe_is_finished_first)
{
	char *cursor = text;
	unsigned big = 0, last = 0;
	size_t len;

	fcntl(ends[0], F_SETPIPE_SZ, 16384);
	for (unsigned i = 0; i < 5; i++)
		emit_big(9000);
	ck_assert_ptr_nonnull(monitor.rest);
	len = read_all();
	ck_assert_uint_gt(len, 0);
	ck_assert_int_ne(text[len - 1], '\n');

	event_emit(&monitor, "vmm", "last", 1, NULL);
	ck_assert_ptr_null(monitor.rest);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	len += (size_t)max_u64((uint64_t)read(ends[0], text + len, sizeof(text) - 1 - len), 0);
	text[len] = '\0';
	while (*cursor) {
		json_t *object = next_line(&cursor);
		const char *event = json_string_value(json_object_get(object, "event"));

		big += !strcmp(event, "big");
		last += !strcmp(event, "last");
		json_decref(object);
	}
	ck_assert_uint_eq(big, 2);
	ck_assert_uint_eq(last, 1);
}
END_TEST

/* A line longer than the whole pipe goes out in three parts; no other may come between them. */
START_TEST(line_stays_whole_however_often_it_is_cut)
{
	char *cursor = text;
	unsigned lines = 0;
	size_t len;

	fcntl(ends[0], F_SETPIPE_SZ, 16384);
	emit_big(30000);
	len = (size_t)read(ends[0], text, 4096);
	ck_assert_uint_eq(len, 4096);
	event_emit(&monitor, "vmm", "between", 1, NULL);
	ck_assert(monitor.dropped);
	ck_assert_ptr_nonnull(monitor.rest);
	len += (size_t)read(ends[0], text + len, 16384);
	event_emit(&monitor, "vmm", "last", 1, NULL);
	ck_assert_ptr_null(monitor.rest);
	len += (size_t)read(ends[0], text + len, 16384);
	text[len] = '\0';
	for (; *cursor; lines++)
		json_decref(next_line(&cursor));
	ck_assert_uint_eq(lines, 2);
}
END_TEST

START_TEST(events_go_on_when_the_reader_does)
{
	char *cursor = text;
	unsigned lines = 0;

	for (unsigned i = 0; i < 5000; i++)
		event_emit(&monitor, "vmm", "tick", i, NULL);
	read_all();
	event_emit(&monitor, "vmm", "late", 1, NULL);
	read_all();
	for (; *cursor; lines++)
		json_decref(next_line(&cursor));
	ck_assert_uint_ge(lines, 1);
}
END_TEST

START_TEST(closed_pipe_kills_nobody)
{
	close_fd(&ends[0]);
	event_emit(&monitor, "vmm", "one", 1, NULL);
	ck_assert(monitor.broken);
	event_emit(&monitor, "vmm", "two", 2, json_object());
}
END_TEST

/* A FIFO without a reader cannot be opened a second time; the reader may come back later. */
START_TEST(pipe_that_cannot_be_opened_again_does_not_block)
{
	char name[] = "/tmp/check_event.XXXXXX";
	int writer;

	event_monitor_exit(&monitor);
	close_fd(&ends[0]);
	ck_assert_ptr_nonnull(mkdtemp(name));
	rmdir(name);
	ck_assert_int_eq(mkfifo(name, 0600), 0);
	ends[0] = open(name, O_RDONLY | O_NONBLOCK);
	writer = open(name, O_WRONLY);
	close_fd(&ends[0]);
	event_monitor_init(&monitor, writer);
	ends[0] = open(name, O_RDONLY | O_NONBLOCK);
	unlink(name);
	for (unsigned i = 0; i < 5000; i++)
		event_emit(&monitor, "vmm", "tick", i, NULL);
	ck_assert(monitor.dropped);
}
END_TEST

START_TEST(socket_that_is_full_does_not_block)
{
	int pair[2];

	event_monitor_exit(&monitor);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	event_monitor_init(&monitor, pair[0]);
	for (unsigned i = 0; i < 100; i++)
		emit_big(10000);
	ck_assert(monitor.dropped);
	close_fd(&pair[1]);
}
END_TEST

START_TEST(callers_descriptor_keeps_its_flags)
{
	int mine[2], copy;

	event_monitor_exit(&monitor);
	ck_assert_int_eq(pipe(mine), 0);
	copy = dup(mine[1]);
	event_monitor_init(&monitor, mine[1]);
	ck_assert_int_eq(fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(monitor.fd, F_GETFL) & O_NONBLOCK, 0);
	close_fd(&copy);
	close_fd(&mine[0]);
}
END_TEST

START_TEST(file_gets_every_line)
{
	char name[] = "/tmp/check_event.XXXXXX", *cursor = text;
	int fd = mkstemp(name), lines = 0;
	ssize_t len;

	ck_assert_int_ge(fd, 0);
	unlink(name);
	event_monitor_exit(&monitor);
	event_monitor_init(&monitor, dup(fd));
	for (unsigned i = 0; i < 1000; i++)
		event_emit(&monitor, "vmm", "tick", i, NULL);
	len = pread(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(len, 0);
	text[len] = '\0';
	for (; *cursor; lines++)
		json_decref(next_line(&cursor));
	ck_assert_int_eq(lines, 1000);
	close(fd);
}
END_TEST

START_TEST(without_a_descriptor_events_are_dropped)
{
	event_monitor_exit(&monitor);
	event_monitor_init(&monitor, -1);
	event_emit(&monitor, "vmm", "tick", 1, json_object());
	event_emit(&monitor, "vmm", "tick", 1, NULL);
	ck_assert(!monitor.dropped);
	ck_assert(!monitor.broken);
}
END_TEST

static char heard[4096];

static void hear(void *opaque, const char *line, size_t len)
{
	ck_assert_ptr_eq(opaque, &ends);
	strncat(heard, line, len);
}

START_TEST(listener_hears_what_the_file_gets)
{
	heard[0] = '\0';
	event_monitor_listen(&monitor, hear, &ends);
	event_emit(&monitor, "test", "one", 1, NULL);
	event_emit(&monitor, "test", "two", 2, NULL);
	event_monitor_listen(&monitor, NULL, NULL);
	read_all();
	ck_assert_str_ne(heard, "");
	ck_assert_str_eq(heard, text);
	event_emit(&monitor, "test", "three", 3, NULL);
	ck_assert_str_eq(heard, text);
}
END_TEST

START_TEST(listener_needs_no_file_and_no_reader_of_it)
{
	heard[0] = '\0';
	event_monitor_exit(&monitor);
	event_monitor_init(&monitor, -1);
	event_monitor_listen(&monitor, hear, &ends);
	event_emit(&monitor, "test", "one", 1, NULL);
	ck_assert_ptr_nonnull(strstr(heard, "\"one\""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event");
	TCase *tcase = suite_case(suite, "event", setup, teardown);

	tcase_add_test(tcase, event_is_one_line_with_the_documented_fields);
	tcase_add_test(tcase, event_without_properties_has_its_time);
	tcase_add_test(tcase, time_before_the_start_is_0);
	tcase_add_test(tcase, newline_in_a_property_does_not_break_the_line);
	tcase_add_test(tcase, full_pipe_does_not_block);
	tcase_add_test(tcase, line_cut_by_a_full_pipe_is_finished_first);
	tcase_add_test(tcase, line_stays_whole_however_often_it_is_cut);
	tcase_add_test(tcase, events_go_on_when_the_reader_does);
	tcase_add_test(tcase, closed_pipe_kills_nobody);
	tcase_add_test(tcase, pipe_that_cannot_be_opened_again_does_not_block);
	tcase_add_test(tcase, socket_that_is_full_does_not_block);
	tcase_add_test(tcase, callers_descriptor_keeps_its_flags);
	tcase_add_test(tcase, file_gets_every_line);
	tcase_add_test(tcase, without_a_descriptor_events_are_dropped);
	tcase_add_test(tcase, listener_hears_what_the_file_gets);
	tcase_add_test(tcase, listener_needs_no_file_and_no_reader_of_it);
	return suite_run(suite);
}
