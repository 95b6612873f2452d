/* SPDX-License-Identifier: BSD-3-Clause */
/* An API in a thread, a made-up machine, and clients. */
#include "tests/unit/api_rig.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/bits.h"

struct api_rig rig;
char rig_text[1 << 20];

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
	return json_pack("{s:{s:i}, s:{s:i}}", "gpu", "entries", 7, "disk0", "read_bytes", 512);
}

static int set_policy(void *opaque, const json_t *order, char *why, size_t why_len)
{
	(void)opaque;
	snprintf(why, why_len, "no such thing");
	if (!order)
		return -EINVAL;
	return json_object_get(order, "id") ? 0 : -ENOENT;
}

static int pause_vm(void *opaque, char *why, size_t why_len)
{
	(void)opaque;
	(void)why;
	(void)why_len;
	rig.pauses++;
	return -EINPROGRESS;
}

static int resume_vm(void *opaque, char *why, size_t why_len)
{
	(void)opaque;
	if (rig.pauses) {
		api_answer(rig.api, API_PATH_REBOOT, 204, NULL); /* nobody waits for that */
		api_answer(rig.api, API_PATH_PAUSE, rig.pauses > 2 ? 500 : 204,
			   rig.pauses > 2 ? "too many" : NULL);
		rig.pauses = 0;
		return 0;
	}
	snprintf(why, why_len, "the VM is not paused");
	return -EINVAL;
}

static int resize_vm(void *opaque, uint64_t balloon, char *why, size_t why_len)
{
	(void)opaque;
	rig.balloon = balloon;
	snprintf(why, why_len, "there is none");
	return balloon == 4096 ? -EINVAL : 0;
}

static int reboot_vm(void *opaque, char *why, size_t why_len)
{
	(void)opaque;
	(void)why;
	(void)why_len;
	return 0;
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
		.pause = pause_vm,
		.resume = resume_vm,
		.reboot = reboot_vm,
		.resize = resize_vm,
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

void rig_halt(void)
{
	if (rig.running) {
		eventfd_write(rig.end.fd, 1);
		pthread_join(rig.thread, NULL);
	}
	rig.running = false;
}

void rig_setup(void)
{
	start(0);
}

void rig_setup_short(void)
{
	start(1);
}

void rig_teardown(void)
{
	rig_halt();
	api_destroy(rig.api);
	api_socket_close(&rig.socket);
	loop_exit(&rig.loop);
	event_monitor_exit(&rig.events);
	close_fd(&rig.end.fd);
	ck_assert_int_eq(rmdir(rig.dir), 0);
}

/* --- clients -----------------------------------------------------------------------------------
 */

int dial(void)
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

void say(int fd, const char *what)
{
	size_t len = strlen(what);

	ck_assert_int_eq(send(fd, what, len, MSG_NOSIGNAL), (ssize_t)len);
}

const char *hear_all(int fd)
{
	size_t len = 0;
	ssize_t done;

	while ((done = recv(fd, rig_text + len, sizeof(rig_text) - 1 - len, 0)) > 0)
		len += (size_t)done;
	ck_assert_msg(done == 0 || errno == ECONNRESET, "the connection was not closed: %s",
		      strerror(errno));
	rig_text[len] = '\0';
	return rig_text;
}

const char *hear(int fd, const char *until)
{
	size_t len = 0;
	char *end = NULL;

	rig_text[0] = '\0';
	while (!end) {
		size_t from = len > strlen(until) ? len - strlen(until) : 0, old = len;
		ssize_t done = recv(fd, rig_text + len, sizeof(rig_text) - 1 - len, MSG_PEEK);

		ck_assert_msg(done > 0, "'%s' does not come, only '%s'", until, rig_text);
		len += (size_t)done;
		rig_text[len] = '\0';
		end = strstr(rig_text + from, until);
		if (end)
			len = (size_t)(end - rig_text) + strlen(until);
		ck_assert_int_eq(recv(fd, rig_text + old, len - old, 0), (ssize_t)(len - old));
	}
	rig_text[len] = '\0';
	return rig_text;
}

const char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	hear_all(fd);
	close(fd);
	return rig_text;
}

const char *ask_path(const char *method, const char *path)
{
	char request[512];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		 method, path);
	return ask(request);
}

void expect_status(unsigned status)
{
	char head[16];

	snprintf(head, sizeof(head), "HTTP/1.1 %u ", status);
	ck_assert_msg(!strncmp(rig_text, head, strlen(head)), "not %u: %s", status, rig_text);
}

void expect_body(const char *body)
{
	const char *end = strstr(rig_text, "\r\n\r\n");

	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end + 4, body);
}

#define LISTEN "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n"

int listener(void)
{
	int fd = dial();

	say(fd, LISTEN);
	hear(fd, "\r\n\r\n");
	expect_status(200);
	return fd;
}
