/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual PCIe root port: a type 1 header and four capabilities, all of it in tables of bits. */
#include "devices/rootport.h"

#include <linux/pci_regs.h>
#include <stdio.h>

#include "vmm/bits.h"

/* "QEMU PCIe Root port", an id reserved for virtual machines; Linux's portdrv binds by class. */
#define PORT_VENDOR 0x1b36
#define PORT_DEVICE 0x000c

#define CAP_EXP	 0x40
#define CAP_PM	 0x80
#define CAP_MSI	 0x90
#define CAP_SSID 0xa0

#define LINK_SPEED_5GT 2
#define LINK_WIDTH_X16 16

/* PMCSR PowerState: only D0 and D3hot exist; other values are ignored, as the spec wants. */
static void pmcsr_write(struct rootport *port, uint16_t old)
{
	uint16_t now = (uint16_t)pci_config_read(&port->config, CAP_PM + PCI_PM_CTRL, 2);
	uint16_t state = now & PCI_PM_CTRL_STATE_MASK;

	if (state == 1 || state == 2)
		port->config.data[CAP_PM + PCI_PM_CTRL] =
			(uint8_t)((now & ~PCI_PM_CTRL_STATE_MASK) | (old & PCI_PM_CTRL_STATE_MASK));
}

static bool asleep(const struct rootport *port)
{
	return port->config.data[CAP_PM + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;
}

bool rootport_asleep(struct rootport *port)
{
	pthread_mutex_lock(&port->lock);
	bool is = asleep(port);
	pthread_mutex_unlock(&port->lock);
	return is;
}

static void tell(const struct rootport *port, bool changed)
{
	if (changed && port->power_changed)
		port->power_changed(port->opaque);
}

static uint32_t port_read(struct pci_function *function, unsigned off, unsigned size)
{
	struct rootport *port = container_of(function, struct rootport, function);

	pthread_mutex_lock(&port->lock);
	uint32_t value = pci_config_read(&port->config, off, size);
	pthread_mutex_unlock(&port->lock);
	return value;
}

static void port_write(struct pci_function *function, unsigned off, uint32_t value, unsigned size)
{
	struct rootport *port = container_of(function, struct rootport, function);

	pthread_mutex_lock(&port->lock);
	uint16_t pmcsr = (uint16_t)pci_config_read(&port->config, CAP_PM + PCI_PM_CTRL, 2);
	bool before = asleep(port);
	pci_config_write(&port->config, off, value, size);
	pmcsr_write(port, pmcsr);
	bool changed = asleep(port) != before;
	pthread_mutex_unlock(&port->lock);
	tell(port, changed);
}

static bool port_routes(struct pci_function *function, unsigned bus_nr, bool *ret_direct)
{
	struct rootport *port = container_of(function, struct rootport, function);

	pthread_mutex_lock(&port->lock);
	unsigned secondary = port->config.data[PCI_SECONDARY_BUS];
	unsigned subordinate = port->config.data[PCI_SUBORDINATE_BUS];
	pthread_mutex_unlock(&port->lock);

	/* Secondary 0 is an unprogrammed bridge: it forwards nothing. */
	if (!secondary || bus_nr < secondary || bus_nr > subordinate)
		return false;
	*ret_direct = bus_nr == secondary;
	return true;
}

static const struct pci_function_ops port_ops = {
	.config_read = port_read,
	.config_write = port_write,
	.routes = port_routes,
};

/* PCI-to-PCI Bridge Architecture 1.2, section 3.2. */
static void build_header(struct pci_config *c, uint8_t primary, uint8_t secondary)
{
	pci_config_set16(c, PCI_VENDOR_ID, PORT_VENDOR, 0);
	pci_config_set16(c, PCI_DEVICE_ID, PORT_DEVICE, 0);
	pci_config_set16(c, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
				 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_PARITY);
	pci_config_set16(c, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	pci_config_set16(c, PCI_CLASS_DEVICE, 0x0604, 0);
	pci_config_set8(c, PCI_CACHE_LINE_SIZE, 0, 0xff);
	pci_config_set8(c, PCI_HEADER_TYPE, PCI_HEADER_TYPE_BRIDGE, 0);
	pci_config_set8(c, PCI_PRIMARY_BUS, primary, 0xff);
	pci_config_set8(c, PCI_SECONDARY_BUS, secondary, 0xff);
	pci_config_set8(c, PCI_SUBORDINATE_BUS, secondary, 0xff);
	pci_config_set8(c, PCI_IO_BASE, PCI_IO_RANGE_TYPE_32 | 0xf0, 0xf0);
	pci_config_set8(c, PCI_IO_LIMIT, PCI_IO_RANGE_TYPE_32, 0xf0);
	pci_config_set32(c, PCI_IO_BASE_UPPER16, 0, 0xffffffff);
	pci_config_set16(c, PCI_MEMORY_BASE, 0xfff0, 0xfff0);
	pci_config_set16(c, PCI_MEMORY_LIMIT, 0, 0xfff0);
	pci_config_set16(c, PCI_PREF_MEMORY_BASE, 0xfff0 | PCI_PREF_RANGE_TYPE_64, 0xfff0);
	pci_config_set16(c, PCI_PREF_MEMORY_LIMIT, PCI_PREF_RANGE_TYPE_64, 0xfff0);
	pci_config_set32(c, PCI_PREF_BASE_UPPER32, 0, 0xffffffff);
	pci_config_set32(c, PCI_PREF_LIMIT_UPPER32, 0, 0xffffffff);
	pci_config_set8(c, PCI_CAPABILITY_LIST, CAP_EXP, 0);
	pci_config_set8(c, PCI_INTERRUPT_LINE, 0, 0xff);
	pci_config_set8(c, PCI_INTERRUPT_PIN, 1, 0);
	pci_config_set16(c, PCI_BRIDGE_CONTROL, 0,
			 PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_BUS_RESET);
}

/* PCIe 5.0, section 7.5.3. */
static void build_exp(struct pci_config *c, unsigned nr)
{
	unsigned at = CAP_EXP;

	pci_config_set8(c, at, PCI_CAP_ID_EXP, 0);
	pci_config_set8(c, at + 1, CAP_PM, 0);
	/* Version 2, root port, Slot Implemented clear: nothing may look like hot-plug. */
	pci_config_set16(c, at + PCI_EXP_FLAGS, 2 | (PCI_EXP_TYPE_ROOT_PORT << 4), 0);
	pci_config_set32(c, at + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | 1, 0);
	pci_config_set16(c, at + PCI_EXP_DEVCTL, 0, 0x70ff);
	pci_config_set32(c, at + PCI_EXP_LNKCAP,
			 LINK_SPEED_5GT | (LINK_WIDTH_X16 << 4) | ((uint32_t)(nr + 1) << 24), 0);
	pci_config_set16(c, at + PCI_EXP_LNKCTL, 0, 0x01fb);
	pci_config_set16(c, at + PCI_EXP_LNKSTA, LINK_SPEED_5GT | (LINK_WIDTH_X16 << 4), 0);
	pci_config_set16(c, at + PCI_EXP_RTCTL, 0, 0x001f);
	c->clear[at + PCI_EXP_RTSTA + 2] = 0x01; /* PME Status */
	pci_config_set32(c, at + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS, 0);
	pci_config_set16(c, at + PCI_EXP_DEVCTL2, 0, 0x001f);
	pci_config_set32(c, at + PCI_EXP_LNKCAP2,
			 PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB, 0);
	pci_config_set16(c, at + PCI_EXP_LNKCTL2, LINK_SPEED_5GT, 0x000f);
}

static void build_capabilities(struct pci_config *c, unsigned nr)
{
	build_exp(c, nr);

	/* PCI PM 1.2, section 3.2. */
	pci_config_set8(c, CAP_PM, PCI_CAP_ID_PM, 0);
	pci_config_set8(c, CAP_PM + 1, CAP_MSI, 0);
	pci_config_set16(c, CAP_PM + PCI_PM_PMC,
			 3 | PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold, 0);
	pci_config_set16(c, CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET,
			 PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	c->clear[CAP_PM + PCI_PM_CTRL + 1] = PCI_PM_CTRL_PME_STATUS >> 8;

	/* One vector, 64-bit address: portdrv binds only if it gets an interrupt for PME. Wakes
	 * come by ACPI Notify, as from a slot without power they have to, so the port never sends
	 * it and Root Status stays 0: Linux reads PME Status and Requester ID there in the
	 * interrupt's handler alone (pcie/pme.c: pcie_pme_irq()). */
	pci_config_set8(c, CAP_MSI, PCI_CAP_ID_MSI, 0);
	pci_config_set8(c, CAP_MSI + 1, CAP_SSID, 0);
	pci_config_set16(c, CAP_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT, PCI_MSI_FLAGS_ENABLE);
	pci_config_set32(c, CAP_MSI + PCI_MSI_ADDRESS_LO, 0, 0xfffffffc);
	pci_config_set32(c, CAP_MSI + PCI_MSI_ADDRESS_HI, 0, 0xffffffff);
	pci_config_set16(c, CAP_MSI + PCI_MSI_DATA_64, 0, 0xffff);

	pci_config_set8(c, CAP_SSID, PCI_CAP_ID_SSVID, 0);
	pci_config_set16(c, CAP_SSID + PCI_SSVID_VENDOR_ID, PORT_VENDOR, 0);
	pci_config_set16(c, CAP_SSID + PCI_SSVID_DEVICE_ID, PORT_DEVICE, 0);
}

int rootport_init_at(struct rootport *port, struct pci_bus *root, unsigned nr, uint8_t device,
		     uint8_t secondary)
{
	*port = (struct rootport){ 0 };
	snprintf(port->name, sizeof(port->name), "port%u", nr);
	port->function.ops = &port_ops;
	port->function.name = port->name;
	port->function.secondary = &port->secondary;
	port->secondary.bridge = &port->function;
	pthread_mutex_init(&port->lock, NULL);
	build_header(&port->config, root->number, secondary);
	build_capabilities(&port->config, nr);
	return pci_bus_attach(root, &port->function, PCI_DEVFN_OF(device, 0));
}

int rootport_init(struct rootport *port, struct pci_bus *root, unsigned nr)
{
	return rootport_init_at(port, root, nr, (uint8_t)(nr + 1), (uint8_t)(nr + 1));
}

void rootport_exit(struct rootport *port)
{
	pthread_mutex_destroy(&port->lock);
}

static void set16(struct pci_config *c, unsigned off, uint64_t value, unsigned type)
{
	c->data[off] = (uint8_t)((value & 0xf0) | type);
	c->data[off + 1] = (uint8_t)(value >> 8);
}

static void set32(struct pci_config *c, unsigned off, uint64_t value)
{
	for (unsigned i = 0; i < 4; i++)
		c->data[off + i] = (uint8_t)(value >> (8 * i));
}

void rootport_set_windows(struct rootport *port, const struct rootport_windows *w)
{
	struct pci_config *c = &port->config;

	if (w->mem_size) {
		set16(c, PCI_MEMORY_BASE, w->mem >> 16, 0);
		set16(c, PCI_MEMORY_LIMIT, (w->mem + w->mem_size - 1) >> 16, 0);
	}
	if (w->pref_size) {
		uint64_t last = w->pref + w->pref_size - 1;

		set16(c, PCI_PREF_MEMORY_BASE, w->pref >> 16, PCI_PREF_RANGE_TYPE_64);
		set16(c, PCI_PREF_MEMORY_LIMIT, last >> 16, PCI_PREF_RANGE_TYPE_64);
		set32(c, PCI_PREF_BASE_UPPER32, w->pref >> 32);
		set32(c, PCI_PREF_LIMIT_UPPER32, last >> 32);
	}
	if (w->io_size) {
		uint64_t last = w->io + w->io_size - 1;

		c->data[PCI_IO_BASE] = (uint8_t)(((w->io >> 8) & 0xf0) | PCI_IO_RANGE_TYPE_32);
		c->data[PCI_IO_LIMIT] = (uint8_t)(((last >> 8) & 0xf0) | PCI_IO_RANGE_TYPE_32);
	}
}

void rootport_power_on(struct rootport *port)
{
	pthread_mutex_lock(&port->lock);
	bool changed = asleep(port);
	port->config.data[CAP_PM + PCI_PM_CTRL] &= ~PCI_PM_CTRL_STATE_MASK;
	pthread_mutex_unlock(&port->lock);
	tell(port, changed);
}
