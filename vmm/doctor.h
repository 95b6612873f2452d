/* SPDX-License-Identifier: BSD-3-Clause */
/* `coldvm doctor`: which link stands between a device and D3cold, and what puts it right. */
#ifndef COLDVM_VMM_DOCTOR_H
#define COLDVM_VMM_DOCTOR_H

/* What the subcommand ends with; where several hold, the first of error, blocked, limited. */
enum doctor_status {
	DOCTOR_ALL_COLD = 0, /* every device reaches D3cold (--try: it did, and came back) */
	DOCTOR_ERROR = 1,    /* the host cannot be looked at, or a tried device did not come back */
	DOCTOR_USAGE = 2,
	DOCTOR_LIMITED = 6, /* a device stops short of D3cold */
	DOCTOR_BLOCKED = 7, /* a device cannot be passed through */
};

/* Runs the subcommand with the arguments behind its name. The report goes to standard output, one
 * line about what is wrong with the arguments or the host to standard error. */
enum doctor_status doctor_main(int argc, char **argv);

#endif
