/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The config space that the guest sees: the device's own, overlaid by a shadow.
 *
 * Three tables of bits, one byte for each byte of config space, decide everything:
 *   virt    bits that are served from `shadow` and never reach the device
 *   wmask   bits of `shadow` that the guest may write
 *   the rest is the host's vfio-pci's to judge (drivers/vfio/pci/vfio_pci_config.c has tables of
 *   its own and trusts nobody).
 *
 * Read:   lock -> sealed? all ones -> region_read unless every bit is virtual -> overlay.
 * Write:  lock -> sealed? dropped -> shadow takes the bits of wmask -> BARs go away that the new
 *         values do not decode -> region_write of the bits that are not virtual -> BARs that are
 *         decoded now appear -> interrupts follow -> unlock -> the slot hears of PMCSR.
 *         Away first, appear last: vfio unmaps BARs that are not decoded, and a vCPU that meets
 *         such a mapping ends KVM_RUN with EFAULT.
 *
 * PMCSR is the shadow's alone: what the host does with the power is decided by power.c.
 */
#include "devices/vfio/vfio.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "devices/vfio/container.h"
#include "devices/vfio/power.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define EXT_CAP_FIRST	    0x100
#define EXT_CAP_ID_VF_REBAR 0x24 /* not in every linux/pci_regs.h */
#define REBAR_PAIR	    8	 /* bytes of registers for one BAR */
#define REBAR_CAP_SHIFT	    4	 /* bit of the capability register that stands for 1 MiB */
#define REBAR_SIZE_SHIFT    20	 /* 1 MiB */
#define REBAR_SIZE_LAST	    27	 /* 128 TiB, bit 31; what is bigger has its bits elsewhere */
#define COMMAND_DECODE	    (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)
/* Bits of the command register that exist in a PCIe function (PCIe 6.0, 7.5.1.1.3). */
#define COMMAND_BITS                                                                   \
	(COMMAND_DECODE | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
	 PCI_COMMAND_INTX_DISABLE)

/* Hidden: they would let the guest undo what the host has set up (address translation, virtual
 * functions, BAR sizes that no longer fit the host's). Resizable BAR is hidden only where
 * freeze_rebar() cannot show it. Lengths in bytes, header included; 0: see hidden_ext_len(). */
static const struct {
	uint16_t id;
	uint16_t len;
} hidden_ext_caps[] = {
	{ PCI_EXT_CAP_ID_ATS, 0x08 }, { PCI_EXT_CAP_ID_SRIOV, 0x40 }, { PCI_EXT_CAP_ID_PRI, 0x10 },
	{ PCI_EXT_CAP_ID_REBAR, 0 },  { PCI_EXT_CAP_ID_PASID, 0x08 }, { EXT_CAP_ID_VF_REBAR, 0 },
};

/* Enhanced Allocation describes BARs that the registers do not have. */
static const uint8_t hidden_caps[] = { PCI_CAP_ID_EA };

/* --- the tables --------------------------------------------------------------------------------
 */

static uint32_t get(const uint8_t *bytes, unsigned off, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, bytes + off, size);
	return le32toh(value);
}

static void put(uint8_t *bytes, unsigned off, uint32_t value, unsigned size)
{
	value = htole32(value);
	memcpy(bytes + off, &value, size);
}

/* The guest sees @value in [off, off + size), of which it may write the bits @writable. */
static void set_virtual(struct vfio_device *device, unsigned off, unsigned size, uint32_t value,
			uint32_t writable)
{
	put(device->shadow, off, value, size);
	put(device->virt, off, UINT32_MAX, size);
	put(device->wmask, off, writable, size);
}

static int read_all(struct vfio_device *device)
{
	unsigned size = PCI_CONFIG_CONV_SIZE;
	int err;

	if (device->regions[VFIO_PCI_CONFIG_REGION_INDEX].size >= PCI_CONFIG_SIZE)
		size = PCI_CONFIG_SIZE;
	device->config_size = size;
	/* A dword at a time: vfio splits at capabilities, and some devices want aligned reads. */
	for (unsigned off = 0; off < size; off += 4) {
		err = device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, off,
					       device->shadow + off, 4);
		if (err)
			return err;
	}
	if (get(device->shadow, PCI_STATUS, 2) == 0xffff)
		return -EIO;
	if ((device->shadow[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL)
		return -ENODEV;
	return 0;
}

/* What kind of BAR each register is, from the device, and its size, from the region. */
static void init_bars(struct vfio_device *device)
{
	for (unsigned i = 0; i < VFIO_NR_BARS; i++) {
		struct vfio_bar *bar = &device->bars[i];
		unsigned off = PCI_BASE_ADDRESS_0 + 4 * i;
		uint32_t raw = get(device->shadow, off, 4);
		uint64_t size = device->regions[i].size, mask = ~(size - 1);

		bar->device = device;
		bar->index = i;
		set_virtual(device, off, 4, 0, 0);
		if (!size || size & (size - 1))
			continue;
		bar->io = raw & PCI_BASE_ADDRESS_SPACE_IO;
		if (bar->io ? size > 0x10000 : size < 16)
			continue;
		bar->present = true;
		bar->size = size;
		if (bar->io) {
			set_virtual(device, off, 4, PCI_BASE_ADDRESS_SPACE_IO,
				    (uint32_t)mask & (uint32_t)PCI_BASE_ADDRESS_IO_MASK);
			continue;
		}
		bar->prefetchable = raw & PCI_BASE_ADDRESS_MEM_PREFETCH;
		bar->is64 = (raw & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
		if (bar->is64 && i == VFIO_NR_BARS - 1)
			bar->is64 = false;
		if (!bar->is64 && size > GIB(2)) {
			bar->present = false;
			continue;
		}
		set_virtual(device, off, 4,
			    (bar->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0) |
				    (bar->is64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0),
			    (uint32_t)mask & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK);
		if (bar->is64) {
			i++; /* the high half is no BAR of its own */
			device->bars[i].device = device;
			device->bars[i].index = i;
			set_virtual(device, off + 4, 4, 0, (uint32_t)(mask >> 32));
		}
	}
}

static void init_header(struct vfio_device *device, bool multifunction)
{
	uint8_t pin =
		device->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] ? device->shadow[PCI_INTERRUPT_PIN] : 0;

	/* The guest's command register starts at 0, as after power-on. Decode bits are served from
	 * the shadow, so that the guest reads what coldvm goes by; all bits also reach vfio. */
	put(device->shadow, PCI_COMMAND, 0, 2);
	put(device->virt, PCI_COMMAND, COMMAND_DECODE | PCI_COMMAND_INTX_DISABLE, 2);
	put(device->wmask, PCI_COMMAND, COMMAND_BITS, 2);

	device->virt[PCI_HEADER_TYPE] = 0x80;
	device->shadow[PCI_HEADER_TYPE] = multifunction ? 0x80 : 0;
	set_virtual(device, PCI_BIST, 1, 0, 0);
	set_virtual(device, PCI_ROM_ADDRESS, 4, 0, 0); /* until vfio_config_place_rom() */
	set_virtual(device, PCI_INTERRUPT_LINE, 1, 0, 0xff);
	set_virtual(device, PCI_INTERRUPT_PIN, 1, pin > 4 ? 0 : pin, 0);
}

static void init_pm(struct vfio_device *device, unsigned cap)
{
	uint16_t pmc = (uint16_t)get(device->shadow, cap + PCI_PM_PMC, 2);
	uint16_t csr = (uint16_t)get(device->shadow, cap + PCI_PM_CTRL, 2);

	device->pm_cap = cap;
	/* D1 and D2 are not offered: no use is made of them, and 0 and 3 are all there is then. */
	pmc &= (uint16_t) ~(PCI_PM_CAP_D1 | PCI_PM_CAP_D2 | PCI_PM_CAP_PME_MASK);
	set_virtual(device, cap + PCI_PM_PMC, 2, pmc | device->pme_support, 0);
	/* The host arms its own PME when it lets the device sleep; what the guest arms is whether
	 * its driver wants to be told. */
	set_virtual(device, cap + PCI_PM_CTRL, 4, csr & PCI_PM_CTRL_NO_SOFT_RESET,
		    PCI_PM_CTRL_STATE_MASK | (device->pme_support ? PCI_PM_CTRL_PME_ENABLE : 0));
}

/* vfio lets a guest write these registers, but the host's vectors are set by ioctl (irqs.c). */
static void init_msi(struct vfio_device *device, unsigned cap)
{
	uint16_t flags = (uint16_t)get(device->shadow, cap + PCI_MSI_FLAGS, 2);
	bool is64 = flags & PCI_MSI_FLAGS_64BIT;
	unsigned len = (flags & PCI_MSI_FLAGS_MASKBIT ? 20u : 10u) + (is64 ? 4u : 0u);

	if (cap + len > PCI_CONFIG_CONV_SIZE)
		return;
	if (!device->irq_counts[VFIO_PCI_MSI_IRQ_INDEX])
		flags &= ~(uint16_t)PCI_MSI_FLAGS_QMASK;
	device->msi_cap = cap;
	set_virtual(device, cap + PCI_MSI_FLAGS, 2,
		    flags & ~(uint32_t)(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE),
		    PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	set_virtual(device, cap + PCI_MSI_ADDRESS_LO, 4, 0, 0xfffffffc);
	if (is64)
		set_virtual(device, cap + PCI_MSI_ADDRESS_HI, 4, 0, UINT32_MAX);
	set_virtual(device, cap + (is64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 4, 0, 0xffff);
	if (flags & PCI_MSI_FLAGS_MASKBIT) {
		set_virtual(device, cap + (is64 ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32), 4, 0,
			    UINT32_MAX);
		set_virtual(device, cap + (is64 ? PCI_MSI_PENDING_64 : PCI_MSI_PENDING_32), 4, 0,
			    0);
	}
}

static void init_msix(struct vfio_device *device, unsigned cap)
{
	struct vfio_irqs *irqs = &device->irqs;
	uint16_t flags = (uint16_t)get(device->shadow, cap + PCI_MSIX_FLAGS, 2);
	uint32_t table = get(device->shadow, cap + PCI_MSIX_TABLE, 4);
	uint32_t pba = get(device->shadow, cap + PCI_MSIX_PBA, 4);

	device->msix_cap = cap;
	irqs->msix_entries = (flags & PCI_MSIX_FLAGS_QSIZE) + 1u;
	irqs->msix_bar = table & PCI_MSIX_TABLE_BIR;
	irqs->msix_off = table & PCI_MSIX_TABLE_OFFSET;
	irqs->pba_bar = pba & PCI_MSIX_PBA_BIR;
	irqs->pba_off = pba & PCI_MSIX_PBA_OFFSET;
	set_virtual(device, cap + PCI_MSIX_FLAGS, 2, flags & PCI_MSIX_FLAGS_QSIZE,
		    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
}

static void init_pcie(struct vfio_device *device, unsigned cap)
{
	device->pcie_cap = cap;
}

/* What is done with a capability beyond linking it. @len: so much of it is touched. */
static const struct {
	uint8_t id;
	uint8_t len;
	void (*init)(struct vfio_device *device, unsigned cap);
} shown_caps[] = {
	{ PCI_CAP_ID_PM, PCI_PM_SIZEOF, init_pm },
	{ PCI_CAP_ID_MSI, PCI_MSI_RFU, init_msi },
	{ PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, init_msix },
	{ PCI_CAP_ID_EXP, 0x14, init_pcie },
};

static bool cap_is_hidden(uint8_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden_caps); i++)
		if (hidden_caps[i] == id)
			return true;
	return false;
}

static void init_caps(struct vfio_device *device)
{
	unsigned link = PCI_CAPABILITY_LIST;
	unsigned cap = device->shadow[PCI_CAPABILITY_LIST] & ~3u;
	bool seen[PCI_CONFIG_CONV_SIZE] = { false };

	if (!(get(device->shadow, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		cap = 0;
	set_virtual(device, link, 1, 0, 0);
	while (cap >= PCI_STD_HEADER_SIZEOF && !seen[cap]) {
		uint8_t id = device->shadow[cap];
		unsigned next = device->shadow[cap + PCI_CAP_LIST_NEXT] & ~3u;

		seen[cap] = true;
		if (!cap_is_hidden(id)) {
			set_virtual(device, link, 1, cap, 0);
			link = cap + PCI_CAP_LIST_NEXT;
			set_virtual(device, link, 1, 0, 0);
			for (size_t i = 0; i < ARRAY_SIZE(shown_caps); i++)
				if (shown_caps[i].id == id &&
				    cap + shown_caps[i].len <= PCI_CONFIG_CONV_SIZE)
					shown_caps[i].init(device, cap);
		}
		cap = next;
	}
}

/* How many BARs the Resizable BAR capability at @cap has a pair of registers for: the first one
 * says so. 0 if that is beyond config space already. */
static unsigned rebar_count(const struct vfio_device *device, unsigned cap)
{
	if (cap + PCI_REBAR_CTRL + 4 > device->config_size)
		return 0;
	return (get(device->shadow, cap + PCI_REBAR_CTRL, 4) & PCI_REBAR_CTRL_NBAR_MASK) >>
	       PCI_REBAR_CTRL_NBAR_SHIFT;
}

/* Size of the BAR that the pair at @pair is for, as the capability counts: 0 is 1 MiB, 1 is 2 MiB.
 * -1 if the capability has no word for it, or there is no such BAR. */
static int rebar_size(const struct vfio_device *device, unsigned pair)
{
	unsigned index = get(device->shadow, pair + 4, 4) & PCI_REBAR_CTRL_BAR_IDX;
	int size;

	if (index >= VFIO_NR_BARS || !device->bars[index].present ||
	    device->bars[index].size < MIB(1))
		return -1;
	size = __builtin_ctzll(device->bars[index].size) - REBAR_SIZE_SHIFT;
	return size <= REBAR_SIZE_LAST ? size : -1;
}

/*
 * The host has made room for a BAR of one size, so the guest may know that size and choose no
 * other: it is the only one on offer, and the control register is read-only. Drivers look here to
 * learn whether the whole of a card's memory is in reach. A write of a size that is not on offer is
 * undefined (PCIe 6.0, 7.8.6.3), so dropping it is right. False: this is another capability, or one
 * that cannot be shown.
 */
static bool freeze_rebar(struct vfio_device *device, unsigned cap)
{
	unsigned n;

	if (PCI_EXT_CAP_ID(get(device->shadow, cap, 4)) != PCI_EXT_CAP_ID_REBAR)
		return false;
	n = rebar_count(device, cap);
	if (cap + PCI_REBAR_CAP + n * REBAR_PAIR > device->config_size)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (rebar_size(device, cap + PCI_REBAR_CAP + i * REBAR_PAIR) < 0)
			return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned pair = cap + PCI_REBAR_CAP + i * REBAR_PAIR;
		uint32_t size = (uint32_t)rebar_size(device, pair);
		uint32_t ctrl = get(device->shadow, pair + 4, 4) &
				(PCI_REBAR_CTRL_BAR_IDX | PCI_REBAR_CTRL_NBAR_MASK);

		set_virtual(device, pair, 4, 1u << (size + REBAR_CAP_SHIFT), 0);
		set_virtual(device, pair + 4, 4, ctrl | size << PCI_REBAR_CTRL_BAR_SHIFT, 0);
	}
	return n != 0;
}

/* Bytes of the capability at @cap to hide, 0 if it is shown. */
static unsigned hidden_ext_len(const struct vfio_device *device, unsigned cap)
{
	uint32_t id = PCI_EXT_CAP_ID(get(device->shadow, cap, 4));

	for (size_t i = 0; i < ARRAY_SIZE(hidden_ext_caps); i++) {
		if (hidden_ext_caps[i].id != id)
			continue;
		if (hidden_ext_caps[i].len)
			return hidden_ext_caps[i].len;
		return 4 + REBAR_PAIR * rebar_count(device, cap);
	}
	return 0;
}

/* The next pointer: the upper 12 bits of the header, the version stays. */
static void set_ext_next(struct vfio_device *device, unsigned cap, unsigned next)
{
	put(device->shadow, cap + 2, next << 4 | (get(device->shadow, cap + 2, 2) & 0xf), 2);
	put(device->virt, cap + 2, get(device->virt, cap + 2, 2) | 0xfff0, 2);
}

/* A hidden capability is jumped over by the one before it. The first one cannot be jumped over:
 * its header becomes id 0, which nobody looks for, and keeps the way to the next. */
static void init_ext_caps(struct vfio_device *device)
{
	unsigned cap = EXT_CAP_FIRST, link = 0;
	bool seen[PCI_CONFIG_SIZE / 4] = { false };

	while (cap >= EXT_CAP_FIRST && cap + 4 <= device->config_size && !seen[cap / 4]) {
		uint32_t header = get(device->shadow, cap, 4);
		unsigned next = PCI_EXT_CAP_NEXT(header);
		unsigned hidden = freeze_rebar(device, cap) ? 0 : hidden_ext_len(device, cap);

		seen[cap / 4] = true;
		if (!header || header == UINT32_MAX)
			break;
		for (unsigned off = 0; off < hidden && cap + off < device->config_size; off += 4)
			set_virtual(device, cap + off, 4, 0, 0);
		if (!hidden || !link) {
			if (link)
				set_ext_next(device, link, cap);
			link = cap;
			set_ext_next(device, link, 0);
		}
		cap = next;
	}
}

/* --- accesses of the guest ---------------------------------------------------------------------
 */

static uint32_t config_read(struct pci_function *function, unsigned off, unsigned size)
{
	struct vfio_device *device = container_of(function, struct vfio_device, function);
	uint32_t value = 0, virt;
	int err = 0;

	pthread_mutex_lock(&device->lock);
	if (device->sealed || device->gone) {
		value = (uint32_t)ones(size);
		goto unlock;
	}
	if (!range_inside(off, size, 0, device->config_size))
		goto unlock; /* nothing there: no extended capability */
	virt = get(device->virt, off, size);
	if (virt != ones(size)) {
		err = device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, off, &value,
					       size);
		value = err ? (uint32_t)ones(size) : le32toh(value);
	}
	value = (value & ~virt) | (get(device->shadow, off, size) & virt);
	if (err && vfio_device_first(device, VFIO_WARN_CONFIG))
		log_warn(device->id, "config read at 0x%x: %s", off, strerror(-err));
unlock:
	pthread_mutex_unlock(&device->lock);
	return value;
}

/* D1 and D2 are not offered: a write of them leaves the state alone (PCIe 6.0, 7.5.2.2). */
static void keep_pmcsr_legal(struct vfio_device *device, unsigned old_state)
{
	uint8_t *csr = &device->shadow[device->pm_cap + PCI_PM_CTRL];
	unsigned state = *csr & PCI_PM_CTRL_STATE_MASK;

	if (state != 0 && state != 3)
		*csr = (uint8_t)((*csr & ~PCI_PM_CTRL_STATE_MASK) | old_state);
}

/* PME_Status: a written 1 clears it (PCI PM 1.2, 3.2.4). */
static void clear_pme_status(struct vfio_device *device, unsigned off, uint32_t value,
			     unsigned size)
{
	unsigned at = device->pm_cap + PCI_PM_CTRL + 1;
	uint8_t bit = PCI_PM_CTRL_PME_STATUS >> 8;

	if (off <= at && at - off < size && (value >> (8 * (at - off)) & bit))
		device->shadow[at] &= (uint8_t)~bit;
}

static void read_bar_addresses(struct vfio_device *device)
{
	for (unsigned i = 0; i < VFIO_NR_BARS; i++) {
		struct vfio_bar *bar = &device->bars[i];
		unsigned off = PCI_BASE_ADDRESS_0 + 4 * i;

		if (!bar->present)
			continue;
		bar->guest_addr =
			get(device->shadow, off, 4) & (bar->io ? 0xfffffffcu : 0xfffffff0u);
		if (bar->is64)
			bar->guest_addr |= (uint64_t)get(device->shadow, off + 4, 4) << 32;
	}
}

static bool touches(unsigned off, unsigned size, unsigned reg, unsigned reg_size)
{
	return ranges_overlap(off, size, reg, reg_size);
}

static bool touches_bars(unsigned off, unsigned size)
{
	return touches(off, size, PCI_COMMAND, 2) ||
	       touches(off, size, PCI_BASE_ADDRESS_0, 4 * VFIO_NR_BARS) ||
	       touches(off, size, PCI_ROM_ADDRESS, 4);
}

static bool touches_irqs(const struct vfio_device *device, unsigned off, unsigned size)
{
	return touches(off, size, PCI_COMMAND, 2) ||
	       (device->msi_cap && touches(off, size, device->msi_cap, 24)) ||
	       (device->msix_cap && touches(off, size, device->msix_cap, PCI_CAP_MSIX_SIZEOF));
}

/* The bytes of the write that have bits of the device's. Virtual bits among them go along as 0;
 * with the shadow's value in the command register, where vfio keeps book of them. A byte that is
 * all virtual is never sent: the enable bit of MSI is the host's. */
static void forward(struct vfio_device *device, unsigned off, uint32_t value, unsigned size)
{
	uint8_t bytes[4];
	int err;

	put(bytes, 0, value, 4);
	for (unsigned i = 0; i < size; i++) {
		uint8_t virt = device->virt[off + i], keep = 0;

		if (touches(off + i, 1, PCI_COMMAND, 2))
			keep = device->shadow[off + i] & virt;
		bytes[i] = (uint8_t)((bytes[i] & ~virt) | keep);
	}
	for (unsigned i = 0, n; i < size; i += n + 1) {
		for (n = 0; i + n < size && device->virt[off + i + n] != 0xff;)
			n++;
		if (!n)
			continue;
		err = device->ops->region_write(device, VFIO_PCI_CONFIG_REGION_INDEX, off + i,
						bytes + i, n);
		if (err && vfio_device_first(device, VFIO_WARN_CONFIG))
			log_warn(device->id, "config write at 0x%x: %s", off + i, strerror(-err));
	}
}

/* Under the lock. True if PowerState changed. */
static bool write_locked(struct vfio_device *device, unsigned off, uint32_t value, unsigned size)
{
	unsigned old_state = vfio_config_pmcsr(device), state;
	uint32_t wmask = get(device->wmask, off, size), shadow = get(device->shadow, off, size);
	bool was_d3;

	put(device->shadow, off, (shadow & ~wmask) | (value & wmask), size);
	if (device->pm_cap && touches(off, size, device->pm_cap + PCI_PM_CTRL, 1))
		keep_pmcsr_legal(device, old_state);
	if (device->pm_cap)
		clear_pme_status(device, off, value, size);
	state = vfio_config_pmcsr(device);
	was_d3 = old_state == 3 && state == 0;
	if (touches_bars(off, size)) {
		read_bar_addresses(device);
		vfio_bars_retreat(device);
	}
	forward(device, off, value, size);
	/* Back from D3hot BARs appear when power.c has seen to the host: config_write(). */
	if (!was_d3 && (touches_bars(off, size) || state != old_state))
		vfio_bars_update(device);
	if (touches_irqs(device, off, size))
		vfio_irqs_update(device);
	return state != old_state;
}

static void config_write(struct pci_function *function, unsigned off, uint32_t value, unsigned size)
{
	struct vfio_device *device = container_of(function, struct vfio_device, function);
	struct power_slot *slot = device->slot;
	unsigned state = 0;
	bool changed = false;

	pthread_mutex_lock(&device->lock);
	if (!device->sealed && !device->gone && range_inside(off, size, 0, device->config_size)) {
		changed = write_locked(device, off, value, size);
		state = vfio_config_pmcsr(device);
	}
	pthread_mutex_unlock(&device->lock);
	if (!changed)
		return;
	if (slot)
		power_slot_pmcsr(slot, device, state);
	if (state != 0)
		return;
	pthread_mutex_lock(&device->lock);
	vfio_bars_update(device);
	pthread_mutex_unlock(&device->lock);
}

static const struct pci_function_ops config_ops = {
	.config_read = config_read,
	.config_write = config_write,
};

/* --- for the other files -----------------------------------------------------------------------
 */

int vfio_config_init(struct vfio_device *device, bool multifunction)
{
	uint16_t command = 0;
	int err;

	memset(device->virt, 0, sizeof(device->virt));
	memset(device->wmask, 0, sizeof(device->wmask));
	memset(device->shadow, 0, sizeof(device->shadow));
	err = read_all(device);
	if (err)
		return err;
	init_bars(device);
	init_caps(device);
	init_ext_caps(device);
	init_header(device, multifunction);
	/* The host's view of the command register starts where the guest's does. */
	err = device->ops->region_write(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command,
					sizeof(command));
	if (err)
		return err;
	device->function.ops = &config_ops;
	device->function.name = device->id;
	return 0;
}

void vfio_config_place_bar(struct vfio_device *device, unsigned index, uint64_t addr)
{
	struct vfio_bar *bar = &device->bars[index];
	unsigned off = PCI_BASE_ADDRESS_0 + 4 * index;
	uint32_t low = get(device->shadow, off, 4), mask = get(device->wmask, off, 4);

	if (!bar->present)
		return;
	put(device->shadow, off, (low & ~mask) | ((uint32_t)addr & mask), 4);
	if (bar->is64)
		put(device->shadow, off + 4,
		    (uint32_t)(addr >> 32) & get(device->wmask, off + 4, 4), 4);
	read_bar_addresses(device);
}

void vfio_config_place_rom(struct vfio_device *device, uint64_t addr)
{
	uint32_t mask = (uint32_t) ~(device->rom.size - 1) & (uint32_t)PCI_ROM_ADDRESS_MASK;

	if (device->rom.bytes)
		set_virtual(device, PCI_ROM_ADDRESS, 4, (uint32_t)addr & mask,
			    mask | PCI_ROM_ADDRESS_ENABLE);
}

unsigned vfio_config_pmcsr(const struct vfio_device *device)
{
	if (!device->pm_cap)
		return 0;
	return device->shadow[device->pm_cap + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;
}

void vfio_config_pmcsr_d0(struct vfio_device *device)
{
	if (device->pm_cap)
		device->shadow[device->pm_cap + PCI_PM_CTRL] &= (uint8_t)~PCI_PM_CTRL_STATE_MASK;
}

void vfio_config_set_pme_status(struct vfio_device *device)
{
	pthread_mutex_lock(&device->lock);
	if (device->pm_cap && device->pme_support)
		device->shadow[device->pm_cap + PCI_PM_CTRL + 1] |= PCI_PM_CTRL_PME_STATUS >> 8;
	pthread_mutex_unlock(&device->lock);
}

void vfio_device_seal(struct vfio_device *device)
{
	pthread_mutex_lock(&device->lock);
	if (!device->sealed)
		vfio_irqs_seal(device);
	device->sealed = true;
	pthread_mutex_unlock(&device->lock);
}

void vfio_device_follow_port(struct vfio_device *device, bool asleep)
{
	pthread_mutex_lock(&device->lock);
	device->cut_off = asleep;
	if (asleep) {
		vfio_bars_hide(device);
		vfio_irqs_seal(device);
	} else if (!device->sealed) {
		vfio_bars_update(device);
		vfio_irqs_unseal(device);
	}
	pthread_mutex_unlock(&device->lock);
}

void vfio_device_unseal(struct vfio_device *device)
{
	if (!device->sealed || device->gone)
		return;
	device->sealed = false;
	vfio_bars_update(device);
	vfio_irqs_unseal(device);
}
