/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket with a made-up machine: verbs, bad requests, limits, listeners. */
#include "vmm/api.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/api_socket.h"
#include "vmm/api_verbs.h"
#include "vmm/bits.h"
#include "vmm/http.h"

/* The API runs in a main loop of its own thread, as in a VM; tests are its clients. */
static struct rig {
	char dir[32], path[64];
	struct loop loop;
	struct loop_source end;
	pthread_t thread;
	struct event_monitor events;
	struct api_socket socket;
	struct api_machine machine;
	struct api *api;
	atomic_uint shutdowns, buttons, stops;
	bool running;
} rig;

static char text[1 << 20]; /* what a client got */

/* --- the machine -------------------------------------------------------------------------------
 */

static json_t *info(void *opaque)
{
	ck_assert_ptr_eq(opaque, &rig);
	return json_pack("{s:{s:{s:i}, s:{s:I}}, s:s, s:I, s:s}", "config", "cpus", "boot_vcpus", 3,
			 "memory", "size", (json_int_t)MIB(256), "state", "Running", "uptime_ns",
			 (json_int_t)1500000000, "version", "1.2.3");
}

static json_t *device_power(void *opaque)
{
	(void)opaque;
	return json_pack("[{s:i, s:s, s:s, s:s}]", "slot", 0, "id", "gpu", "guest_state", "off",
			 "host_state", "D3cold");
}

static json_t *counters(void *opaque)
{
	(void)opaque;
	return json_pack("{s:{s:i}}", "gpu", "entries", 7);
}

static int set_policy(void *opaque, const json_t *order, char *why, size_t why_len)
{
	(void)opaque;
	snprintf(why, why_len, "no such thing");
	if (!order)
		return -EINVAL;
	return json_object_get(order, "id") ? 0 : -ENOENT;
}

static void ask_shutdown(void *opaque)
{
	(void)opaque;
	rig.shutdowns++;
}

static void press(void *opaque)
{
	(void)opaque;
	rig.buttons++;
}

static void stop(void *opaque)
{
	(void)opaque;
	rig.stops++;
}

/* --- the rig -----------------------------------------------------------------------------------
 */

static void end_ready(struct loop_source *source, int revents)
{
	(void)source;
	(void)revents;
	loop_quit(&rig.loop);
}

static void *run(void *opaque)
{
	(void)opaque;
	loop_run(&rig.loop);
	return NULL;
}

static void start(unsigned time_limit_s)
{
	struct api_config config = {
		.verbs = api_verbs,
		.nr_verbs = api_nr_verbs,
		.opaque = &rig.machine,
		.loop = &rig.loop,
		.events = &rig.events,
		.time_limit_s = time_limit_s,
	};
	char why[256];

	signal(SIGPIPE, SIG_IGN);
	strcpy(rig.dir, "/tmp/check_api.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.dir));
	snprintf(rig.path, sizeof(rig.path), "%s/api", rig.dir);
	rig.machine = (struct api_machine){
		.info = info,
		.device_power = device_power,
		.counters = counters,
		.set_policy = set_policy,
		.shutdown = ask_shutdown,
		.power_button = press,
		.stop = stop,
		.opaque = &rig,
	};
	ck_assert_int_eq(loop_init(&rig.loop), 0);
	event_monitor_init(&rig.events, -1);
	ck_assert_int_eq(api_socket_open(&rig.socket, rig.path, -1, why, sizeof(why)), 0);
	config.fd = rig.socket.fd;
	ck_assert_int_eq(api_create(&config, &rig.api), 0);
	rig.end = (struct loop_source){
		.fd = eventfd(0, EFD_CLOEXEC),
		.events = POLLIN,
		.ready = end_ready,
	};
	ck_assert_int_eq(loop_add(&rig.loop, &rig.end), 0);
	ck_assert_int_eq(pthread_create(&rig.thread, NULL, run, NULL), 0);
	rig.running = true;
}

static void halt(void)
{
	if (rig.running) {
		eventfd_write(rig.end.fd, 1);
		pthread_join(rig.thread, NULL);
	}
	rig.running = false;
}

static void setup(void)
{
	start(0);
}

static void setup_short(void)
{
	start(1);
}

static void teardown(void)
{
	halt();
	api_destroy(rig.api);
	api_socket_close(&rig.socket);
	loop_exit(&rig.loop);
	event_monitor_exit(&rig.events);
	close_fd(&rig.end.fd);
	ck_assert_int_eq(rmdir(rig.dir), 0);
}

/* --- clients -----------------------------------------------------------------------------------
 */

static int dial(void)
{
	const struct timeval limit = { .tv_sec = 20 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, rig.path);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *what)
{
	size_t len = strlen(what);

	ck_assert_int_eq(send(fd, what, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Everything up to the end of the connection, into text. */
static const char *hear_all(int fd)
{
	size_t len = 0;
	ssize_t done;

	while ((done = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)done;
	ck_assert_msg(done == 0 || errno == ECONNRESET, "the connection was not closed: %s",
		      strerror(errno));
	text[len] = '\0';
	return text;
}

/* Up to and with @until, and no byte more, into text. */
static const char *hear(int fd, const char *until)
{
	size_t len = 0;
	char *end = NULL;

	text[0] = '\0';
	while (!end) {
		size_t from = len > strlen(until) ? len - strlen(until) : 0, old = len;
		ssize_t done = recv(fd, text + len, sizeof(text) - 1 - len, MSG_PEEK);

		ck_assert_msg(done > 0, "'%s' does not come, only '%s'", until, text);
		len += (size_t)done;
		text[len] = '\0';
		end = strstr(text + from, until);
		if (end)
			len = (size_t)(end - text) + strlen(until);
		ck_assert_int_eq(recv(fd, text + old, len - old, 0), (ssize_t)(len - old));
	}
	text[len] = '\0';
	return text;
}

static const char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	hear_all(fd);
	close(fd);
	return text;
}

static const char *ask_path(const char *method, const char *path)
{
	char request[512];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		 method, path);
	return ask(request);
}

static void expect_status(unsigned status)
{
	char head[16];

	snprintf(head, sizeof(head), "HTTP/1.1 %u ", status);
	ck_assert_msg(!strncmp(text, head, strlen(head)), "not %u: %s", status, text);
}

static void expect_body(const char *body)
{
	const char *end = strstr(text, "\r\n\r\n");

	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end + 4, body);
}

/* --- verbs -------------------------------------------------------------------------------------
 */

START_TEST(ping_says_who_is_there)
{
	char pid[32];

	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
	snprintf(pid, sizeof(pid), "\"pid\":%d", (int)getpid());
	ck_assert_ptr_nonnull(strstr(text, pid));
	ck_assert_ptr_nonnull(strstr(text, "\"version\":\"" COLDVM_VERSION "\""));
	ck_assert_ptr_nonnull(strstr(text, "Content-Type: application/json\r\n"));
}
END_TEST

START_TEST(verbs_hand_out_what_the_machine_says)
{
	ask_path("GET", "/api/v1/vm.counters");
	expect_status(200);
	expect_body("{\"gpu\":{\"entries\":7}}");
	ask_path("GET", "/api/v1/vm.device-power");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(text, "{\"slots\":[{\"slot\":0,\"id\":\"gpu\""));
	ask_path("GET", "/api/v1/vm.info?full=1");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(text, "\"state\":\"Running\""));
	ask_path("GET", "/metrics");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/plain; version=0.0.4"));
	ck_assert_ptr_nonnull(strstr(text, "\ncoldvm_vcpus 3\n"));
}
END_TEST

START_TEST(table_is_complete_and_without_doubles)
{
	ask_path("GET", "/api/v1");
	expect_status(200);
	for (unsigned i = 0; i < api_nr_verbs; i++) {
		const struct api_verb *verb = &api_verbs[i];

		ck_assert_ptr_nonnull(strstr(text, verb->path));
		ck_assert(!strcmp(verb->method, "GET") || !strcmp(verb->method, "PUT"));
		ck_assert_uint_lt(strlen(verb->path), HTTP_MAX_PATH);
		ck_assert(verb->run && verb->help && *verb->help);
		for (unsigned j = 0; j < i; j++)
			ck_assert(strcmp(verb->path, api_verbs[j].path) ||
				  strcmp(verb->method, api_verbs[j].method));
	}
}
END_TEST

START_TEST(orders_reach_the_machine_once_and_have_no_content)
{
	ask_path("PUT", "/api/v1/vm.shutdown");
	expect_status(204);
	ck_assert_ptr_null(strstr(text, "Content-Length"));
	expect_body("");
	ask_path("PUT", "/api/v1/vm.power-button");
	expect_status(204);
	ask_path("PUT", "/api/v1/vmm.shutdown");
	expect_status(204);
	ck_assert_uint_eq(rig.shutdowns, 1);
	ck_assert_uint_eq(rig.buttons, 1);
	ck_assert_uint_eq(rig.stops, 1);
}
END_TEST

static const char *put_policy(const char *body)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "PUT /api/v1/vm.device-power-policy HTTP/1.1\r\nConnection: close\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	return ask(request);
}

START_TEST(policy_that_the_machine_refuses_is_an_error)
{
	put_policy("{\"id\":\"gpu\"}");
	expect_status(204);
	put_policy("");
	expect_status(400);
	expect_body("{\"error\":\"no such thing\"}");
	put_policy("{}");
	expect_status(404);
}
END_TEST

START_TEST(unknown_path_is_told_the_nearest)
{
	ask_path("GET", "/api/v1/vm.device_power");
	expect_status(404);
	expect_body("{\"error\":\"there is no /api/v1/vm.device_power: the nearest is "
		    "/api/v1/vm.device-power\"}");
	ask_path("GET", "/metric");
	expect_body("{\"error\":\"there is no /metric: the nearest is /metrics\"}");
	ask_path("GET", "/");
	expect_status(404);
}
END_TEST

START_TEST(wrong_method_is_told_the_right_one)
{
	ask_path("PUT", "/api/v1/vm.info");
	expect_status(405);
	ck_assert_ptr_nonnull(strstr(text, "\r\nAllow: GET\r\n"));
	expect_body("{\"error\":\"/api/v1/vm.info does not take PUT: it takes GET\"}");
	ask_path("GET", "/api/v1/vm.shutdown");
	expect_status(405);
	ck_assert_uint_eq(rig.shutdowns, 0);
}
END_TEST

static const char *put_shutdown(const char *body)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "PUT /api/v1/vm.shutdown HTTP/1.1\r\nConnection: close\r\nContent-Length: "
		 "%zu\r\n\r\n%s",
		 strlen(body), body);
	return ask(request);
}

START_TEST(body_that_is_no_json_is_refused)
{
	put_shutdown("{\"a\":");
	expect_status(400);
	ck_assert_ptr_nonnull(strstr(text, "the body is not JSON: "));
	put_shutdown("{\"a\":1,\"a\":2}");
	expect_status(400);
	put_shutdown("\xff\xfe");
	expect_status(400);
	ck_assert_uint_eq(rig.shutdowns, 0);
	put_shutdown("{\"a\":1}");
	expect_status(204);
	ck_assert_uint_eq(rig.shutdowns, 1);
}
END_TEST

/* --- the protocol ------------------------------------------------------------------------------
 */

#define PING	   "GET /api/v1/vmm.ping HTTP/1.1\r\nHost: x\r\n\r\n"
#define PING_CLOSE "GET /api/v1/vmm.ping HTTP/1.1\r\nConnection: close\r\n\r\n"

START_TEST(connection_lives_on)
{
	int fd = dial();

	for (unsigned i = 0; i < 3; i++) {
		say(fd, PING);
		hear(fd, "]}");
		expect_status(200);
		ck_assert_ptr_null(strstr(text, "Connection: close"));
	}
	close(fd);
}
END_TEST

START_TEST(requests_in_one_packet_are_answered_in_order)
{
	int fd = dial();

	say(fd, "GET /api/v1/vm.counters HTTP/1.1\r\n\r\n"
		"PUT /api/v1/vm.shutdown HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" PING_CLOSE);
	hear_all(fd);
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(text, "\"entries\":7}}HTTP/1.1 204 "));
	ck_assert_ptr_nonnull(strstr(strstr(text, "204 "), "\"version\""));
	close(fd);
}
END_TEST

START_TEST(many_requests_in_one_packet_are_all_answered)
{
	static char many[200 * sizeof(PING)];
	unsigned answers = 0;
	int fd = dial();

	for (unsigned i = 0; i < 200; i++)
		strcat(many, i < 199 ? PING : PING_CLOSE);
	say(fd, many);
	hear_all(fd);
	for (const char *at = text; (at = strstr(at, "HTTP/1.1 200 ")); at++)
		answers++;
	ck_assert_uint_eq(answers, 200);
	close(fd);
}
END_TEST

START_TEST(request_may_come_byte_by_byte)
{
	static const char request[] = "PUT /api/v1/vm.shutdown HTTP/1.1\r\nConnection: close\r\n"
				      "Content-Length: 2\r\n\r\n{}";
	int fd = dial();

	for (unsigned i = 0; i < sizeof(request) - 1; i++) {
		ck_assert_int_eq(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
		usleep(500);
	}
	hear_all(fd);
	expect_status(204);
	ck_assert_uint_eq(rig.shutdowns, 1);
	close(fd);
}
END_TEST

START_TEST(body_may_come_in_chunks)
{
	ask("PUT /api/v1/vm.shutdown HTTP/1.1\r\nConnection: close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n");
	expect_status(204);
}
END_TEST

START_TEST(client_that_asks_before_it_sends_a_body_is_told_to)
{
	int fd = dial();

	say(fd, "PUT /api/v1/vm.shutdown HTTP/1.1\r\nConnection: close\r\nexpect: "
		"100-Continue\r\nContent-Length: 2\r\n\r\n");
	hear(fd, "\r\n\r\n");
	ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
	ck_assert_uint_eq(rig.shutdowns, 0);
	say(fd, "{}");
	hear_all(fd);
	expect_status(204);
	close(fd);
}
END_TEST

START_TEST(old_client_gets_its_answer_and_the_end)
{
	ask("GET /api/v1/vmm.ping HTTP/1.0\r\n\r\n");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
}
END_TEST

START_TEST(offer_of_another_protocol_is_passed_over)
{
	ask("GET /api/v1/vmm.ping HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
	expect_status(200);
}
END_TEST

static const char *const malformed[] = {
	"\r\n\r\n\x01\x02\x03\r\n\r\n",
	"hello\r\n\r\n",
	"GET\r\n\r\n",
	"GET  HTTP/1.1\r\n\r\n",
	"BREW /api/v1/vmm.ping HTTP/1.1\r\n\r\n",
	"GET /api/v1/vmm.ping HTTP/x.1\r\n\r\n",
	"GET /api/v1/vmm.ping HTTP/1.1\r\nno colon\r\n\r\n",
	"GET /api/v1/vmm.ping HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
	"GET /api/v1/vmm.ping HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"GET /api/v1/vmm.ping HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
	("PUT /api/v1/vm.shutdown HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: "
	 "chunked\r\n\r\n0\r\n\r\n"),
	"PUT /api/v1/vm.shutdown HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
};

START_TEST(malformed_request_is_refused_and_ends_the_connection)
{
	ask(malformed[_i]);
	if (strncmp(text, "HTTP/1.1 400 ", 13) && strncmp(text, "HTTP/1.1 505 ", 13))
		ck_abort_msg("request %d: %s", _i, text);
	ck_assert_ptr_nonnull(strstr(text, "{\"error\":\""));
	ck_assert_uint_eq(rig.shutdowns, 0);
	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
}
END_TEST

START_TEST(long_path_is_refused)
{
	char path[HTTP_MAX_PATH + 2], query[400];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[HTTP_MAX_PATH] = '\0';
	ask_path("GET", path);
	expect_status(414);
	path[HTTP_MAX_PATH - 1] = '\0';
	ask_path("GET", path);
	expect_status(404);
	snprintf(query, sizeof(query), "/metrics?%s", path);
	ask_path("GET", query);
	expect_status(200);
}
END_TEST

START_TEST(long_head_is_refused)
{
	static char request[2 * HTTP_MAX_HEAD + 64];
	static const char end[] = "\r\nConnection: close\r\n\r\n";
	size_t len = (size_t)sprintf(request, "GET /metrics HTTP/1.1\r\nX: ");

	memset(request + len, 'x', HTTP_MAX_HEAD - len - strlen(end));
	strcpy(request + HTTP_MAX_HEAD - strlen(end), end);
	ask(request);
	expect_status(200);
	memset(request + len, 'x', 2 * HTTP_MAX_HEAD - len);
	strcpy(request + 2 * HTTP_MAX_HEAD, end);
	ask(request);
	expect_status(431);
}
END_TEST

START_TEST(body_behind_a_head_in_one_packet_is_taken)
{
	static char request[HTTP_MAX_HEAD + 8192];
	size_t len =
		(size_t)sprintf(request, "PUT /api/v1/vm.shutdown HTTP/1.1\r\nConnection: close\r\n"
					 "Content-Length: 9000\r\nX: ");

	memset(request + len, 'x', 4000);
	len += 4000;
	len += (size_t)sprintf(request + len, "\r\n\r\n[\"");
	memset(request + len, 'b', 8996);
	strcpy(request + len + 8996, "\"]");
	ask(request);
	expect_status(204);
}
END_TEST

START_TEST(big_body_is_refused)
{
	static char chunk[HTTP_MAX_BODY + 256];
	size_t len;

	ask("PUT /api/v1/vm.shutdown HTTP/1.1\r\nContent-Length: 65537\r\n\r\n");
	expect_status(413);
	len = (size_t)sprintf(chunk,
			      "PUT /api/v1/vm.shutdown HTTP/1.1\r\nTransfer-Encoding: "
			      "chunked\r\n\r\n%x\r\n",
			      HTTP_MAX_BODY + 1);
	memset(chunk + len, ' ', HTTP_MAX_BODY + 1);
	ask(chunk);
	expect_status(413);
}
END_TEST

START_TEST(client_may_leave_at_any_moment)
{
	static const char request[] = "PUT /api/v1/vm.shutdown HTTP/1.1\r\nContent-Length: "
				      "4\r\n\r\n{}";

	for (size_t len = 0; len < sizeof(request); len++) {
		int fd = dial();

		send(fd, request, len, MSG_NOSIGNAL);
		close(fd);
	}
	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
	ck_assert_uint_eq(rig.shutdowns, 0);
}
END_TEST

START_TEST(end_in_the_middle_of_a_request_is_answered)
{
	int fd = dial();

	say(fd, "GET /metrics HTT");
	shutdown(fd, SHUT_WR);
	hear_all(fd);
	expect_status(400);
	close(fd);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------
 */

/* However often it says something: its time is not extended. */
START_TEST(request_that_takes_too_long_ends)
{
	uint64_t started = now_ns(), end = started + 4000000000;
	int fd = dial();
	char byte;

	say(fd, "GET /metrics HTTP/1.1\r\n");
	while (recv(fd, &byte, 1, MSG_DONTWAIT) != 0 && now_ns() < end) {
		send(fd, "X: y\r\n", 6, MSG_NOSIGNAL);
		usleep(200000);
	}
	ck_assert_uint_ge(now_ns() - started, 1000000000);
	ck_assert_uint_lt(now_ns(), end);
	close(fd);
}
END_TEST

START_TEST(body_that_was_asked_for_has_no_more_time)
{
	uint64_t started = now_ns();
	int fd = dial();

	say(fd, "PUT /api/v1/vm.shutdown HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
		"2\r\n\r\n");
	hear_all(fd);
	ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
	ck_assert_uint_lt(now_ns() - started, 5000000000);
	close(fd);
}
END_TEST

START_TEST(connection_between_requests_has_all_the_time)
{
	int fd = dial();

	say(fd, PING);
	hear(fd, "]}");
	usleep(2500000);
	say(fd, PING);
	hear(fd, "]}");
	close(fd);
}
END_TEST

START_TEST(idle_connections_make_room)
{
	int fds[API_MAX_CLIENTS];

	for (unsigned i = 0; i < API_MAX_CLIENTS; i++) {
		fds[i] = dial();
		say(fds[i], PING);
		hear(fds[i], "]}");
	}
	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
	ck_assert_str_eq(hear_all(fds[0]), "");
	say(fds[1], PING);
	hear(fds[1], "]}");
	for (unsigned i = 0; i < API_MAX_CLIENTS; i++)
		close(fds[i]);
}
END_TEST

#define LISTEN "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n"

static int listener(void)
{
	int fd = dial();

	say(fd, LISTEN);
	hear(fd, "\r\n\r\n");
	expect_status(200);
	return fd;
}

START_TEST(busy_connections_do_not)
{
	int fds[API_MAX_CLIENTS];

	for (unsigned i = 0; i < API_MAX_CLIENTS; i++)
		fds[i] = listener();
	hear_all(dial());
	expect_status(503);
	ck_assert_ptr_nonnull(strstr(text, "{\"error\":\"all connections"));
	close(fds[5]);
	/* The place is free when the API has seen the end. */
	usleep(100000);
	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
	for (unsigned i = 0; i < API_MAX_CLIENTS; i++)
		if (i != 5)
			close(fds[i]);
}
END_TEST

START_TEST(client_that_takes_nothing_is_let_go)
{
	static char many[2000 * sizeof(PING)];
	int fd = dial(), small = 4096;
	char *at = many;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 2000; i++)
		at = stpcpy(at, "GET /metrics HTTP/1.1\r\n\r\n");
	send(fd, many, strlen(many), MSG_NOSIGNAL | MSG_DONTWAIT);
	usleep(3500000);
	/* Others were served all the time, and this one is gone. */
	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
	hear_all(fd);
	close(fd);
}
END_TEST

/* --- events ------------------------------------------------------------------------------------
 */

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

	ck_assert_ptr_nonnull(strstr(text, "Transfer-Encoding: chunked\r\n"));
	ck_assert_ptr_null(strstr(text, "Content-Length"));
	emit("one");
	hear(fd, "}}\n\r\n");
	ck_assert_ptr_nonnull(strstr(text, "\r\n" LINE("one")));
	ck_assert_uint_eq(strtoul(text, NULL, 16), strlen(strchr(text, '\n') + 1) - 2);
	emit("two");
	hear(fd, "}}\n\r\n");
	ck_assert_ptr_nonnull(strstr(text, "\r\n" LINE("two")));
	close(fd);
}
END_TEST

START_TEST(old_listener_gets_plain_lines)
{
	int fd = dial();

	say(fd, "GET /api/v1/events HTTP/1.0\r\n\r\n");
	hear(fd, "\r\n\r\n");
	ck_assert_ptr_null(strstr(text, "chunked"));
	emit("one");
	hear(fd, "}}\n");
	ck_assert_ptr_eq(strstr(text, LINE("one")), text);
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
		for (const char *at = text; (at = strstr(at, LINE("some"))); at++)
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
	for (const char *at = text; (at = strstr(at, LINE("some"))); at++)
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
	ck_assert_ptr_null(strstr(text, "unheard"));
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
	ck_assert_ptr_nonnull(strstr(text, "\"source\":\"api\",\"event\":\"listener-dropped\""));
	ck_assert_ptr_nonnull(strstr(text, "\"waiting_bytes\":"));
	ck_assert_str_eq(text + strlen(text) - 7, "\r\n0\r\n\r\n");
	told = 0;
	for (const char *at = text; (at = strstr(at, "\"big\"")); at++)
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

	halt();
	emit("one");
	emit("two");
	api_destroy(rig.api);
	rig.api = NULL;
	hear_all(fd);
	ck_assert_ptr_nonnull(strstr(text, LINE("one")));
	ck_assert_ptr_nonnull(strstr(text, LINE("two")));
	ck_assert_str_eq(text + strlen(text) - 7, "\r\n0\r\n\r\n");
	close(fd);
}
END_TEST

START_TEST(end_does_not_wait_for_a_listener_that_does_not_read)
{
	int fd = listener();
	char *padding = calloc(1, 250001);
	uint64_t started;

	memset(padding, 'x', 250000);
	halt();
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
	Suite *suite = suite_create("api");
	TCase *verbs = suite_case(suite, "verbs", setup, teardown);
	TCase *protocol = suite_case(suite, "protocol", setup, teardown);
	TCase *limits = suite_case(suite, "limits", setup_short, teardown);
	TCase *events = suite_case(suite, "events", setup, teardown);
	TCase *slow = suite_case(suite, "slow", setup_short, teardown);

	tcase_add_test(verbs, ping_says_who_is_there);
	tcase_add_test(verbs, verbs_hand_out_what_the_machine_says);
	tcase_add_test(verbs, table_is_complete_and_without_doubles);
	tcase_add_test(verbs, orders_reach_the_machine_once_and_have_no_content);
	tcase_add_test(verbs, policy_that_the_machine_refuses_is_an_error);
	tcase_add_test(verbs, unknown_path_is_told_the_nearest);
	tcase_add_test(verbs, wrong_method_is_told_the_right_one);
	tcase_add_test(verbs, body_that_is_no_json_is_refused);
	tcase_add_test(protocol, connection_lives_on);
	tcase_add_test(protocol, requests_in_one_packet_are_answered_in_order);
	tcase_add_test(protocol, many_requests_in_one_packet_are_all_answered);
	tcase_add_test(protocol, request_may_come_byte_by_byte);
	tcase_add_test(protocol, body_may_come_in_chunks);
	tcase_add_test(protocol, client_that_asks_before_it_sends_a_body_is_told_to);
	tcase_add_test(protocol, old_client_gets_its_answer_and_the_end);
	tcase_add_test(protocol, offer_of_another_protocol_is_passed_over);
	tcase_add_loop_test(protocol, malformed_request_is_refused_and_ends_the_connection, 0,
			    ARRAY_SIZE(malformed));
	tcase_add_test(protocol, long_path_is_refused);
	tcase_add_test(protocol, long_head_is_refused);
	tcase_add_test(protocol, body_behind_a_head_in_one_packet_is_taken);
	tcase_add_test(protocol, big_body_is_refused);
	tcase_add_test(protocol, client_may_leave_at_any_moment);
	tcase_add_test(protocol, end_in_the_middle_of_a_request_is_answered);
	tcase_add_test(limits, request_that_takes_too_long_ends);
	tcase_add_test(limits, body_that_was_asked_for_has_no_more_time);
	tcase_add_test(limits, connection_between_requests_has_all_the_time);
	tcase_add_test(limits, idle_connections_make_room);
	tcase_add_test(limits, busy_connections_do_not);
	tcase_add_test(limits, client_that_takes_nothing_is_let_go);
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
