/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI functions and buses as the guest sees them, and the config space of emulated functions.
 *
 * Trees: a root bus belongs to a host bridge, each further bus to the bridge that leads to
 * it. Which bus number leads where is in the bridges' own registers (the guest may renumber), so
 * a config access walks the tree. The tree itself never changes while vCPUs run.
 */
#ifndef COLDVM_DEVICES_PCI_H
#define COLDVM_DEVICES_PCI_H

#include <stdbool.h>
#include <stdint.h>

struct pci_bus;
struct pci_function;

#define PCI_CONFIG_SIZE	     4096
#define PCI_CONFIG_CONV_SIZE 256 /* reached through CF8/CFC */

struct pci_function_ops {
	/* @off is aligned to @size (1, 2 or 4) and inside the 4 KiB. On a vCPU thread, no lock. */
	uint32_t (*config_read)(struct pci_function *function, unsigned off, unsigned size);
	void (*config_write)(struct pci_function *function, unsigned off, uint32_t value,
			     unsigned size);
	/* Bridges only, else NULL: true if @bus_nr lies behind this bridge just now;
	 * *ret_direct: it is the secondary bus itself. */
	bool (*routes)(struct pci_function *function, unsigned bus_nr, bool *ret_direct);
};

struct pci_function {
	const struct pci_function_ops *ops;
	const char *name;
	struct pci_bus *bus; /* the bus it sits on, set by pci_bus_attach() */
	uint8_t devfn;
	struct pci_bus *secondary; /* bridges only */
};

struct pci_bus {
	struct pci_function *bridge; /* that leads here; NULL for a root bus */
	uint8_t number;		     /* of a root bus, which nobody can change */
	struct pci_function *functions[256];
};

#define PCI_DEVFN_OF(dev, fn) ((uint8_t)(((dev) << 3) | (fn)))
#define PCI_DEV_OF(devfn)     ((devfn) >> 3)
#define PCI_FN_OF(devfn)      ((devfn)&7)

/* Puts @function at @devfn of @bus. -EEXIST if something is there. Before vCPUs run. */
int pci_bus_attach(struct pci_bus *bus, struct pci_function *function, uint8_t devfn);

/* The function that a config cycle to @bus_nr:@devfn reaches from @root, or NULL. */
struct pci_function *pci_bus_find(struct pci_bus *root, unsigned bus_nr, uint8_t devfn);

/* The IOAPIC input of @pin (1 = INTA .. 4 = INTD) of @function: swizzled at each bridge up to
 * the root bus, then as the _PRT of the host bridge says (acpi/dsdt.asl). */
unsigned pci_intx_pin_gsi(const struct pci_function *function, unsigned pin);

/*
 * The config space of a function that exists in coldvm alone: bytes, and tables of bits that say
 * what a write does to each.
 */
struct pci_config {
	uint8_t data[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE]; /* bits that take the written value */
	uint8_t clear[PCI_CONFIG_SIZE];	   /* bits that a written 1 clears */
};

uint32_t pci_config_read(const struct pci_config *config, unsigned off, unsigned size);
void pci_config_write(struct pci_config *config, unsigned off, uint32_t value, unsigned size);
/* Set a field and the bits of it that the guest may write. For building the space. */
void pci_config_set8(struct pci_config *config, unsigned off, uint8_t value, uint8_t writable);
void pci_config_set16(struct pci_config *config, unsigned off, uint16_t value, uint16_t writable);
void pci_config_set32(struct pci_config *config, unsigned off, uint32_t value, uint32_t writable);

#endif
