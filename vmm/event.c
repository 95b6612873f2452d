/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event monitor: one JSON object a line.
 *
 * Nothing here may wait for the reader. A pipe is used without blocking; what it does not take is
 * dropped, by whole lines: the end of a line that went out in part is kept and goes first.
 */
#include "vmm/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

/*
 * O_NONBLOCK belongs to the open file, which may be shared with whoever started coldvm (fd=1 on a
 * terminal), so it is set on an open file of our own. Where that cannot be had (no /proc, another
 * user's pipe), the shared one is changed: better than a VM that stands still.
 */
static int without_blocking(int fd)
{
	char path[32];
	struct stat st;
	int own;

	if (fstat(fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
		return fd; /* a regular file does not block; a socket is asked at each send */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (own >= 0) {
		close(fd);
		return own;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

void event_monitor_init(struct event_monitor *monitor, int fd)
{
	*monitor = (struct event_monitor){ .fd = -1, .start_ns = now_ns() };
	pthread_mutex_init(&monitor->lock, NULL);
	if (fd >= 0)
		monitor->fd = without_blocking(fd);
}

void event_monitor_exit(struct event_monitor *monitor)
{
	close_fd(&monitor->fd);
	free(monitor->rest);
	monitor->rest = NULL;
	pthread_mutex_destroy(&monitor->lock);
}

void event_monitor_listen(struct event_monitor *monitor,
			  void (*line)(void *opaque, const char *line, size_t len), void *opaque)
{
	pthread_mutex_lock(&monitor->lock);
	monitor->line = line;
	monitor->opaque = opaque;
	pthread_mutex_unlock(&monitor->lock);
}

/* write(2) that never blocks: bytes taken, or -errno. */
static ssize_t put(int fd, const char *data, size_t len)
{
	ssize_t done;

	do {
		done = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && errno == ENOTSOCK)
			done = write(fd, data, len);
	} while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

/* Says once what happened to the line. Lock held. */
static void say_lost(struct event_monitor *monitor, int err)
{
	bool full = err == -EAGAIN;
	bool *said = full ? &monitor->dropped : &monitor->broken;

	if (*said)
		return;
	*said = true;
	if (full)
		log_warn("event-monitor", "its reader is too slow, events are dropped");
	else
		log_warn("event-monitor", "no more events: %s", strerror(-err));
}

/* Sends what is left of the last line. 0, or -errno if the stream is not at a line's start. */
static int finish_rest(struct event_monitor *monitor)
{
	ssize_t done;

	if (!monitor->rest)
		return 0;
	done = put(monitor->fd, monitor->rest, monitor->rest_len);
	if (done < 0)
		return (int)done;
	monitor->rest_len -= (size_t)done;
	memmove(monitor->rest, monitor->rest + done, monitor->rest_len);
	if (monitor->rest_len)
		return -EAGAIN;
	free(monitor->rest);
	monitor->rest = NULL;
	return 0;
}

/* Lock held. @line is len bytes, '\n' included. */
static void put_line(struct event_monitor *monitor, const char *line, size_t len)
{
	ssize_t done;
	int ret;

	if (monitor->fd < 0 || monitor->broken)
		return;
	ret = finish_rest(monitor);
	if (ret) {
		say_lost(monitor, ret);
		return;
	}
	done = put(monitor->fd, line, len);
	if (done < 0) {
		say_lost(monitor, (int)done);
		return;
	}
	if ((size_t)done == len)
		return;
	monitor->rest_len = len - (size_t)done;
	monitor->rest = malloc(monitor->rest_len);
	if (monitor->rest)
		memcpy(monitor->rest, line + done, monitor->rest_len);
	else
		say_lost(monitor, -ENOMEM);
}

/* The line for one event, with its '\n', or NULL. Takes ownership of @properties. */
static char *make_line(uint64_t since_start, const char *source, const char *event, uint64_t t_ns,
		       json_t *properties)
{
	json_t *object = NULL;
	char *text = NULL, *line;
	size_t len;

	if (!properties)
		properties = json_object();
	json_object_set_new(properties, "t_ns", json_integer((json_int_t)t_ns));
	object = json_pack("{s:{s:I,s:I},s:s,s:s,s:o}", "timestamp", "secs",
			   (json_int_t)(since_start / 1000000000), "nanos",
			   (json_int_t)(since_start % 1000000000), "source", source, "event", event,
			   "properties", properties);
	if (object)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!text)
		return NULL;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + len, "\n", 2);
	return line;
}

void event_emit(struct event_monitor *monitor, const char *source, const char *event, uint64_t t_ns,
		json_t *properties)
{
	uint64_t since_start = t_ns > monitor->start_ns ? t_ns - monitor->start_ns : 0;
	bool wanted;
	char *line;

	pthread_mutex_lock(&monitor->lock);
	wanted = monitor->fd >= 0 || monitor->line;
	pthread_mutex_unlock(&monitor->lock);
	if (!wanted) {
		json_decref(properties);
		return;
	}
	line = make_line(since_start, source, event, t_ns, properties);
	if (!line) {
		log_warn("event-monitor", "event %s of %s is lost: out of memory", event, source);
		return;
	}
	pthread_mutex_lock(&monitor->lock);
	put_line(monitor, line, strlen(line));
	if (monitor->line)
		monitor->line(monitor->opaque, line, strlen(line));
	pthread_mutex_unlock(&monitor->lock);
	free(line);
}
