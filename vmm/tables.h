/* SPDX-License-Identifier: BSD-3-Clause */
/* `coldvm tables DIR`: the ACPI tables that the same options would give a VM. */
#ifndef COLDVM_VMM_TABLES_H
#define COLDVM_VMM_TABLES_H

#include "vmm/machine.h"

struct vm_options;

/* Writes them to options->directory; opens no device. Logs what went wrong. */
enum machine_status tables_write(const struct vm_options *options);

#endif
