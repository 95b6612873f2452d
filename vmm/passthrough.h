/* SPDX-License-Identifier: BSD-3-Clause */
/* The passthrough part of a machine: root ports, devices and power domains, slot by slot. */
#ifndef COLDVM_VMM_PASSTHROUGH_H
#define COLDVM_VMM_PASSTHROUGH_H

#include <stdbool.h>
#include <stddef.h>

#include "devices/ged.h"
#include "devices/pci_host.h"
#include "devices/pwrctl.h"
#include "devices/rootport.h"
#include "devices/vfio/container.h"
#include "devices/vfio/power.h"
#include "devices/vfio/vfio.h"
#include "vmm/loop.h"
#include "vmm/topology.h"

struct event_monitor;

struct passthrough_slot {
	struct passthrough *all;
	struct rootport port;
	bool port_ready;
	pthread_mutex_t port_lock; /* of port_changed(); taken before a device's */
	unsigned nr;		   /* devices that are open */
	struct passthrough_device {
		struct passthrough_slot *slot;
		struct vfio_device vfio;
		struct loop_source error, request;
	} devices[TOPOLOGY_FUNCTIONS];
	struct power_slot *power;
};

/* What the passthrough part uses of the machine. */
struct passthrough_env {
	struct memory *memory;
	struct bus *pio, *mmio;
	struct irqchip *irqchip;
	struct pci_host *host;
	struct pwrctl *pwrctl;
	struct ged *ged;
	struct loop *loop;
	struct event_monitor *events;
	int iommufd; /* outlives this; -1: devices are opened by group */
	bool blocking_on;
	bool p2p_dma; /* devices reach each other's BARs */
	/* The VM cannot go on: on-failure=stop. Any thread, returns at once. */
	void (*stop)(void *opaque);
	void *opaque;
};

struct passthrough {
	struct passthrough_env env;
	struct vfio_container container;
	struct pci_bus *roots[TOPOLOGY_MAX_BRIDGES]; /* of each host bridge */
	struct passthrough_slot *slots[CVM_SLOT_MAX];
	unsigned nr;
};

/* Opens every device of @topology, puts it below its port and starts its power domain. On failure
 * one line is in @why and passthrough_exit() cleans up. */
int passthrough_init(struct passthrough *p, const struct passthrough_env *env,
		     const struct topology *topology, char *why, size_t why_len);
/* vCPUs have stopped. Brings every slot back on, resets and closes the devices. */
void passthrough_exit(struct passthrough *p);

/* Backstop of KVM_RUN: a BAR's memory cannot be reached. True if a memslot was taken away. */
bool passthrough_fault(struct passthrough *p);

#endif
