/* SPDX-License-Identifier: BSD-3-Clause */
/* All vCPUs of a VM: started, paused, resumed and stopped together. */
#ifndef COLDVM_VMM_VCPU_SET_H
#define COLDVM_VMM_VCPU_SET_H

#include <stdatomic.h>

#include "vmm/loop.h"
#include "vmm/options.h"
#include "vmm/vcpu.h"

struct vcpu_set {
	struct vcpu_env env;
	struct vcpu list[OPTIONS_MAX_CPUS];
	unsigned nr; /* in list */
	atomic_uint parked;
	struct loop *loop;
	struct loop_source out; /* an eventfd: the last vCPU has left the guest */
	void (*paused)(void *opaque);
	void *opaque;
};

/* Makes @nr vCPUs with @env, whose parked() is set here. @paused: all of them wait outside of the
 * guest, after vcpu_set_pause(); main thread. -errno, and vcpu_set_exit() either way. Main thread,
 * as everything here. */
int vcpu_set_init(struct vcpu_set *set, const struct vcpu_env *env, unsigned nr, struct loop *loop,
		  void (*paused)(void *opaque), void *opaque);
void vcpu_set_exit(struct vcpu_set *set);

/* -errno: some run already; vcpu_set_stop(). */
int vcpu_set_start(struct vcpu_set *set);
void vcpu_set_stop(struct vcpu_set *set);

/* Returns at once; paused() says when. */
void vcpu_set_pause(struct vcpu_set *set);
/* Only after paused(). */
void vcpu_set_resume(struct vcpu_set *set);

#endif
