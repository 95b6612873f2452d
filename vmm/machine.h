/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual machine from its options to its end. */
#ifndef COLDVM_VMM_MACHINE_H
#define COLDVM_VMM_MACHINE_H

struct vm_options;

/* Exit statuses of `coldvm run`, documented in coldvm(1). */
enum machine_status {
	MACHINE_POWERED_OFF = 0, /* the guest switched itself off */
	MACHINE_HOST_ERROR = 1,	 /* the host lacks something, or failed while the VM ran */
	MACHINE_USAGE = 2,	 /* the command line cannot be meant */
	MACHINE_RESET = 3,	 /* the guest asked for a reset, and shall not start again */
	MACHINE_CRASHED = 4,	 /* triple fault */
	MACHINE_STOPPED = 5,	 /* a signal or Ctrl-A x stopped it before it switched itself off */
};

/* Builds the machine, runs it to its end, gives everything back. Logs what went wrong. */
enum machine_status machine_run(const struct vm_options *options);

#endif
