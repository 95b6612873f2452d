/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `coldvm doctor`. */
#ifndef COLDVM_VMM_DOCTOR_OPTIONS_H
#define COLDVM_VMM_DOCTOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "devices/vfio/host.h"
#include "vmm/options.h"

#define DOCTOR_MAX_DEVICES 256

struct doctor_options {
	bool json;
	bool try;
	unsigned nr; /* 0: all that could be passed through */
	char bdf[DOCTOR_MAX_DEVICES][HOST_BDF_LEN];
};

extern const char help_doctor[];

/*
 * Parses what follows the subcommand; a device named twice counts once. Sysfs paths are resolved,
 * else no files are touched. OPTIONS_ERROR: one line is in @why.
 */
enum options_result doctor_options_parse(struct doctor_options *options, int argc, char **argv,
					 char *why, size_t why_len);

#endif
