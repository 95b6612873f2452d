/* SPDX-License-Identifier: BSD-3-Clause */
/* NVIDIA's library with two GPUs: 01:00.0 counts its energy, 02:00.0 does not. Loaded, not linked.
 */
#include <stdint.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bdf, void **ret);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *ret);
int nvmlDeviceGetPowerUsage(void *device, unsigned *ret);
const char *nvmlErrorString(int error);

int nvmlInit_v2(void)
{
	return SUCCESS;
}

int nvmlShutdown(void)
{
	return SUCCESS;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bdf, void **ret)
{
	*ret = (void *)(uintptr_t)(!strcmp(bdf, "0000:01:00.0")	  ? 1
				   : !strcmp(bdf, "0000:02:00.0") ? 2
								  : 0);
	return *ret ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *ret)
{
	*ret = 12345;
	return (uintptr_t)device == 1 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *ret)
{
	(void)device;
	*ret = 31500;
	return SUCCESS;
}

const char *nvmlErrorString(int error)
{
	return error == NOT_FOUND ? "Not Found" : "Not Supported";
}
