/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a VM. Only the end comes from other threads: it is a number and an eventfd, and the
 * main loop acts on it.
 */
#include "vmm/lifecycle.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/log.h"

#define NO_END (-1)

static void emit(struct lifecycle *l, const char *event)
{
	event_emit(l->events, "vm", event, now_ns(), NULL);
}

/* --- the end ------------------------------------------------------------------------------------
 */

void lifecycle_end(struct lifecycle *l, enum machine_status status)
{
	int none = NO_END;

	if (atomic_compare_exchange_strong(&l->status, &none, (int)status))
		eventfd_write(l->end.fd, 1);
}

bool lifecycle_ended(const struct lifecycle *l)
{
	return atomic_load(&l->status) != NO_END;
}

enum machine_status lifecycle_status(const struct lifecycle *l)
{
	int status = atomic_load(&l->status);

	return status == NO_END ? MACHINE_HOST_ERROR : (enum machine_status)status;
}

static void end_ready(struct loop_source *source, int revents)
{
	struct lifecycle *l = source->opaque;
	bool pausing = l->state == LIFECYCLE_PAUSING;
	eventfd_t count;

	(void)revents;
	if (eventfd_read(source->fd, &count) < 0)
		return;
	l->state = LIFECYCLE_ENDED;
	l->press_later = false;
	if (pausing)
		l->ops->pause_over(l->opaque, "the VM has ended or was reset meanwhile");
	loop_quit(l->loop);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static void hold_ready(struct loop_source *source, int revents)
{
	struct lifecycle *l = source->opaque;
	uint64_t count;

	(void)revents;
	if (read(source->fd, &count, sizeof(count)) == sizeof(count))
		loop_quit(l->loop);
}

static int watch(struct lifecycle *l, struct loop_source *source, int fd,
		 void (*ready)(struct loop_source *, int))
{
	*source = (struct loop_source){
		.fd = fd,
		.events = POLLIN,
		.ready = ready,
		.opaque = l,
	};
	return fd < 0 ? -errno : loop_add(l->loop, source);
}

int lifecycle_init(struct lifecycle *l, const struct lifecycle_ops *ops, void *opaque,
		   struct loop *loop, struct event_monitor *events)
{
	int r;

	*l = (struct lifecycle){ .ops = ops, .opaque = opaque, .loop = loop, .events = events };
	atomic_init(&l->status, NO_END);
	l->hold.fd = -1;
	r = watch(l, &l->end, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), end_ready);
	if (r < 0)
		return r;
	return watch(l, &l->hold, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		     hold_ready);
}

void lifecycle_exit(struct lifecycle *l)
{
	loop_del(l->loop, &l->end);
	loop_del(l->loop, &l->hold);
	close_fd(&l->end.fd);
	close_fd(&l->hold.fd);
}

void lifecycle_started(struct lifecycle *l)
{
	l->state = LIFECYCLE_RUNNING;
}

const char *lifecycle_name(const struct lifecycle *l)
{
	static const char *const names[] = {
		[LIFECYCLE_BUILDING] = "Created", [LIFECYCLE_RUNNING] = "Running",
		[LIFECYCLE_PAUSING] = "Running",  [LIFECYCLE_PAUSED] = "Paused",
		[LIFECYCLE_ENDED] = "Shutdown",
	};

	return lifecycle_ended(l) ? "Shutdown" : names[l->state];
}

/* --- orders -------------------------------------------------------------------------------------
 */

static int refuse(char *why, size_t why_len, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return -EINVAL;
}

/* A VM that is at its end, or not there yet, takes no order. */
static bool is_up(const struct lifecycle *l)
{
	return !lifecycle_ended(l) && l->state != LIFECYCLE_BUILDING;
}

int lifecycle_pause(struct lifecycle *l, char *why, size_t why_len)
{
	if (!is_up(l))
		return refuse(why, why_len, "the VM does not run: it is about to end or to start");
	if (l->state == LIFECYCLE_PAUSED)
		return refuse(why, why_len, "the VM is paused already");
	if (l->state == LIFECYCLE_RUNNING) {
		l->state = LIFECYCLE_PAUSING;
		emit(l, "pausing");
		l->ops->pause(l->opaque);
	}
	return -EINPROGRESS;
}

static void go_on(struct lifecycle *l)
{
	emit(l, "resuming");
	l->state = LIFECYCLE_RUNNING;
	l->ops->resume(l->opaque);
	emit(l, "resumed");
}

void lifecycle_paused(struct lifecycle *l)
{
	if (l->state != LIFECYCLE_PAUSING)
		return;
	l->state = LIFECYCLE_PAUSED;
	emit(l, "paused");
	l->ops->pause_over(l->opaque, NULL);
	if (l->press_later)
		lifecycle_press(l);
}

int lifecycle_resume(struct lifecycle *l, char *why, size_t why_len)
{
	if (!is_up(l) || l->state != LIFECYCLE_PAUSED)
		return refuse(why, why_len,
			      l->state == LIFECYCLE_PAUSING
				      ? "the VM is not paused yet: wait for vm.pause to be answered"
				      : "the VM is not paused");
	go_on(l);
	return 0;
}

int lifecycle_reset(struct lifecycle *l, char *why, size_t why_len)
{
	if (!is_up(l))
		return refuse(why, why_len, "the VM does not run: it is about to end or to start");
	l->reset_ordered = true;
	lifecycle_end(l, MACHINE_RESET);
	return -EINPROGRESS;
}

void lifecycle_button(struct lifecycle *l)
{
	if (is_up(l))
		l->ops->press(l->opaque);
}

void lifecycle_press(struct lifecycle *l)
{
	l->press_later = l->state == LIFECYCLE_PAUSING;
	if (!is_up(l)) {
		lifecycle_end(l, MACHINE_STOPPED);
		return;
	}
	if (l->press_later)
		return;
	if (l->state == LIFECYCLE_PAUSED)
		go_on(l);
	l->ops->press(l->opaque);
}

/* --- another life -------------------------------------------------------------------------------
 */

bool lifecycle_wants_again(const struct lifecycle *l, bool no_reboot)
{
	return lifecycle_status(l) == MACHINE_RESET && (!no_reboot || l->reset_ordered);
}

/* Notes one reset. True if there were too many. */
static bool too_often(struct lifecycle *l)
{
	uint64_t now = now_ns(), *oldest = &l->resets[l->nr_resets % LIFECYCLE_RESETS];
	bool busy = l->nr_resets >= LIFECYCLE_RESETS && now - *oldest < LIFECYCLE_WINDOW_NS;

	*oldest = now;
	l->nr_resets++;
	return busy;
}

/* The main loop runs for a while: the user may stop the VM, and ask. -errno. */
static int hold(struct lifecycle *l)
{
	const struct itimerspec while_ns = {
		.it_value = { .tv_sec = LIFECYCLE_HOLD_NS / 1000000000,
			      .tv_nsec = LIFECYCLE_HOLD_NS % 1000000000 },
	};

	if (!l->said_busy)
		log_warn(
			"vm",
			"the guest has reset itself more than %d times in %d s: from now on such a "
			"reset waits for a second; --no-reboot ends the VM instead",
			LIFECYCLE_RESETS, (int)(LIFECYCLE_WINDOW_NS / 1000000000));
	l->said_busy = true;
	if (timerfd_settime(l->hold.fd, 0, &while_ns, NULL) < 0)
		return -errno;
	return loop_run(l->loop);
}

bool lifecycle_again(struct lifecycle *l)
{
	bool ordered = l->reset_ordered;
	int r = 0;

	l->state = LIFECYCLE_BUILDING;
	l->reset_ordered = false;
	atomic_store(&l->status, NO_END);
	if (!ordered && too_often(l))
		r = hold(l);
	if (r < 0) {
		log_error("vm", "the event loop failed: %s", strerror(-r));
		lifecycle_end(l, MACHINE_HOST_ERROR);
	}
	return !lifecycle_ended(l);
}
