/* SPDX-License-Identifier: BSD-3-Clause */
/* `coldvm top SOCKET...`: the power of devices of running VMs, on one screen. */
#ifndef COLDVM_VMM_TOP_H
#define COLDVM_VMM_TOP_H

/* What follows "top". Returns the process's exit status: 0, 1 (no VM answers), 2 (usage). */
int top_main(int argc, char **argv);

#endif
