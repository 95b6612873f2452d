/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio over PCI: the function, its capabilities, and where its BAR answers.
 *
 * A notification is an ioeventfd of any length: KVM finds those by the address alone, on a bus of
 * their own, and need not decode the guest's instruction (virt/kvm/eventfd.c: KVM_FAST_MMIO_BUS).
 * kvm_open() insists on KVM_CAP_IOEVENTFD_ANY_LENGTH. Where KVM refuses one, the write comes as any
 * other access and kicks from here.
 */
#include "devices/virtio/pci.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "devices/virtio/device.h"
#include "devices/virtio/pci_common.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/kvm.h"
#include "vmm/log.h"

#define VENDOR	    0x1af4
#define DEVICE_BASE 0x1040 /* and the type: Virtio 1.2, 4.1.2 */

/* The capabilities in config space. */
#define CAP_MSIX    0x40
#define CAP_COMMON  0x50
#define CAP_ISR	    0x60
#define CAP_NOTIFY  0x70
#define CAP_PCI_CFG 0x90
#define CAP_DEVICE  0xb0

/* The parts of the BAR: a page each, so that the offset's upper bits name one. */
#define PART_SIZE     0x1000u
#define PART_COMMON   0
#define PART_ISR      1
#define PART_DEVICE   2
#define PART_NOTIFY   3
#define PART_MSIX     4
#define PART_PBA      5
#define NOTIFY_STRIDE 4u

#define CFG_DATA (CAP_PCI_CFG + sizeof(struct virtio_pci_cap))

/* --- the BAR -----------------------------------------------------------------------------------
 */

static uint64_t read_device(struct virtio_device *device, uint64_t off, unsigned size)
{
	uint64_t value = 0;

	if (!range_inside(off, size, 0, device->config_size))
		return ones(size);
	pthread_mutex_lock(&device->lock);
	device->ops->config_read(device, (unsigned)off, &value, size);
	pthread_mutex_unlock(&device->lock);
	return value;
}

static void write_device(struct virtio_device *device, uint64_t off, uint64_t value, unsigned size)
{
	if (!device->ops->config_write || !range_inside(off, size, 0, device->config_size))
		return;
	pthread_mutex_lock(&device->lock);
	device->ops->config_write(device, (unsigned)off, &value, size);
	pthread_mutex_unlock(&device->lock);
}

/* EAGAIN: a notification is there that the device has not taken yet. */
static void kick(struct virtio_pci *pci, uint64_t off)
{
	const struct virtio_device *device = pci->device;
	uint64_t one = 1;

	if (off % NOTIFY_STRIDE || off / NOTIFY_STRIDE >= device->nr_queues)
		return;
	if (write(device->queues[off / NOTIFY_STRIDE].kick_fd, &one, sizeof(one)) < 0 &&
	    errno != EAGAIN)
		virtio_device_break(pci->device, NULL, "a queue cannot be notified");
}

static uint64_t bar_read(void *dev, uint64_t off, unsigned size)
{
	struct virtio_pci *pci = dev;
	uint64_t at = off % PART_SIZE;

	switch (off / PART_SIZE) {
	case PART_COMMON:
		return virtio_pci_common_read(pci, at, size);
	case PART_ISR:
		/* Reading acknowledges. */
		return at || size != 1 ? ones(size)
				       : __atomic_exchange_n(&pci->isr, 0, __ATOMIC_ACQ_REL);
	case PART_DEVICE:
		return read_device(pci->device, at, size);
	case PART_MSIX:
		return msix_table_read(&pci->msix, at, size);
	case PART_PBA:
		return msix_pba_read(&pci->msix, at, size);
	default:
		return ones(size);
	}
}

static void bar_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct virtio_pci *pci = dev;
	uint64_t at = off % PART_SIZE;

	switch (off / PART_SIZE) {
	case PART_COMMON:
		virtio_pci_common_write(pci, at, value, size);
		break;
	case PART_DEVICE:
		write_device(pci->device, at, value, size);
		break;
	case PART_NOTIFY:
		kick(pci, at);
		break;
	case PART_MSIX:
		msix_table_write(&pci->msix, at, value, size);
		break;
	}
}

static const struct bus_ops bar_ops = { .read = bar_read, .write = bar_write };

/* --- where the BAR answers; lock held ----------------------------------------------------------
 */

static uint64_t notify_addr(uint64_t bar, unsigned queue)
{
	return bar + PART_NOTIFY * PART_SIZE + queue * NOTIFY_STRIDE;
}

/* Once: the guest can cause it as often as it wants. */
static void complain(struct virtio_pci *pci, const char *what, uint64_t bar, int err)
{
	if (!pci->said)
		log_warn(pci->function.name, "BAR at %#llx: %s: %s", (unsigned long long)bar, what,
			 strerror(-err));
	pci->said = true;
}

static void unmap(struct virtio_pci *pci)
{
	int err;

	if (!pci->mapped)
		return;
	for (unsigned i = 0; i < pci->device->nr_queues; i++) {
		if (!pci->notify[i])
			continue;
		err = kvm_ioeventfd_deassign(pci->env.kvm, pci->device->queues[i].kick_fd,
					     notify_addr(pci->mapped, i), 0, false);
		if (err)
			complain(pci, "KVM keeps a notification", pci->mapped, err);
		pci->notify[i] = false;
	}
	err = bus_del(pci->env.mmio, pci->mapped, pci);
	if (err)
		complain(pci, "cannot be taken away", pci->mapped, err);
	pci->mapped = 0;
}

static int map(struct virtio_pci *pci, uint64_t bar)
{
	int err = bus_add(pci->env.mmio, bar, VIRTIO_PCI_BAR_SIZE, &bar_ops, pci);

	if (err)
		return err;
	pci->mapped = bar;
	for (unsigned i = 0; i < pci->device->nr_queues; i++) {
		err = kvm_ioeventfd_assign(pci->env.kvm, pci->device->queues[i].kick_fd,
					   notify_addr(bar, i), 0, false);
		if (err)
			complain(pci, "notifications are slow", bar, err);
		pci->notify[i] = !err;
	}
	return 0;
}

static uint64_t wanted_bar(const struct virtio_pci *pci)
{
	uint64_t low = pci_config_read(&pci->config, PCI_BASE_ADDRESS_0, 4);
	uint64_t high = pci_config_read(&pci->config, PCI_BASE_ADDRESS_1, 4);

	if (!(pci_config_read(&pci->config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return 0;
	return high << 32 | (low & ~(uint64_t)(VIRTIO_PCI_BAR_SIZE - 1));
}

/* Where something else answers, the BAR does not; the guest's next write may put it right. */
static void follow(struct virtio_pci *pci)
{
	uint64_t bar = wanted_bar(pci);
	int err;

	if (bar == pci->mapped)
		return;
	unmap(pci);
	err = bar ? map(pci, bar) : 0;
	if (err)
		complain(pci, "cannot be there", bar, err);
}

/* --- config space ------------------------------------------------------------------------------
 */

/* What the window of VIRTIO_PCI_CAP_PCI_CFG leads to (4.1.4.9). */
struct window {
	uint64_t off;
	unsigned size; /* 0: nowhere */
};

static struct window cfg_window(const struct virtio_pci *pci)
{
	uint32_t off = pci_config_read(&pci->config, CAP_PCI_CFG + VIRTIO_PCI_CAP_OFFSET, 4);
	uint32_t size = pci_config_read(&pci->config, CAP_PCI_CFG + VIRTIO_PCI_CAP_LENGTH, 4);
	bool ok = pci->config.data[CAP_PCI_CFG + VIRTIO_PCI_CAP_BAR] == VIRTIO_PCI_BAR &&
		  (size == 1 || size == 2 || size == 4) && off % size == 0 &&
		  range_inside(off, size, 0, VIRTIO_PCI_BAR_SIZE);

	return (struct window){ .off = off, .size = ok ? size : 0 };
}

static bool touches(unsigned off, unsigned size, unsigned field, unsigned field_size)
{
	return ranges_overlap(off, size, field, field_size);
}

/* The BAR's handlers take the lock, so what they give is put into place afterwards. */
static void fill_window(struct virtio_pci *pci)
{
	struct window window;
	uint32_t value;

	pthread_mutex_lock(&pci->lock);
	window = cfg_window(pci);
	pthread_mutex_unlock(&pci->lock);
	if (!window.size)
		return;
	value = (uint32_t)bar_read(pci, window.off, window.size);
	pthread_mutex_lock(&pci->lock);
	for (unsigned i = 0; i < window.size; i++)
		pci->config.data[CFG_DATA + i] = (uint8_t)(value >> (8 * i));
	pthread_mutex_unlock(&pci->lock);
}

static uint32_t config_read(struct pci_function *function, unsigned off, unsigned size)
{
	struct virtio_pci *pci = container_of(function, struct virtio_pci, function);
	uint32_t value;

	if (touches(off, size, CFG_DATA, 4))
		fill_window(pci);
	pthread_mutex_lock(&pci->lock);
	value = pci_config_read(&pci->config, off, size);
	pthread_mutex_unlock(&pci->lock);
	return value;
}

static void config_write(struct pci_function *function, unsigned off, uint32_t value, unsigned size)
{
	struct virtio_pci *pci = container_of(function, struct virtio_pci, function);
	struct window window = { 0 };
	uint32_t data;

	pthread_mutex_lock(&pci->lock);
	pci_config_write(&pci->config, off, value, size);
	if (touches(off, size, PCI_COMMAND, 2) || touches(off, size, PCI_BASE_ADDRESS_0, 8))
		follow(pci);
	if (touches(off, size, CAP_MSIX + PCI_MSIX_FLAGS, 2))
		msix_control(&pci->msix,
			     (uint16_t)pci_config_read(&pci->config, CAP_MSIX + PCI_MSIX_FLAGS, 2));
	if (off == CFG_DATA)
		window = cfg_window(pci);
	data = pci_config_read(&pci->config, CFG_DATA, 4);
	pthread_mutex_unlock(&pci->lock);
	if (window.size)
		bar_write(pci, window.off, data & ones(window.size), window.size);
}

static const struct pci_function_ops function_ops = {
	.config_read = config_read,
	.config_write = config_write,
};

/* --- what config space is made of --------------------------------------------------------------
 */

static void build_header(struct pci_config *c, const struct virtio_device *device, uint64_t bar)
{
	pci_config_set16(c, PCI_VENDOR_ID, VENDOR, 0);
	pci_config_set16(c, PCI_DEVICE_ID, (uint16_t)(DEVICE_BASE + device->type), 0);
	pci_config_set16(c, PCI_COMMAND, PCI_COMMAND_MEMORY,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
				 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	pci_config_set16(c, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	/* Revision 1: not transitional. The class takes the three bytes behind it. */
	pci_config_set32(c, PCI_CLASS_REVISION, device->pci_class << 8 | 1, 0);
	pci_config_set8(c, PCI_CACHE_LINE_SIZE, 0, 0xff);
	pci_config_set32(c, PCI_BASE_ADDRESS_0,
			 (uint32_t)bar | PCI_BASE_ADDRESS_SPACE_MEMORY |
				 PCI_BASE_ADDRESS_MEM_TYPE_64,
			 ~(VIRTIO_PCI_BAR_SIZE - 1));
	pci_config_set32(c, PCI_BASE_ADDRESS_1, (uint32_t)(bar >> 32), 0xffffffff);
	pci_config_set16(c, PCI_SUBSYSTEM_VENDOR_ID, VENDOR, 0);
	pci_config_set16(c, PCI_SUBSYSTEM_ID, (uint16_t)(DEVICE_BASE + device->type), 0);
	pci_config_set8(c, PCI_CAPABILITY_LIST, CAP_MSIX, 0);
	pci_config_set8(c, PCI_INTERRUPT_LINE, 0, 0xff);
}

static void build_cap(struct pci_config *c, unsigned at, unsigned next, uint8_t type, uint8_t len,
		      unsigned part, uint32_t part_len)
{
	pci_config_set8(c, at, PCI_CAP_ID_VNDR, 0);
	pci_config_set8(c, at + VIRTIO_PCI_CAP_NEXT, (uint8_t)next, 0);
	pci_config_set8(c, at + VIRTIO_PCI_CAP_LEN, len, 0);
	pci_config_set8(c, at + VIRTIO_PCI_CAP_CFG_TYPE, type, 0);
	pci_config_set8(c, at + VIRTIO_PCI_CAP_BAR, VIRTIO_PCI_BAR, 0);
	pci_config_set32(c, at + VIRTIO_PCI_CAP_OFFSET, part * PART_SIZE, 0);
	pci_config_set32(c, at + VIRTIO_PCI_CAP_LENGTH, part_len, 0);
}

/* The window into the BAR: the driver writes where it leads to. */
static void build_window(struct pci_config *c, unsigned next)
{
	build_cap(c, CAP_PCI_CFG, next, VIRTIO_PCI_CAP_PCI_CFG, sizeof(struct virtio_pci_cfg_cap),
		  0, 0);
	pci_config_set8(c, CAP_PCI_CFG + VIRTIO_PCI_CAP_BAR, 0, 0xff);
	pci_config_set32(c, CAP_PCI_CFG + VIRTIO_PCI_CAP_OFFSET, 0, 0xffffffff);
	pci_config_set32(c, CAP_PCI_CFG + VIRTIO_PCI_CAP_LENGTH, 0, 0xffffffff);
	pci_config_set32(c, CFG_DATA, 0, 0xffffffff);
}

/* A device without configuration has no capability for it: one of no length would lead nowhere. */
static void build_capabilities(struct pci_config *c, const struct virtio_device *device)
{
	const uint8_t len = sizeof(struct virtio_pci_cap);

	build_cap(c, CAP_COMMON, CAP_ISR, VIRTIO_PCI_CAP_COMMON_CFG, len, PART_COMMON,
		  VIRTIO_PCI_COMMON_SIZE);
	build_cap(c, CAP_ISR, CAP_NOTIFY, VIRTIO_PCI_CAP_ISR_CFG, len, PART_ISR, 1);
	build_cap(c, CAP_NOTIFY, CAP_PCI_CFG, VIRTIO_PCI_CAP_NOTIFY_CFG,
		  sizeof(struct virtio_pci_notify_cap), PART_NOTIFY,
		  device->nr_queues * NOTIFY_STRIDE);
	pci_config_set32(c, CAP_NOTIFY + VIRTIO_PCI_NOTIFY_CAP_MULT, NOTIFY_STRIDE, 0);
	build_window(c, device->config_size ? CAP_DEVICE : 0);
	if (device->config_size)
		build_cap(c, CAP_DEVICE, 0, VIRTIO_PCI_CAP_DEVICE_CFG, len, PART_DEVICE,
			  device->config_size);
}

/* --- life --------------------------------------------------------------------------------------
 */

/* virtio_device->config_changed: any thread, no lock. */
static void config_changed(void *transport)
{
	struct virtio_pci *pci = transport;
	int fd = msix_fd(&pci->msix, __atomic_load_n(&pci->config_vector, __ATOMIC_RELAXED));
	uint64_t one = 1;

	__atomic_or_fetch(&pci->isr, VIRTIO_PCI_ISR_CONFIG, __ATOMIC_ACQ_REL);
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN &&
	    !__atomic_exchange_n(&pci->msix.said, true, __ATOMIC_RELAXED))
		log_warn(pci->function.name, "cannot tell the guest of a new configuration: %s",
			 strerror(errno));
}

int virtio_pci_init(struct virtio_pci *pci, const struct virtio_pci_env *env,
		    struct virtio_device *device, uint8_t devfn, uint64_t bar)
{
	int err;

	*pci = (struct virtio_pci){
		.function = { .ops = &function_ops, .name = device->name },
		.device = device,
		.env = *env,
	};
	pthread_mutex_init(&pci->lock, NULL);
	if (!bar || bar % VIRTIO_PCI_BAR_SIZE || device->config_size > PART_SIZE)
		return -EINVAL;
	virtio_pci_common_reset(pci);
	build_header(&pci->config, device, bar);
	build_capabilities(&pci->config, device);
	/* One vector for each queue and one for the configuration. */
	err = msix_init(&pci->msix, env->irqchip, &pci->config, CAP_MSIX, CAP_COMMON,
			device->nr_queues + 1, VIRTIO_PCI_BAR, PART_MSIX * PART_SIZE,
			PART_PBA * PART_SIZE);
	if (err)
		return err;
	pci->msix.name = device->name;
	err = pci_bus_attach(env->root, &pci->function, devfn);
	if (err)
		return err;
	device->transport = pci;
	device->config_changed = config_changed;
	return map(pci, bar);
}

void virtio_pci_exit(struct virtio_pci *pci)
{
	if (!pci->device)
		return;
	virtio_device_reset(pci->device);
	pci->device->config_changed = NULL;
	unmap(pci);
	if (pci->function.bus)
		pci->function.bus->functions[pci->function.devfn] = NULL;
	msix_exit(&pci->msix);
	pthread_mutex_destroy(&pci->lock);
	pci->device = NULL;
}
