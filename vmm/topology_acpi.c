/* SPDX-License-Identifier: BSD-3-Clause */
/* The topology as ACPI tables tell it: host bridges, slots, and the NUMA nodes of the options. */
#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/option_rules.h"
#include "vmm/ram_plan.h"
#include "vmm/topology.h"
#include "vmm/x86/layout.h"

/* The first bridge has what the others leave. */
static void fill_bridges(const struct topology *topology, struct acpi_config *config)
{
	for (unsigned b = 1; b < topology->nr_bridges; b++) {
		const struct topology_bridge *bridge = &topology->bridges[b];
		const struct rootport_windows *w = &bridge->windows;

		config->roots[config->nr_roots++] = (struct acpi_root){
			.bus = bridge->bus,
			.last_bus = bridge->last_bus,
			.node = (uint8_t)bridge->node,
			.mmio32 = w->mem,
			.mmio32_size = w->mem_size,
			.mmio64 = w->pref,
			.mmio64_size = w->pref_size,
			.pio = (uint16_t)w->io,
			.pio_size = (uint16_t)w->io_size,
		};
		config->mmio32 += w->mem_size;
		config->mmio32_size -= w->mem_size;
		config->mmio64_size -= w->pref + w->pref_size - config->mmio64;
		config->mmio64 = w->pref + w->pref_size;
		config->pio_taken += (uint16_t)w->io_size;
	}
	config->has_node = topology->bridges[0].has_node;
	config->node = (uint8_t)topology->bridges[0].node;
}

static void fill_distances(const struct vm_options *options, struct acpi_numa *numa)
{
	for (unsigned i = 0; i < options->nr_nodes; i++)
		for (unsigned k = 0; k < options->nr_nodes; k++) {
			const struct numa_options *from = &options->nodes[i];
			const struct numa_options *to = &options->nodes[k];

			numa->distance[from->id][to->id] = (uint8_t)options_distance(from, to);
		}
}

static void fill_numa(const struct vm_options *options, struct acpi_numa *numa)
{
	struct memory_zone zones[MEMORY_MAX_ZONES];
	struct memory_region regions[MEMORY_MAX_RAM];
	struct cpu_topology cpus;
	int nr = memory_lay_out(zones, ram_plan(options, zones), LAYOUT_RAM_LOW_LIMIT, regions);

	_Static_assert(MEMORY_MAX_RAM <= ACPI_MAX_RANGES, "an entry for each region");
	_Static_assert(OPTIONS_MAX_NODES <= ACPI_MAX_NODES, "every node");
	_Static_assert(OPTIONS_MAX_CPUS <= ACPI_MAX_CPUS, "every vCPU");
	for (unsigned i = 0; i < options->nr_nodes; i++)
		numa->nr = (unsigned)max_u64(numa->nr, options->nodes[i].id + 1);
	if (option_cpu_topology(options, &cpus) < 0)
		return; /* as options_parse() has seen */
	for (unsigned cpu = 0; cpu < options->cpus; cpu++) {
		numa->cpu_node[cpu] = (uint8_t)options_node_of_cpu(options, cpu)->id;
		numa->apic_id[cpu] = cpus.apic_id[cpu];
	}
	for (int i = 0; i < nr; i++) {
		const struct zone_options *zone = &options->zones[regions[i].zone];

		numa->memory[i].base = regions[i].gpa;
		numa->memory[i].size = regions[i].size;
		numa->memory[i].node = (uint8_t)options_node_of_zone(options, zone)->id;
		numa->nr_memory++;
	}
	fill_distances(options, numa);
}

void topology_acpi(const struct topology *topology, const struct vm_options *options,
		   struct acpi_config *config)
{
	*config = (struct acpi_config){
		.nr_cpus = options->cpus,
		.serial = options->serial != SERIAL_NULL,
		.watchdog = options->watchdog,
		.mmio32 = topology->windows.mmio32,
		.mmio32_size = topology->windows.mmio32_size,
		.mmio64 = topology->windows.mmio64,
		.mmio64_size = topology->windows.mmio64_size,
		.nr_slots = topology->nr,
	};
	for (unsigned s = 0; s < topology->nr; s++) {
		const struct topology_slot *slot = &topology->slots[s];
		struct acpi_slot *acpi = &config->slots[s];

		acpi->index = s;
		acpi->port_dev = slot->port_dev;
		acpi->root = slot->bridge;
		for (unsigned i = 0; i < slot->nr; i++)
			acpi->functions |= (uint8_t)(1u << slot->functions[i].number);
		acpi->port_pr = slot->pr3 == PR3_PORT || slot->pr3 == PR3_BOTH;
		acpi->function0_pr = slot->pr3 == PR3_ENDPOINT || slot->pr3 == PR3_BOTH;
		acpi->has_node = slot->has_node;
		acpi->node = (uint8_t)slot->node;
	}
	fill_bridges(topology, config);
	if (options->nr_nodes)
		fill_numa(options, &config->numa);
}
