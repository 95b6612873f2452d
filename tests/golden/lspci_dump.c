/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the config space of the host bridge, of a root port and of a virtio function as `lspci -F`
 * reads it: as they are made, and the port with windows. */
#include <stdio.h>
#include <stdlib.h>

#include "devices/pci_host.h"
#include "devices/rootport.h"
#include "devices/virtio/device.h"
#include "devices/virtio/pci.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"

static void dump(struct pci_bus *root, uint8_t devfn, const char *title)
{
	struct pci_function *function = pci_bus_find(root, 0, devfn);

	printf("00:%02x.%x %s", PCI_DEV_OF(devfn), PCI_FN_OF(devfn), title);
	/* All of it: an extended capability that must not be there would show. */
	for (unsigned off = 0; off < PCI_CONFIG_SIZE; off++) {
		if (off % 16 == 0)
			printf("\n%02x:", off);
		printf(" %02x", function->ops->config_read(function, off, 1));
	}
	printf("\n\n");
}

/* A block device with two queues. Its transport alone is asked, so it needs no operations. */
static int dump_virtio(struct pci_host *host, struct bus *mmio)
{
	static struct kvm kvm;
	static struct irqchip irqchip = { .kvm = &kvm };
	static struct virtio_device device = {
		.name = "disk0",
		.type = 2,
		.pci_class = 0x018000,
		.config_size = 60,
	};
	static struct virtio_pci pci;
	const struct virtio_pci_env env = {
		.kvm = &kvm,
		.irqchip = &irqchip,
		.mmio = mmio,
		.root = &host->root,
	};
	const uint8_t devfn = PCI_DEVFN_OF(3, 0);
	int err = virtio_device_init(&device, 2, 256);

	if (err)
		return err;
	err = virtio_pci_init(&pci, &env, &device, devfn, 0xd0000000);
	if (!err)
		dump(&host->root, devfn, "virtio function");
	virtio_pci_exit(&pci);
	virtio_device_exit(&device);
	return err;
}

int main(void)
{
	static struct bus pio, mmio;
	static struct pci_host host;
	static struct rootport closed, open;

	bus_init(&pio);
	bus_init(&mmio);
	if (pci_host_init(&host, &pio, &mmio) < 0 || rootport_init(&closed, &host.root, 0) < 0 ||
	    rootport_init(&open, &host.root, 1) < 0)
		return EXIT_FAILURE;
	rootport_set_windows(&open, &(struct rootport_windows){
					    .mem = 0xc0000000,
					    .mem_size = MIB(32),
					    .pref = GIB(64),
					    .pref_size = GIB(32),
					    .io = 0x1000,
					    .io_size = KIB(4),
				    });
	dump(&host.root, PCI_DEVFN_OF(0, 0), "host bridge");
	dump(&host.root, PCI_DEVFN_OF(1, 0), "root port, windows closed");
	dump(&host.root, PCI_DEVFN_OF(2, 0), "root port, windows open");
	if (dump_virtio(&host, &mmio) < 0)
		return EXIT_FAILURE;
	rootport_exit(&open);
	rootport_exit(&closed);
	pci_host_exit(&host);
	return EXIT_SUCCESS;
}
