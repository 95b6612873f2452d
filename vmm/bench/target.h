/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device is measured in: a guest of coldvm, vfio alone, or the host's own runtime PM. */
#ifndef COLDVM_VMM_BENCH_TARGET_H
#define COLDVM_VMM_BENCH_TARGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vmm/bench/options.h"
#include "vmm/bench/watch.h"

#define TARGET_WHY 2048 /* VFIO_WHY_SIZE */

struct target;

struct target_ops {
	const char *name; /* "vm", "raw", "host" */
	/* All return 0 or -errno with one line in @why (TARGET_WHY); -ECANCELED: the user stops. */
	/* The device is on when it returns. @why may have a line for people all the same. */
	int (*start)(struct target *target, char *why);
	/* Nobody needs the device any more. How deep it gets is seen by target->watch. */
	int (*idle)(struct target *target, char *why);
	/* Somebody does, and has its first answer when this returns. */
	int (*busy)(struct target *target, char *why);
	/* D3cold is forbidden from now on, or allowed again. The device is on. */
	int (*forbid)(struct target *target, bool forbid, char *why);
	/* All is as it was before start(). Takes what start() has left, too. */
	void (*stop)(struct target *target);
};

struct target {
	const struct target_ops *ops;
	const struct bench_options *options;
	struct watch *watch;
	char bdf[16];
	char dir[PATH_MAX]; /* the run's */
	char backend[16];
	json_t *guest; /* of result.json; NULL: none */
	void *state;   /* the implementation's */
};

/* idle() and busy() of its ops. In between target->watch is told that nobody wants the device, so
 * that no meter keeps it awake. */
int target_idle(struct target *target, char *why);
int target_busy(struct target *target, char *why);

extern const struct target_ops target_vm_ops, target_raw_ops, target_host_ops;

#endif
