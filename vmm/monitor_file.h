/* SPDX-License-Identifier: BSD-3-Clause */
/* Where --event-monitor writes to. */
#ifndef COLDVM_VMM_MONITOR_FILE_H
#define COLDVM_VMM_MONITOR_FILE_H

#include <stddef.h>

struct vm_options;

/* Opens (or takes over) the descriptor that the options name; *ret_fd is -1 if they name none. A
 * FIFO waits for its reader, as clients of cloud-hypervisor expect. One line in @why. */
int monitor_file_open(const struct vm_options *options, int *ret_fd, char *why, size_t why_len);

#endif
