/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket with a made-up machine: verbs, bad requests, limits. */
#include "vmm/api.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/api_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/http.h"

/* --- verbs -------------------------------------------------------------------------------------
 */

START_TEST(ping_says_who_is_there)
{
	char pid[32];

	ask_path("GET", "/api/v1/vmm.ping");
	expect_status(200);
	snprintf(pid, sizeof(pid), "\"pid\":%d", (int)getpid());
	ck_assert_ptr_nonnull(strstr(rig_text, pid));
	ck_assert_ptr_nonnull(strstr(rig_text, "\"version\":\"" COLDVM_VERSION "\""));
	ck_assert_ptr_nonnull(strstr(rig_text, "Content-Type: application/json\r\n"));
}
END_TEST

START_TEST(verbs_hand_out_what_the_machine_says)
{
	ask_path("GET", "/api/v1/vm.counters");
	expect_status(200);
	expect_body("{\"gpu\":{\"entries\":7},\"disk0\":{\"read_bytes\":512}}");
	ask_path("GET", "/api/v1/vm.device-power");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(rig_text, "{\"slots\":[{\"slot\":0,\"id\":\"gpu\""));
	ask_path("GET", "/api/v1/vm.info?full=1");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(rig_text, "\"state\":\"Running\""));
	ask_path("GET", "/metrics");
	expect_status(200);
	ck_assert_ptr_nonnull(strstr(rig_text, "Content-Type: text/plain; version=0.0.4"));
	ck_assert_ptr_nonnull(strstr(rig_text, "\ncoldvm_vcpus 3\n"));
}
END_TEST

START_TEST(table_is_complete_and_without_doubles)
{
	ask_path("GET", "/api/v1");
	expect_status(200);
	for (unsigned i = 0; i < api_nr_verbs; i++) {
		const struct api_verb *verb = &api_verbs[i];

		ck_assert_ptr_nonnull(strstr(rig_text, verb->path));
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
	ck_assert_ptr_null(strstr(rig_text, "Content-Length"));
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
	ck_assert_ptr_nonnull(strstr(rig_text, "\r\nAllow: GET\r\n"));
	expect_body("{\"error\":\"/api/v1/vm.info does not take PUT: it takes GET\"}");
	ask_path("GET", "/api/v1/vm.shutdown");
	expect_status(405);
	ck_assert_uint_eq(rig.shutdowns, 0);
}
END_TEST

static const char *put(const char *path, const char *body)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "PUT %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", path,
		 strlen(body), body);
	return ask(request);
}

static const char *put_shutdown(const char *body)
{
	return put("/api/v1/vm.shutdown", body);
}

#define PING	   "GET /api/v1/vmm.ping HTTP/1.1\r\nHost: x\r\n\r\n"
#define PING_CLOSE "GET /api/v1/vmm.ping HTTP/1.1\r\nConnection: close\r\n\r\n"
#define PAUSE	   "PUT /api/v1/vm.pause HTTP/1.1\r\nHost: x\r\n\r\n"

/* A client whose order is not done yet. */
static int waiter(void)
{
	unsigned before = rig.pauses;
	int fd = dial();

	say(fd, PAUSE PING);
	/* Orders are taken one by one: who is answered here came later. */
	while (rig.pauses == before)
		ask_path("GET", "/api/v1/vmm.ping");
	return fd;
}

START_TEST(order_that_takes_time_is_answered_when_it_is_done)
{
	int fd = waiter();
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	/* What comes now is not read yet, and does no harm. */
	say(fd, PING);
	ask_path("GET", "/api/v1/vmm.ping");
	ask_path("PUT", "/api/v1/vm.resume");
	expect_status(204);
	hear(fd, "\r\n\r\n");
	expect_status(204);
	/* What came in behind it was kept, and is answered now. */
	hear(fd, "]}");
	expect_status(200);
	hear(fd, "]}");
	expect_status(200);
	close(fd);
}
END_TEST

START_TEST(all_who_wait_are_answered_and_with_the_error_there_was)
{
	int fds[3];

	for (unsigned i = 0; i < 3; i++)
		fds[i] = waiter();
	ask_path("PUT", "/api/v1/vm.resume");
	for (unsigned i = 0; i < 3; i++) {
		hear(fds[i], "\"too many\"}");
		expect_status(500);
		close(fds[i]);
	}
}
END_TEST

START_TEST(who_waits_may_leave)
{
	close(waiter());
	close(waiter());
	ask_path("PUT", "/api/v1/vm.resume");
	expect_status(204);
}
END_TEST

START_TEST(order_that_the_state_does_not_allow_is_refused)
{
	ask_path("PUT", "/api/v1/vm.resume");
	expect_status(405);
	ck_assert_ptr_nonnull(strstr(rig_text, "\r\nAllow: \r\n"));
	expect_body("{\"error\":\"the VM is not paused\"}");
	ask_path("PUT", "/api/v1/vm.reboot");
	expect_status(204);
}
END_TEST

START_TEST(body_that_is_no_json_is_refused)
{
	put_shutdown("{\"a\":");
	expect_status(400);
	ck_assert_ptr_nonnull(strstr(rig_text, "the body is not JSON: "));
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

static const struct {
	const char *body, *complaint;
} bad_sizes[] = {
	{ "", "desired_balloon: want a number of bytes" },
	{ "{}", "desired_balloon: want a number of bytes" },
	{ "[]", "desired_balloon: want a number of bytes" },
	{ "{\"desired_balloon\":-1}", "desired_balloon: want a number of bytes" },
	{ "{\"desired_balloon\":\"1M\"}", "desired_balloon: want a number of bytes" },
	{ "{\"desired_balloon\":1.5}", "desired_balloon: want a number of bytes" },
	{ "{\"desired_balloon\":0,\"desired_ram\":1}",
	  "desired_ram: vCPUs and RAM stay as they are" },
	{ "{\"desired_vcpus\":2}", "desired_vcpus: vCPUs and RAM stay as they are" },
	{ "{\"desired_balloon\":4096}", "there is none" },
};

START_TEST(a_size_that_cannot_be_meant_is_refused)
{
	char expected[128];

	put("/api/v1/vm.resize", bad_sizes[_i].body);
	expect_status(400);
	snprintf(expected, sizeof(expected), "{\"error\":\"%s\"}", bad_sizes[_i].complaint);
	expect_body(expected);
}
END_TEST

START_TEST(the_balloon_takes_what_is_asked_for)
{
	put("/api/v1/vm.resize", "{\"desired_balloon\":67108864,\"desired_ram\":null}");
	expect_status(204);
	ck_assert_uint_eq(rig.balloon, MIB(64));
}
END_TEST

/* --- the protocol ------------------------------------------------------------------------------
 */

START_TEST(connection_lives_on)
{
	int fd = dial();

	for (unsigned i = 0; i < 3; i++) {
		say(fd, PING);
		hear(fd, "]}");
		expect_status(200);
		ck_assert_ptr_null(strstr(rig_text, "Connection: close"));
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
	ck_assert_ptr_nonnull(strstr(rig_text, "\"read_bytes\":512}}HTTP/1.1 204 "));
	ck_assert_ptr_nonnull(strstr(strstr(rig_text, "204 "), "\"version\""));
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
	for (const char *at = rig_text; (at = strstr(at, "HTTP/1.1 200 ")); at++)
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
	ck_assert_str_eq(rig_text, "HTTP/1.1 100 Continue\r\n\r\n");
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
	ck_assert_ptr_nonnull(strstr(rig_text, "Connection: close\r\n"));
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
	if (strncmp(rig_text, "HTTP/1.1 400 ", 13) && strncmp(rig_text, "HTTP/1.1 505 ", 13))
		ck_abort_msg("request %d: %s", _i, rig_text);
	ck_assert_ptr_nonnull(strstr(rig_text, "{\"error\":\""));
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
	ck_assert_str_eq(rig_text, "HTTP/1.1 100 Continue\r\n\r\n");
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

START_TEST(who_waits_for_the_vm_has_all_the_time)
{
	int fd = waiter();

	usleep(2500000);
	ask_path("PUT", "/api/v1/vm.resume");
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

START_TEST(busy_connections_do_not)
{
	int fds[API_MAX_CLIENTS];

	for (unsigned i = 0; i < API_MAX_CLIENTS; i++)
		fds[i] = listener();
	hear_all(dial());
	expect_status(503);
	ck_assert_ptr_nonnull(strstr(rig_text, "{\"error\":\"all connections"));
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

int main(void)
{
	Suite *suite = suite_create("api");
	TCase *verbs = suite_case(suite, "verbs", rig_setup, rig_teardown);
	TCase *protocol = suite_case(suite, "protocol", rig_setup, rig_teardown);
	TCase *limits = suite_case(suite, "limits", rig_setup_short, rig_teardown);

	tcase_add_test(verbs, ping_says_who_is_there);
	tcase_add_test(verbs, verbs_hand_out_what_the_machine_says);
	tcase_add_test(verbs, table_is_complete_and_without_doubles);
	tcase_add_test(verbs, orders_reach_the_machine_once_and_have_no_content);
	tcase_add_test(verbs, policy_that_the_machine_refuses_is_an_error);
	tcase_add_test(verbs, unknown_path_is_told_the_nearest);
	tcase_add_test(verbs, wrong_method_is_told_the_right_one);
	tcase_add_test(verbs, order_that_takes_time_is_answered_when_it_is_done);
	tcase_add_test(verbs, all_who_wait_are_answered_and_with_the_error_there_was);
	tcase_add_test(verbs, who_waits_may_leave);
	tcase_add_test(verbs, order_that_the_state_does_not_allow_is_refused);
	tcase_add_test(verbs, body_that_is_no_json_is_refused);
	tcase_add_loop_test(verbs, a_size_that_cannot_be_meant_is_refused, 0,
			    ARRAY_SIZE(bad_sizes));
	tcase_add_test(verbs, the_balloon_takes_what_is_asked_for);
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
	tcase_add_test(limits, who_waits_for_the_vm_has_all_the_time);
	tcase_add_test(limits, idle_connections_make_room);
	tcase_add_test(limits, busy_connections_do_not);
	tcase_add_test(limits, client_that_takes_nothing_is_let_go);
	return suite_run(suite);
}
