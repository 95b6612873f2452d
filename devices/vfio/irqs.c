/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts of a passthrough device: from its line or its messages through eventfds into KVM,
 * without coldvm in between.
 *
 * The guest's registers are the shadow's (config.c) and the MSI-X table here; vfio_irqs_update()
 * and writes to the table bring the host's side in line with them. A masked vector is one whose
 * eventfd is not bound in KVM: a message that arrives then stays in the eventfd's count, and
 * binding delivers it (virt/kvm/eventfd.c: kvm_irqfd_assign()).
 *
 * All with device->lock held, and nothing here runs on behalf of a sealed device's guest.
 */
#include "devices/vfio/vfio.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices/vfio/vectors.h"
#include "vmm/bits.h"
#include "vmm/irqchip.h"
#include "vmm/log.h"

#define MSI_MAX_VECTORS 32

static uint32_t shadow_get(const struct vfio_device *device, unsigned off, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, device->shadow + off, size);
	return le32toh(value);
}

static void warn_once(struct vfio_device *device, const char *what, int err)
{
	if (vfio_device_first(device, VFIO_WARN_IRQ))
		log_warn(device->id, "%s: %s", what, strerror(-err));
}

/* --- INTx --------------------------------------------------------------------------------------
 */

static void intx_disable(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	int err = device->ops->irq_disable(device, VFIO_PCI_INTX_IRQ_INDEX);

	if (err)
		log_debug(device->id, "INTx off: %s", strerror(-err));
	if (irqs->intx_bound) {
		err = irqchip_unbind(device->irqchip, irqs->intx_gsi, irqs->intx_fd);
		if (err)
			log_debug(device->id, "INTx out of KVM: %s", strerror(-err));
	}
	irqs->intx_bound = false;
	close_fd(&irqs->intx_fd);
	close_fd(&irqs->intx_resample_fd);
	irqs->mode = VFIO_IRQ_NONE;
}

/* Level triggered: the guest's EOI signals the resample eventfd, and that unmasks the line on the
 * host, which vfio masked when it fired. */
static int intx_enable(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	const struct vfio_ops *ops = device->ops;
	int err;

	irqs->intx_gsi = pci_intx_pin_gsi(&device->function, device->shadow[PCI_INTERRUPT_PIN]);
	irqs->intx_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	irqs->intx_resample_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (irqs->intx_fd < 0 || irqs->intx_resample_fd < 0) {
		err = -errno;
		goto close;
	}
	err = irqchip_bind(device->irqchip, irqs->intx_gsi, irqs->intx_fd, irqs->intx_resample_fd);
	if (err)
		goto close;
	err = ops->set_irq_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &irqs->intx_fd,
			       VFIO_IRQ_SET_ACTION_TRIGGER);
	if (err)
		goto unbind;
	err = ops->set_irq_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &irqs->intx_resample_fd,
			       VFIO_IRQ_SET_ACTION_UNMASK);
	if (err)
		goto disable;
	irqs->intx_bound = true;
	irqs->mode = VFIO_IRQ_INTX;
	return 0;

disable:
	(void)ops->irq_disable(device, VFIO_PCI_INTX_IRQ_INDEX);
unbind:
	(void)irqchip_unbind(device->irqchip, irqs->intx_gsi, irqs->intx_fd);
close:
	close_fd(&irqs->intx_fd);
	close_fd(&irqs->intx_resample_fd);
	return err;
}

void vfio_irqs_seal(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	int err;

	if (!irqs->intx_bound)
		return;
	/* MSIs may stay bound: a message does not ask anything of the device. */
	err = irqchip_unbind(device->irqchip, irqs->intx_gsi, irqs->intx_fd);
	if (err)
		log_debug(device->id, "INTx out of KVM: %s", strerror(-err));
	irqs->intx_bound = false;
}

void vfio_irqs_unseal(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	uint64_t one = 1;
	int err;

	if (irqs->mode != VFIO_IRQ_INTX || irqs->intx_bound)
		return;
	err = irqchip_bind(device->irqchip, irqs->intx_gsi, irqs->intx_fd, irqs->intx_resample_fd);
	if (err) {
		warn_once(device, "INTx does not come back", err);
		return;
	}
	irqs->intx_bound = true;
	/* The EOI of an interrupt that was under way when the device was sealed went nowhere. */
	if (write(irqs->intx_resample_fd, &one, sizeof(one)) < 0)
		warn_once(device, "INTx does not resample", -errno);
}

/* --- MSI ---------------------------------------------------------------------------------------
 */

struct msi {
	bool enabled;
	unsigned nr; /* vectors */
	uint64_t addr;
	uint32_t data, mask;
};

static void msi_get(const struct vfio_device *device, struct msi *msi)
{
	unsigned cap = device->msi_cap, max;
	uint32_t flags;

	memset(msi, 0, sizeof(*msi));
	if (!cap || !device->irq_counts[VFIO_PCI_MSI_IRQ_INDEX])
		return;
	flags = shadow_get(device, cap + PCI_MSI_FLAGS, 2);
	msi->enabled = flags & PCI_MSI_FLAGS_ENABLE;
	max = 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	msi->nr = 1u << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4);
	msi->nr = (unsigned)min_u64(msi->nr, min_u64(max, MSI_MAX_VECTORS));
	msi->nr = (unsigned)min_u64(msi->nr, device->irq_counts[VFIO_PCI_MSI_IRQ_INDEX]);
	msi->addr = shadow_get(device, cap + PCI_MSI_ADDRESS_LO, 4);
	if (flags & PCI_MSI_FLAGS_64BIT) {
		msi->addr |= (uint64_t)shadow_get(device, cap + PCI_MSI_ADDRESS_HI, 4) << 32;
		msi->data = shadow_get(device, cap + PCI_MSI_DATA_64, 2);
		if (flags & PCI_MSI_FLAGS_MASKBIT)
			msi->mask = shadow_get(device, cap + PCI_MSI_MASK_64, 4);
	} else {
		msi->data = shadow_get(device, cap + PCI_MSI_DATA_32, 2);
		if (flags & PCI_MSI_FLAGS_MASKBIT)
			msi->mask = shadow_get(device, cap + PCI_MSI_MASK_32, 4);
	}
}

static int msi_enable(struct vfio_device *device, const struct msi *msi)
{
	int err;

	for (unsigned i = 0; i < msi->nr; i++) {
		err = vectors_open(device, i);
		if (err)
			goto close;
	}
	err = vectors_host_enable(device, VFIO_PCI_MSI_IRQ_INDEX, msi->nr);
	if (err)
		goto close;
	device->irqs.mode = VFIO_IRQ_MSI;
	return 0;

close:
	vectors_close_all(device);
	return err;
}

/* The device puts the vector's number into the low bits of the message (PCIe 6.0, 6.1.4.5). */
static void msi_refresh(struct vfio_device *device, const struct msi *msi)
{
	for (unsigned i = 0; i < msi->nr; i++) {
		int err = vectors_route(device, i, msi->addr, (msi->data & ~(msi->nr - 1)) | i,
					msi->mask & 1u << i);

		if (err)
			warn_once(device, "MSI does not reach the guest", err);
	}
}

/* --- MSI-X -------------------------------------------------------------------------------------
 */

static bool msix_enabled(const struct vfio_device *device)
{
	return device->msix_cap && device->irqs.msix_table &&
	       shadow_get(device, device->msix_cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE;
}

static uint32_t entry_get(const struct vfio_irqs *irqs, unsigned entry, unsigned off)
{
	uint32_t value;

	memcpy(&value, irqs->msix_table + entry * PCI_MSIX_ENTRY_SIZE + off, sizeof(value));
	return le32toh(value);
}

static bool entry_masked(const struct vfio_irqs *irqs, unsigned entry)
{
	return entry_get(irqs, entry, PCI_MSIX_ENTRY_VECTOR_CTRL) & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/* Brings one vector in line with its entry. One that was never unmasked costs nothing. */
static void msix_refresh(struct vfio_device *device, unsigned entry)
{
	struct vfio_irqs *irqs = &device->irqs;
	uint32_t flags = shadow_get(device, device->msix_cap + PCI_MSIX_FLAGS, 2);
	bool masked = flags & PCI_MSIX_FLAGS_MASKALL || entry_masked(irqs, entry);
	uint64_t addr = (uint64_t)entry_get(irqs, entry, PCI_MSIX_ENTRY_UPPER_ADDR) << 32 |
			entry_get(irqs, entry, PCI_MSIX_ENTRY_LOWER_ADDR);
	int err = 0;

	if (entry >= irqs->nr_vectors || (masked && irqs->vectors[entry].event_fd < 0))
		return;
	if (irqs->vectors[entry].event_fd < 0)
		err = vectors_host_add(device, VFIO_PCI_MSIX_IRQ_INDEX, entry);
	if (!err)
		err = vectors_route(device, entry, addr & ~UINT64_C(3),
				    entry_get(irqs, entry, PCI_MSIX_ENTRY_DATA), masked);
	if (err)
		warn_once(device, "MSI-X vector does not reach the guest", err);
}

static void msix_refresh_all(struct vfio_device *device)
{
	for (unsigned i = 0; i < device->irqs.msix_entries; i++)
		msix_refresh(device, i);
}

/* Linux enables MSI-X with every entry masked and unmasks as drivers ask: begin with what is
 * unmasked, at least one vector, because the host's enable bit comes with the first. */
static int msix_enable(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	unsigned max = (unsigned)min_u64(irqs->msix_entries, irqs->nr_vectors), nr = 1;
	int err;

	if (!max)
		return -ENODEV;
	for (unsigned i = 0; i < max; i++) {
		if (entry_masked(irqs, i))
			continue;
		err = vectors_open(device, i);
		if (err)
			goto close;
		nr = i + 1;
	}
	err = vectors_host_enable(device, VFIO_PCI_MSIX_IRQ_INDEX, nr);
	if (err)
		goto close;
	irqs->mode = VFIO_IRQ_MSIX;
	return 0;

close:
	vectors_close_all(device);
	return err;
}

/* True if [off, off + size) has a byte of [base, base + len) of BAR @its_bar. */
static bool hits(unsigned bar, uint64_t off, unsigned size, unsigned its_bar, uint64_t base,
		 uint64_t len)
{
	return bar == its_bar && ranges_overlap(off, size, base, len);
}

static bool hits_table(const struct vfio_device *device, unsigned bar, uint64_t off, unsigned size)
{
	const struct vfio_irqs *irqs = &device->irqs;

	return irqs->msix_table && hits(bar, off, size, irqs->msix_bar, irqs->msix_off,
					irqs->msix_entries * PCI_MSIX_ENTRY_SIZE);
}

/* No vector is ever masked in the device itself, so nothing is pending there. */
static bool hits_pba(const struct vfio_device *device, unsigned bar, uint64_t off, unsigned size)
{
	const struct vfio_irqs *irqs = &device->irqs;

	return irqs->msix_table && hits(bar, off, size, irqs->pba_bar, irqs->pba_off,
					(irqs->msix_entries + 63) / 64 * 8);
}

bool vfio_irqs_msix_read(struct vfio_device *device, unsigned bar, uint64_t off, unsigned size,
			 uint64_t *ret_value)
{
	const struct vfio_irqs *irqs = &device->irqs;
	uint64_t table_size = irqs->msix_entries * PCI_MSIX_ENTRY_SIZE, value = 0;

	if (!hits_table(device, bar, off, size)) {
		if (!hits_pba(device, bar, off, size))
			return false;
		*ret_value = 0;
		return true;
	}
	if (range_inside(off, size, irqs->msix_off, table_size)) {
		memcpy(&value, irqs->msix_table + (off - irqs->msix_off), size);
		*ret_value = le64toh(value);
	} else {
		*ret_value = ones(size); /* half in the table: no driver does that */
	}
	return true;
}

bool vfio_irqs_msix_write(struct vfio_device *device, unsigned bar, uint64_t off, unsigned size,
			  uint64_t value)
{
	struct vfio_irqs *irqs = &device->irqs;
	uint64_t table_size = irqs->msix_entries * PCI_MSIX_ENTRY_SIZE;
	unsigned first, last;

	if (!hits_table(device, bar, off, size))
		return hits_pba(device, bar, off, size); /* read-only */
	if (!range_inside(off, size, irqs->msix_off, table_size))
		return true;
	value = htole64(value);
	memcpy(irqs->msix_table + (off - irqs->msix_off), &value, size);
	if (irqs->mode != VFIO_IRQ_MSIX)
		return true;
	first = (unsigned)((off - irqs->msix_off) / PCI_MSIX_ENTRY_SIZE);
	last = (unsigned)((off - irqs->msix_off + size - 1) / PCI_MSIX_ENTRY_SIZE);
	for (unsigned i = first; i <= last; i++)
		msix_refresh(device, i);
	return true;
}

/* --- which of them ------------------------------------------------------------------------------
 */

static void disable(struct vfio_device *device)
{
	switch (device->irqs.mode) {
	case VFIO_IRQ_NONE:
		break;
	case VFIO_IRQ_INTX:
		intx_disable(device);
		break;
	case VFIO_IRQ_MSI:
		vectors_host_disable(device, VFIO_PCI_MSI_IRQ_INDEX);
		vectors_close_all(device);
		break;
	case VFIO_IRQ_MSIX:
		vectors_host_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
		vectors_close_all(device);
		break;
	}
	device->irqs.mode = VFIO_IRQ_NONE;
}

/* A driver that uses the line has the device decode something; before, the host's (perhaps shared)
 * interrupt is left alone. The INTx disable bit is vfio's to follow: guests toggle it a lot. */
static bool wants_intx(const struct vfio_device *device)
{
	return device->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] && device->shadow[PCI_INTERRUPT_PIN] &&
	       device->shadow[PCI_COMMAND] & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

void vfio_irqs_update(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	enum vfio_irq_mode mode = VFIO_IRQ_NONE;
	struct msi msi;
	int err = 0;

	if (!irqs->vectors)
		return; /* not set up yet, or given back */
	msi_get(device, &msi);
	if (msix_enabled(device))
		mode = VFIO_IRQ_MSIX;
	else if (msi.enabled)
		mode = VFIO_IRQ_MSI;
	else if (wants_intx(device))
		mode = VFIO_IRQ_INTX;

	if (irqs->mode != mode || (mode == VFIO_IRQ_MSI && irqs->host_vectors != msi.nr)) {
		disable(device);
		if (mode == VFIO_IRQ_INTX)
			err = intx_enable(device);
		else if (mode == VFIO_IRQ_MSI)
			err = msi_enable(device, &msi);
		else if (mode == VFIO_IRQ_MSIX)
			err = msix_enable(device);
		if (err)
			warn_once(device, "the device has no interrupts", err);
	}
	if (irqs->mode == VFIO_IRQ_MSI)
		msi_refresh(device, &msi);
	else if (irqs->mode == VFIO_IRQ_MSIX)
		msix_refresh_all(device);
}

/* --- set-up ------------------------------------------------------------------------------------
 */

/* ERR (an uncorrectable error of the bus) and REQ (the host wants the device back). */
static int event_enable(struct vfio_device *device, unsigned index)
{
	int fd, err;

	if (!device->irq_counts[index])
		return -1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = fd < 0 ? -errno : 0;
	if (!err)
		err = device->ops->set_irq_fds(device, index, 0, 1, &fd,
					       VFIO_IRQ_SET_ACTION_TRIGGER);
	if (err) {
		log_warn(device->id, "no %s events from the host: %s",
			 index == VFIO_PCI_ERR_IRQ_INDEX ? "error" : "request", strerror(-err));
		close_fd(&fd);
	}
	return fd;
}

static void event_disable(struct vfio_device *device, unsigned index, int *fd)
{
	int err = *fd < 0 ? 0 : device->ops->irq_disable(device, index);

	if (err)
		log_debug(device->id, "interrupt %u off: %s", index, strerror(-err));
	close_fd(fd);
}

int vfio_irqs_init(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;
	unsigned nr =
		(unsigned)min_u64(irqs->msix_entries, device->irq_counts[VFIO_PCI_MSIX_IRQ_INDEX]);
	int err;

	irqs->intx_fd = irqs->intx_resample_fd = -1;
	irqs->err_fd = irqs->req_fd = -1;
	irqs->msix_resize = !(device->irq_flags[VFIO_PCI_MSIX_IRQ_INDEX] & VFIO_IRQ_INFO_NORESIZE);
	if (device->msi_cap && nr < MSI_MAX_VECTORS)
		nr = MSI_MAX_VECTORS;
	err = vectors_init(device, nr);
	if (err)
		return err;
	if (device->msix_cap) {
		irqs->msix_table = calloc(irqs->msix_entries, PCI_MSIX_ENTRY_SIZE);
		if (!irqs->msix_table) {
			vectors_exit(device);
			return -ENOMEM;
		}
		/* Masked after reset (PCIe 6.0, 7.7.2.8). */
		for (unsigned i = 0; i < irqs->msix_entries; i++)
			irqs->msix_table[i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
				PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
	irqs->err_fd = event_enable(device, VFIO_PCI_ERR_IRQ_INDEX);
	irqs->req_fd = event_enable(device, VFIO_PCI_REQ_IRQ_INDEX);
	return 0;
}

void vfio_irqs_exit(struct vfio_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;

	disable(device);
	event_disable(device, VFIO_PCI_ERR_IRQ_INDEX, &irqs->err_fd);
	event_disable(device, VFIO_PCI_REQ_IRQ_INDEX, &irqs->req_fd);
	free(irqs->msix_table);
	irqs->msix_table = NULL;
	vectors_exit(device);
}
