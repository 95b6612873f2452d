/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of PCI buses, INTx swizzling, and config space made of tables of bits. */
#include "devices/pci.h"

#include <errno.h>
#include <stddef.h>

#include "vmm/x86/layout.h"

/* How deep bridges may nest before a walk gives up: deeper than any tree coldvm builds. */
#define MAX_DEPTH 8

int pci_bus_attach(struct pci_bus *bus, struct pci_function *function, uint8_t devfn)
{
	if (bus->functions[devfn])
		return -EEXIST;
	bus->functions[devfn] = function;
	function->bus = bus;
	function->devfn = devfn;
	return 0;
}

/* The bridge of @bus behind which @bus_nr lies, or NULL. The guest may program two bridges with
 * overlapping ranges; the lower device number wins, as good an answer as hardware would give. */
static struct pci_function *bridge_to(const struct pci_bus *bus, unsigned bus_nr, bool *ret_direct)
{
	for (unsigned i = 0; i < 256; i++) {
		struct pci_function *f = bus->functions[i];

		if (f && f->secondary && f->ops->routes && f->ops->routes(f, bus_nr, ret_direct))
			return f;
	}
	return NULL;
}

struct pci_function *pci_bus_find(struct pci_bus *root, unsigned bus_nr, uint8_t devfn)
{
	struct pci_bus *bus = root;
	bool direct = bus_nr == root->number;

	for (unsigned depth = 0; !direct; depth++) {
		struct pci_function *bridge = bridge_to(bus, bus_nr, &direct);

		if (!bridge || depth == MAX_DEPTH)
			return NULL;
		bus = bridge->secondary;
	}
	return bus->functions[devfn];
}

unsigned pci_intx_pin_gsi(const struct pci_function *function, unsigned pin)
{
	unsigned p = (pin - 1) & 3;
	unsigned dev = PCI_DEV_OF(function->devfn);

	/* PCI-to-PCI Bridge Architecture 1.2, table 9-1: each bridge adds the device number. */
	for (const struct pci_bus *bus = function->bus; bus && bus->bridge;
	     bus = bus->bridge->bus) {
		p = (p + dev) & 3;
		dev = PCI_DEV_OF(bus->bridge->devfn);
	}
	return LAYOUT_GSI_INTX + (dev + p) % LAYOUT_NR_INTX;
}

uint32_t pci_config_read(const struct pci_config *config, unsigned off, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size && off + i < PCI_CONFIG_SIZE; i++)
		value |= (uint32_t)config->data[off + i] << (8 * i);
	return value;
}

void pci_config_write(struct pci_config *config, unsigned off, uint32_t value, unsigned size)
{
	for (unsigned i = 0; i < size && off + i < PCI_CONFIG_SIZE; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint8_t *data = &config->data[off + i];
		uint8_t w = config->writable[off + i];

		*data = (*data & ~w) | (byte & w);
		*data &= ~(byte & config->clear[off + i]);
	}
}

void pci_config_set8(struct pci_config *config, unsigned off, uint8_t value, uint8_t writable)
{
	config->data[off] = value;
	config->writable[off] = writable;
}

void pci_config_set16(struct pci_config *config, unsigned off, uint16_t value, uint16_t writable)
{
	pci_config_set8(config, off, value & 0xff, writable & 0xff);
	pci_config_set8(config, off + 1, value >> 8, writable >> 8);
}

void pci_config_set32(struct pci_config *config, unsigned off, uint32_t value, uint32_t writable)
{
	pci_config_set16(config, off, value & 0xffff, writable & 0xffff);
	pci_config_set16(config, off + 2, value >> 16, writable >> 16);
}
