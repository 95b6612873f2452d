/* SPDX-License-Identifier: BSD-3-Clause */
/* What vm.info says. Names are those of cloud-hypervisor's configuration: its clients read them. */
#include "vmm/vm_info.h"

#include <unistd.h>

/* Bytes of the command line that are no UTF-8 cannot be in JSON: such a text is left out. */
static void set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	json_object_set_new(object, key, value ? value : json_null());
}

static json_t *payload(const struct vm_options *options)
{
	json_t *object = json_object();

	set_text(object, "kernel", options->kernel);
	set_text(object, "initramfs", options->initramfs);
	set_text(object, "cmdline", options->cmdline);
	return object;
}

static json_t *devices(const struct vm_options *options)
{
	static const char *const policies[] = {
		[DEVICE_POWER_D3COLD] = "d3cold",
		[DEVICE_POWER_D3HOT] = "d3hot",
		[DEVICE_POWER_ON] = "on",
	};
	json_t *list = json_array();

	for (unsigned i = 0; i < options->nr_devices; i++) {
		json_t *device = json_object();

		set_text(device, "path", options->devices[i].path);
		set_text(device, "id", options->devices[i].id);
		set_text(device, "power", policies[options->devices[i].power]);
		json_array_append_new(list, device);
	}
	return list;
}

static json_t *serial(const struct vm_options *options)
{
	static const char *const modes[] = {
		[SERIAL_TTY] = "Tty",
		[SERIAL_NULL] = "Null",
		[SERIAL_FILE] = "File",
	};
	json_t *object = json_object();

	set_text(object, "mode", modes[options->serial]);
	set_text(object, "file", options->serial_file);
	return object;
}

static json_t *config(const struct vm_options *options)
{
	json_t *object =
		json_pack("{s:{s:i, s:i}, s:{s:I, s:b, s:b}, s:{s:s}, s:{s:s}}", "cpus",
			  "boot_vcpus", (int)options->cpus, "max_vcpus", (int)options->cpus,
			  "memory", "size", (json_int_t)options->memory, "hugepages",
			  options->hugepages, "shared", options->shared, "console", "mode", "Off",
			  "platform", "chassis", options->laptop ? "laptop" : "desktop");

	json_object_set_new(object, "payload", payload(options));
	json_object_set_new(object, "devices", devices(options));
	json_object_set_new(object, "serial", serial(options));
	return object;
}

json_t *vm_info(const struct vm_options *options, const char *state, uint64_t uptime_ns)
{
	return json_pack("{s:o, s:s, s:I, s:s, s:i, s:I}", "config", config(options), "state",
			 state, "memory_actual_size", (json_int_t)options->memory, "version",
			 COLDVM_VERSION, "pid", (int)getpid(), "uptime_ns", (json_int_t)uptime_ns);
}
