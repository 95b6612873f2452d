/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bare host: the device's own runtime PM, with whatever driver it is bound to, played by the
 * same switch as in the guest, power/control. A thread watches power_state, which wakes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/host.h"
#include "vmm/bench/target.h"
#include "vmm/bits.h"

#define AT(name) offsetof(struct cycle, name)

#define MAX_FUNCTIONS 8
#define FAST_NS	      UINT64_C(300000000) /* after a change somebody asked for */
#define FAST_STEP_US  1000
#define SLOW_STEP_US  20000
#define KEPT	      32

struct host {
	char functions[MAX_FUNCTIONS][HOST_BDF_LEN];
	char control[MAX_FUNCTIONS][KEPT], allowed[MAX_FUNCTIONS][KEPT]; /* as they were */
	unsigned nr;
	pthread_t thread;
	bool has_thread;
	atomic_bool end;
	_Atomic uint64_t asked_ns;
	pthread_mutex_t lock; /* what the thread has seen is told before, or not at all */
	bool wanted;	      /* guarded by lock */
};

/* The functions of the slot that @bdf is in. */
static unsigned find_functions(const char *bdf, char ret[][HOST_BDF_LEN])
{
	unsigned nr = 0;

	for (unsigned f = 0; f < MAX_FUNCTIONS; f++) {
		snprintf(ret[nr], HOST_BDF_LEN, "%.11s%u", bdf, f);
		if (host_exists(HOST_SYSFS "/bus/pci/devices/%s", ret[nr]))
			nr++;
	}
	return nr;
}

static int attribute_write(const char *bdf, const char *name, const char *value, char *why)
{
	char path[128];
	int fd, r = 0;

	snprintf(path, sizeof(path), HOST_SYSFS "/bus/pci/devices/%s/%s", bdf, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		r = -errno;
	if (r < 0)
		snprintf(why, TARGET_WHY, "%s cannot be written: %s", path, strerror(-r));
	close_fd(&fd);
	return r;
}

static int for_all(const struct host *host, const char *name, const char *value, char *why)
{
	for (unsigned i = 0; i < host->nr; i++) {
		int r = attribute_write(host->functions[i], name, value, why);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The shallowest of the slot's functions: the slot has power for as long as one of them needs it.
 */
static enum bench_state look(const struct host *host)
{
	enum bench_state shallowest = BENCH_NR_STATES;
	char text[KEPT];

	for (unsigned i = 0; i < host->nr; i++) {
		enum bench_state state = BENCH_UNKNOWN;

		if (!host_read(text, sizeof(text), HOST_SYSFS "/bus/pci/devices/%s/power_state",
			       host->functions[i]))
			state = bench_state_of(text);
		if (state < shallowest)
			shallowest = state;
	}
	return shallowest == BENCH_NR_STATES ? BENCH_UNKNOWN : shallowest;
}

/* While somebody wants it, it is on from that moment, as in a guest: power_state says D3cold until
 * the kernel has it back. Returns what was told last. */
static enum bench_state tell(struct target *target, enum bench_state state, uint64_t now,
			     enum bench_state before)
{
	struct host *host = target->state;

	pthread_mutex_lock(&host->lock);
	if (host->wanted) {
		state = BENCH_D0;
	} else if (state != before) {
		watch_state(target->watch, now, state);
		if (state == BENCH_D3COLD)
			watch_moment(target->watch, AT(d3cold), now);
	}
	pthread_mutex_unlock(&host->lock);
	return state;
}

static void want(struct host *host, bool wanted)
{
	pthread_mutex_lock(&host->lock);
	host->wanted = wanted;
	pthread_mutex_unlock(&host->lock);
}

static void *watch_states(void *opaque)
{
	struct target *target = opaque;
	struct host *host = target->state;
	enum bench_state before = BENCH_D0;

	while (!atomic_load(&host->end)) {
		enum bench_state state = look(host);
		uint64_t now = now_ns();

		before = tell(target, state, now, before);
		usleep(now - atomic_load(&host->asked_ns) < FAST_NS ? FAST_STEP_US : SLOW_STEP_US);
	}
	return NULL;
}

static int start(struct target *target, char *why)
{
	struct host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	target->state = host;
	pthread_mutex_init(&host->lock, NULL);
	host->nr = find_functions(target->bdf, host->functions);
	for (unsigned i = 0; i < host->nr; i++) {
		const char *bdf = host->functions[i];

		if (host_read(host->control[i], KEPT,
			      HOST_SYSFS "/bus/pci/devices/%s/power/control", bdf) ||
		    host_read(host->allowed[i], KEPT,
			      HOST_SYSFS "/bus/pci/devices/%s/d3cold_allowed", bdf)) {
			snprintf(why, TARGET_WHY, "%s has no runtime power management", bdf);
			host->nr = i;
			return -EOPNOTSUPP;
		}
	}
	snprintf(target->backend, sizeof(target->backend), "runtime-pm");
	want(host, true);
	r = for_all(host, "power/control", "on", why);
	if (r < 0)
		return r;
	watch_state(target->watch, now_ns(), BENCH_D0);
	r = -pthread_create(&host->thread, NULL, watch_states, target);
	host->has_thread = r == 0;
	return r;
}

static int idle(struct target *target, char *why)
{
	struct host *host = target->state;
	uint64_t now = now_ns();

	watch_moment(target->watch, AT(off), now);
	atomic_store(&host->asked_ns, now);
	want(host, false);
	return for_all(host, "power/control", "auto", why);
}

/* The write returns when the device is back. */
static int busy(struct target *target, char *why)
{
	struct host *host = target->state;
	struct cycle cycle;
	uint64_t now;
	int r;

	want(host, true);
	now = now_ns();
	watch_cycle(target->watch, &cycle);
	if (cycle.off)
		watch_moment(target->watch, AT(on), now);
	watch_state(target->watch, now, BENCH_D0);
	r = for_all(host, "power/control", "on", why);
	now = now_ns();
	if (cycle.off) {
		watch_moment(target->watch, AT(alive), now);
		watch_moment(target->watch, AT(ready), now);
	}
	return r;
}

static int forbid(struct target *target, bool forbid, char *why)
{
	struct host *host = target->state;

	for (unsigned i = 0; i < host->nr; i++) {
		int r = attribute_write(host->functions[i], "d3cold_allowed",
					forbid ? "0" : host->allowed[i], why);

		if (r < 0)
			return r;
	}
	return 0;
}

static void stop(struct target *target)
{
	struct host *host = target->state;
	char why[TARGET_WHY];

	if (!host)
		return;
	atomic_store(&host->end, true);
	if (host->has_thread)
		pthread_join(host->thread, NULL);
	for (unsigned i = 0; i < host->nr; i++) {
		attribute_write(host->functions[i], "d3cold_allowed", host->allowed[i], why);
		attribute_write(host->functions[i], "power/control", host->control[i], why);
	}
	pthread_mutex_destroy(&host->lock);
	free(host);
	target->state = NULL;
}

const struct target_ops target_host_ops = {
	.name = "host",
	.start = start,
	.idle = idle,
	.busy = busy,
	.forbid = forbid,
	.stop = stop,
};
