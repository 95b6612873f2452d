/* SPDX-License-Identifier: BSD-3-Clause */
/* The wake signal of a passthrough function, from the host's sysfs. */
#include "devices/vfio/pme.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/vfio.h"
#include "vmm/bits.h"

#define CONFIG_SIZE 256
#define ALL_PME	    (PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold)

/* Capabilities are 4 byte aligned behind the header: there are no more of them. */
#define MAX_CAPS ((CONFIG_SIZE - PCI_STD_HEADER_SIZEOF) / 4)

/* -EACCES if there is no more than the header, which is what others than root get. */
static int read_config(const char *root, const char *bdf, uint8_t *config)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd, err;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/config", root, bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pread(fd, config, CONFIG_SIZE, 0);
	err = n < 0 ? -errno : n < CONFIG_SIZE ? -EACCES : 0;
	close_fd(&fd);
	return err;
}

int pme_read_support(const char *root, const char *bdf, uint16_t *ret)
{
	uint8_t config[CONFIG_SIZE];
	int err = read_config(root, bdf, config);
	unsigned cap;

	if (err)
		return err;
	if (config[PCI_STATUS] == 0xff && config[PCI_STATUS + 1] == 0xff)
		return -EIO;
	if (!(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return -ENOENT;
	cap = config[PCI_CAPABILITY_LIST] & ~3u;
	for (unsigned n = 0; cap >= PCI_STD_HEADER_SIZEOF && n < MAX_CAPS; n++) {
		if (config[cap] == PCI_CAP_ID_PM) {
			uint16_t pmc = (uint16_t)(config[cap + PCI_PM_PMC] |
						  config[cap + PCI_PM_PMC + 1] << 8);

			*ret = pmc & ALL_PME;
			return 0;
		}
		cap = config[cap + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return -ENOENT;
}

static const char *describe(uint16_t support)
{
	static const char *const names[] = {
		"none",
		"D0",
		"D3hot",
		"D0 and D3hot",
		"D3cold",
		"D0 and D3cold",
		"D3hot and D3cold",
		"D0, D3hot and D3cold",
	};

	unsigned i = support & PCI_PM_CAP_PME_D0 ? 1 : 0;

	i += support & PCI_PM_CAP_PME_D3hot ? 2 : 0;
	i += support & PCI_PM_CAP_PME_D3cold ? 4 : 0;
	return names[i];
}

static uint16_t choose_on(int err, uint16_t real, bool *ret_warn, char *why, size_t why_len)
{
	*ret_warn = true;
	if (err && err != -ENOENT) {
		snprintf(why, why_len,
			 "pme=on: what the device has cannot be read (%s): no PME for the guest; "
			 "start as root, or say pme=force",
			 strerror(-err));
		return 0;
	}
	if (err || !real) {
		snprintf(why, why_len,
			 "pme=on: the device has no PME at all: none for the guest; pme=force "
			 "offers one all the same");
		return 0;
	}
	if (!(real & PCI_PM_CAP_PME_D3cold)) {
		snprintf(why, why_len,
			 "pme=on: the device has PME from %s, not from D3cold: a guest that arms "
			 "it gets no deeper than D3hot; say pme=off, or pme=force",
			 describe(real));
		return real;
	}
	*ret_warn = false;
	snprintf(why, why_len, "pme=on: the guest has PME from %s, as the device", describe(real));
	return real;
}

static uint16_t choose_force(int err, uint16_t real, bool *ret_warn, char *why, size_t why_len)
{
	char has[64];

	if (err && err != -ENOENT)
		snprintf(has, sizeof(has), "cannot be read (%s)", strerror(-err));
	else
		snprintf(has, sizeof(has), "is %s", describe(err ? 0 : real));
	*ret_warn = err || real != ALL_PME;
	snprintf(why, why_len, "pme=force: the guest has PME from %s; the device's own %s%s",
		 describe(ALL_PME), has,
		 *ret_warn ? ": a wake signal that it cannot send will not come" : "");
	return ALL_PME;
}

uint16_t pme_choose(const char *root, const char *bdf, enum pme_policy policy, bool *ret_warn,
		    char *why, size_t why_len)
{
	uint16_t real = 0;
	int err;

	*ret_warn = false;
	if (policy == PME_POLICY_OFF) {
		snprintf(why, why_len, "pme=off: no PME for the guest");
		return 0;
	}
	err = pme_read_support(root, bdf, &real);
	return policy == PME_POLICY_ON ? choose_on(err, real, ret_warn, why, why_len)
				       : choose_force(err, real, ret_warn, why, why_len);
}

void pme_tell(struct vfio_device *device, uint32_t wakes)
{
	if (wakes & (1u << PCI_FN_OF(device->function.devfn)))
		vfio_config_set_pme_status(device);
}
