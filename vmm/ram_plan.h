/* SPDX-License-Identifier: BSD-3-Clause */
/* From --memory and --memory-zone to the guest's RAM, and what to say where the host has not
 * enough. */
#ifndef COLDVM_VMM_RAM_PLAN_H
#define COLDVM_VMM_RAM_PLAN_H

#include <stddef.h>

#include "vmm/memory.h"
#include "vmm/options.h"

/* The zones that @options ask for: those of --memory-zone, or one for --memory. Returns how many.
 */
unsigned ram_plan(const struct vm_options *options, struct memory_zone zones[MEMORY_MAX_ZONES]);

/* Looks whether the nodes that zones are bound to are there, and have enough. -errno, with one line
 * in
 * @why. In front of memory_init_zones(), for a zone that is filled on a node without enough makes
 * the kernel kill programs, of which only one is coldvm. */
int ram_plan_check(const struct vm_options *options, const char *sysfs, char *why, size_t why_len);

/* One line for an @error of memory_init_zones() at zone @failed. */
void ram_plan_explain(const struct vm_options *options, unsigned failed, int error, char *why,
		      size_t why_len);

#endif
