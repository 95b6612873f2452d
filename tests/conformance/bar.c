// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/device.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PAGE	  4096
#define PCI_BAR_0 0x10
#define BAR_IS_IO 1
#define BARS	  6

/* Where a thread goes on when its access to a map failed. */
static _Thread_local sigjmp_buf bus_error;
static _Thread_local volatile bool may_fail;

static void on_bus_error(int number)
{
	if (may_fail)
		siglongjmp(bus_error, 1);
	signal(number, SIG_DFL);
}

void bus_error_catch(void)
{
	struct sigaction action = { .sa_handler = on_bus_error };

	sigaction(SIGBUS, &action, NULL);
}

int region_info(const struct device *device, unsigned int index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

int bar_find(const struct device *device, bool io, struct vfio_region_info *info)
{
	for (unsigned int bar = 0; bar < BARS; bar++) {
		uint32_t word;
		int ret = region_info(device, bar, info);

		if (!ret)
			ret = config_read(device, PCI_BAR_0 + 4 * bar, &word, sizeof(word));
		if (ret)
			return ret;
		if (!info->size || !!(word & BAR_IS_IO) != io)
			continue;
		/* Offset 0 in this BAR. */
		if (device->msix_table == bar)
			continue;
		if (io || (info->flags & VFIO_REGION_INFO_FLAG_MMAP && info->size >= PAGE))
			return 0;
	}
	return -ENOENT;
}

volatile uint32_t *bar_map(const struct device *device, const struct vfio_region_info *info)
{
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd, info->offset);

	return map == MAP_FAILED ? NULL : map;
}

void bar_unmap(volatile uint32_t *map)
{
	if (map)
		munmap((void *)map, PAGE);
}

bool map_read(volatile uint32_t *word, uint32_t *value)
{
	bool ok = false;

	if (!sigsetjmp(bus_error, 1)) {
		may_fail = true;
		*value = *word;
		ok = true;
	}
	may_fail = false;
	return ok;
}

bool map_write(volatile uint32_t *word, uint32_t value)
{
	bool ok = false;

	if (!sigsetjmp(bus_error, 1)) {
		may_fail = true;
		*word = value;
		ok = true;
	}
	may_fail = false;
	return ok;
}
