/* SPDX-License-Identifier: BSD-3-Clause */
/* A function bound to vfio-pci, opened through its group and a type 1 container, with no VM. */
#ifndef CONFORMANCE_DEVICE_H
#define CONFORMANCE_DEVICE_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/uapi/linux/vfio_pci_d3cold.h"
#include "tests/conformance/sysfs.h"

#define GROUPS_MAX 16

/* A group may be opened once, so that the functions of one slot share it. Zeroed at the start. */
struct group_list {
	struct group {
		int number;
		int fd;
		int container;
	} groups[GROUPS_MAX];
	size_t count;
};

struct device {
	char bdf[BDF_SIZE];
	int fd;		     /* -1 when closed */
	int group_fd;	     /* of the list */
	uint64_t config;     /* where config space lies in the device file */
	unsigned int pm_cap; /* offset of the PM capability, 0 without one */
	uint32_t msix_table; /* BAR (2:0) and offset of the MSI-X table, all ones without one */
};

/* Opens a function, and its group unless the list has it. 0 or -errno, said on standard error. */
int device_open(struct device *device, struct group_list *groups, const char *bdf);
/* Closes it; a closed one stays closed. The group stays open. */
void device_close(struct device *device);
/* A further file of the open function; fd or -errno. */
int device_open_again(const struct device *device);

/* Config space through the device file; 0 or -errno. */
int config_read(const struct device *device, unsigned int offset, void *data, size_t len);
int config_write(const struct device *device, unsigned int offset, const void *data, size_t len);
/* Writes the power state (0 D0, 3 D3hot) into PMCSR; 0 or -errno. */
int pmcsr_write(const struct device *device, unsigned int state);

/* -errno, or 0 with the region of that index. Size 0: the device has none there. */
int region_info(const struct device *device, unsigned int index, struct vfio_region_info *info);
/* The first BAR that is memory and can be mapped; or, io, the first that is I/O. -ENOENT without.
 */
int bar_find(const struct device *device, bool io, struct vfio_region_info *info);
/* Maps the first page of a region; NULL if that fails. */
volatile uint32_t *bar_map(const struct device *device, const struct vfio_region_info *info);
void bar_unmap(volatile uint32_t *map);
/* Reads or writes mapped memory; false when that raised SIGBUS, which bus_error_catch() has to
 * have prepared once in the process. */
bool map_read(volatile uint32_t *word, uint32_t *value);
bool map_write(volatile uint32_t *word, uint32_t value);
void bus_error_catch(void);

/* VFIO_DEVICE_FEATURE with len bytes of data in and out; flags are GET, SET or PROBE and the
 * index. 0 or -errno. */
int feature_call(int fd, uint32_t flags, void *data, size_t len);

/* The explicit control. An eventfd of -1 means without wakeup. 0 or -errno; what the kernel wrote
 * back is in control in any case. */
int d3cold_enter(int fd, int eventfd, struct vfio_pci_d3cold_control *control);
int d3cold_exit(int fd, struct vfio_pci_d3cold_control *control);
int d3cold_get(int fd, struct vfio_pci_d3cold_status *status);
bool d3cold_offered(int fd);

/* Mainline's features 3, 4 and 5; an eventfd of -1 means without wakeup. 0 or -errno. */
int low_power_enter(int fd, int eventfd);
int low_power_exit(int fd);

/* An eventfd that does not block, or -errno. How often it was signalled, and zero it. */
int wakeup_open(void);
uint64_t wakeup_drain(int eventfd);

#endif
