/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aml_tables MACHINE DIR: writes the ACPI tables of one of the machines below to DIR, for iasl and
 * acpiexec. Without arguments it lists the machines.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/x86/acpi_tables.h"
#include "vmm/x86/layout.h"

static void one_slot(struct acpi_config *config, bool port_pr, bool function0_pr)
{
	config->nr_slots = 1;
	config->slots[0] = (struct acpi_slot){
		.port_dev = 1,
		.functions = 1 << 0 | 1 << 1,
		.port_pr = port_pr,
		.function0_pr = function0_pr,
	};
}

static void port(struct acpi_config *config)
{
	one_slot(config, true, false);
}

static void endpoint(struct acpi_config *config)
{
	one_slot(config, false, true);
}

static void both(struct acpi_config *config)
{
	one_slot(config, true, true);
	config->watchdog = true;
}

static void no_resource(struct acpi_config *config)
{
	one_slot(config, false, false);
}

static void empty_slot(struct acpi_config *config)
{
	one_slot(config, true, false);
	config->slots[0].functions = 0;
}

static void no_slot(struct acpi_config *config)
{
	config->nr_slots = 0;
}

static void no_serial(struct acpi_config *config)
{
	port(config);
	config->serial = false;
}

static void no_mmio64(struct acpi_config *config)
{
	port(config);
	config->mmio64_size = 0;
}

static void many_cpus(struct acpi_config *config)
{
	port(config);
	config->nr_cpus = 64;
}

static void largest(struct acpi_config *config)
{
	config->nr_cpus = 64;
	config->watchdog = true;
	config->nr_slots = ACPI_MAX_SLOTS;
	for (unsigned i = 0; i < ACPI_MAX_SLOTS; i++) {
		config->slots[i] = (struct acpi_slot){
			.index = i,
			.port_dev = (uint8_t)(i + 1),
			.functions = 0xff,
			.port_pr = true,
			.function0_pr = true,
		};
	}
}

static const struct machine {
	const char *name;
	void (*fill)(struct acpi_config *config);
} machines[] = {
	{ "port", port },
	{ "endpoint", endpoint },
	{ "both", both },
	{ "no-resource", no_resource },
	{ "empty-slot", empty_slot },
	{ "no-slot", no_slot },
	{ "no-serial", no_serial },
	{ "no-mmio64", no_mmio64 },
	{ "many-cpus", many_cpus },
	{ "largest", largest },
};

static int write_tables(const struct machine *machine, const char *dir)
{
	struct acpi_config config = {
		.nr_cpus = 1,
		.serial = true,
		.mmio32 = LAYOUT_MMIO32,
		.mmio32_size = LAYOUT_MMIO32_SIZE,
		.mmio64 = GIB(512),
		.mmio64_size = GIB(256),
	};
	struct acpi_tables tables;
	const char *name = "";
	int ret;

	machine->fill(&config);
	ret = acpi_tables_build(&tables, &config, LAYOUT_ACPI, LAYOUT_ACPI_SIZE);
	if (ret) {
		fprintf(stderr, "aml_tables: %s: %s\n", machine->name, strerror(-ret));
		return 1;
	}
	ret = acpi_tables_write(&tables, dir, &name);
	if (ret)
		fprintf(stderr, "aml_tables: %s/%s.aml: %s\n", dir, name, strerror(-ret));
	acpi_tables_free(&tables);
	return ret != 0;
}

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++) {
		if (argc == 1)
			puts(machines[i].name);
		else if (argc == 3 && !strcmp(argv[1], machines[i].name))
			return write_tables(&machines[i], argv[2]);
	}
	if (argc == 1)
		return 0;
	fprintf(stderr, "usage: aml_tables [MACHINE DIR]\n");
	return 2;
}
