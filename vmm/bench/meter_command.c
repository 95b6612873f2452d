/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that prints watts, run once for each reading, in a process group of its own. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/bench/meter.h"
#include "vmm/bits.h"

#define INTERVAL_NS UINT64_C(1000000000)
#define LIMIT_NS    UINT64_C(10000000000)
#define NS_OF_MS    UINT64_C(1000000)
#define MAX_SHOWN   80

struct command {
	char *text;
};

static const struct unit {
	const char *name;
	double scale;
	enum meter_quantity quantity;
} units[] = {
	{ "W", 1, METER_POWER },       { "watt", 1, METER_POWER },   { "watts", 1, METER_POWER },
	{ "mW", 1e-3, METER_POWER },   { "kW", 1e3, METER_POWER },   { "uW", 1e-6, METER_POWER },
	{ "J", 1, METER_ENERGY },      { "mJ", 1e-3, METER_ENERGY }, { "uJ", 1e-6, METER_ENERGY },
	{ "joules", 1, METER_ENERGY }, { "Wh", 3600, METER_ENERGY }, { "kWh", 3.6e6, METER_ENERGY },
};

/* --- what it prints -----------------------------------------------------------------------------
 */

/* The unit that is the whole word at @text; NULL if it is none. */
static const struct unit *unit_at(const char *text)
{
	size_t len = strcspn(text, " \t\r\n,;");

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (len == strlen(units[i].name) && !strncasecmp(units[i].name, text, len))
			return &units[i];
	return NULL;
}

/* A word begins here; "power=5" and "power:5" are two, a time of day is one. */
static bool begins_word(const char *text, const char *at)
{
	if (at == text || isspace((unsigned char)at[-1]))
		return true;
	return (at[-1] == ':' || at[-1] == '=') &&
	       (at - text < 2 || !isdigit((unsigned char)at[-2]));
}

/* A number that is the whole word, or all of it but a unit; else the unit may be the next word.
 * Dates, voltages and hexadecimal numbers are none. */
static bool parse_word(const char *at, double *ret, const struct unit **ret_unit)
{
	size_t digits = strspn(at, "+-.0123456789eE");
	char *end;

	*ret = strtod(at, &end);
	if (end == at || end > at + digits || !isfinite(*ret))
		return false;
	if (*end && !strchr(" \t\r\n,;", *end)) {
		*ret_unit = unit_at(end);
		return *ret_unit != NULL;
	}
	*ret_unit = unit_at(end + strspn(end, " \t"));
	if (!*ret_unit)
		*ret_unit = &units[0];
	return true;
}

static bool parse_output(const char *text, double *ret, enum meter_quantity *ret_quantity)
{
	const struct unit *unit;

	for (const char *at = text; *at; at++) {
		if (!begins_word(text, at) || !strchr("+-.0123456789", *at) ||
		    !parse_word(at, ret, &unit))
			continue;
		*ret *= unit->scale;
		*ret_quantity = unit->quantity;
		return true;
	}
	return false;
}

/* --- running it ---------------------------------------------------------------------------------
 */

static int start(const struct command *command, int out, pid_t *ret)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", command->text, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(ret, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

static int too_slow(struct meter *meter)
{
	snprintf(meter->failure, sizeof(meter->failure), "the command takes more than 10 s");
	return -ETIMEDOUT;
}

/* All that it prints, up to @len. */
static int collect(struct meter *meter, int fd, uint64_t until, char *buf, size_t len)
{
	size_t have = 0;

	for (;;) {
		struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
					{ .fd = meter->stop_fd, .events = POLLIN } };
		uint64_t now = now_ns();
		char rest[256];
		ssize_t n;

		if (now >= until)
			return too_slow(meter);
		if (poll(fds, ARRAY_SIZE(fds), (int)((until - now) / NS_OF_MS) + 1) < 0 &&
		    errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -ECANCELED;
		if (!fds[0].revents)
			continue;
		n = have < len - 1 ? read(fd, buf + have, len - 1 - have)
				   : read(fd, rest, sizeof(rest));
		if (n <= 0)
			break;
		have += have < len - 1 ? (size_t)n : 0;
	}
	buf[have] = '\0';
	return 0;
}

/* It may live on when its output has ended; no longer than until @until. */
static int await_end(struct meter *meter, pid_t pid, uint64_t until)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = meter->stop_fd, .events = POLLIN } };
	int r = 0;

	while (fd >= 0 && !fds[0].revents && r == 0) {
		uint64_t now = now_ns();
		int wait = now < until ? (int)((until - now) / NS_OF_MS) + 1 : 0;

		if (poll(fds, ARRAY_SIZE(fds), wait) < 0 && errno != EINTR)
			r = -errno;
		else if (fds[1].revents)
			r = -ECANCELED;
		else if (!fds[0].revents && now_ns() >= until)
			r = too_slow(meter);
	}
	close_fd(&fd);
	return r;
}

/* Whatever became of it, nothing of it is left, nor of what it has started. */
static int finish(struct meter *meter, pid_t pid, int r)
{
	int status = 0;

	/* It is not reaped yet, so its group is still its own. */
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0 || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return r;
	if (WIFEXITED(status))
		snprintf(meter->failure, sizeof(meter->failure), "the command ended with status %d",
			 WEXITSTATUS(status));
	else
		snprintf(meter->failure, sizeof(meter->failure),
			 "the command was ended by signal %d", WTERMSIG(status));
	return -EIO;
}

/* Of what is shown of an output. */
static int line_length(const char *line)
{
	size_t len = strcspn(line, "\r\n");

	return (int)(len < MAX_SHOWN ? len : MAX_SHOWN);
}

static int read_command(struct meter *meter, double *ret)
{
	uint64_t until = now_ns() + LIMIT_NS;
	enum meter_quantity quantity;
	char text[4096];
	const char *line;
	int fds[2], r;
	pid_t pid;

	meter->failure[0] = '\0';
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r = start(meter->opaque, fds[1], &pid);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	r = collect(meter, fds[0], until, text, sizeof(text));
	if (r == 0)
		r = await_end(meter, pid, until);
	r = finish(meter, pid, r);
	close(fds[0]);
	if (r < 0)
		return r;
	line = text + strspn(text, " \t\r\n");
	if (!parse_output(text, ret, &quantity)) {
		snprintf(meter->failure, sizeof(meter->failure),
			 "the command prints no number but '%.*s'", line_length(line), line);
		return -EINVAL;
	}
	if (quantity != meter->quantity) {
		snprintf(meter->failure, sizeof(meter->failure),
			 "the command has changed its unit: '%.*s'", line_length(line), line);
		return -EINVAL;
	}
	return 0;
}

static void close_command(struct meter *meter)
{
	struct command *command = meter->opaque;

	free(command->text);
	free(command);
}

/* Run once, to know what it prints. */
static int try_command(struct meter *meter, char *why, size_t why_len)
{
	double value;
	int r;

	meter->quantity = METER_POWER;
	r = read_command(meter, &value);
	if (r == -EINVAL) {
		meter->quantity = METER_ENERGY;
		r = read_command(meter, &value);
	}
	if (r < 0)
		snprintf(why, why_len, "--meter '%s': %s",
			 ((const struct command *)meter->opaque)->text,
			 meter->failure[0] ? meter->failure : strerror(-r));
	return r;
}

int meters_add_command(struct meter_set *set, const char *text, uint64_t interval_ns, char *why,
		       size_t why_len)
{
	struct meter *meter = calloc(1, sizeof(*meter));
	struct command *command = calloc(1, sizeof(*command));
	int r;

	if (!meter || !command || !(command->text = strdup(text))) {
		free(meter);
		free(command);
		snprintf(why, why_len, "out of memory");
		return -ENOMEM;
	}
	*meter = (struct meter){
		.kind = METER_EXTERNAL,
		.interval_ns = interval_ns ? interval_ns : INTERVAL_NS,
		.read = read_command,
		.close = close_command,
		.opaque = command,
		.stop_fd = -1,
	};
	snprintf(meter->name, sizeof(meter->name), "command:%.80s", text);
	r = try_command(meter, why, why_len);
	if (r < 0) {
		close_command(meter);
		free(meter);
		return r;
	}
	r = meters_add(set, meter);
	if (r < 0)
		snprintf(why, why_len, "--meter: %u meters at most", METERS_MAX);
	return r;
}
