// SPDX-License-Identifier: BSD-3-Clause
// Commands for the guest over its serial console: the agent in the guest, and the host's end.
//
// Host to guest:  "<lab ID COMMAND>\n", escaped. Guest to host, each on a line of its own:
//   "<lab ID N SUM TEXT>"    chunk N of the output, escaped, with a checksum over the raw text
//   "<lab ID end N STATUS>"  N chunks in all, exit status
// The kernel's own messages share the line and can fall into a chunk; then the checksum fails, the
// host sends the same request again, and the agent, which knows its last ID, repeats the answer
// without running anything twice.
#define _GNU_SOURCE
#include "probe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CHUNK	   256
#define MAX_LINE   16384
#define OUTPUT	   "/run/agent.out"
#define PREPARE	   ". /lab/verbs\n"
#define READY	   "<lab ready>"
#define POLL_US	   1000
#define REPEATS	   5
#define MAX_INPUTS 8

static uint32_t checksum(const char *data, size_t len)
{
	uint32_t sum = 2166136261U;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)data[i]) * 16777619U;
	return sum;
}

/* Escapes what a terminal line cannot carry; out needs four times the room and one more. */
static void escape(const char *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = data[i];

		/* A blank at the start would be lost among those that part the fields. */
		if ((c == ' ' && i == 0) || c == '\\' || c == '<' || c == '>' || c < 0x20 ||
		    c > 0x7e)
			out += sprintf(out, "\\%02x", c);
		else
			*out++ = c;
	}
	*out = 0;
}

static size_t unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		unsigned int c;

		if (*in == '\\' && sscanf(in + 1, "%2x", &c) == 1) {
			*out++ = c;
			in += 2;
		} else {
			*out++ = *in;
		}
	}
	*out = 0;
	return out - text;
}

/* -- in the guest */

static void agent_raw(int tty)
{
	struct termios mode;

	if (tcgetattr(tty, &mode))
		die_errno("tcgetattr");
	cfmakeraw(&mode);
	mode.c_cflag |= CLOCAL | CREAD;
	tcsetattr(tty, TCSANOW, &mode);
}

static int agent_run(char *command)
{
	pid_t child, ended;
	int status;

	child = fork();
	if (child == 0) {
		int in = open("/dev/null", O_RDONLY);
		int out = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		setsid();
		dup2(in, 0);
		dup2(out, 1);
		dup2(out, 2);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	/* The agent is the guest's first process: whatever else ends is reaped on the way. */
	do {
		ended = waitpid(-1, &status, 0);
	} while (ended != child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void agent_answer(int tty, const char *id, int status)
{
	char raw[CHUNK], line[CHUNK * 4 + 128], text[CHUNK * 3 + 1];
	int out = open(OUTPUT, O_RDONLY | O_CLOEXEC);
	unsigned int count = 0;
	ssize_t len;

	while (out >= 0 && (len = read(out, raw, sizeof(raw))) > 0) {
		escape(raw, len, text);
		len = snprintf(line, sizeof(line), "\n<lab %s %u %" PRIx32 " %s>\n", id, count,
			       checksum(raw, len), text);
		write_all(tty, line, len);
		count++;
	}
	if (out >= 0)
		close(out);
	len = snprintf(line, sizeof(line), "\n<lab %s end %u %d>\n", id, count, status);
	write_all(tty, line, len);
}

static void agent_request(int tty, char *line)
{
	static char command[MAX_LINE + sizeof(PREPARE)];
	static char last[32];
	static int status;
	char id[32];
	int skip = 0;

	if (sscanf(line, "<lab %31s %n", id, &skip) != 1 || !skip || line[strlen(line) - 1] != '>')
		return;
	line[strlen(line) - 1] = 0;
	if (strcmp(id, last)) {
		strcpy(last, id);
		unescape(line + skip);
		sprintf(command, "%s%s", PREPARE, line + skip);
		status = agent_run(command);
	}
	agent_answer(tty, id, status);
}

/* The power button, as a distribution's login manager would handle it. */
static void agent_input(int fd)
{
	struct input_event event;

	while (read(fd, &event, sizeof(event)) == sizeof(event)) {
		if (event.type == EV_KEY && event.code == KEY_POWER && event.value) {
			sync();
			reboot(RB_POWER_OFF);
		}
	}
}

int agent_main(int argc, char **argv)
{
	static char line[MAX_LINE];
	struct pollfd fds[1 + MAX_INPUTS] = { 0 };
	size_t have = 0, count = 1;

	if (argc != 2)
		die("agent TTY");
	fds[0].fd = open(argv[1], O_RDWR | O_NOCTTY | O_CLOEXEC);
	fds[0].events = POLLIN;
	if (fds[0].fd < 0)
		die_errno("%s", argv[1]);
	agent_raw(fds[0].fd);
	/* Where it is not the first process, another handles the button. */
	for (int i = 0; getpid() == 1 && i < MAX_INPUTS; i++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	write_all(fds[0].fd, "\n" READY "\n", strlen(READY) + 2);
	for (;;) {
		char *end;
		ssize_t len;

		if (poll(fds, count, -1) < 0)
			continue;
		for (size_t i = 1; i < count; i++) {
			if (fds[i].revents)
				agent_input(fds[i].fd);
		}
		if (!fds[0].revents)
			continue;
		len = read(fds[0].fd, line + have, sizeof(line) - 1 - have);
		if (len <= 0) {
			clock_sleep_us(10000);
			continue;
		}
		have += len;
		line[have] = 0;
		while ((end = strpbrk(line, "\r\n"))) {
			*end = 0;
			if (end > line)
				agent_request(fds[0].fd, line);
			have -= end + 1 - line;
			memmove(line, end + 1, have + 1);
		}
		if (have == sizeof(line) - 1)
			have = 0;
	}
}

/* -- in the host */

struct reply {
	char id[32];
	off_t offset;
	unsigned int next;
	char *text;
	size_t len;
	int damaged;
};

/* Takes one line of the console; true when it ended the reply, then ret_status is the command's or
 * -1. */
static int reply_line(struct reply *reply, char *line, int *ret_status)
{
	unsigned int number;
	uint32_t sum;
	size_t len;
	char *at = strstr(line, "<lab ");
	int skip = 0, status;

	line[strcspn(line, "\r")] = 0;
	len = strlen(reply->id);
	if (!at || strncmp(at + 5, reply->id, len) || at[5 + len] != ' ')
		return 0;
	at += 6 + len;
	if (sscanf(at, "end %u %d>", &number, &status) == 2) {
		*ret_status = number == reply->next && !reply->damaged ? status : -1;
		return 1;
	}
	if (sscanf(at, "%u %" SCNx32 " %n", &number, &sum, &skip) != 2 || !skip ||
	    at[strlen(at) - 1] != '>') {
		reply->damaged = 1;
		return 0;
	}
	at[strlen(at) - 1] = 0;
	len = unescape(at + skip);
	if (number != reply->next || checksum(at + skip, len) != sum) {
		reply->damaged = 1;
		return 0;
	}
	reply->text = realloc(reply->text, reply->len + len);
	memcpy(reply->text + reply->len, at + skip, len);
	reply->len += len;
	reply->next++;
	return 0;
}

/* Reads the console from the reply's offset to its end marker; status, -1 damaged, -2 timeout, -3
 * VMM ended. */
static int reply_read(struct reply *reply, const char *log, int64_t deadline)
{
	const char *status_file = getenv("LAB_VM_STATUS");
	static char buffer[65536];
	size_t have = 0;
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	int ended = 0, status;

	if (fd < 0)
		die_errno("%s", log);
	for (;;) {
		ssize_t len = pread(fd, buffer + have, sizeof(buffer) - 1 - have, reply->offset);
		char *start = buffer, *end;

		if (len > 0) {
			have += len;
			reply->offset += len;
			while ((end = memchr(start, '\n', buffer + have - start))) {
				*end = 0;
				if (reply_line(reply, start, &status)) {
					/* What is behind this line is read again by the next call.
					 */
					reply->offset -= buffer + have - (end + 1);
					close(fd);
					return status;
				}
				start = end + 1;
			}
			have = buffer + have - start;
			memmove(buffer, start, have);
			if (have == sizeof(buffer) - 1)
				have = 0;
			continue;
		}
		if (ended || clock_now() > deadline) {
			close(fd);
			return ended ? -3 : -2;
		}
		ended = status_file && !access(status_file, F_OK);
		clock_sleep_us(POLL_US);
	}
}

/*
 * Runs one command in the guest, prints its output, exits with its status. 124: no answer in time,
 * 125: the VMM has ended. A timeout of 0 sends the command and does not wait for an answer.
 */
int guest_main(int argc, char **argv)
{
	static char request[MAX_LINE];
	struct reply reply = { 0 };
	int64_t deadline;
	struct stat info;
	int in, len, status;

	if (argc != 5)
		die("guest IN-FIFO LOG TIMEOUT COMMAND");
	if (strlen(argv[4]) * 3 + 64 > sizeof(request))
		die("command too long");
	snprintf(reply.id, sizeof(reply.id), "%" PRIx64, (uint64_t)clock_now());
	deadline = clock_now() + (int64_t)(atof(argv[3]) * 1e9);
	len = sprintf(request, "<lab %s ", reply.id);
	escape(argv[4], strlen(argv[4]), request + len);
	strcat(request, ">\n");
	/* Not blocking: a fifo that nobody reads means that the VMM is gone. */
	in = open(argv[1], O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		die_errno("%s", argv[1]);
	fcntl(in, F_SETFL, 0);
	if (stat(argv[2], &info))
		die_errno("%s", argv[2]);
	reply.offset = info.st_size;
	for (int i = 0; i < REPEATS; i++) {
		if (write_all(in, request, strlen(request)))
			die_errno("%s", argv[1]);
		if (atof(argv[3]) == 0)
			return 0;
		reply.len = reply.next = reply.damaged = 0;
		status = reply_read(&reply, argv[2], deadline);
		if (status != -1)
			break;
	}
	fwrite(reply.text, 1, reply.len, stdout);
	fflush(stdout);
	if (status >= 0)
		return status;
	fprintf(stderr, "probe: %s\n",
		status == -3   ? "the VMM has ended"
		: status == -2 ? "no answer from the guest in time"
			       : "the guest's answer stays damaged");
	return status == -3 ? 125 : 124;
}
