/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a slot's power domain, shared by the files power*.c alone. */
#ifndef COLDVM_DEVICES_VFIO_POWER_SLOT_H
#define COLDVM_DEVICES_VFIO_POWER_SLOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power.h"
#include "devices/vfio/power_notes.h"

struct power_slot {
	struct power_slot_config config;
	struct vfio_device *functions[POWER_MAX_FUNCTIONS]; /* ascending function numbers */
	unsigned nr;
	enum power_backend backend;
	struct power_notes notes; /* what is kept of the events; has a lock of its own */

	pthread_t thread;
	int kick_fd;			   /* eventfd: look at the state again */
	int wake_fds[POWER_MAX_FUNCTIONS]; /* eventfds that the host signals */

	/* Guarded by lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* settled became true */
	enum power_ask ask;
	enum power_phase phase;
	unsigned command;  /* counts what has set ask */
	bool settled;	   /* phase answers the last of them */
	uint64_t asked_ns; /* when that was */
	uint32_t hint_ms;
	uint32_t wakes;	   /* by function number, until the guest reads them */
	uint32_t requests; /* by index: the host wants this function back */
	bool stop;
	uint64_t d3hot_due[POWER_MAX_FUNCTIONS]; /* forward the guest's D3hot then; 0: no */
	bool d3hot_forwarded[POWER_MAX_FUNCTIONS];

	/* The worker's own. */
	uint64_t last_exit_ns; /* how long the exit calls took */
	/* Low power is asked for and has not ended by a wake: an entry now would be refused. */
	bool engaged[POWER_MAX_FUNCTIONS];
};

/* Index of @device among the slot's functions, whose it is. */
unsigned power_slot_index(const struct power_slot *slot, const struct vfio_device *device);

#endif
