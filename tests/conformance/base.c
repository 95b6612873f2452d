// SPDX-License-Identifier: BSD-3-Clause
// Promises of the RFC series of January 2022 that mainline keeps, and the I/O BARs that it left
// out.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"
#include "tests/conformance/slab.h"

#define WAIT_MS		 5000
#define PM_PMC		 2
#define PM_PMCSR	 4
#define PMC_PME_MASK	 0xf800
#define PMCSR_PME_ENABLE 0x0100
#define PMCSR_PME	 0x8100
#define NO_SOFT_RESET	 0x0008
#define D3HOT		 3

#define LEAK_WARM_UP 20
#define LEAK_PAIRS   2000
#define LEAK_BEHIND  500
/* A leak is an object a round; what the rest of the host allocates meanwhile is less than this. */
#define LEAK_NOISE (LEAK_BEHIND / 5)

/* Runtime PM reaches from probe to close: only an open device is held awake. */
bool runtime_pm_holds(struct group_list *groups, const char *bdf, struct result *result)
{
	struct device device;
	int state;

	REQUIRE(result, suspended_wait(bdf, WAIT_MS), "%s is not suspended while nobody uses it",
		bdf);
	REQUIRE(result, !device_open(&device, groups, bdf), "%s does not open", bdf);
	clock_sleep_ms(500);
	state = power_state(bdf);
	if (is_suspended(bdf) || state != VFIO_PCI_D3COLD_STATE_D0) {
		device_close(&device);
		return result_fail(result, "%s is in %s while it is open", bdf,
				   power_state_name(state));
	}
	if (low_power_enter(device.fd, -1) || !suspended_wait(bdf, WAIT_MS)) {
		device_close(&device);
		return result_fail(result, "%s is not suspended by LOW_POWER_ENTRY", bdf);
	}
	device_close(&device);
	REQUIRE(result, suspended_wait(bdf, WAIT_MS), "%s is not suspended after its close", bdf);
	state = power_state(bdf);
	REQUIRE(result, state >= VFIO_PCI_D3COLD_STATE_D3HOT, "%s sleeps in %s only", bdf,
		power_state_name(state));
	result_note(result, "%s suspended, active while open, suspended", bdf);
	return true;
}

/* PME belongs to the host: a user sees a device without it, and cannot switch it on. */
bool pme_is_virtual(struct device *device, struct result *result)
{
	uint32_t real_pmc, real_pmcsr;
	uint16_t pmc, pmcsr, before;

	if (!device->pm_cap)
		return result_not_offered(result, "%s has no PM capability", device->bdf);
	REQUIRE(result, !config_read(device, device->pm_cap + PM_PMC, &pmc, sizeof(pmc)),
		"%s: PMC cannot be read", device->bdf);
	REQUIRE(result, !(pmc & PMC_PME_MASK), "%s: PMC shows PME: 0x%04x", device->bdf, pmc);
	REQUIRE(result, !config_read(device, device->pm_cap + PM_PMCSR, &before, sizeof(before)),
		"%s: PMCSR cannot be read", device->bdf);
	REQUIRE(result, !(before & PMCSR_PME), "%s: PMCSR shows PME: 0x%04x", device->bdf, before);
	pmcsr = before | PMCSR_PME_ENABLE;
	REQUIRE(result, !config_write(device, device->pm_cap + PM_PMCSR, &pmcsr, sizeof(pmcsr)),
		"%s: PMCSR cannot be written", device->bdf);
	REQUIRE(result, !config_read(device, device->pm_cap + PM_PMCSR, &pmcsr, sizeof(pmcsr)),
		"%s: PMCSR cannot be read again", device->bdf);
	host_config_read(device->bdf, device->pm_cap & ~3U, &real_pmc);
	host_config_read(device->bdf, device->pm_cap + PM_PMCSR, &real_pmcsr);
	config_write(device, device->pm_cap + PM_PMCSR, &before, sizeof(before));
	REQUIRE(result, !(pmcsr & PMCSR_PME), "%s: PME_En sticks: PMCSR 0x%04x", device->bdf,
		pmcsr);
	REQUIRE(result, !(real_pmcsr & PMCSR_PME_ENABLE),
		"%s: PME_En reached the device: its PMCSR is 0x%04x", device->bdf,
		real_pmcsr & 0xffff);
	result_note(result, "%s PMC 0x%04x of 0x%04x, PMCSR 0x%04x of 0x%04x", device->bdf, pmc,
		    real_pmc >> 16, pmcsr, real_pmcsr & 0xffff);
	return true;
}

/* D0 reached behind vfio's back: a reset by the host's sysfs. */
static int d0_by_host(const struct device *device)
{
	return sysfs_write(device->bdf, "reset", "1");
}

static bool leak_rounds(struct device *device, unsigned int pairs, unsigned int behind,
			struct result *result)
{
	for (unsigned int i = 0; i < pairs; i++)
		REQUIRE(result, !pmcsr_write(device, D3HOT) && !pmcsr_write(device, 0),
			"%s: PMCSR write %u fails", device->bdf, i);
	for (unsigned int i = 0; i < behind; i++) {
		int ret = pmcsr_write(device, D3HOT);

		REQUIRE(result, !ret && power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D3HOT,
			"%s: no D3hot in round %u", device->bdf, i);
		ret = d0_by_host(device);
		REQUIRE(result, !ret, "%s: reset in D3hot: %s", device->bdf, strerror(-ret));
		REQUIRE(result, power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D0,
			"%s is not in D0 after a reset", device->bdf);
	}
	REQUIRE(result, !pmcsr_write(device, D3HOT) && !pmcsr_write(device, 0),
		"%s: the last PMCSR write fails", device->bdf);
	return true;
}

/*
 * What vfio saves in D3hot, for a device that loses its state on the way back, is freed in D0,
 * also where D0 came from elsewhere.
 */
bool d3hot_leaks_nothing(struct device *device, struct result *result)
{
	static struct slab_snapshot before, after;
	const char *cache;
	uint32_t pmcsr;
	long growth;

	if (!device->pm_cap)
		return result_not_offered(result, "%s has no PM capability", device->bdf);
	REQUIRE(result, !host_config_read(device->bdf, device->pm_cap + PM_PMCSR, &pmcsr),
		"%s: config cannot be read", device->bdf);
	if (pmcsr & NO_SOFT_RESET)
		return result_not_offered(result, "%s keeps its state (NoSoftReset)", device->bdf);
	/* 20 ms a round, where the function level reset of others takes 100. */
	sysfs_write(device->bdf, "reset_method", "pm");
	if (!leak_rounds(device, LEAK_WARM_UP, LEAK_WARM_UP, result))
		return false;
	REQUIRE(result, !slab_snapshot(&before), "/proc/slabinfo cannot be read");
	if (!leak_rounds(device, LEAK_PAIRS, LEAK_BEHIND, result))
		return false;
	REQUIRE(result, !slab_snapshot(&after), "/proc/slabinfo cannot be read");
	cache = slab_growth(&before, &after, &growth);
	REQUIRE(result, growth <= LEAK_NOISE,
		"%s: %s grew by %ld objects over %d pairs and %d resets in D3hot", device->bdf,
		cache, growth, LEAK_PAIRS, LEAK_BEHIND);
	result_note(result, "%s %d pairs, %d resets in D3hot, most growth %ld objects of %s",
		    device->bdf, LEAK_PAIRS, LEAK_BEHIND, growth, cache);
	return true;
}

static bool memory_blocked(struct device *device, const struct vfio_region_info *bar,
			   volatile uint32_t *map, struct result *result)
{
	uint32_t value, awake;
	ssize_t got;

	REQUIRE(result, map_read(map, &awake), "%s: SIGBUS in D0", device->bdf);
	REQUIRE(result, !pmcsr_write(device, D3HOT), "%s: no D3hot", device->bdf);
	REQUIRE(result, power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D3HOT,
		"%s is not in D3hot", device->bdf);
	REQUIRE(result, !map_read(map, &value), "%s: the map reads 0x%08x in D3hot", device->bdf,
		value);
	got = pread(device->fd, &value, sizeof(value), bar->offset);
	REQUIRE(result, got < 0 && errno == EIO, "%s: a BAR read in D3hot gives %zd (%s)",
		device->bdf, got, got < 0 ? strerror(errno) : "no error");
	got = pwrite(device->fd, &value, sizeof(value), bar->offset);
	REQUIRE(result, got < 0 && errno == EIO, "%s: a BAR write in D3hot gives %zd", device->bdf,
		got);
	REQUIRE(result, !pmcsr_write(device, 0), "%s: no D0", device->bdf);
	REQUIRE(result, map_read(map, &value) && value == awake,
		"%s: the map does not come back in D0", device->bdf);
	result_note(result, "%s BAR %u SIGBUS and EIO, 0x%08x again in D0", device->bdf, bar->index,
		    value);
	return true;
}

/* In D3hot memory is neither mapped nor read. */
bool d3hot_blocks_memory(struct device *device, struct result *result)
{
	struct vfio_region_info bar;
	volatile uint32_t *map;
	bool holds;

	if (!device->pm_cap || bar_find(device, false, &bar))
		return result_not_offered(result, "%s has no memory to map, or no PM capability",
					  device->bdf);
	map = bar_map(device, &bar);
	REQUIRE(result, map, "%s: BAR %u cannot be mapped", device->bdf, bar.index);
	holds = memory_blocked(device, &bar, map, result);
	bar_unmap(map);
	return holds;
}

/* In D3hot an I/O BAR is not accessed either. */
bool d3hot_blocks_io(struct device *device, struct result *result)
{
	struct vfio_region_info bar;
	uint32_t value;
	ssize_t got;

	if (!device->pm_cap || bar_find(device, true, &bar))
		return result_not_offered(result, "%s has no I/O BAR", device->bdf);
	got = pread(device->fd, &value, sizeof(value), bar.offset);
	REQUIRE(result, got == sizeof(value), "%s: the I/O BAR cannot be read in D0: %s",
		device->bdf, strerror(errno));
	REQUIRE(result, !pmcsr_write(device, D3HOT), "%s: no D3hot", device->bdf);
	got = pread(device->fd, &value, sizeof(value), bar.offset);
	REQUIRE(result, got < 0 && errno == EIO, "%s: an I/O read in D3hot gives %zd (0x%08x)",
		device->bdf, got, value);
	got = pwrite(device->fd, &value, sizeof(value), bar.offset);
	REQUIRE(result, got < 0 && errno == EIO, "%s: an I/O write in D3hot gives %zd", device->bdf,
		got);
	REQUIRE(result, !pmcsr_write(device, 0), "%s: no D0", device->bdf);
	got = pread(device->fd, &value, sizeof(value), bar.offset);
	REQUIRE(result, got == sizeof(value), "%s: no I/O after D3hot", device->bdf);
	result_note(result, "%s BAR %u EIO in D3hot, and back", device->bdf, bar.index);
	return true;
}

/* A request for low power reaches D3cold, with the port, and an exit comes back alive. */
bool low_power_reaches_d3cold(struct device *device, struct result *result)
{
	struct power_count before = power_log_count(device->bdf), after;
	char port[BDF_SIZE] = "";
	uint32_t id;
	int ret;

	REQUIRE(result, port_above(device->bdf, port), "%s has no port", device->bdf);
	ret = low_power_enter(device->fd, -1);
	REQUIRE(result, !ret, "%s: LOW_POWER_ENTRY: %s", device->bdf, strerror(-ret));
	REQUIRE(result, power_state_wait(device->bdf, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
		"%s stays in %s", device->bdf, power_state_name(power_state(device->bdf)));
	REQUIRE(result, power_state_wait(port, VFIO_PCI_D3COLD_STATE_D3COLD, WAIT_MS),
		"port %s stays in %s", port, power_state_name(power_state(port)));
	ret = low_power_exit(device->fd);
	REQUIRE(result, !ret, "%s: LOW_POWER_EXIT: %s", device->bdf, strerror(-ret));
	REQUIRE(result, power_state(device->bdf) == VFIO_PCI_D3COLD_STATE_D0,
		"%s is in %s after the exit", device->bdf,
		power_state_name(power_state(device->bdf)));
	REQUIRE(result, !config_read(device, 0, &id, sizeof(id)) && id != UINT32_MAX,
		"%s does not answer after the exit", device->bdf);
	after = power_log_count(device->bdf);
	if (power_log_there())
		REQUIRE(result, after.off == before.off + 1 && after.on == before.on + 1,
			"%s: the slot was switched off %u times and on %u times", device->bdf,
			after.off - before.off, after.on - before.on);
	result_note(result, "%s D3cold with %s and back", device->bdf, port);
	return true;
}
