/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold between values, however they were given. -EINVAL, with one line in @why. */
#ifndef COLDVM_VMM_OPTION_RULES_H
#define COLDVM_VMM_OPTION_RULES_H

#include "vmm/options.h"
#include "vmm/x86/cpu_topology.h"

/* Writes the line, and returns -EINVAL. */
int option_refuse(char *why, size_t why_len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One item, @base; for the tables (vmm/option_keys.h: finish). */
int option_finish_serial(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_console(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_platform(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_event_monitor(const struct vm_options *options, void *base, char *why,
				size_t why_len);
int option_finish_api_socket(const struct vm_options *options, void *base, char *why,
			     size_t why_len);
int option_finish_zone(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_node(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_device(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_disk(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_net(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_fs(const struct vm_options *options, void *base, char *why, size_t why_len);
int option_finish_vsock(const struct vm_options *options, void *base, char *why, size_t why_len);

/* Packages and APIC identifiers of the vCPUs. -ERANGE, which option_rules_check() refuses. */
int option_cpu_topology(const struct vm_options *options, struct cpu_topology *topology);

/* Zones and nodes as a whole, and what they mean for devices (vmm/option_numa.c). */
int option_numa_check(const struct vm_options *options, char *why, size_t why_len);

/* The VM as a whole, when flags and file are read. */
int option_rules_check(const struct vm_options *options, char *why, size_t why_len);

#endif
