/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a VM is at, and what may come next: running, paused, reset, ended. Knows when; how is the
 * machine's.
 *
 *	BUILDING -- started() --> RUNNING
 *	RUNNING -- pause() --> PAUSING -- paused() --> PAUSED -- resume() --> RUNNING
 *	any of them -- end() --> ENDED -- lifecycle_again() --> BUILDING
 */
#ifndef COLDVM_VMM_LIFECYCLE_H
#define COLDVM_VMM_LIFECYCLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/loop.h"
#include "vmm/machine.h"

struct event_monitor;

enum lifecycle_state {
	LIFECYCLE_BUILDING,
	LIFECYCLE_RUNNING,
	LIFECYCLE_PAUSING, /* the vCPUs were asked to leave the guest */
	LIFECYCLE_PAUSED,
	LIFECYCLE_ENDED,
};

/* More resets than this in LIFECYCLE_WINDOW_NS, and each further one waits for LIFECYCLE_HOLD_NS:
 * a guest that does nothing else shall not keep a CPU of the host busy. */
#define LIFECYCLE_RESETS    10
#define LIFECYCLE_WINDOW_NS UINT64_C(10000000000)
#define LIFECYCLE_HOLD_NS   UINT64_C(1000000000)

/* What the lifecycle wants of the machine. All are called on the main thread. */
struct lifecycle_ops {
	void (*pause)(void *opaque);  /* lifecycle_paused() follows */
	void (*resume)(void *opaque); /* after lifecycle_paused() */
	void (*press)(void *opaque);  /* the guest's power button */
	/* Those who asked for a pause are told that it is done, or with a line why not. */
	void (*pause_over)(void *opaque, const char *error);
};

struct lifecycle {
	const struct lifecycle_ops *ops;
	void *opaque;
	struct loop *loop;
	struct event_monitor *events;
	enum lifecycle_state state; /* main thread, as all but status */
	bool press_later;	    /* when the pause that was asked for is reached */
	bool reset_ordered;	    /* by the user */
	struct loop_source end;	    /* an eventfd */
	struct loop_source hold;    /* a timerfd */
	/* The end: the first reason counts. Set on any thread; -1: none. */
	atomic_int status;
	uint64_t resets[LIFECYCLE_RESETS]; /* when the last ones came, in a circle */
	unsigned nr_resets;
	bool said_busy;
};

/* -errno of eventfd(2), timerfd_create(2), loop_add(); lifecycle_exit() either way. */
int lifecycle_init(struct lifecycle *lifecycle, const struct lifecycle_ops *ops, void *opaque,
		   struct loop *loop, struct event_monitor *events);
void lifecycle_exit(struct lifecycle *lifecycle);

/* The VM ends, for this reason: the main loop returns. Any thread. */
void lifecycle_end(struct lifecycle *lifecycle, enum machine_status status);
/* Why; MACHINE_HOST_ERROR if there was no lifecycle_end(). */
enum machine_status lifecycle_status(const struct lifecycle *lifecycle);
/* Whether there was one. Any thread. */
bool lifecycle_ended(const struct lifecycle *lifecycle);

/* The vCPUs run. Main thread, as all that follows. */
void lifecycle_started(struct lifecycle *lifecycle);
/* All of them wait outside of the guest. */
void lifecycle_paused(struct lifecycle *lifecycle);
/* The state as cloud-hypervisor names it: "Created", "Running", "Paused", "Shutdown". */
const char *lifecycle_name(const struct lifecycle *lifecycle);

/* Orders of the user. 0; -EINPROGRESS: accepted, and ops->pause_over() or the next
 * lifecycle_started() tells; -EINVAL: not in this state, and one line in @why says so. */
int lifecycle_pause(struct lifecycle *lifecycle, char *why, size_t why_len);
int lifecycle_resume(struct lifecycle *lifecycle, char *why, size_t why_len);
int lifecycle_reset(struct lifecycle *lifecycle, char *why, size_t why_len);
/* The power button alone; while the VM is paused it waits for the guest. */
void lifecycle_button(struct lifecycle *lifecycle);
/* The user wants the guest to switch itself off: a paused one goes on first. Between two lives of
 * the guest there is nobody to ask, and the VM is stopped. */
void lifecycle_press(struct lifecycle *lifecycle);

/* After the main loop: whether the VM shall start again. @no_reboot: not by the guest's own wish.
 */
bool lifecycle_wants_again(const struct lifecycle *lifecycle, bool no_reboot);
/* The VM was taken apart and is about to be built again. If it resets itself too often this waits,
 * with the main loop running. False: it shall end instead, by lifecycle_status(). */
bool lifecycle_again(struct lifecycle *lifecycle);

#endif
