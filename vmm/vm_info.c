/* SPDX-License-Identifier: BSD-3-Clause */
/* What vm.info says. Names are those of cloud-hypervisor's configuration: its clients read them. */
#include "vmm/vm_info.h"

#include <unistd.h>

#include "vmm/config_file.h"

/* The options as a configuration file would have them, with what has been decided since. Text that
 * JSON cannot hold is left out. */
static json_t *config(const struct vm_options *options, const struct vm_state *state)
{
	const char *left_out = NULL;
	json_t *object = config_file_json(options, &left_out);

	json_object_set_new(json_object_get(object, "cpus"), "max_vcpus",
			    json_integer(options->cpus));
	if (state->console_path[0])
		json_object_set_new(json_object_get(object, "console"), "file",
				    json_string(state->console_path));
	return object;
}

json_t *vm_info(const struct vm_options *options, const struct vm_state *state)
{
	return json_pack("{s:o, s:s, s:I, s:s?, s:o, s:s, s:i, s:I}", "config",
			 config(options, state), "state", state->name, "memory_actual_size",
			 (json_int_t)(options_ram(options) - state->balloon), "iommu", state->iommu,
			 "device_tree", state->device_tree, "version", COLDVM_VERSION, "pid",
			 (int)getpid(), "uptime_ns", (json_int_t)state->uptime_ns);
}
