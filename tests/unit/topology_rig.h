/* SPDX-License-Identifier: BSD-3-Clause */
/* A host whose sysfs is made up, and the slots that coldvm would make of it. */
#ifndef COLDVM_TESTS_TOPOLOGY_RIG_H
#define COLDVM_TESTS_TOPOLOGY_RIG_H

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/fake/fake_sysfs.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/topology.h"
#include "vmm/x86/layout.h"

/* Flags in sysfs `resource`, as Linux prints them (include/linux/ioport.h). */
#define MEM32	   0x00040200u
#define MEM64	   0x00140204u
#define MEM64_PREF 0x0014220cu
#define MEM32_PREF 0x00042208u
#define IO	   0x00040101u
#define ROM	   0x00046200u

#define NVIDIA "0x10de"
#define AMD    "0x1002"

struct bar {
	unsigned index;
	uint64_t size;
	uint32_t flags;
};

static struct fake_sysfs sysfs;
static struct vm_options options;
static struct topology topology;
static char why[256];

static inline void setup(void)
{
	fake_sysfs_make(&sysfs);
	options = (struct vm_options){
		.cpus = 2, .memory = MIB(512), .serial = SERIAL_TTY, .iommufd_fd = -1
	};
	why[0] = '\0';
}

static inline void teardown(void)
{
	fake_sysfs_remove(&sysfs);
}

/* A device of the host with @nr BARs. */
static inline void host_device(const char *bdf, const char *vendor, const char *class,
			       const struct bar *bars, unsigned nr)
{
	char text[1024] = "";
	size_t len = 0;

	for (unsigned line = 0; line < 13; line++) {
		uint64_t start = 0, end = 0;
		uint32_t flags = 0;

		for (unsigned i = 0; i < nr; i++)
			if (bars[i].index == line) {
				start = UINT64_C(0x6000000000) + line * GIB(64);
				end = start + bars[i].size - 1;
				flags = bars[i].flags;
			}
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx32 "\n",
					start, end, flags);
	}
	fake_sysfs_file(&sysfs, vendor, "sys/bus/pci/devices/%s/vendor", bdf);
	fake_sysfs_file(&sysfs, class, "sys/bus/pci/devices/%s/class", bdf);
	fake_sysfs_file(&sysfs, text, "sys/bus/pci/devices/%s/resource", bdf);
}

static inline void plain_device(const char *bdf)
{
	host_device(bdf, AMD, "0x010802", NULL, 0);
}

static inline struct device_options *give(const char *path)
{
	struct device_options *device = &options.devices[options.nr_devices++];

	device->path = path;
	return device;
}

static inline void build(void)
{
	int r = topology_build(&topology, &options, sysfs.root, why, sizeof(why));

	ck_assert_msg(r == 0, "%s", why);
}

static inline void build_fails(int error, const char *complaint)
{
	ck_assert_int_eq(topology_build(&topology, &options, sysfs.root, why, sizeof(why)), error);
	ck_assert_str_eq(why, complaint);
}

#endif
