// SPDX-License-Identifier: BSD-3-Clause
// Many ENTERs and EXITs, and what the kernel holds afterwards.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/modes.h"
#include "tests/conformance/slab.h"

#define WARM_UP	   20
#define CYCLES_MAX 100000
/* A leak is an object a cycle, in one cache. The rest of the host moves by a few dozen. */
#define NOISE_PART 10

static bool cycles_run(struct device *device, unsigned long count, bool leak, struct result *result)
{
	for (unsigned long i = 0; i < count; i++) {
		REQUIRE(result, siblings_settle(device->bdf), "%s: its slot does not settle",
			device->bdf);
		if (!cold_enter(device, -1, result) || !cold_exit(device, result))
			return false;
		/* A kernel object that stays, as a driver's mistake would leave one. */
		if (leak)
			REQUIRE(result, wakeup_open() >= 0, "no eventfd in cycle %lu", i);
	}
	return true;
}

static bool cycles_leak_nothing(struct device *device, unsigned long count, bool leak,
				struct result *result)
{
	static struct slab_snapshot before, after;
	const char *cache;
	int64_t start;
	long growth;

	if (!cycles_run(device, WARM_UP, false, result))
		return false;
	REQUIRE(result, !slab_snapshot(&before), "/proc/slabinfo cannot be read");
	start = clock_now();
	if (!cycles_run(device, count, leak, result))
		return false;
	start = clock_now() - start;
	REQUIRE(result, !slab_snapshot(&after), "/proc/slabinfo cannot be read");
	cache = slab_growth(&before, &after, &growth);
	REQUIRE(result, growth <= (long)(count / NOISE_PART),
		"%s: %s grew by %ld objects in %lu cycles", device->bdf, cache, growth, count);
	result_note(result, "%s %lu cycles of %lld us, most growth %ld objects of %s", device->bdf,
		    count, (long long)(start / 1000 / (int64_t)count), growth, cache);
	return true;
}

/* cycles [--leak] BDF N */
int cycles_main(int argc, char **argv)
{
	bool leak = argc > 1 && !strcmp(argv[1], "--leak");
	struct group_list groups = { 0 };
	struct result result = { 0 };
	struct rlimit files;
	struct device device;
	unsigned long count;
	char *end;

	argv += leak;
	argc -= leak;
	if (argc != 3)
		return usage_say("cycles needs a device and a number");
	count = strtoul(argv[2], &end, 10);
	if (*end || end == argv[2] || count < NOISE_PART || count > CYCLES_MAX)
		return usage_say("'%s' is no number of cycles from 10 to 100000", argv[2]);
	if (!bdf_usable(argv[1]))
		return 2;
	if (leak) {
		files.rlim_cur = files.rlim_max = count + 64;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (device_open(&device, &groups, argv[1]))
		return 1;
	if (d3cold_offered(device.fd))
		cycles_leak_nothing(&device, count, leak, &result);
	else
		result_not_offered(&result, "this kernel has no feature 0x%x",
				   VFIO_DEVICE_FEATURE_PCI_D3COLD);
	result_print(&result, "cycles");
	device_close(&device);
	return result.verdict == VERDICT_FAIL ? 1 : 0;
}
