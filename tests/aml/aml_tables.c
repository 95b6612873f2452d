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

/* A slot in node 1, one in node 2, one in none; and a node 0 without a slot. Each node has a host
 * bridge. */
static void nodes(struct acpi_config *config)
{
	config->nr_cpus = 3;
	config->nr_slots = 3;
	for (unsigned i = 0; i < 3; i++) {
		config->slots[i] = (struct acpi_slot){
			.index = i,
			.port_dev = (uint8_t)(i + 1),
			.functions = 1 << 0,
			.port_pr = true,
			.has_node = i < 2,
			.node = (uint8_t)(i + 1),
			.root = (i + 1) % 3,
		};
	}
	config->nr_roots = 2;
	config->pio_taken = 0x3000;
	config->roots[0] = (struct acpi_root){
		.bus = 2,
		.last_bus = 3,
		.node = 1,
		.mmio32 = LAYOUT_MMIO32,
		.mmio32_size = MIB(1),
		.mmio64 = GIB(256),
		.mmio64_size = GIB(1),
		.pio = 0x1000,
		.pio_size = 0x1000,
	};
	config->roots[1] = (struct acpi_root){
		.bus = 4,
		.last_bus = 5,
		.node = 2,
		.mmio32 = LAYOUT_MMIO32 + MIB(1),
		.mmio32_size = MIB(16),
		.mmio64 = GIB(257),
		.mmio64_size = GIB(33),
		.pio = 0x2000,
		.pio_size = 0x2000,
	};
	config->mmio32 += MIB(17);
	config->mmio32_size -= MIB(17);
	config->numa = (struct acpi_numa){
		.nr = 3,
		.cpu_node = { 0, 1, 2 },
		.apic_id = { 0, 1, 2 },
		.memory = { { .base = 0, .size = GIB(1), .node = 0 },
			    { .base = GIB(1), .size = GIB(2), .node = 1 },
			    { .base = GIB(4), .size = GIB(3), .node = 1 } },
		.nr_memory = 3,
		.distance = { { 10, 20, 31 }, { 20, 10, 21 }, { 31, 21, 10 } },
	};
}

/* No slot is in none. */
static void all_in_nodes(struct acpi_config *config)
{
	nodes(config);
	config->nr_slots = 2;
	config->has_node = true;
	config->node = 2;
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
	{ "nodes", nodes },
	{ "all-in-nodes", all_in_nodes },
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
