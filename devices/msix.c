/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X in coldvm alone. A vector that is open (MSI-X is on, neither the function nor the vector is
 * masked) has its eventfd bound to KVM. One that is not keeps what arrives in the eventfd: that is
 * the pending bit, and KVM injects it when the eventfd is bound (virt/kvm/eventfd.c:
 * kvm_irqfd_assign() looks at what is there already).
 */
#include "devices/msix.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "devices/pci.h"
#include "vmm/bits.h"
#include "vmm/irqchip.h"
#include "vmm/log.h"

enum { ADDR_LOW, ADDR_HIGH, DATA, CONTROL };

static int open_vectors(struct msix *msix)
{
	for (unsigned i = 0; i < msix->nr; i++) {
		msix->vectors[i].event_fd = -1;
		msix->vectors[i].entry[CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
	for (unsigned i = 0; i < msix->nr; i++) {
		msix->vectors[i].event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (msix->vectors[i].event_fd < 0)
			return -errno;
	}
	return 0;
}

static void build_capability(const struct msix *msix, struct pci_config *config, uint8_t cap,
			     uint8_t next, uint32_t table, uint32_t pba)
{
	pci_config_set8(config, cap, PCI_CAP_ID_MSIX, 0);
	pci_config_set8(config, cap + 1u, next, 0);
	pci_config_set16(config, cap + PCI_MSIX_FLAGS, (uint16_t)(msix->nr - 1),
			 PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_config_set32(config, cap + PCI_MSIX_TABLE, table, 0);
	pci_config_set32(config, cap + PCI_MSIX_PBA, pba, 0);
}

int msix_init(struct msix *msix, struct irqchip *irqchip, struct pci_config *config, uint8_t cap,
	      uint8_t next, unsigned nr, unsigned bar, uint32_t table, uint32_t pba)
{
	int err;

	*msix = (struct msix){ .irqchip = irqchip, .name = "msix" };
	if (!nr || nr > MSIX_MAX_VECTORS || bar > PCI_STD_NUM_BARS - 1 || table % 8 || pba % 8)
		return -EINVAL;
	msix->vectors = calloc(nr, sizeof(*msix->vectors));
	if (!msix->vectors)
		return -ENOMEM;
	msix->nr = nr;
	pthread_mutex_init(&msix->lock, NULL);
	err = open_vectors(msix);
	if (err) {
		msix_exit(msix);
		return err;
	}
	build_capability(msix, config, cap, next, table | bar, pba | bar);
	return 0;
}

static void complain(struct msix *msix, unsigned vector, int err)
{
	if (!msix->said)
		log_warn(msix->name, "interrupt vector %u does not reach the guest: %s", vector,
			 strerror(-err));
	msix->said = true;
}

static void unbind(struct msix *msix, unsigned i)
{
	struct msix_vector *vector = &msix->vectors[i];
	int err;

	if (!vector->bound)
		return;
	err = irqchip_unbind(msix->irqchip, vector->gsi, vector->event_fd);
	if (err)
		complain(msix, i, err);
	vector->bound = false;
}

static int bind_vector(struct msix *msix, struct msix_vector *vector)
{
	uint64_t addr = (uint64_t)vector->entry[ADDR_HIGH] << 32 | vector->entry[ADDR_LOW];
	int err;

	if (!vector->allocated) {
		err = irqchip_msi_alloc(msix->irqchip, &vector->gsi);
		if (err)
			return err;
		vector->allocated = true;
	}
	err = irqchip_msi_set(msix->irqchip, vector->gsi, addr, vector->entry[DATA]);
	if (err || vector->bound)
		return err;
	err = irqchip_bind(msix->irqchip, vector->gsi, vector->event_fd, -1);
	vector->bound = !err;
	return err;
}

/* Brings vector @i to what the guest's bits say. Lock held. */
static void apply(struct msix *msix, unsigned i)
{
	struct msix_vector *vector = &msix->vectors[i];
	bool open = msix->enabled && !msix->masked &&
		    !(vector->entry[CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
	int err;

	if (!open) {
		unbind(msix, i);
		return;
	}
	err = bind_vector(msix, vector);
	if (err)
		complain(msix, i, err);
}

static void release(struct msix *msix, unsigned i)
{
	struct msix_vector *vector = &msix->vectors[i];

	unbind(msix, i);
	if (vector->allocated)
		irqchip_msi_free(msix->irqchip, vector->gsi);
	vector->allocated = false;
}

void msix_exit(struct msix *msix)
{
	if (!msix->vectors)
		return;
	for (unsigned i = 0; i < msix->nr; i++) {
		release(msix, i);
		close_fd(&msix->vectors[i].event_fd);
	}
	free(msix->vectors);
	msix->vectors = NULL;
	msix->nr = 0;
	pthread_mutex_destroy(&msix->lock);
}

/* What arrived while MSI-X was off was for nobody. */
static void drain(struct msix *msix, unsigned i)
{
	uint64_t count;

	if (read(msix->vectors[i].event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		complain(msix, i, -errno);
}

void msix_control(struct msix *msix, uint16_t control)
{
	bool enabled = control & PCI_MSIX_FLAGS_ENABLE;
	bool was;

	pthread_mutex_lock(&msix->lock);
	was = msix->enabled;
	msix->enabled = enabled;
	msix->masked = control & PCI_MSIX_FLAGS_MASKALL;
	for (unsigned i = 0; i < msix->nr; i++) {
		if (enabled && !was)
			drain(msix, i);
		if (enabled)
			apply(msix, i);
		else
			release(msix, i);
	}
	pthread_mutex_unlock(&msix->lock);
}

/* PCI Express 6.0, 6.1.4.2: whole and half entries' words, at their natural alignment. */
static bool shape_ok(uint64_t off, unsigned size, uint64_t end)
{
	return (size == 4 || size == 8) && off % size == 0 && range_inside(off, size, 0, end);
}

static uint64_t table_size(const struct msix *msix)
{
	return (uint64_t)msix->nr * PCI_MSIX_ENTRY_SIZE;
}

uint64_t msix_table_read(struct msix *msix, uint64_t off, unsigned size)
{
	const uint32_t *entry;
	uint64_t value;

	if (!shape_ok(off, size, table_size(msix)))
		return ones(size);
	pthread_mutex_lock(&msix->lock);
	entry = msix->vectors[off / PCI_MSIX_ENTRY_SIZE].entry;
	value = entry[off / 4 % 4];
	if (size == 8)
		value |= (uint64_t)entry[off / 4 % 4 + 1] << 32;
	pthread_mutex_unlock(&msix->lock);
	return value;
}

void msix_table_write(struct msix *msix, uint64_t off, uint64_t value, unsigned size)
{
	static const uint32_t writable[4] = { 0xfffffffc, 0xffffffff, 0xffffffff,
					      PCI_MSIX_ENTRY_CTRL_MASKBIT };
	unsigned i = (unsigned)(off / PCI_MSIX_ENTRY_SIZE), word = off / 4 % 4;

	if (!shape_ok(off, size, table_size(msix)))
		return;
	pthread_mutex_lock(&msix->lock);
	msix->vectors[i].entry[word] = (uint32_t)value & writable[word];
	if (size == 8)
		msix->vectors[i].entry[word + 1] = (uint32_t)(value >> 32) & writable[word + 1];
	apply(msix, i);
	pthread_mutex_unlock(&msix->lock);
}

/* Bound eventfds are KVM's to read; what is left in another one is pending. Lock held. */
static bool pending(const struct msix *msix, unsigned i)
{
	struct pollfd poll_fd = { .fd = msix->vectors[i].event_fd, .events = POLLIN };

	return msix->enabled && !msix->vectors[i].bound && poll(&poll_fd, 1, 0) == 1;
}

uint64_t msix_pba_read(struct msix *msix, uint64_t off, unsigned size)
{
	uint64_t value = 0;

	if (!shape_ok(off, size, (msix->nr + UINT64_C(63)) / 64 * 8))
		return ones(size);
	pthread_mutex_lock(&msix->lock);
	for (unsigned bit = 0; bit < size * 8 && off * 8 + bit < msix->nr; bit++)
		if (pending(msix, (unsigned)off * 8 + bit))
			value |= UINT64_C(1) << bit;
	pthread_mutex_unlock(&msix->lock);
	return value;
}

int msix_fd(const struct msix *msix, unsigned vector)
{
	return vector < msix->nr ? msix->vectors[vector].event_fd : -1;
}
