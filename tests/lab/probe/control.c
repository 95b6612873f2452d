// SPDX-License-Identifier: BSD-3-Clause
// The emulated host's end of the control channel: one request line out, reply lines back, over the
// second UART.
//
// Request:  "ID VERB ARGUMENTS\n". Reply: any number of "ID|TEXT\n", then "ID.STATUS\n". One
// process at a time, by a lock on the device; lines with another ID are left from a caller that was
// killed, and are skipped.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#define CONTROL_TTY	 "/dev/ttyS1"
#define REPLY_TIMEOUT_MS 60000
#define TIME_ROUNDS	 8

struct control {
	int fd;
	unsigned int id;
	char line[4096];
	size_t have;
	char in[4096];
};

static void control_open(struct control *control)
{
	struct termios mode;

	control->fd = open(CONTROL_TTY, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (control->fd < 0)
		die_errno("%s", CONTROL_TTY);
	if (flock(control->fd, LOCK_EX))
		die_errno("%s: lock", CONTROL_TTY);
	if (tcgetattr(control->fd, &mode))
		die_errno("%s: tcgetattr", CONTROL_TTY);
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	mode.c_cflag |= CLOCAL | CREAD;
	tcsetattr(control->fd, TCSANOW, &mode);
	control->id = getpid() * 64U;
	control->have = 0;
}

static void control_send(struct control *control, const char *text)
{
	char request[4096];
	int len = snprintf(request, sizeof(request), "%u %s\n", ++control->id, text);

	if (len >= (int)sizeof(request))
		die("request too long");
	if (write_all(control->fd, request, len))
		die_errno("%s: write", CONTROL_TTY);
}

/*
 * Waits for the outside. A clock that counts instructions does not wait with an idle host, it jumps
 * to the next timer, so seconds go by until a reply is there. A job that has no guest to disturb
 * may keep the CPU busy instead, by CONTROL_SPIN in its environment.
 */
static int control_wait(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t end = clock_now() + REPLY_TIMEOUT_MS * 1000000LL;
	int ready;

	if (!getenv("CONTROL_SPIN"))
		return poll(&wait, 1, REPLY_TIMEOUT_MS);
	do
		ready = poll(&wait, 1, 0);
	while (ready == 0 && clock_now() < end);
	return ready;
}

/* The next whole line without its line feed; the pointer is good until the next call. */
static char *control_line(struct control *control)
{
	for (;;) {
		char *end = memchr(control->in, '\n', control->have);
		ssize_t got;

		if (end) {
			size_t len = end - control->in;

			memcpy(control->line, control->in, len);
			control->line[len] = 0;
			control->have -= len + 1;
			memmove(control->in, end + 1, control->have);
			return control->line;
		}
		if (control->have == sizeof(control->in))
			control->have = 0;
		if (control_wait(control->fd) <= 0)
			die("no answer from the lab");
		got = read(control->fd, control->in + control->have,
			   sizeof(control->in) - control->have);
		if (got < 0 && errno != EINTR)
			die_errno("%s: read", CONTROL_TTY);
		if (got > 0)
			control->have += got;
	}
}

/* Reads one reply, hands its lines to stdout or, when text is given, keeps the last of them;
 * returns the status. */
static int control_reply(struct control *control, char *text, size_t size)
{
	for (;;) {
		char *line = control_line(control);
		char *rest;

		if (strtoul(line, &rest, 10) != control->id || rest == line)
			continue;
		if (*rest == '.')
			return atoi(rest + 1);
		if (*rest != '|')
			continue;
		if (text)
			snprintf(text, size, "%s", rest + 1);
		else
			puts(rest + 1);
	}
}

/* Prints "L1_NS L0_NS ERROR_NS": both clocks at one moment, from the fastest of a few round trips.
 */
static int control_time(struct control *control)
{
	int64_t best = INT64_MAX, here = 0, there = 0;

	for (int i = 0; i < TIME_ROUNDS; i++) {
		char text[64] = "";
		int64_t before = clock_now(), after;

		control_send(control, "time");
		if (control_reply(control, text, sizeof(text)))
			return 1;
		after = clock_now();
		if (after - before < best) {
			best = after - before;
			here = before + best / 2;
			there = strtoll(text, NULL, 10);
		}
	}
	printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", here, there, best / 2);
	return 0;
}

int control_main(int argc, char **argv)
{
	struct control control;
	char text[4000] = "";
	size_t len = 0;
	/* "control VERB ..." or, by a link, "VERB ...". */
	int first = !strcmp(argv[0], "control") ? 1 : 0;

	if (first >= argc)
		die("control: no verb");
	for (int i = first; i < argc; i++)
		len += snprintf(text + len, len < sizeof(text) ? sizeof(text) - len : 0, "%s%s",
				i > first ? " " : "", argv[i]);
	if (len >= sizeof(text) || strchr(text, '\n'))
		die("control: bad request");
	control_open(&control);
	if (!strcmp(argv[first], "l0time"))
		return control_time(&control);
	control_send(&control, text);
	return control_reply(&control, NULL, 0);
}
