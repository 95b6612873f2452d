// SPDX-License-Identifier: BSD-3-Clause
// The seal: while ENTER is in effect the device file answers by itself, and wakes nothing.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"

#define WAIT_MS	    5000
#define CONFIG_SIZE 256
#define ACCESSES    100

/* No switch since the count, still cold by sysfs, no wake counted, so many accesses sealed. */
static bool slept_through(const struct device *device, struct power_count before, uint64_t sealed,
			  struct result *result)
{
	struct power_count after = power_log_count(device->bdf);
	struct vfio_pci_d3cold_status status;

	REQUIRE(result, after.on == before.on && after.off == before.off,
		"%s: power log: %u times on under the seal", device->bdf, after.on - before.on);
	REQUIRE(result,
		power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D3COLD &&
			is_suspended(device->bdf),
		"%s is in %s under the seal", device->bdf,
		power_state_name(power_state(device->bdf)));
	if (!cold_status(device, &status, result))
		return false;
	REQUIRE(result, status.flags == VFIO_PCI_D3COLD_SEALED && !status.wakes_access,
		"%s: flags %u, %llu wakes by access under the seal", device->bdf, status.flags,
		status.wakes_access);
	REQUIRE(result, status.sealed_accesses == sealed,
		"%s: %llu accesses counted, %" PRIu64 " made", device->bdf, status.sealed_accesses,
		sealed);
	return true;
}

/* Config reads as ones and takes no writes, however often. */
bool seal_answers_config(struct device *device, struct result *result)
{
	unsigned char config[CONFIG_SIZE], ones[CONFIG_SIZE];
	struct power_count before;
	uint32_t id, word = 0;
	int ret;

	REQUIRE(result, !config_read(device, 0, &id, sizeof(id)) && id != UINT32_MAX,
		"%s: config reads 0x%08x before", device->bdf, id);
	if (!cold_enter(device, -1, result))
		return false;
	before = power_log_count(device->bdf);
	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < ACCESSES; i++) {
		memset(config, 0, sizeof(config));
		ret = config_read(device, 0, config, sizeof(config));
		REQUIRE(result, !ret, "%s: a config read under the seal: %s", device->bdf,
			strerror(-ret));
		REQUIRE(result, !memcmp(config, ones, sizeof(config)),
			"%s: config begins with 0x%02x%02x under the seal", device->bdf, config[1],
			config[0]);
		ret = config_write(device, 4, &word, 2);
		REQUIRE(result, ret == -EIO, "%s: a config write under the seal: %s", device->bdf,
			strerror(-ret));
	}
	if (!slept_through(device, before, 2 * ACCESSES, result) || !cold_exit(device, result))
		return false;
	REQUIRE(result, !config_read(device, 0, &word, sizeof(word)) && word == id,
		"%s: config reads 0x%08x after EXIT, 0x%08x before", device->bdf, word, id);
	result_note(result, "%s %d reads of ones, %d writes with EIO, no wake", device->bdf,
		    ACCESSES, ACCESSES);
	return true;
}

static bool region_blocked(const struct device *device, const struct vfio_region_info *region,
			   struct result *result)
{
	uint32_t value = 0;
	ssize_t got = pread(device->fd, &value, sizeof(value), region->offset);

	REQUIRE(result, got < 0 && errno == EIO, "%s: a read of region %u gives %zd (%s)",
		device->bdf, region->index, got, got < 0 ? strerror(errno) : "no error");
	/* The ROM cannot be written at any time. */
	if (region->index == VFIO_PCI_ROM_REGION_INDEX)
		return true;
	got = pwrite(device->fd, &value, sizeof(value), region->offset);
	REQUIRE(result, got < 0 && errno == EIO, "%s: a write to region %u gives %zd (%s)",
		device->bdf, region->index, got, got < 0 ? strerror(errno) : "no error");
	return true;
}

static bool regions_blocked(struct device *device, volatile uint32_t *map, struct result *result)
{
	struct vfio_region_info regions[VFIO_PCI_NUM_REGIONS];
	struct power_count before;
	unsigned int blocked = 0, calls = 0;
	uint32_t value, awake = 0;

	for (unsigned int i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		if (region_info(device, i, &regions[i]))
			regions[i].size = 0;
	if (map)
		REQUIRE(result, map_read(map, &awake), "%s: SIGBUS in D0", device->bdf);
	if (!cold_enter(device, -1, result))
		return false;
	before = power_log_count(device->bdf);
	for (unsigned int i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		if (!regions[i].size || i == VFIO_PCI_CONFIG_REGION_INDEX)
			continue;
		if (!region_blocked(device, &regions[i], result))
			return false;
		calls += i == VFIO_PCI_ROM_REGION_INDEX ? 1 : 2;
		blocked++;
	}
	if (map) {
		REQUIRE(result, !map_read(map, &value), "%s: the map reads 0x%08x in D3cold",
			device->bdf, value);
		REQUIRE(result, !map_write(map, 0), "%s: the map takes a write in D3cold",
			device->bdf);
	}
	if (!slept_through(device, before, calls, result) || !cold_exit(device, result))
		return false;
	if (map)
		REQUIRE(result, map_read(map, &value) && value == awake,
			"%s: the map does not come back after EXIT", device->bdf);
	result_note(result, "%s %u regions with EIO%s, no wake", device->bdf, blocked,
		    map ? ", SIGBUS on the map" : "");
	return true;
}

/* BARs, ROM and VGA fail without a wake, and a map faults. */
bool seal_blocks_regions(struct device *device, struct result *result)
{
	struct vfio_region_info bar;
	volatile uint32_t *map = NULL;
	bool holds;

	if (!bar_find(device, false, &bar)) {
		map = bar_map(device, &bar);
		REQUIRE(result, map, "%s: BAR %u cannot be mapped", device->bdf, bar.index);
	}
	holds = regions_blocked(device, map, result);
	bar_unmap(map);
	return holds;
}

/* Without an eventfd nobody can be told of a wake: the device sleeps again, and stays sealed. */
bool seal_outlasts_wakes(struct device *device, struct result *result)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_pci_d3cold_status status;
	uint32_t id;

	if (!cold_enter(device, -1, result))
		return false;
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			REQUIRE(result, !host_config_read(device->bdf, 0, &id) && id != UINT32_MAX,
				"%s: the host's config read gives 0x%08x", device->bdf, id);
		else
			REQUIRE(result, !ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info),
				"%s: GET_INFO fails", device->bdf);
		REQUIRE(result, !config_read(device, 0, &id, sizeof(id)) && id == UINT32_MAX,
			"%s: config reads 0x%08x right after a wake", device->bdf, id);
		REQUIRE(result,
			power_state_wait(device->bdf, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
			"%s stays in %s after a wake", device->bdf,
			power_state_name(power_state(device->bdf)));
		if (!cold_status(device, &status, result))
			return false;
		REQUIRE(result, status.flags == VFIO_PCI_D3COLD_SEALED,
			"%s: the seal is gone after a wake", device->bdf);
	}
	result_note(result, "%s asleep and sealed again after a host's read and GET_INFO",
		    device->bdf);
	return cold_exit(device, result);
}
