/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of the device just now: told by whoever sees it (events of a VM, sysfs), waited for
 * by the plan, and asked by the meters. Any thread.
 */
#ifndef COLDVM_VMM_BENCH_WATCH_H
#define COLDVM_VMM_BENCH_WATCH_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm/bench/cycle.h"
#include "vmm/bench/meter.h"
#include "vmm/bench/timeline.h"

struct watch {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* by CLOCK_MONOTONIC */
	struct timeline timeline;
	struct meter_set *meters; /* told of changes; NULL: none */
	struct cycle cycle;	  /* the present one */
	char failure[256];	  /* why nothing more can be measured; empty: it can */
	bool wanted;		  /* somebody uses it: a reading keeps nothing awake */
	int stop_fds[2];	  /* a pipe: readable from watch_stop() on */
	bool stopped;
};

/* -errno. */
int watch_init(struct watch *watch);
void watch_exit(struct watch *watch);

/* The device is in @state from @t_ns on. */
void watch_state(struct watch *watch, uint64_t t_ns, enum bench_state state);
/* One of the present cycle's moments, given by its place: &cycle.alive is offsetof(struct cycle,
 * alive). */
void watch_moment(struct watch *watch, size_t moment, uint64_t t_ns);
/* Nothing more can be measured. The first reason stays. */
void watch_fail(struct watch *watch, const char *why);
/* The user has had enough. Async-signal-safe. */
void watch_stop(struct watch *watch);

enum bench_state watch_now(struct watch *watch);
void watch_want(struct watch *watch, bool wanted);
/* True if the device is on and wanted. */
bool watch_may_touch(struct watch *watch);
/* A copy of the present cycle; watch_begin() empties it. */
void watch_cycle(struct watch *watch, struct cycle *ret);
void watch_begin(struct watch *watch);

/* Each waits no longer than until @until_ns. 0; -ETIMEDOUT; -ECANCELED (watch_stop()); -EIO
 * (watch_fail()). */
int watch_wait_state(struct watch *watch, enum bench_state state, uint64_t until_ns);
int watch_wait_moment(struct watch *watch, size_t moment, uint64_t until_ns);
/* 0 at @until_ns. */
int watch_sleep(struct watch *watch, uint64_t until_ns);

#endif
