/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NVIDIA's library, loaded when the program runs, so that none needs it. It wakes a GPU that it is
 * asked about, and cannot see D3cold: it is only asked while the GPU is on. The prototypes are
 * those of NVIDIA's NVML API reference.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bench/meter_sources.h"

/* It measures with a period of about 100 ms, and on some GPUs a part of the time alone. */
#define INTERVAL_NS  UINT64_C(100000000)
#define MAX_W	     5000
#define NVML_SUCCESS 0
#define MILLI	     1e-3

typedef struct nvml_device *nvml_device;

struct nvml {
	void *library;
	int (*init)(void);
	int (*shutdown)(void);
	int (*handle)(const char *bdf, nvml_device *ret);
	int (*energy)(nvml_device device, unsigned long long *ret_mj);
	int (*power)(nvml_device device, unsigned *ret_mw);
	const char *(*text)(int error);
	nvml_device device;
	bool is_init;
};

static int load(struct nvml *nvml, const char *name)
{
	const struct {
		const char *symbol;
		void **place;
	} symbols[] = {
		{ "nvmlInit_v2", (void **)&nvml->init },
		{ "nvmlShutdown", (void **)&nvml->shutdown },
		{ "nvmlDeviceGetHandleByPciBusId_v2", (void **)&nvml->handle },
		{ "nvmlDeviceGetTotalEnergyConsumption", (void **)&nvml->energy },
		{ "nvmlDeviceGetPowerUsage", (void **)&nvml->power },
		{ "nvmlErrorString", (void **)&nvml->text },
	};

	nvml->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!nvml->library)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*symbols[i].place = dlsym(nvml->library, symbols[i].symbol);
		if (!*symbols[i].place)
			return -ENOSYS;
	}
	return 0;
}

static int judge(struct meter *meter, const struct nvml *nvml, int err)
{
	if (err == NVML_SUCCESS)
		return 0;
	snprintf(meter->failure, sizeof(meter->failure), "NVML: %s", nvml->text(err));
	return -EIO;
}

static int read_energy(struct meter *meter, double *ret)
{
	const struct nvml *nvml = meter->opaque;
	unsigned long long mj = 0;
	int err = nvml->energy(nvml->device, &mj);

	*ret = (double)mj * MILLI;
	return judge(meter, nvml, err);
}

static int read_power(struct meter *meter, double *ret)
{
	const struct nvml *nvml = meter->opaque;
	unsigned mw = 0;
	int err = nvml->power(nvml->device, &mw);

	*ret = mw * MILLI;
	return judge(meter, nvml, err);
}

static void unload(struct nvml *nvml)
{
	if (nvml->is_init)
		nvml->shutdown();
	if (nvml->library)
		dlclose(nvml->library);
	free(nvml);
}

static void close_nvml(struct meter *meter)
{
	unload(meter->opaque);
}

/* The counter where the GPU has one (Volta and later), else its power. */
static int add_nvml(struct meter_set *set, const struct meter_search *search, struct nvml *nvml)
{
	struct meter *meter = calloc(1, sizeof(*meter));
	unsigned long long mj;
	bool counts;

	if (!meter) {
		unload(nvml);
		return -ENOMEM;
	}
	counts = nvml->energy(nvml->device, &mj) == NVML_SUCCESS;
	*meter = (struct meter){
		.kind = METER_SOFTWARE,
		.quantity = counts ? METER_ENERGY : METER_POWER,
		.max_w = MAX_W,
		.interval_ns = search->interval_ns ? search->interval_ns : INTERVAL_NS,
		.touches_device = true,
		.read = counts ? read_energy : read_power,
		.close = close_nvml,
		.opaque = nvml,
	};
	snprintf(meter->name, sizeof(meter->name), "nvml:%s", search->device);
	return meters_add(set, meter);
}

int meters_find_nvml(struct meter_set *set, const struct meter_search *search, const char *library)
{
	struct nvml *nvml = calloc(1, sizeof(*nvml));
	int err;

	if (!nvml)
		return -ENOMEM;
	/* No library, no NVIDIA GPU on this host. */
	err = load(nvml, library);
	if (err < 0) {
		if (err != -ENOENT)
			meters_note(set, "NVML: %s is too old", library);
		unload(nvml);
		return 0;
	}
	err = nvml->init();
	nvml->is_init = err == NVML_SUCCESS;
	if (err == NVML_SUCCESS)
		err = nvml->handle(search->device, &nvml->device);
	if (err == NVML_SUCCESS)
		return add_nvml(set, search, nvml);
	meters_note(set, "NVML does not know %s: %s", search->device, nvml->text(err));
	unload(nvml);
	return 0;
}
