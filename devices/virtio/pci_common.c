/* SPDX-License-Identifier: BSD-3-Clause */
/* The common configuration of virtio over PCI. */
#include "devices/virtio/pci_common.h"

#include <stdbool.h>

#include <linux/virtio_pci.h>

#include "devices/virtio/device.h"
#include "devices/virtio/pci.h"
#include "vmm/bits.h"

_Static_assert(VIRTIO_PCI_COMMON_SIZE == sizeof(struct virtio_pci_common_cfg), "Virtio 1.2");
_Static_assert(ARRAY_SIZE(((struct virtio_pci *)0)->queue_vectors) == VIRTIO_MAX_QUEUES, "");
_Static_assert(ARRAY_SIZE(((struct virtio_pci *)0)->notify) == VIRTIO_MAX_QUEUES, "");

/* The width of the field that begins at @off; 0 where none does. */
static unsigned width_at(uint64_t off)
{
	if (off < VIRTIO_PCI_COMMON_MSIX || off >= VIRTIO_PCI_COMMON_Q_DESCLO)
		return off % 4 ? 0 : 4;
	if (off == VIRTIO_PCI_COMMON_STATUS || off == VIRTIO_PCI_COMMON_CFGGENERATION)
		return 1;
	return off % 2 ? 0 : 2;
}

static bool field_ok(uint64_t off, unsigned size)
{
	return off < VIRTIO_PCI_COMMON_SIZE && size == width_at(off);
}

static uint64_t low(uint64_t value)
{
	return value & UINT32_MAX;
}

static uint64_t high(uint64_t value)
{
	return value >> 32;
}

static uint64_t set_low(uint64_t old, uint32_t value)
{
	return (old & ~UINT64_C(0xffffffff)) | value;
}

static uint64_t set_high(uint64_t old, uint32_t value)
{
	return low(old) | (uint64_t)value << 32;
}

/* --- queue fields: pci->lock and device->lock held ---------------------------------------------
 */

static uint64_t read_queue(const struct virtio_pci *pci, uint64_t off)
{
	unsigned i = pci->queue_select;
	const struct virtq *queue;

	/* Size 0 says that there is no such queue. */
	if (i >= pci->device->nr_queues)
		return off == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_MSI_NO_VECTOR : 0;
	queue = &pci->device->queues[i];
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return queue->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return pci->queue_vectors[i];
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return queue->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return i;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return low(queue->desc);
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return high(queue->desc);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return low(queue->avail);
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return high(queue->avail);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return low(queue->used);
	default:
		return high(queue->used);
	}
}

/* A vector that does not exist reads back as none, which is how the driver learns of it. */
static uint16_t vector_or_none(const struct virtio_pci *pci, uint64_t value)
{
	return value < pci->msix.nr ? (uint16_t)value : VIRTIO_MSI_NO_VECTOR;
}

static void set_queue_vector(struct virtio_pci *pci, unsigned i, uint64_t value)
{
	pci->queue_vectors[i] = vector_or_none(pci, value);
	pci->device->queues[i].call_fd = msix_fd(&pci->msix, pci->queue_vectors[i]);
}

static void set_size(struct virtq *queue, uint16_t size)
{
	if (size && size <= queue->size_max && !(size & (size - 1)))
		queue->size = size;
}

/* What an enabled queue is made of stays as it is until a reset. */
static void write_ring(struct virtq *queue, uint64_t off, uint32_t value)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		set_size(queue, (uint16_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		queue->enabled = value == 1;
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		queue->desc = set_low(queue->desc, value);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		queue->desc = set_high(queue->desc, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		queue->avail = set_low(queue->avail, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		queue->avail = set_high(queue->avail, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		queue->used = set_low(queue->used, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		queue->used = set_high(queue->used, value);
		break;
	}
}

static void write_queue(struct virtio_pci *pci, uint64_t off, uint32_t value)
{
	unsigned i = pci->queue_select;

	if (i >= pci->device->nr_queues || !virtio_device_configurable(pci->device))
		return;
	if (off == VIRTIO_PCI_COMMON_Q_MSIX)
		set_queue_vector(pci, i, value);
	else if (!pci->device->queues[i].enabled)
		write_ring(&pci->device->queues[i], off, value);
}

/* --- the fields of the device ------------------------------------------------------------------
 */

static uint64_t read_features(const struct virtio_pci *pci)
{
	uint64_t features = virtio_device_features(pci->device);

	return pci->feature_select > 1 ? 0 : low(features >> (32 * pci->feature_select));
}

static uint64_t read_field(struct virtio_pci *pci, uint64_t off)
{
	struct virtio_device *device = pci->device;
	uint64_t value;

	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return pci->feature_select;
	case VIRTIO_PCI_COMMON_DF:
		return read_features(pci);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return pci->guest_feature_select;
	case VIRTIO_PCI_COMMON_GF:
		return virtio_device_accepted(device, pci->guest_feature_select);
	case VIRTIO_PCI_COMMON_MSIX:
		return __atomic_load_n(&pci->config_vector, __ATOMIC_RELAXED);
	case VIRTIO_PCI_COMMON_NUMQ:
		return device->nr_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return virtio_device_status(device);
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return __atomic_load_n(&device->generation, __ATOMIC_ACQUIRE);
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return pci->queue_select;
	}
	pthread_mutex_lock(&device->lock);
	value = read_queue(pci, off);
	pthread_mutex_unlock(&device->lock);
	return value;
}

uint64_t virtio_pci_common_read(struct virtio_pci *pci, uint64_t off, unsigned size)
{
	uint64_t value;

	if (!field_ok(off, size))
		return ones(size);
	pthread_mutex_lock(&pci->lock);
	value = read_field(pci, off);
	pthread_mutex_unlock(&pci->lock);
	return value;
}

static void write_field(struct virtio_pci *pci, uint64_t off, uint32_t value)
{
	struct virtio_device *device = pci->device;

	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		pci->feature_select = value;
		return;
	case VIRTIO_PCI_COMMON_GFSELECT:
		pci->guest_feature_select = value;
		return;
	case VIRTIO_PCI_COMMON_GF:
		virtio_device_accept(device, pci->guest_feature_select, value);
		return;
	case VIRTIO_PCI_COMMON_MSIX:
		__atomic_store_n(&pci->config_vector, vector_or_none(pci, value), __ATOMIC_RELAXED);
		return;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		pci->queue_select = (uint16_t)value;
		return;
	case VIRTIO_PCI_COMMON_DF:
	case VIRTIO_PCI_COMMON_NUMQ:
	case VIRTIO_PCI_COMMON_CFGGENERATION:
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return;
	}
	pthread_mutex_lock(&device->lock);
	write_queue(pci, off, value);
	pthread_mutex_unlock(&device->lock);
}

/* Starting and stopping are the device's, and it may interrupt meanwhile: without pci->lock. */
static void write_status(struct virtio_pci *pci, uint8_t status)
{
	virtio_device_set_status(pci->device, status);
	if (!status)
		virtio_pci_common_reset(pci);
}

void virtio_pci_common_write(struct virtio_pci *pci, uint64_t off, uint64_t value, unsigned size)
{
	if (!field_ok(off, size))
		return;
	if (off == VIRTIO_PCI_COMMON_STATUS) {
		write_status(pci, (uint8_t)value);
		return;
	}
	pthread_mutex_lock(&pci->lock);
	write_field(pci, off, (uint32_t)value);
	pthread_mutex_unlock(&pci->lock);
}

void virtio_pci_common_reset(struct virtio_pci *pci)
{
	pthread_mutex_lock(&pci->lock);
	pci->feature_select = 0;
	pci->guest_feature_select = 0;
	pci->queue_select = 0;
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		pci->queue_vectors[i] = VIRTIO_MSI_NO_VECTOR;
	__atomic_store_n(&pci->config_vector, VIRTIO_MSI_NO_VECTOR, __ATOMIC_RELAXED);
	__atomic_store_n(&pci->isr, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&pci->lock);
}
