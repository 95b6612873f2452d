/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the suites of devices/vfio/power.c: a slot of one or two fake devices on a host that behaves
 * as Linux does. An entry makes the device D3cold, an exit makes it D0 and signals the wake
 * eventfd (contract of LOW_POWER_EXIT); a test sets what goes wrong. With slot_rig_explicit() its
 * driver has D3cold on request, as linux/vfio_pci_d3cold.h describes it.
 *
 *	slot_rig_make(2);			functions 0 and 1, on, BARs shown
 *	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
 *	power_slot_command(host.slot, CVM_CMD_OFF);
 *	expect_event("power-off-asked");	the very next event
 *	...
 *	slot_rig_free();
 */
#ifndef COLDVM_TESTS_UNIT_SLOT_RIG_H
#define COLDVM_TESTS_UNIT_SLOT_RIG_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power.h"
#include "tests/fake/fake_vfio.h"
#include "vmm/event.h"

#define SLOT_RIG_FUNCTIONS 2

/* What the guest's BAR 0 reads first while the device is on. */
#define SLOT_RIG_BAR0_WORD 0x600dcafe

struct power_function {
	struct fake_vfio *fake;
	/* Set by tests, guarded by host.lock once the slot runs: */
	enum host_power sleeps; /* what an entry reaches; D3cold unless changed */
	unsigned dead_exits;	/* so many exits return 0 and bring nothing back */
	bool deaf;		/* D0 by sysfs, but STATUS reads all ones */
	bool reset_revives;	/* a reset ends both */
	bool hot_reset_revives; /* one of the slot does */
	bool wakes_at_entry;	/* somebody on the host wakes it before its next entry returns */
	/* Driver with D3cold on request: */
	int limit_rc; /* what its entry tells instead of a deeper state; sleeps is the state */
	enum host_power driver; /* what the driver says whatever is true; UNKNOWN: the truth */
	bool sysfs_lags;	/* sysfs says the state before, once, after a call */
	bool sysfs_stuck;	/* sysfs says for ever what it said before */
	/* Its own: */
	bool engaged;
	enum host_power state, before;
	bool lagging;
	int wakeup_fd;
};

struct slot_rig {
	struct power_function functions[SLOT_RIG_FUNCTIONS];
	unsigned nr;
	struct vfio_ops ops;
	struct power_slot *slot;
	struct event_monitor monitor;
	int events_fd;
	json_t *event; /* the last one read */

	pthread_mutex_t lock; /* guards what follows, and the functions */
	pthread_cond_t changed;
	bool hold_entry, hold_exit; /* calls wait in front of the host */
	bool hold_hide;		    /* so does taking a BAR out of the IOMMU */
	bool hold_show;		    /* and putting one in */
	bool hold_state;	    /* and asking sysfs for a device's state */
	bool hold_wake;		    /* and config.wake */
	bool guest_hides;	    /* BARs go because the guest says so, without a seal */
	unsigned waiting;	    /* calls that do */
	enum host_power port;
	unsigned wakes; /* calls of config.wake */
	unsigned wake_index;
	/* Calls of all functions in their order: e entry, x exit, r reset, 3 and 0 PMCSR written to
	 * D3hot and D0, h reset of the slot, and the function: "e1 e0 x0 x1 "; E and X for D3cold
	 * on request. */
	char order[256];
	char broken[256]; /* the first rule that a call of the slot broke, "" if none */
};

extern struct slot_rig host;

void slot_rig_make(unsigned nr);
/* Fills in events and wake of @config, and starts the slot. */
void slot_rig_start(const struct power_slot_config *config);
/* Both at once, with the defaults. */
void slot_rig_start_default(unsigned nr);
/* Between make and start: all functions have the driver with D3cold on request. */
void slot_rig_explicit(void);
/* Made, explicit, started with the defaults. */
void slot_rig_start_explicit(unsigned nr);
void slot_rig_free(void);

/* hold(&host.hold_exit) makes exits wait in front of the host, and so on; wait_held() waits until
 * one does. */
void hold(bool *what);
void wait_held(void);
void release(void);
/* Until config.wake has been called. */
void wait_wake(void);
/* The eventfd of function @i is signalled as for a host's lspci: the device is on. */
void foreign_wake(unsigned i);

/* The next event has this name; returns its properties, which live until the next call. */
json_t *expect_event(const char *name);
/* The same, past others. */
json_t *wait_event(const char *name);
/* No event has come up to now. */
void expect_no_event(void);
const char *event_text(json_t *properties, const char *key);

/* Waits for what no event says: the slot's phase, the host's power state of function @i. */
void wait_phase(enum power_phase phase);
void wait_state(unsigned i, enum host_power state);
/* Waits until the slot is not busy; its status. */
uint32_t settle_status(void);
/* OFF and settled and D3cold seen; ON and settled and alive. */
void go_cold(void);
void go_on(void);

/* What the guest sees of function @i: is it there, or all ones everywhere? */
bool guest_sees(unsigned i);
bool guest_sees_nothing(unsigned i);

#endif
