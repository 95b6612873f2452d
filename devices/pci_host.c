/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCIe host bridge. A config access goes
 *   vCPU -> bus -> ecam_read() or port_read() -> config_read() -> find() -> function
 * and no lock of the host bridge is held when the function is asked: a slow function delays
 * only the vCPU that asked for it. (CF8 is shared by all vCPUs, as on hardware; the guest
 * serialises its use of the pair.)
 */
#include "devices/pci_host.h"

#include <linux/pci_regs.h>

#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/x86/layout.h"

#define PORT_CONFIG_ADDRESS 0xcf8
#define PORT_CONFIG_DATA    0xcfc
#define ADDRESS_ENABLE	    0x80000000u

/* "QEMU PCIe Host bridge", an id reserved for virtual machines that no driver binds to. */
#define HOST_VENDOR 0x1b36
#define HOST_DEVICE 0x0008

/* The guest may give a bridge the number of a root bus: the first host bridge wins, as on hardware
 * one would. */
static struct pci_function *find(struct pci_host *host, unsigned bus_nr, uint8_t devfn)
{
	struct pci_function *f = pci_bus_find(&host->root, bus_nr, devfn);

	for (unsigned i = 0; !f && i < host->nr_more; i++)
		f = pci_bus_find(&host->more[i], bus_nr, devfn);
	return f;
}

static uint32_t config_read(struct pci_host *host, unsigned bus_nr, uint8_t devfn, unsigned off,
			    unsigned size)
{
	struct pci_function *f = find(host, bus_nr, devfn);

	return f ? f->ops->config_read(f, off, size) : (uint32_t)ones(size);
}

static void config_write(struct pci_host *host, unsigned bus_nr, uint8_t devfn, unsigned off,
			 uint32_t value, unsigned size)
{
	struct pci_function *f = find(host, bus_nr, devfn);

	if (f)
		f->ops->config_write(f, off, value, size);
}

/* Config space knows aligned accesses of 1, 2 and 4 bytes; the rest is undefined on hardware. */
static bool config_shape(uint64_t off, unsigned size)
{
	return size <= 4 && off % size == 0;
}

static uint64_t ecam_read(void *dev, uint64_t off, unsigned size)
{
	if (!config_shape(off, size))
		return ones(size);
	return config_read(dev, (off >> 20) & 0xff, (off >> 12) & 0xff, off & 0xfff, size);
}

static void ecam_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	if (config_shape(off, size))
		config_write(dev, (off >> 20) & 0xff, (off >> 12) & 0xff, off & 0xfff,
			     (uint32_t)value, size);
}

static uint32_t latched_address(struct pci_host *host)
{
	pthread_mutex_lock(&host->lock);
	uint32_t address = host->address;
	pthread_mutex_unlock(&host->lock);
	return address;
}

/* @off 0 to 3 is CF8, a register of 32 bits that answers to no other width; 4 to 7 is CFC. */
static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
	struct pci_host *host = dev;
	uint32_t address = latched_address(host);

	if (off < 4)
		return off == 0 && size == 4 ? address : ones(size);
	if (!(address & ADDRESS_ENABLE) || !config_shape(off, size))
		return ones(size);
	return config_read(host, (address >> 16) & 0xff, (address >> 8) & 0xff,
			   (address & 0xfc) + (unsigned)(off - 4), size);
}

static void port_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct pci_host *host = dev;
	uint32_t address = latched_address(host);

	if (off < 4) {
		if (off == 0 && size == 4) {
			pthread_mutex_lock(&host->lock);
			host->address = (uint32_t)value;
			pthread_mutex_unlock(&host->lock);
		}
		return;
	}
	if ((address & ADDRESS_ENABLE) && config_shape(off, size))
		config_write(host, (address >> 16) & 0xff, (address >> 8) & 0xff,
			     (address & 0xfc) + (unsigned)(off - 4), (uint32_t)value, size);
}

static const struct bus_ops ecam_ops = { .read = ecam_read, .write = ecam_write };
static const struct bus_ops port_ops = { .read = port_read, .write = port_write };

static uint32_t bridge_read(struct pci_function *function, unsigned off, unsigned size)
{
	struct pci_host *host = container_of(function, struct pci_host, function);

	pthread_mutex_lock(&host->lock);
	uint32_t value = pci_config_read(&host->config, off, size);
	pthread_mutex_unlock(&host->lock);
	return value;
}

static void bridge_write(struct pci_function *function, unsigned off, uint32_t value, unsigned size)
{
	struct pci_host *host = container_of(function, struct pci_host, function);

	pthread_mutex_lock(&host->lock);
	pci_config_write(&host->config, off, value, size);
	pthread_mutex_unlock(&host->lock);
}

static const struct pci_function_ops bridge_ops = {
	.config_read = bridge_read,
	.config_write = bridge_write,
};

int pci_host_init(struct pci_host *host, struct bus *pio, struct bus *mmio)
{
	int r;

	*host = (struct pci_host){
		.function = { .ops = &bridge_ops, .name = "host bridge" },
	};
	pthread_mutex_init(&host->lock, NULL);
	pci_config_set16(&host->config, PCI_VENDOR_ID, HOST_VENDOR, 0);
	pci_config_set16(&host->config, PCI_DEVICE_ID, HOST_DEVICE, 0);
	pci_config_set16(&host->config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	pci_config_set16(&host->config, PCI_CLASS_DEVICE, 0x0600, 0);
	pci_bus_attach(&host->root, &host->function, PCI_DEVFN_OF(0, 0));

	r = bus_add(pio, PORT_CONFIG_ADDRESS, 8, &port_ops, host);
	return r < 0 ? r : bus_add(mmio, LAYOUT_ECAM, LAYOUT_ECAM_SIZE, &ecam_ops, host);
}

struct pci_bus *pci_host_add_root(struct pci_host *host, uint8_t number)
{
	if (host->nr_more == ARRAY_SIZE(host->more))
		return NULL;
	host->more[host->nr_more].number = number;
	return &host->more[host->nr_more++];
}

void pci_host_exit(struct pci_host *host)
{
	pthread_mutex_destroy(&host->lock);
}
