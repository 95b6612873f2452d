/* SPDX-License-Identifier: BSD-3-Clause */
/* The capability that puts an NVIDIA GPU into a clique: a place for it, and its bytes. */
#include "devices/vfio/clique.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdbool.h>
#include <string.h>

#include "devices/vfio/vfio.h"
#include "vmm/bits.h"

#define SIGNATURE      "P2P"
#define CLIQUE_SHIFT   3
#define HYPERTRANSPORT 28 /* the longest of its types: slave or primary interface */
#define PCI_EXPRESS    0x3c

/* Bytes of each capability at most (PCI 3.0, appendix H, and the specifications named there). What
 * is not here has a length of its own in its third byte, or one that nobody knows. */
static const uint8_t lengths[] = {
	[PCI_CAP_ID_PM] = PCI_PM_SIZEOF,
	[PCI_CAP_ID_AGP] = PCI_AGP_SIZEOF,
	[PCI_CAP_ID_VPD] = PCI_CAP_VPD_SIZEOF,
	[PCI_CAP_ID_SLOTID] = 4,
	[PCI_CAP_ID_MSI] = 24,
	[PCI_CAP_ID_CHSWP] = 4,
	[PCI_CAP_ID_PCIX] = PCI_CAP_PCIX_SIZEOF_V2,
	[PCI_CAP_ID_HT] = HYPERTRANSPORT,
	[PCI_CAP_ID_DBG] = 4,
	[PCI_CAP_ID_CCRC] = 4,
	[PCI_CAP_ID_SHPC] = 8,
	[PCI_CAP_ID_SSVID] = 8,
	[PCI_CAP_ID_AGP3] = PCI_AGP_SIZEOF,
	[PCI_CAP_ID_SECDEV] = 24,
	[PCI_CAP_ID_EXP] = PCI_EXPRESS,
	[PCI_CAP_ID_MSIX] = PCI_CAP_MSIX_SIZEOF,
	[PCI_CAP_ID_SATA] = 8,
	[PCI_CAP_ID_AF] = PCI_CAP_AF_SIZEOF,
};

/* Of the capability at @cap; one of unknown length goes as far as it can. */
static unsigned length_of(const uint8_t *config, unsigned cap)
{
	unsigned id = config[cap], len = 0;

	if (id < ARRAY_SIZE(lengths))
		len = lengths[id];
	if (id == PCI_CAP_ID_VNDR)
		len = config[cap + 2];
	return len ? len : PCI_CONFIG_CONV_SIZE;
}

/* Marks the bytes of each capability; those of an unknown length up to the one behind it. */
static void mark_caps(const uint8_t *config, bool used[PCI_CONFIG_CONV_SIZE])
{
	bool starts[PCI_CONFIG_CONV_SIZE] = { false };
	unsigned cap = config[PCI_CAPABILITY_LIST] & ~3u;

	while (cap >= PCI_STD_HEADER_SIZEOF && !starts[cap]) {
		starts[cap] = true;
		cap = config[cap + PCI_CAP_LIST_NEXT] & ~3u;
	}
	for (cap = PCI_STD_HEADER_SIZEOF; cap < PCI_CONFIG_CONV_SIZE; cap += 4) {
		unsigned len = starts[cap] ? length_of(config, cap) : 0;

		for (unsigned i = 0; i < len && cap + i < PCI_CONFIG_CONV_SIZE; i++) {
			if (i && starts[cap + i])
				break;
			used[cap + i] = true;
		}
	}
}

static bool is_free(const uint8_t *config, const bool *used, unsigned at)
{
	for (unsigned i = at; i < at + CLIQUE_CAP_SIZE; i++)
		if (used[i] || config[i])
			return false;
	return true;
}

unsigned clique_find_place(const uint8_t *config)
{
	static const unsigned preferred[] = { 0xc8, 0xd4 };
	bool used[PCI_CONFIG_CONV_SIZE] = { false };

	mark_caps(config, used);
	for (size_t i = 0; i < ARRAY_SIZE(preferred); i++)
		if (is_free(config, used, preferred[i]))
			return preferred[i];
	for (unsigned at = PCI_CONFIG_CONV_SIZE - CLIQUE_CAP_SIZE; at >= PCI_STD_HEADER_SIZEOF;
	     at -= 4)
		if (is_free(config, used, at))
			return at;
	return 0;
}

/* The device's own first 256 bytes: what the guest sees of them has other links. */
static int read_config(struct vfio_device *device, uint8_t *config)
{
	int err = 0;

	for (unsigned off = 0; !err && off < PCI_CONFIG_CONV_SIZE; off += 4)
		err = device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, off,
					       config + off, 4);
	return err;
}

/* The byte that ends the guest's list. vfio_config_init() has made all of them virtual, and a list
 * without loops. */
static unsigned last_link(const struct vfio_device *device)
{
	unsigned link = PCI_CAPABILITY_LIST;

	while (device->shadow[link])
		link = device->shadow[link] + PCI_CAP_LIST_NEXT;
	return link;
}

int clique_add(struct vfio_device *device, unsigned clique)
{
	uint8_t config[PCI_CONFIG_CONV_SIZE];
	unsigned at;
	int err = read_config(device, config);

	if (err)
		return err;
	at = config[PCI_STATUS] & PCI_STATUS_CAP_LIST ? clique_find_place(config) : 0;
	if (!at)
		return -ENOSPC;
	const uint8_t cap[CLIQUE_CAP_SIZE] = {
		PCI_CAP_ID_VNDR,
		0,
		CLIQUE_CAP_SIZE,
		SIGNATURE[0],
		SIGNATURE[1],
		SIGNATURE[2],
		(uint8_t)(clique << CLIQUE_SHIFT),
	};

	memcpy(device->shadow + at, cap, sizeof(cap));
	memset(device->virt + at, 0xff, sizeof(cap));
	memset(device->wmask + at, 0, sizeof(cap));
	device->shadow[last_link(device)] = (uint8_t)at;
	return 0;
}
