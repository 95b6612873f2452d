/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals that end a VM, read from a signalfd by the main loop. */
#include "vmm/stop_signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

#define GRACE_SECONDS 10

static void start_grace(struct stop_signals *signals)
{
	const struct itimerspec grace = { .it_value = { .tv_sec = GRACE_SECONDS } };

	/* Without the timer a second signal still stops the VM. */
	if (timerfd_settime(signals->timer.fd, 0, &grace, NULL) < 0)
		log_warn("vm", "no time limit for the guest's shutdown");
}

void stop_signals_ask(struct stop_signals *signals)
{
	if (signals->pressed) {
		log_info("vm", "asked a second time: stopping the VM");
		signals->stop(signals->opaque);
		return;
	}
	signals->pressed = true;
	start_grace(signals);
	signals->press(signals->opaque);
}

static void signal_ready(struct loop_source *source, int revents)
{
	struct stop_signals *signals = source->opaque;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		stop_signals_ask(signals);
}

static void timer_ready(struct loop_source *source, int revents)
{
	struct stop_signals *signals = source->opaque;
	uint64_t count;

	(void)revents;
	if (read(source->fd, &count, sizeof(count)) != sizeof(count))
		return;
	log_warn("vm", "the guest did not switch itself off within %d s: stopping it",
		 GRACE_SECONDS);
	signals->stop(signals->opaque);
}

static int watch(struct stop_signals *signals, struct loop_source *source, int fd,
		 void (*ready)(struct loop_source *, int))
{
	if (fd < 0)
		return -errno;
	*source = (struct loop_source){
		.fd = fd,
		.events = POLLIN,
		.ready = ready,
		.opaque = signals,
	};
	return loop_add(signals->loop, source);
}

int stop_signals_init(struct stop_signals *signals, struct loop *loop)
{
	sigset_t set;
	int r;

	signals->loop = loop;
	signals->signal.fd = signals->timer.fd = -1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r < 0)
		return r;
	r = watch(signals, &signals->signal, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		  signal_ready);
	if (r < 0)
		return r;
	return watch(signals, &signals->timer,
		     timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), timer_ready);
}

void stop_signals_exit(struct stop_signals *signals)
{
	loop_del(signals->loop, &signals->signal);
	loop_del(signals->loop, &signals->timer);
	close_fd(&signals->signal.fd);
	close_fd(&signals->timer.fd);
}
