/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a slot's power domain, shared by the files power*.c alone. */
#ifndef COLDVM_DEVICES_VFIO_POWER_SLOT_H
#define COLDVM_DEVICES_VFIO_POWER_SLOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power.h"
#include "devices/vfio/power_budget.h"
#include "devices/vfio/power_config.h"
#include "devices/vfio/power_notes.h"

/* Steps of the way back of a device that did not come back: power_revive.c. */
#define POWER_MAX_TRIED 8

struct power_slot {
	struct power_slot_config config;
	struct vfio_device *functions[POWER_MAX_FUNCTIONS]; /* ascending function numbers */
	unsigned nr;
	_Atomic(enum power_backend) backend; /* written by the worker alone */
	struct power_notes notes;	     /* what is kept of the events; has a lock of its own */

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
	struct power_policy_config policy;
	bool given_back;			 /* all of it, to the host, for good */
	bool repolicy;				 /* the worker has not acted on it yet */
	uint64_t d3hot_due[POWER_MAX_FUNCTIONS]; /* forward the guest's D3hot then; 0: no */
	bool d3hot_forwarded[POWER_MAX_FUNCTIONS];

	/* The worker's own. */
	uint64_t last_exit_ns; /* how long the exit calls took */
	/* Low power is asked for and has not ended by a wake: an entry now would be refused. */
	bool engaged[POWER_MAX_FUNCTIONS];
	struct power_config saved[POWER_MAX_FUNCTIONS];
	enum power_backend cold_backend; /* what D3cold is asked for by; AUTO: not probed yet */
	uint64_t back_ns;		 /* when an exit last brought the slot back; 0: never */
	uint64_t enter_ns; /* off and not (all) asked for: ask the host then; 0: do not */
	bool held_back;	   /* by min_off_ms: no entry since the guest's _OFF */
	struct power_budget told, reentered; /* wakes in the last minute */
	uint32_t dead;			     /* by index: not back after the last exit */
	const char *tried[POWER_MAX_TRIED];  /* to get them back, in order */
	unsigned nr_tried;
};

/* What the worker goes by, of one moment. */
struct power_view {
	enum power_ask ask;
	unsigned command;
	uint64_t asked_ns;
	enum power_phase phase;
	bool settled, stop, requests, repolicy;
	struct power_policy_config policy;
};

/* Takes slot->lock. */
struct power_view power_slot_look(struct power_slot *slot);
/* How many functions the host has not taken back, and how many of these are in low power as far as
 * we were told. The worker's. */
unsigned power_slot_count(const struct power_slot *slot, unsigned *ret_engaged);
void power_slot_kick(struct power_slot *slot);

/* Index of @device among the slot's functions, whose it is. */
unsigned power_slot_index(const struct power_slot *slot, const struct vfio_device *device);

#endif
