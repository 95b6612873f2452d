/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passthrough device that exists in memory: vfio_ops that keep config space and BARs in arrays,
 * write down their calls in order, and can refuse any of them. Link with fake_kvm.c.
 *
 *	struct fake_vfio *fake = fake_vfio_new("nvme0");
 *	fake_vfio_start(fake);				config, interrupts, BARs, placed
 *	fake_vfio_refuse(fake, "low_power_exit", EIO, 2);	the next two calls fail
 *	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);	no call since the last clear
 *	fake_vfio_free(fake);
 *
 * The device: one 64-bit BAR 0 of 16 KiB with MSI-X table (16 entries) at 0x2000 and pending bits
 * at 0x3000, a 32-bit prefetchable BAR 2 of 8 KiB, an I/O BAR 4 of 32 ports; PM, MSI (8 vectors,
 * 64 bit, masks), MSI-X and PCIe capabilities; AER, SR-IOV, DSN, Resizable BAR and LTR.
 * No ROM: a test gives regions[VFIO_PCI_ROM_REGION_INDEX] a size and fills bars[] there.
 * A test may change all of it before fake_vfio_start().
 */
#ifndef COLDVM_TESTS_FAKE_FAKE_VFIO_H
#define COLDVM_TESTS_FAKE_FAKE_VFIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/vfio/container.h"
#include "devices/vfio/vfio.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/memory.h"

#define FAKE_VFIO_PM	0x40
#define FAKE_VFIO_MSI	0x50
#define FAKE_VFIO_MSIX	0x70
#define FAKE_VFIO_PCIE	0x80
#define FAKE_VFIO_AER	0x100
#define FAKE_VFIO_SRIOV 0x150
#define FAKE_VFIO_DSN	0x190
#define FAKE_VFIO_REBAR 0x1a0
#define FAKE_VFIO_LTR	0x1b0

#define FAKE_VFIO_MSIX_TABLE   0x2000
#define FAKE_VFIO_MSIX_PBA     0x3000
#define FAKE_VFIO_MSIX_ENTRIES 16
#define FAKE_VFIO_BAR0_SIZE    0x4000
#define FAKE_VFIO_BAR0	       0x8000000000 /* where fake_vfio_start() places the first device's */
#define FAKE_VFIO_BAR2	       0xc0010000
#define FAKE_VFIO_BAR4	       0x1000

#define FAKE_VFIO_MAX_CALLS 4096
#define FAKE_VFIO_VECTORS   32

struct fake_vfio_call {
	const struct vfio_device *device;
	char op[24];   /* name of the member of vfio_ops */
	char text[64]; /* op and arguments, "region_write 7 0x4+2 0x6" */
};

/* Calls of all devices of a machine, in their common order. */
struct fake_vfio_log {
	pthread_mutex_t lock;
	unsigned nr; /* recorded; more are counted in `lost` */
	unsigned lost;
	struct fake_vfio_call calls[FAKE_VFIO_MAX_CALLS];
};

struct fake_vfio {
	struct vfio_device device; /* first: the ops find the rest from it */
	/* The machine; that of `host` counts. */
	struct fake_vfio *host;
	unsigned nr_devices;
	struct vfio_container container;
	struct kvm kvm;
	struct memory memory;
	struct bus pio, mmio;
	struct irqchip irqchip;
	struct fake_vfio_log log;

	uint8_t config[PCI_CONFIG_SIZE];
	/* Page aligned, of the region's size; the last one is the ROM. */
	uint8_t *bars[VFIO_PCI_ROM_REGION_INDEX + 1];

	/* Eventfds as the host's driver has them now, -1: none. */
	int irq_fds[VFIO_PCI_NUM_IRQS][FAKE_VFIO_VECTORS];
	unsigned irq_nr[VFIO_PCI_NUM_IRQS];
	int unmask_fd; /* of INTx */
	int wakeup_fd; /* of the last low_power_entry or d3cold_enter */

	/* The host's driver has D3cold on request; without it d3cold_probe() is -ENOTTY, as Linux's
	 * own driver answers. */
	bool d3cold;
	/* What d3cold_enter(), d3cold_exit() and d3cold_status() say, refused or not. */
	struct vfio_pci_d3cold_control enter_says, exit_says;
	struct vfio_pci_d3cold_status status_says;

	/* What power_state() and port_power_state() say: the script first, its last entry for ever.
	 */
	enum host_power power_script[32], port_script[32];
	unsigned power_nr, power_at, port_nr, port_at;

	/* What upstream_power_state() says; a test that wants ports sets device.nr_ports and
	 * .ports. */
	enum host_power upstream[VFIO_MAX_PORTS];

	struct {
		char op[24];
		int error;
		unsigned times; /* left; UINT_MAX: for ever */
	} refusals[8];
};

/* A device in a machine of its own. Forgets what fake_kvm.c knew. */
struct fake_vfio *fake_vfio_new(const char *id);
/* Another one in the machine of @other, as the functions of a slot are: same RAM, buses, container
 * and log. Freed before @other. */
struct fake_vfio *fake_vfio_new_beside(struct fake_vfio *other, const char *id);
void fake_vfio_free(struct fake_vfio *fake);
/* Takes device->lock and shows the device again. */
void fake_vfio_unseal(struct fake_vfio *fake);
/* As the machine does: config (single function), interrupts, BARs, placement. Clears the log. */
void fake_vfio_start(struct fake_vfio *fake);

/* The next @times calls of @op (0: all) fail with -@error. error 0 takes the refusal back. */
void fake_vfio_refuse(struct fake_vfio *fake, const char *op, int error, unsigned times);
void fake_vfio_script_power(struct fake_vfio *fake, const enum host_power *states, unsigned nr);
void fake_vfio_script_port(struct fake_vfio *fake, const enum host_power *states, unsigned nr);

/* Calls of @fake named @op (NULL: all that reach the descriptor, so not the sysfs reads). */
unsigned fake_vfio_count(struct fake_vfio *fake, const char *op);
/* Text of the @n-th call in the log, "" past its end. */
const char *fake_vfio_call(struct fake_vfio *fake, unsigned n);
/* Index of the first call at or after @from whose text begins with @text, -1 if there is none. */
int fake_vfio_find(struct fake_vfio *fake, const char *text, unsigned from);
void fake_vfio_clear(struct fake_vfio *fake);

/* The guest's accesses to config space. */
uint32_t fake_vfio_config_read(struct fake_vfio *fake, unsigned off, unsigned size);
void fake_vfio_config_write(struct fake_vfio *fake, unsigned off, uint32_t value, unsigned size);
/* The device's own config space, little-endian. */
void fake_vfio_put(struct fake_vfio *fake, unsigned off, uint32_t value, unsigned size);
uint32_t fake_vfio_get(const struct fake_vfio *fake, unsigned off, unsigned size);

#endif
