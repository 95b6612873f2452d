/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BARs in the guest's address spaces.
 *
 * A BAR that is decoded has a range on the mmio (or pio) bus: the slow path, an exit to here and a
 * read or write of the VFIO region. Above it, for whole pages that are neither MSI-X table nor
 * pending bits, the host's mapping of the BAR is shown as a memslot (no exits), and put into the
 * IOMMU so that other passthrough devices reach it. Memslots hide the bus range below them; what
 * cannot be had as a memslot is still right, only slow.
 *
 * Shown only while the function decodes memory, is in D0 by its PMCSR, and is not sealed: the
 * host's driver unmaps BARs in all other cases, and a vCPU in such a mapping ends KVM_RUN with
 * EFAULT. Nor are they shown while the port above is in D3hot.
 */
#include "devices/vfio/vfio.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/container.h"
#include "devices/vfio/rom.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/log.h"
#include "vmm/memory.h"

/* --- slow path: on a vCPU thread ----------------------------------------------------------------
 */

/* False: nobody answers. */
static bool is_reached(const struct vfio_bar *bar, uint64_t off, unsigned size)
{
	const struct vfio_device *device = bar->device;

	return !device->sealed && !device->gone && !device->cut_off &&
	       range_inside(off, size, 0, bar->size);
}

static uint64_t bar_read(void *opaque, uint64_t off, unsigned size)
{
	struct vfio_bar *bar = opaque;
	struct vfio_device *device = bar->device;
	uint64_t value = ones(size), raw = 0;
	int err = 0;

	pthread_mutex_lock(&device->lock);
	if (is_reached(bar, off, size) &&
	    !vfio_irqs_msix_read(device, bar->index, off, size, &value)) {
		err = device->ops->region_read(device, bar->index, off, &raw, size);
		if (!err)
			value = le64toh(raw);
		else if (vfio_device_first(device, VFIO_WARN_REGION))
			log_warn(device->id, "read of BAR %u at 0x%" PRIx64 ": %s", bar->index, off,
				 strerror(-err));
	}
	pthread_mutex_unlock(&device->lock);
	return value;
}

static void bar_write(void *opaque, uint64_t off, uint64_t value, unsigned size)
{
	struct vfio_bar *bar = opaque;
	struct vfio_device *device = bar->device;
	uint64_t raw = htole64(value);
	int err;

	pthread_mutex_lock(&device->lock);
	if (is_reached(bar, off, size) &&
	    !vfio_irqs_msix_write(device, bar->index, off, size, value)) {
		err = device->ops->region_write(device, bar->index, off, &raw, size);
		if (err && vfio_device_first(device, VFIO_WARN_REGION))
			log_warn(device->id, "write to BAR %u at 0x%" PRIx64 ": %s", bar->index,
				 off, strerror(-err));
	}
	pthread_mutex_unlock(&device->lock);
}

static const struct bus_ops bar_ops = {
	.read = bar_read,
	.write = bar_write,
};

/* --- pieces: what can be mapped -----------------------------------------------------------------
 */

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Maps [start, end) of the BAR, or does without. */
static void add_piece(struct vfio_bar *bar, uint64_t start, uint64_t end)
{
	struct vfio_device *device = bar->device;
	struct vfio_piece *piece = &bar->pieces[bar->nr_pieces];
	void *hva;

	start = align_up(start, page_size());
	end = align_down(end, page_size());
	if (start >= end || bar->nr_pieces == VFIO_MAX_PIECES)
		return;
	hva = device->ops->region_map(device, bar->index, start, end - start);
	if (!hva) {
		if (vfio_device_first(device, VFIO_WARN_MEMSLOT))
			log_warn(device->id, "BAR %u cannot be mapped: accesses are slow",
				 bar->index);
		return;
	}
	*piece = (struct vfio_piece){ .off = start, .size = end - start, .hva = hva };
	bar->nr_pieces++;
	if (device->container)
		device->container->bar_bytes += piece->size;
}

struct hole {
	uint64_t start, end; /* whole pages */
};

/* The pages of MSI-X table and pending bits in @bar, in order of address. */
static unsigned find_holes(const struct vfio_bar *bar, struct hole holes[2])
{
	const struct vfio_device *device = bar->device;
	const struct vfio_irqs *irqs = &device->irqs;
	uint64_t page = page_size();
	unsigned n = 0;

	if (!device->msix_cap)
		return 0;
	if (irqs->msix_bar == bar->index)
		holes[n++] = (struct hole){
			align_down(irqs->msix_off, page),
			align_up(irqs->msix_off + irqs->msix_entries * PCI_MSIX_ENTRY_SIZE, page),
		};
	if (irqs->pba_bar == bar->index)
		holes[n++] = (struct hole){
			align_down(irqs->pba_off, page),
			align_up(irqs->pba_off + (irqs->msix_entries + 63) / 64 * 8, page),
		};
	if (n == 2 && holes[0].start > holes[1].start) {
		struct hole first = holes[1];

		holes[1] = holes[0];
		holes[0] = first;
	}
	return n;
}

static void map_area(struct vfio_bar *bar, uint64_t start, uint64_t end)
{
	struct hole holes[2];
	unsigned n = find_holes(bar, holes);

	for (unsigned i = 0; i < n; i++) {
		add_piece(bar, start, min_u64(holes[i].start, end));
		start = max_u64(start, holes[i].end);
	}
	add_piece(bar, start, end);
}

int vfio_bars_init(struct vfio_device *device)
{
	for (unsigned i = 0; i < VFIO_NR_BARS; i++) {
		const struct vfio_region *region = &device->regions[i];
		struct vfio_bar *bar = &device->bars[i];

		if (!bar->present || bar->io || !(region->flags & VFIO_REGION_INFO_FLAG_MMAP))
			continue;
		for (unsigned k = 0; k < region->nr_areas; k++)
			map_area(bar, region->areas[k].off,
				 region->areas[k].off + region->areas[k].size);
		if (!region->nr_areas)
			map_area(bar, 0, bar->size);
	}
	return 0;
}

/* --- showing and hiding: device->lock held ------------------------------------------------------
 */

static void piece_hide(struct vfio_bar *bar, struct vfio_piece *piece)
{
	struct vfio_device *device = bar->device;
	int err = 0;

	if (piece->dma)
		err = device->ops->dma_unmap(device, bar->bus_addr + piece->off, piece->size);
	piece->dma = false;
	if (err && vfio_device_first(device, VFIO_WARN_UNMAP))
		log_error(device->id, "BAR %u stays in the IOMMU: %s", bar->index, strerror(-err));
	if (!piece->shown)
		return;
	err = memory_del_slot(device->memory, piece->memslot);
	if (!err)
		piece->shown = false;
	else if (vfio_device_first(device, VFIO_WARN_UNMAP))
		log_error(device->id, "memslot of BAR %u does not go: %s", bar->index,
			  strerror(-err));
}

/* Whether there is anybody in the VM who could miss the BAR. */
static bool has_peers(const struct vfio_device *device)
{
	return device->container->nr_devices > 1;
}

static void piece_show(struct vfio_bar *bar, struct vfio_piece *piece)
{
	struct vfio_device *device = bar->device;
	uint64_t addr = bar->bus_addr + piece->off;
	int err;

	if (!piece->shown) {
		err = memory_add_slot(device->memory, addr, piece->size, piece->hva,
				      &piece->memslot);
		piece->shown = !err;
		if (err && vfio_device_first(device, VFIO_WARN_MEMSLOT))
			log_warn(device->id, "no memslot for BAR %u: %s: accesses are slow",
				 bar->index, strerror(-err));
	}
	if (piece->dma || device->container->no_p2p)
		return;
	/* Peer-to-peer only: a host that cannot do it is no reason to stop. */
	err = device->ops->dma_map(device, addr, piece->size, piece->hva);
	piece->dma = !err;
	if (err && vfio_device_first(device, VFIO_WARN_DMA))
		log_line(has_peers(device) ? LOG_WARN : LOG_INFO, device->id,
			 "BAR %u at 0x%" PRIx64 " is out of reach for other devices: %s%s",
			 bar->index, addr, strerror(-err),
			 err == -EFAULT && device->container->iommu == &iommu_iommufd
				 ? " (this kernel's iommufd maps no BARs; --platform iommufd=off "
				   "does)"
				 : "");
}

static void bar_leave_bus(struct vfio_bar *bar)
{
	struct vfio_device *device = bar->device;
	int err;

	for (unsigned i = 0; i < bar->nr_pieces; i++)
		piece_hide(bar, &bar->pieces[i]);
	err = bus_del(bar->io ? device->pio : device->mmio, bar->bus_addr, bar);
	if (err && vfio_device_first(device, VFIO_WARN_UNMAP))
		log_error(device->id, "BAR %u stays on the bus: %s", bar->index, strerror(-err));
	bar->on_bus = false;
}

/* The windows are what _CRS offers; anywhere else a BAR would lie over RAM or over registers. */
static bool in_window(const struct vfio_bar *bar)
{
	const struct vfio_windows *w = &bar->device->container->windows;

	if (bar->io)
		return range_inside(bar->guest_addr, bar->size, w->pio, w->pio_size);
	return range_inside(bar->guest_addr, bar->size, w->mmio32, w->mmio32_size) ||
	       range_inside(bar->guest_addr, bar->size, w->mmio64, w->mmio64_size);
}

static bool decoded(const struct vfio_bar *bar)
{
	const struct vfio_device *device = bar->device;
	uint8_t decode = bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	return bar->present && !device->gone && device->shadow[PCI_COMMAND] & decode &&
	       vfio_config_pmcsr(device) == 0 && in_window(bar);
}

void vfio_bars_retreat(struct vfio_device *device)
{
	if (device->sealed)
		vfio_bars_hide(device);
	for (unsigned i = 0; i < VFIO_NR_BARS; i++) {
		struct vfio_bar *bar = &device->bars[i];

		if (bar->on_bus && (!decoded(bar) || bar->bus_addr != bar->guest_addr))
			bar_leave_bus(bar);
	}
	rom_retreat(device);
}

static void bar_join_bus(struct vfio_bar *bar)
{
	struct vfio_device *device = bar->device;
	int err;

	if (!bar->on_bus) {
		/* -EEXIST while the guest moves BARs about: two at one place, the first one wins.
		 */
		err = bus_add(bar->io ? device->pio : device->mmio, bar->guest_addr, bar->size,
			      &bar_ops, bar);
		if (err) {
			if (err != -EEXIST && vfio_device_first(device, VFIO_WARN_BUS))
				log_warn(device->id, "BAR %u at 0x%" PRIx64 " is not decoded: %s",
					 bar->index, bar->guest_addr, strerror(-err));
			return;
		}
		bar->bus_addr = bar->guest_addr;
		bar->on_bus = true;
	}
	for (unsigned i = 0; i < bar->nr_pieces && !device->cut_off; i++)
		piece_show(bar, &bar->pieces[i]);
}

void vfio_bars_update(struct vfio_device *device)
{
	vfio_bars_retreat(device);
	if (device->sealed)
		return;
	for (unsigned i = 0; i < VFIO_NR_BARS; i++)
		if (decoded(&device->bars[i]))
			bar_join_bus(&device->bars[i]);
	rom_update(device);
}

void vfio_bars_hide(struct vfio_device *device)
{
	for (unsigned i = 0; i < VFIO_NR_BARS; i++)
		for (unsigned k = 0; k < device->bars[i].nr_pieces; k++)
			piece_hide(&device->bars[i], &device->bars[i].pieces[k]);
}

bool vfio_bars_demote(struct vfio_device *device)
{
	bool any = false;

	pthread_mutex_lock(&device->lock);
	for (unsigned i = 0; i < VFIO_NR_BARS; i++)
		for (unsigned k = 0; k < device->bars[i].nr_pieces; k++)
			any |= device->bars[i].pieces[k].shown;
	vfio_bars_hide(device);
	pthread_mutex_unlock(&device->lock);
	return any;
}

void vfio_bars_exit(struct vfio_device *device)
{
	for (unsigned i = 0; i < VFIO_NR_BARS; i++) {
		struct vfio_bar *bar = &device->bars[i];

		if (bar->on_bus)
			bar_leave_bus(bar);
		for (unsigned k = 0; k < bar->nr_pieces; k++) {
			struct vfio_piece *piece = &bar->pieces[k];

			/* A memslot that did not go must not show what is mapped there next. */
			if (!piece->shown)
				device->ops->region_unmap(device, piece->hva, piece->size);
			if (device->container)
				device->container->bar_bytes -= piece->size;
		}
		bar->nr_pieces = 0;
	}
	rom_exit(device);
}

void vfio_bars_set_windows(struct vfio_container *container, const struct vfio_windows *windows)
{
	container->windows = *windows;
}
