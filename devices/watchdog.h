/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A watchdog timer for which Linux (wdat_wdt) and Windows bring a driver: a bank of I/O ports that
 * the ACPI table WDAT describes (Microsoft, "Hardware Watchdog Timers Design Specification" 1.01).
 * The guest sets a countdown in units of 100 ms, starts it, and pings it; when it ends, the machine
 * is reset. No PCI function, so a guest spends nothing on finding it.
 */
#ifndef COLDVM_DEVICES_WATCHDOG_H
#define COLDVM_DEVICES_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "acpi/abi.h"

struct bus;
struct loop;
struct watchdog;

#define WATCHDOG_UNIT_MS   CVM_WDT_UNIT_MS
#define WATCHDOG_MAX_COUNT CVM_WDT_MAX

struct watchdog_config {
	struct loop *loop;
	struct bus *pio;
	bool fired; /* the machine was reset by the watchdog just now, which the guest may ask */
	/* The guest did not come back in time. On the main thread, once for each time it runs out;
	 * the clock stands from then on, until the guest starts it. */
	void (*expired)(void *opaque);
	void *opaque;
};

/* Answers at LAYOUT_PIO_WATCHDOG. -errno of bus_add() and of timerfd_create(2). Main thread. */
int watchdog_create(const struct watchdog_config *config, struct watchdog **ret);
/* True if it has run out and the guest has not cleared that: for the next machine's config. Any
 * thread. */
bool watchdog_fired(struct watchdog *watchdog);
/* Stops the clock while the VM is paused, and lets it go on. Any thread. */
void watchdog_pause(struct watchdog *watchdog, bool paused);
/* After the last vCPU. NULL is fine. */
void watchdog_destroy(struct watchdog *watchdog);

#endif
