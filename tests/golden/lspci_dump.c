/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the config space of the host bridge and of a root port as `lspci -F` reads it: first as
 * they are made, then the port with windows. */
#include <stdio.h>
#include <stdlib.h>

#include "devices/pci_host.h"
#include "devices/rootport.h"
#include "vmm/bits.h"
#include "vmm/bus.h"

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
	rootport_exit(&open);
	rootport_exit(&closed);
	pci_host_exit(&host);
	return EXIT_SUCCESS;
}
