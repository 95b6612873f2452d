/* SPDX-License-Identifier: BSD-3-Clause */
/* A VM's configuration and state as JSON, in cloud-hypervisor's names. */
#ifndef COLDVM_VMM_VM_INFO_H
#define COLDVM_VMM_VM_INFO_H

#include <jansson.h>
#include <stdint.h>

#include "vmm/options.h"

/* What the options do not say. */
struct vm_state {
	const char *name;	  /* "Running", "Paused", "Shutdown" */
	uint64_t uptime_ns;	  /* since the process started */
	uint64_t balloon;	  /* bytes that the guest has given up */
	const char *console_path; /* of the pseudo terminal of --console pty; "": none */
	const char *iommu;	  /* how devices are reached: "iommufd", "type1"; NULL: none are */
	json_t *device_tree;	  /* a reference that is taken over */
};

/* The reply to vm.info. NULL without memory. */
json_t *vm_info(const struct vm_options *options, const struct vm_state *state);

#endif
