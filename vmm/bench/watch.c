/* SPDX-License-Identifier: BSD-3-Clause */
/* A condition variable, and a pipe for those who wait for descriptors. */
#include "vmm/bench/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bench/meter_simulated.h"
#include "vmm/bits.h"

#define SLICE_NS \
	UINT64_C(50000000) /* watch_stop() comes from a signal's handler, which cannot signal */

int watch_init(struct watch *watch)
{
	pthread_condattr_t attr;

	*watch = (struct watch){ .stop_fds = { -1, -1 } };
	if (pipe2(watch->stop_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->changed, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

void watch_exit(struct watch *watch)
{
	timeline_free(&watch->timeline);
	close_fd(&watch->stop_fds[0]);
	close_fd(&watch->stop_fds[1]);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->lock);
}

void watch_state(struct watch *watch, uint64_t t_ns, enum bench_state state)
{
	pthread_mutex_lock(&watch->lock);
	if (timeline_add(&watch->timeline, t_ns, state) < 0)
		snprintf(watch->failure, sizeof(watch->failure), "out of memory");
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	if (watch->meters)
		meter_simulated_change(watch->meters, t_ns, state);
}

static uint64_t *moment_at(struct watch *watch, size_t moment)
{
	return (uint64_t *)((char *)&watch->cycle + moment);
}

void watch_moment(struct watch *watch, size_t moment, uint64_t t_ns)
{
	pthread_mutex_lock(&watch->lock);
	*moment_at(watch, moment) = t_ns;
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
}

void watch_fail(struct watch *watch, const char *why)
{
	pthread_mutex_lock(&watch->lock);
	if (!watch->failure[0])
		snprintf(watch->failure, sizeof(watch->failure), "%s", why);
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
}

void watch_stop(struct watch *watch)
{
	ssize_t n = write(watch->stop_fds[1], "", 1);

	(void)n; /* it is full: then it is readable */
}

/* Lock held. */
static enum bench_state last_state(const struct watch *watch)
{
	size_t nr = watch->timeline.nr;

	return nr ? watch->timeline.changes[nr - 1].state : BENCH_UNKNOWN;
}

enum bench_state watch_now(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	enum bench_state state = last_state(watch);
	pthread_mutex_unlock(&watch->lock);
	return state;
}

void watch_want(struct watch *watch, bool wanted)
{
	pthread_mutex_lock(&watch->lock);
	watch->wanted = wanted;
	pthread_mutex_unlock(&watch->lock);
}

bool watch_may_touch(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	bool may = watch->wanted && last_state(watch) == BENCH_D0;
	pthread_mutex_unlock(&watch->lock);
	return may;
}

void watch_cycle(struct watch *watch, struct cycle *ret)
{
	pthread_mutex_lock(&watch->lock);
	*ret = watch->cycle;
	pthread_mutex_unlock(&watch->lock);
}

void watch_begin(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->cycle = (struct cycle){ 0 };
	pthread_mutex_unlock(&watch->lock);
}

/* --- waiting ------------------------------------------------------------------------------------
 */

struct wish {
	bool (*holds)(struct watch *watch, const struct wish *wish);
	enum bench_state state;
	size_t moment;
};

static bool state_holds(struct watch *watch, const struct wish *wish)
{
	return last_state(watch) == wish->state;
}

static bool moment_holds(struct watch *watch, const struct wish *wish)
{
	return *moment_at(watch, wish->moment) != 0;
}

static bool never(struct watch *watch, const struct wish *wish)
{
	(void)watch;
	(void)wish;
	return false;
}

static bool is_stopped(struct watch *watch)
{
	char byte;

	/* The byte stays for those who poll. */
	if (!watch->stopped && read(watch->stop_fds[0], &byte, 1) == 1) {
		watch->stopped = true;
		watch_stop(watch);
	}
	return watch->stopped;
}

static int wait_for(struct watch *watch, const struct wish *wish, uint64_t until_ns)
{
	int r = 1;

	pthread_mutex_lock(&watch->lock);
	while (r == 1) {
		uint64_t now = now_ns(), wake = min_u64(until_ns, now + SLICE_NS);
		const struct timespec at = { .tv_sec = (time_t)(wake / 1000000000u),
					     .tv_nsec = (long)(wake % 1000000000u) };

		if (wish->holds(watch, wish))
			r = 0;
		else if (watch->failure[0])
			r = -EIO;
		else if (is_stopped(watch))
			r = -ECANCELED;
		else if (now >= until_ns)
			r = -ETIMEDOUT;
		else
			pthread_cond_timedwait(&watch->changed, &watch->lock, &at);
	}
	pthread_mutex_unlock(&watch->lock);
	return r;
}

int watch_wait_state(struct watch *watch, enum bench_state state, uint64_t until_ns)
{
	return wait_for(watch, &(struct wish){ .holds = state_holds, .state = state }, until_ns);
}

int watch_wait_moment(struct watch *watch, size_t moment, uint64_t until_ns)
{
	return wait_for(watch, &(struct wish){ .holds = moment_holds, .moment = moment }, until_ns);
}

int watch_sleep(struct watch *watch, uint64_t until_ns)
{
	int r = wait_for(watch, &(struct wish){ .holds = never }, until_ns);

	return r == -ETIMEDOUT ? 0 : r;
}
