/* SPDX-License-Identifier: BSD-3-Clause */
/* The bits of config space that the hardware itself answers for (vfio_pci_config.c has the rest).
 */
#include "devices/vfio/power_config.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "devices/vfio/vfio.h"

/* INTx disable is vfio's own. */
#define COMMAND_BITS                                                                     \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | \
	 PCI_COMMAND_SERR)
/* Payload and read request sizes are virtual in vfio (vfio_pci_config.c: init_pci_cap_exp_perm()).
 */
#define DEVCTL_BITS                                                                               \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE | \
	 PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN)
#define MSIX_BITS (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)

static uint16_t read16(struct vfio_device *device, unsigned off)
{
	uint16_t value;

	if (device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, off, &value,
				     sizeof(value)) < 0)
		return UINT16_MAX;
	return value;
}

/* Sets @bits of the register to those of @value. */
static void write_bits(struct vfio_device *device, unsigned off, uint16_t bits, uint16_t value)
{
	value = (uint16_t)((read16(device, off) & ~bits) | (value & bits));
	/* What came of it is read back. */
	(void)device->ops->region_write(device, VFIO_PCI_CONFIG_REGION_INDEX, off, &value,
					sizeof(value));
}

void power_config_save(struct vfio_device *device, struct power_config *ret)
{
	*ret = (struct power_config){ 0 };
	if (read16(device, PCI_STATUS) == UINT16_MAX)
		return;
	ret->valid = true;
	ret->command = read16(device, PCI_COMMAND) & COMMAND_BITS;
	if (device->pcie_cap)
		ret->devctl = read16(device, device->pcie_cap + PCI_EXP_DEVCTL) & DEVCTL_BITS;
	if (device->msix_cap)
		ret->msix = read16(device, device->msix_cap + PCI_MSIX_FLAGS) & MSIX_BITS;
}

static bool same(const struct power_config *a, const struct power_config *b)
{
	return a->valid && b->valid && a->command == b->command && a->devctl == b->devctl &&
	       a->msix == b->msix;
}

enum power_config_state power_config_restore(struct vfio_device *device,
					     const struct power_config *saved,
					     struct power_config *ret_found)
{
	struct power_config again;

	*ret_found = *saved;
	if (!saved->valid)
		return POWER_CONFIG_KEPT;
	power_config_save(device, ret_found);
	if (same(ret_found, saved))
		return POWER_CONFIG_KEPT;
	/* With this write vfio also puts BARs back that it finds empty (vfio_bar_restore()). MSI-X
	 * is the host's: it cannot be written, and a device that lost it is reset. */
	write_bits(device, PCI_COMMAND, COMMAND_BITS, saved->command);
	if (device->pcie_cap)
		write_bits(device, device->pcie_cap + PCI_EXP_DEVCTL, DEVCTL_BITS, saved->devctl);
	power_config_save(device, &again);
	return same(&again, saved) ? POWER_CONFIG_REPAIRED : POWER_CONFIG_LOST;
}
