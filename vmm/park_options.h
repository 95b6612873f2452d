/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `coldvm park`. */
#ifndef COLDVM_VMM_PARK_OPTIONS_H
#define COLDVM_VMM_PARK_OPTIONS_H

#include <stddef.h>

#include "vmm/options.h"

extern const char help_park[];

/* Room for what park_options_parse() makes of argv. */
struct park_options {
	struct vm_options vm; /* devices, event monitor and verbosity alone */
	char *args[4 * OPTIONS_MAX_DEVICES];
	char paths[OPTIONS_MAX_DEVICES][256];
};

/* Parses what follows the subcommand: DEVICE is --device path=DEVICE, whose keys are those of
 * `coldvm run`. No files are touched. OPTIONS_ERROR: one line is in @why. */
enum options_result park_options_parse(struct park_options *options, int argc, char **argv,
				       char *why, size_t why_len);

#endif
