/* SPDX-License-Identifier: BSD-3-Clause */
/* A VM's configuration and state as JSON, in cloud-hypervisor's names. */
#ifndef COLDVM_VMM_VM_INFO_H
#define COLDVM_VMM_VM_INFO_H

#include <jansson.h>
#include <stdint.h>

#include "vmm/options.h"

/* The reply to vm.info. @state: "Running" or "Shutdown"; @uptime_ns since the process started. NULL
 * without memory. */
json_t *vm_info(const struct vm_options *options, const char *state, uint64_t uptime_ns);

#endif
