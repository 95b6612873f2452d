/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of the countdown is a point in time, and a timer of the host is set to it: nothing runs
 * while the guest is well. A ping moves the point. The timer may go off while a ping comes in, so
 * the main thread looks at the clock once more.
 */
#include "devices/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/log.h"
#include "vmm/loop.h"
#include "vmm/x86/layout.h"

#define UNIT_NS (CVM_WDT_UNIT_MS * UINT64_C(1000000))

struct watchdog {
	struct watchdog_config config;
	struct loop_source timer;

	pthread_mutex_t lock; /* guards what follows, and the setting of the timer */
	uint32_t count;	      /* units */
	bool running, paused, fired;
	uint64_t end_ns;  /* while it runs and is not paused */
	uint64_t left_ns; /* while it runs and is paused */
};

/* Lock held. */
static void set_timer(struct watchdog *w)
{
	const bool on = w->running && !w->paused;
	const struct itimerspec when = {
		.it_value = {
			.tv_sec = on ? (time_t)(w->end_ns / 1000000000) : 0,
			.tv_nsec = on ? (long)(w->end_ns % 1000000000) : 0,
		},
	};

	if (timerfd_settime(w->timer.fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		log_error("watchdog", "the timer cannot be set: %s", strerror(errno));
}

/* Lock held. */
static void begin_anew(struct watchdog *w)
{
	if (!w->running)
		return;
	w->left_ns = w->count * UNIT_NS;
	w->end_ns = now_ns() + w->left_ns;
	set_timer(w);
}

/* Lock held. */
static uint64_t ns_left(const struct watchdog *w)
{
	uint64_t now = now_ns();

	if (!w->running)
		return w->count * UNIT_NS;
	if (w->paused)
		return w->left_ns;
	return w->end_ns > now ? w->end_ns - now : 0;
}

/* Lock held. */
static void run(struct watchdog *w, bool on)
{
	if (on == w->running)
		return;
	w->running = on;
	if (on)
		begin_anew(w);
	else
		set_timer(w);
}

static uint32_t read_register(struct watchdog *w, uint64_t off)
{
	switch (off) {
	case CVM_WDT_COUNT:
		return w->count;
	case CVM_WDT_LEFT:
		return (uint32_t)((ns_left(w) + UNIT_NS - 1) / UNIT_NS);
	case CVM_WDT_CTL:
		return CVM_WDT_REBOOT | (w->running ? CVM_WDT_RUN : 0);
	default:
		return w->fired ? CVM_WDT_FIRED : 0;
	}
}

static uint64_t watchdog_read(void *dev, uint64_t off, unsigned size)
{
	struct watchdog *w = dev;
	uint32_t value;

	if (size != 4 || off % 4)
		return ones(size);
	pthread_mutex_lock(&w->lock);
	value = read_register(w, off);
	pthread_mutex_unlock(&w->lock);
	return value;
}

static void write_register(struct watchdog *w, uint64_t off, uint32_t value)
{
	switch (off) {
	case CVM_WDT_COUNT:
		w->count = (uint32_t)min_u64(max_u64(value, 1), CVM_WDT_MAX);
		begin_anew(w);
		break;
	case CVM_WDT_LEFT:
		begin_anew(w);
		break;
	case CVM_WDT_CTL:
		run(w, value & CVM_WDT_RUN);
		break;
	default:
		w->fired = w->fired && !(value & CVM_WDT_FIRED);
		break;
	}
}

static void watchdog_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct watchdog *w = dev;

	if (size != 4 || off % 4)
		return;
	pthread_mutex_lock(&w->lock);
	write_register(w, off, (uint32_t)value);
	pthread_mutex_unlock(&w->lock);
}

static const struct bus_ops watchdog_ops = { .read = watchdog_read, .write = watchdog_write };

static void timer_ready(struct loop_source *source, int revents)
{
	struct watchdog *w = source->opaque;
	uint64_t count;
	bool over;

	(void)revents;
	/* EAGAIN: a ping has set the timer anew in between. */
	if (read(source->fd, &count, sizeof(count)) != sizeof(count))
		return;
	pthread_mutex_lock(&w->lock);
	over = w->running && !w->paused && now_ns() >= w->end_ns;
	if (over) {
		w->running = false;
		w->fired = true;
	}
	pthread_mutex_unlock(&w->lock);
	if (over)
		w->config.expired(w->config.opaque);
}

int watchdog_create(const struct watchdog_config *config, struct watchdog **ret)
{
	struct watchdog *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->config = *config;
	w->count = CVM_WDT_MAX;
	w->fired = config->fired;
	w->timer = (struct loop_source){
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		.events = POLLIN,
		.ready = timer_ready,
		.opaque = w,
	};
	r = w->timer.fd < 0 ? -errno : 0;
	pthread_mutex_init(&w->lock, NULL);
	if (r == 0)
		r = loop_add(config->loop, &w->timer);
	if (r == 0)
		r = bus_add(config->pio, LAYOUT_PIO_WATCHDOG, CVM_WDT_SIZE, &watchdog_ops, w);
	if (r < 0) {
		watchdog_destroy(w);
		return r;
	}
	*ret = w;
	return 0;
}

bool watchdog_fired(struct watchdog *watchdog)
{
	bool fired;

	pthread_mutex_lock(&watchdog->lock);
	fired = watchdog->fired;
	pthread_mutex_unlock(&watchdog->lock);
	return fired;
}

void watchdog_pause(struct watchdog *watchdog, bool paused)
{
	struct watchdog *w = watchdog;

	pthread_mutex_lock(&w->lock);
	if (paused && !w->paused)
		w->left_ns = ns_left(w);
	else if (!paused && w->paused)
		w->end_ns = now_ns() + w->left_ns;
	w->paused = paused;
	if (w->running)
		set_timer(w);
	pthread_mutex_unlock(&w->lock);
}

void watchdog_destroy(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	/* -ENOENT: it was never added, as watchdog_create() failed. */
	(void)bus_del(watchdog->config.pio, LAYOUT_PIO_WATCHDOG, watchdog);
	loop_del(watchdog->config.loop, &watchdog->timer);
	close_fd(&watchdog->timer.fd);
	pthread_mutex_destroy(&watchdog->lock);
	free(watchdog);
}
