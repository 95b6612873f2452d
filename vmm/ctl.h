/* SPDX-License-Identifier: BSD-3-Clause */
/* `coldvm ctl SOCKET VERB`: asks a running VM. */
#ifndef COLDVM_VMM_CTL_H
#define COLDVM_VMM_CTL_H

/* What follows "ctl". Returns the process's exit status: 0, 1 (no answer, or a bad one), 2 (usage).
 */
int ctl_main(int argc, char **argv);

#endif
