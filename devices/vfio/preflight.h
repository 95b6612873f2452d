/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chain between a device and D3cold, link by link: what the host's sysfs says, what that
 * means, and which command changes it. `coldvm run` warns with it, `coldvm doctor` prints it.
 */
#ifndef COLDVM_DEVICES_VFIO_PREFLIGHT_H
#define COLDVM_DEVICES_VFIO_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/vfio.h"

#define PREFLIGHT_MAX_ITEMS 64
#define PREFLIGHT_LINE	    256
#define PREFLIGHT_FIX	    1024

/* In the order in which they are looked at. */
enum preflight_link {
	PREFLIGHT_IOMMU,
	PREFLIGHT_GROUP,
	PREFLIGHT_DRIVER,
	PREFLIGHT_IDLE,	    /* vfio-pci's disable_idle_d3 */
	PREFLIGHT_WAKE,	    /* power state now, PME */
	PREFLIGHT_ALLOWED,  /* d3cold_allowed of the device, the ports above, functions beside */
	PREFLIGHT_CONTROL,  /* power/control of the device and the ports, SR-IOV */
	PREFLIGHT_SIBLINGS, /* functions below the same ports that are awake */
	PREFLIGHT_PORTS,    /* may the ports sleep at all */
	PREFLIGHT_RESOURCE, /* _PR3 */
	PREFLIGHT_EJECT,    /* _EJ0 */
	PREFLIGHT_RESET,    /* reset methods, and what brings a lost card back */
	PREFLIGHT_KNOWN_BAD,
	PREFLIGHT_KERNEL,
	PREFLIGHT_MEMLOCK,
	PREFLIGHT_NR_LINKS,
};

enum preflight_status {
	PREFLIGHT_OK,
	PREFLIGHT_NOTE,	  /* worth knowing; the verdict is the same */
	PREFLIGHT_LIMITS, /* no deeper than item->limit */
	PREFLIGHT_BLOCKS, /* no VM can have the device */
};

struct preflight_item {
	enum preflight_link link;
	enum preflight_status status;
	enum host_power limit;	   /* the deepest state that this leaves possible */
	char text[PREFLIGHT_LINE]; /* what, and its value */
	/* What to do: one shell command a line; "# ..." where no command does it. May be empty. */
	char fix[PREFLIGHT_FIX];
};

struct preflight {
	enum host_power deepest;  /* that all links leave possible */
	bool blocked;		  /* an item says PREFLIGHT_BLOCKS */
	char bdf[16], driver[64]; /* driver: "" without one */
	uint16_t vendor, device;  /* PCI ids */
	uint32_t class;		  /* 24 bits */
	unsigned nr;
	struct preflight_item items[PREFLIGHT_MAX_ITEMS];
};

/*
 * Reads attributes of @sysfs_root ("/sys") that everybody may read and that wake nothing, and what
 * lies beside it ("/sys/../proc", "/sys/../dev"). Writes nothing, never reads config space.
 * -ENODEV if the device is not there. What the kernel keeps to itself (a driver's
 * pci_d3cold_disable(), PME support) is not in the report: only the observed state proves D3cold.
 */
int preflight_report(const char *sysfs_root, const char *bdf, struct preflight *ret);

/* Adds what this process may lock. @limit: RLIMIT_MEMLOCK in bytes, UINT64_MAX for none;
 * @privileged: CAP_IPC_LOCK. */
void preflight_add_memlock(struct preflight *report, uint64_t limit, bool privileged);

/* The first item that blocks, else the first that leaves no more than report->deepest; NULL if
 * the device reaches D3cold (or more items were found than there is room for). */
const struct preflight_item *preflight_reason(const struct preflight *report);

const char *preflight_link_name(enum preflight_link link);	 /* "iommu" */
const char *preflight_status_name(enum preflight_status status); /* "ok" */
const char *preflight_power_name(enum host_power power);	 /* "D3cold" */

/* Of a device that is open: one line for the state that can be reached and one for each setting, in
 * the name of @id. What blocks, such as a file that is not ours to open, was got round. */
void preflight_log(const struct preflight *report, const char *id);

#endif
