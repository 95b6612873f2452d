/* SPDX-License-Identifier: BSD-3-Clause */
/* From the events of a VM (docs/events.md) to what the bench knows of its device. */
#ifndef COLDVM_VMM_BENCH_VM_EVENTS_H
#define COLDVM_VMM_BENCH_VM_EVENTS_H

#include "vmm/bench/watch.h"

/* One line of the event stream. The back end's name, where the event has it, goes to @backend. */
void vm_event_take(struct watch *watch, const char *line, size_t len, char *backend,
		   size_t backend_len);

#endif
