/* SPDX-License-Identifier: BSD-3-Clause */
/* `coldvm tables`: topology to ACPI tables to files, without a VM. */
#include "vmm/tables.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "devices/vfio/host.h"
#include "vmm/log.h"
#include "vmm/options.h"
#include "vmm/topology.h"
#include "vmm/x86/acpi_tables.h"
#include "vmm/x86/layout.h"

enum machine_status tables_write(const struct vm_options *options)
{
	struct topology topology;
	struct acpi_config config;
	struct acpi_tables tables;
	const char *name = options->directory;
	char why[VFIO_WHY_SIZE];
	int r = topology_build(&topology, options, HOST_SYSFS, why, sizeof(why));

	if (r < 0) {
		log_error("tables", "%s", why);
		return r == -EINVAL ? MACHINE_USAGE : MACHINE_HOST_ERROR;
	}
	topology_acpi(&topology, options, &config);
	r = acpi_tables_build(&tables, &config, LAYOUT_ACPI, LAYOUT_ACPI_SIZE);
	if (r < 0) {
		log_error("tables", "cannot be built: %s", strerror(-r));
		return MACHINE_HOST_ERROR;
	}
	r = mkdir(options->directory, 0777) < 0 && errno != EEXIST ? -errno : 0;
	if (r == 0)
		r = acpi_tables_write(&tables, options->directory, &name);
	if (r < 0)
		log_error("tables", "cannot write %s: %s", name, strerror(-r));
	acpi_tables_free(&tables);
	return r < 0 ? MACHINE_HOST_ERROR : MACHINE_POWERED_OFF;
}
