/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixed registers of the platform: S5, reset, and the version of the register layout. */
#ifndef COLDVM_DEVICES_PLATFORM_H
#define COLDVM_DEVICES_PLATFORM_H

struct bus;

struct platform {
	/* The guest switched the machine off, or asked for a reset. On a vCPU thread. */
	void (*power_off)(void *opaque);
	void (*reset)(void *opaque);
	void *opaque;
};

/* @platform is filled in by the caller and lives as long as @pio. -errno of bus_add(). */
int platform_init(struct platform *platform, struct bus *pio);

#endif
