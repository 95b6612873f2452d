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

struct power_slot_config {
	unsigned index; /* register bank, CVM_SLOT_* in acpi/abi.h */
	enum power_policy policy;
	enum power_backend backend; /* what the user wants; not NONE, and within the policy */
	bool blocking_on;	    /* CVM_CMD_ON returns when the slot is on: for one test alone */
	uint64_t bound_ns;	    /* how long an _ON may take; 0: CVM_ON_BOUND_MS */
	struct event_monitor *events;
	/* A function wants Notify(function, 2): the machine raises the GED. Worker thread. */
	void (*wake)(void *opaque, unsigned index);
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

const char *power_backend_name(enum power_backend backend);
enum power_backend power_slot_backend(const struct power_slot *slot);

/* The host driver's own counters and states of @device, without waking it. Any thread,
 * device->lock not held. -EOPNOTSUPP with another back end than explicit, -ENODEV if @device was
 * given back to the host. */
int power_slot_driver_status(struct power_slot *slot, struct vfio_device *device,
			     struct vfio_pci_d3cold_status *ret);

#endif
