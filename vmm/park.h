/* SPDX-License-Identifier: BSD-3-Clause */
/* `coldvm park`: devices that no VM uses are kept in D3cold through vfio-pci. */
#ifndef COLDVM_VMM_PARK_H
#define COLDVM_VMM_PARK_H

/* Exit statuses of `coldvm park`, documented in coldvm(1). */
enum park_status {
	PARK_ENDED = 0, /* a signal ended it, or the host took all devices back; all are awake */
	PARK_ERROR = 1, /* a device cannot be had, or did not come back at the end */
	PARK_USAGE = 2,
};

/* Runs `coldvm park` with what follows the subcommand, until SIGTERM or SIGINT. */
enum park_status park_main(int argc, char **argv);

#endif
