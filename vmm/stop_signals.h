/* SPDX-License-Identifier: BSD-3-Clause */
/* SIGTERM, SIGINT and SIGHUP: the first presses the power button, a second one, or 10 s, stop the
 * VM. */
#ifndef COLDVM_VMM_STOP_SIGNALS_H
#define COLDVM_VMM_STOP_SIGNALS_H

#include <stdbool.h>

#include "vmm/loop.h"

struct stop_signals {
	struct loop *loop;
	struct loop_source signal, timer;
	bool pressed;
	void (*press)(void *opaque);
	void (*stop)(void *opaque);
	void *opaque;
};

/* Blocks the signals in this thread and all that it starts later. The callbacks and opaque are
 * filled in by the caller. */
int stop_signals_init(struct stop_signals *signals, struct loop *loop);
/* As if such a signal had come. Main thread. */
void stop_signals_ask(struct stop_signals *signals);
void stop_signals_exit(struct stop_signals *signals);

#endif
