/* SPDX-License-Identifier: BSD-3-Clause */
/* What a machine consists of, for the files that compose it: vmm/machine.c and machine_verbs.c. */
#ifndef COLDVM_VMM_MACHINE_PARTS_H
#define COLDVM_VMM_MACHINE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/ged.h"
#include "devices/pci_host.h"
#include "devices/platform.h"
#include "devices/pwrctl.h"
#include "devices/rtc.h"
#include "devices/watchdog.h"
#include "vmm/api.h"
#include "vmm/api_socket.h"
#include "vmm/api_verbs.h"
#include "vmm/bus.h"
#include "vmm/console.h"
#include "vmm/console_end.h"
#include "vmm/event.h"
#include "vmm/host_iommu.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/lifecycle.h"
#include "vmm/loop.h"
#include "vmm/memory.h"
#include "vmm/options.h"
#include "vmm/passthrough.h"
#include "vmm/stop_signals.h"
#include "vmm/topology.h"
#include "vmm/vcpu_set.h"
#include "vmm/virtio_set.h"
#include "vmm/x86/cpu_topology.h"

#define MACHINE_WHY_SIZE   VFIO_WHY_SIZE
#define MACHINE_MAX_STAGES 64

struct machine {
	const struct vm_options *options;
	struct topology topology;
	struct iommu_choice iommu;
	struct event_monitor events;
	struct loop loop;
	struct api_socket api_socket;
	struct api_machine api_machine;
	struct api *api;
	struct kvm kvm;
	struct memory memory;
	struct bus pio, mmio;
	struct irqchip irqchip;
	struct pci_host host;
	struct platform platform;
	struct ged ged;
	struct rtc rtc;
	struct pwrctl pwrctl;
	struct watchdog *watchdog; /* NULL: none */
	bool watchdog_fired;	   /* the last machine was reset by it */
	struct console console;
	struct console_end console_end;
	struct passthrough passthrough;
	struct virtio_links links;
	struct virtio_set *virtio;
	struct stop_signals signals;
	struct cpu_topology cpus;
	struct vcpu_set vcpus;
	struct lifecycle lifecycle;
	uint64_t rsdp;

	/* Policies that the user has changed, by slot: they hold for the VM, not for one boot. */
	struct {
		bool given;
		struct power_policy_config policy;
	} orders[CVM_SLOT_MAX];

	bool up[MACHINE_MAX_STAGES]; /* stages that were begun and not undone */
	char why[MACHINE_WHY_SIZE];  /* one line about a stage that failed */
	bool usage;		     /* and it is the command line's fault */
};

/* What the control socket may ask of @machine. */
struct api_machine machine_verbs(struct machine *machine);

#endif
