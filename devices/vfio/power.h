/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The power domain of a slot: what the guest asked for, what the host did, and the one place
 * that knows the order of the steps between them.
 */
#ifndef COLDVM_DEVICES_VFIO_POWER_H
#define COLDVM_DEVICES_VFIO_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/vfio.h"

struct event_monitor;

#define POWER_MAX_FUNCTIONS 8

enum power_ask { /* guest_state: the last command of the guest */
		 POWER_ASK_ON,
		 POWER_ASK_OFF,
};

enum power_phase { /* where the sequence stands */
		   POWER_ON,
		   POWER_ENTERING,
		   POWER_COLD, /* entry issued for every function; how deep it got is the host's to
				  say */
		   POWER_EXITING,
		   POWER_FAILED, /* the slot did not come back in time, or was given back to the
				    host */
};

enum power_policy { /* the deepest state that the host may be asked for */
		    POWER_POLICY_D3COLD,
		    POWER_POLICY_D3HOT,
		    POWER_POLICY_ON,
};

enum power_backend {
	POWER_BACKEND_AUTO,	/* in struct power_slot_config: the best that the host has */
	POWER_BACKEND_EXPLICIT, /* VFIO_DEVICE_FEATURE_PCI_D3COLD: a patched vfio-pci (kernel/) */
	POWER_BACKEND_LOWPOWER, /* VFIO_DEVICE_FEATURE_LOW_POWER_* (Linux 6.1 and later) */
	POWER_BACKEND_D3HOT,	/* PMCSR by config write: older kernels, or the policy */
	POWER_BACKEND_NONE,	/* sealed for the guest, nothing done on the host: policy "on" */
};

enum power_wake { /* what a wake of the device that the guest did not ask for leads to */
		  POWER_WAKE_NOTIFY, /* the guest is told, and decides */
		  POWER_WAKE_REARM,  /* the host is asked for low power again */
};

#define POWER_MAX_WAKES_PER_MIN 600
#define POWER_MAX_MIN_OFF_MS	3600000

/* What the user wants of a slot, and may change while it runs. All 0 is a policy, too. */
struct power_policy_config {
	enum power_policy deepest;
	enum power_wake wake;
	/* So many wakes are told in any 60 s, and so often is low power asked for again after one
	 * that was not; 0: no limit. At most POWER_MAX_WAKES_PER_MIN. */
	unsigned max_wakes_per_min;
	/* The host is asked for low power this long after the device came back, or later. At most
	 * POWER_MAX_MIN_OFF_MS. */
	unsigned min_off_ms;
};

struct power_slot_config {
	unsigned index; /* register bank, CVM_SLOT_* in acpi/abi.h */
	struct power_policy_config policy;
	enum power_backend backend; /* what the user wants for D3cold; not NONE */
	bool blocking_on;	    /* CVM_CMD_ON returns when the slot is on: for one test alone */
	uint64_t bound_ns;	    /* how long an _ON may take; 0: CVM_ON_BOUND_MS */
	struct event_monitor *events;
	/* A function wants Notify(function, 2): the machine raises the GED. Worker thread. */
	void (*wake)(void *opaque, unsigned index);
	/* The slot has failed: its device did not come back, or too late. NULL: the guest goes on
	 * with an empty slot and nobody is told but the event monitor. Worker thread. */
	void (*failed)(void *opaque, unsigned index);
	void *opaque;
};

struct power_slot;

/* Makes the slot and starts its worker. All functions are open and on, and outlive the slot.
 * -EOPNOTSUPP: the host lacks the back end of @config, and one line about it is in @why. Other
 * errors leave @why alone. */
int power_slot_create(const struct power_slot_config *config, struct vfio_device *const *functions,
		      unsigned nr, struct power_slot **ret_slot, char *why, size_t why_len);
/* Brings the slot back on (so that the host gets a usable device) and stops the worker. vCPUs
 * have stopped. Takes NULL. */
void power_slot_destroy(struct power_slot *slot);

/* The guest's registers, on a vCPU thread; none of them waits for the host. */
void power_slot_command(struct power_slot *slot, uint32_t command);
uint32_t power_slot_status(struct power_slot *slot);
uint32_t power_slot_hint(struct power_slot *slot);
uint32_t power_slot_take_wakes(struct power_slot *slot);

/* The guest wrote @state (0 or 3) to the PMCSR of @device. device->lock is not held. D3hot alone
 * is forwarded to the host later, by the worker; for D0 this returns when the host has it. */
void power_slot_pmcsr(struct power_slot *slot, struct vfio_device *device, unsigned state);

/* The host asks for @device back (REQ). The worker gives it up in order. Any thread. */
void power_slot_request(struct power_slot *slot, struct vfio_device *device);

/*
 * Changes what the user wants of a running slot. Any thread, no lock held; returns at once.
 * The worker acts on it before its next step, or right away if the slot is at rest:
 *   - `deepest`: in a slot that is off, the host device leaves the old state and goes to the new
 *     one (with "on" it is awake); the guest's view does not change, and it stays sealed.
 *   - the others hold from the next wake and the next entry on; an entry that min_off_ms holds
 *     back is made when the new one allows.
 * An exit that is under way ends as it began. A slot that has failed takes the policy over with
 * the next _ON that succeeds. Event power-policy is emitted when it holds.
 * -EINVAL: a value outside of its limits, nothing is changed. -ENODEV: the slot was given back to
 * the host.
 */
int power_slot_set_policy(struct power_slot *slot, const struct power_policy_config *policy);
/* What was last asked for. Any thread. */
void power_slot_get_policy(struct power_slot *slot, struct power_policy_config *ret);

const char *power_backend_name(enum power_backend backend);
enum power_backend power_slot_backend(const struct power_slot *slot);

/* The host driver's own counters and states of @device, without waking it. Any thread,
 * device->lock not held. -EOPNOTSUPP with another back end than explicit, -ENODEV if @device was
 * given back to the host. */
int power_slot_driver_status(struct power_slot *slot, struct vfio_device *device,
			     struct vfio_pci_d3cold_status *ret);

#endif
