/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines for people: formatting, and one write(2) a line so that threads do not mix theirs. */
#include "vmm/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/rate_limit.h"

#define LINE_MAX_LEN 2560 /* VFIO_WHY_SIZE and a prefix */

/* The mutable file statics of the tree: every layer logs. The level is set before any thread. */
static enum log_level log_level = LOG_WARN;

/* What is said to a guest's order is limited where it is said. These hold for all of it together,
 * so that nothing that was forgotten there fills a disk; errors have their own, and so are not lost
 * among the rest. */
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rate_limit error_limit = { .burst = LOG_BURST, .period_ns = LOG_PERIOD_NS };
static struct rate_limit other_limit = { .burst = LOG_BURST, .period_ns = LOG_PERIOD_NS };

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_wants(enum log_level level)
{
	return level <= log_level;
}

/* A line may quote a file's or a guest's bytes: none of them may move the terminal's cursor. */
static void strip_control(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

/* Whoever asked for the story of the run (-v) also gets the time that event lines carry. */
static size_t put_prefix(char *line, size_t size, enum log_level level, const char *dev)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warning",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};
	uint64_t us = now_ns() / 1000;
	int len;

	if (log_level >= LOG_INFO)
		len = snprintf(line, size,
			       "[%5" PRIu64 ".%06" PRIu64 "] coldvm: %s: %s: ", us / 1000000,
			       us % 1000000, names[level], dev);
	else
		len = snprintf(line, size, "coldvm: %s: %s: ", names[level], dev);
	return len < 0 ? 0 : min_u64((uint64_t)len, size - 1);
}

/* @line has room for one byte more. */
static void put_line(char *line)
{
	size_t len;
	ssize_t done;

	strip_control(line);
	len = strlen(line);
	line[len++] = '\n';
	do
		done = write(STDERR_FILENO, line, len);
	while (done < 0 && errno == EINTR);
}

/* True if a line may be said; *ret_left_out lines could not, before it. */
static bool may_say(enum log_level level, uint64_t *ret_left_out)
{
	struct rate_limit *limit = level == LOG_ERROR ? &error_limit : &other_limit;
	bool may;

	pthread_mutex_lock(&limit_lock);
	may = rate_limit_take(limit, now_ns(), ret_left_out);
	pthread_mutex_unlock(&limit_lock);
	return may;
}

static void say_left_out(uint64_t left_out)
{
	char line[128];
	size_t len = put_prefix(line, sizeof(line) - 1, LOG_WARN, "log");

	snprintf(line + len, sizeof(line) - 1 - len, "%" PRIu64 " lines were left out here",
		 left_out);
	put_line(line);
}

void log_line(enum log_level level, const char *dev, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	int saved = errno; /* callers log between a call and their use of errno */
	uint64_t left_out = 0;
	size_t len;
	va_list args;

	if (!log_wants(level) || !may_say(level, &left_out))
		return;
	if (left_out)
		say_left_out(left_out);
	len = put_prefix(line, sizeof(line) - 1, level, dev);
	va_start(args, fmt);
	vsnprintf(line + len, sizeof(line) - 1 - len, fmt, args);
	va_end(args);
	put_line(line);
	errno = saved;
}

void log_complain(const char *fmt, ...)
{
	char line[LINE_MAX_LEN] = "coldvm: ";
	size_t len = strlen(line);
	va_list args;

	va_start(args, fmt);
	vsnprintf(line + len, sizeof(line) - 1 - len, fmt, args);
	va_end(args);
	put_line(line);
}
