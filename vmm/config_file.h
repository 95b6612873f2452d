/* SPDX-License-Identifier: BSD-3-Clause */
/* A VM's options as a JSON object, in cloud-hypervisor's names: read from a file, and written. */
#ifndef COLDVM_VMM_CONFIG_FILE_H
#define COLDVM_VMM_CONFIG_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "vmm/options.h"

#define CONFIG_FILE_MAX (1u << 20) /* bytes */

/* Adds what @path says to @options, which then own what was read. -EINVAL or -errno, with one line
 * in @why that names the file and the place in it. */
int config_file_load(struct vm_options *options, const char *path, char *why, size_t why_len);

/* What would have to be in a file for the same VM. A new reference; NULL without memory. Text that
 * JSON cannot hold is left out; *ret_left_out names the key, or stays as it is. */
json_t *config_file_json(const struct vm_options *options, const char **ret_left_out);

#endif
