/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event monitor: one JSON object a line, for programs.
 *
 *   {"timestamp":{"secs":1,"nanos":2},"source":"device","event":"power-alive","properties":{...}}
 *
 * timestamp is the time since the process started, as cloud-hypervisor has it. properties always
 * has t_ns, CLOCK_MONOTONIC of the host in nanoseconds at the moment that the event is about.
 */
#ifndef COLDVM_VMM_EVENT_H
#define COLDVM_VMM_EVENT_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_monitor {
	int fd; /* -1: no file */
	uint64_t start_ns;
	pthread_mutex_t lock; /* one line at a time */
	bool broken;	      /* the reader went away: said once, then silent */
	bool dropped;	      /* a line was dropped: said once */
	char *rest;	      /* end of a line of which the reader took only a part, or NULL */
	size_t rest_len;
	/* Set by event_monitor_listen(); NULL: nobody else listens. */
	void (*line)(void *opaque, const char *line, size_t len);
	void *opaque;
};

/* Takes ownership of @fd (-1: events are dropped). SIGPIPE must be ignored by then. */
void event_monitor_init(struct event_monitor *monitor, int fd);
void event_monitor_exit(struct event_monitor *monitor);

/* From now on every line goes to @line too, with its '\n', whatever the file takes of it: on any
 * thread, one at a time, so @line must not wait and must not emit. NULL ends it; when this returns
 * the old one is not running any more. */
void event_monitor_listen(struct event_monitor *monitor,
			  void (*line)(void *opaque, const char *line, size_t len), void *opaque);

/*
 * Writes one event that happened at @t_ns. Takes ownership of @properties (may be NULL). Any
 * thread. A reader that stops reading must not stop the VM: a line that cannot be written is
 * dropped, which is said in the log once.
 */
void event_emit(struct event_monitor *monitor, const char *source, const char *event, uint64_t t_ns,
		json_t *properties);

#endif
