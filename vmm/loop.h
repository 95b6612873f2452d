/* SPDX-License-Identifier: BSD-3-Clause */
/* The main thread's event loop, on io_uring: descriptors that become readable, and timers. */
#ifndef COLDVM_VMM_LOOP_H
#define COLDVM_VMM_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* A source of events. The memory is the caller's and must live until loop_del() returned or the
 * loop has ended. */
struct loop_source {
	int fd;
	short events; /* POLLIN, ...: what to wait for */
	/* Called on the main thread. @revents: what poll(2) would say. */
	void (*ready)(struct loop_source *source, int revents);
	void *opaque; /* for the owner */
	bool active;  /* private to the loop */
};

#define LOOP_MAX_SOURCES 1024

struct loop {
	struct io_uring ring;
	bool running; /* false: loop_quit() was called */
	/* A completion names a slot and its generation, never a source: one that comes in after
	 * loop_del() finds nobody. */
	struct {
		struct loop_source *source; /* NULL: free */
		uint32_t generation;
	} slots[LOOP_MAX_SOURCES];
};

/* -EPERM, -ENOSYS: io_uring is switched off on this host (kernel.io_uring_disabled). */
int loop_init(struct loop *loop);
void loop_exit(struct loop *loop);

/* Watches @source, level triggered, until loop_del(). Main thread only, as everything here.
 * -EBUSY if it is watched already, -ENOSPC when LOOP_MAX_SOURCES are. A source whose descriptor
 * cannot be watched is called once, with POLLNVAL, and is then no longer watched. */
int loop_add(struct loop *loop, struct loop_source *source);
/* From any callback, also for a source that is not watched. Close the descriptor afterwards. */
void loop_del(struct loop *loop, struct loop_source *source);

/* Runs until loop_quit(), which may have come before. Returns 0 or -errno if the ring itself
 * failed. May be called again afterwards. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

#endif
