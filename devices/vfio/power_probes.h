/* SPDX-License-Identifier: BSD-3-Clause */
/* Static probe points (USDT, provider coldvm), one for each event of a slot's power. A probe that
 * nobody listens to is one nop. docs/events.md shows how bpftrace and perf see them. */
#ifndef COLDVM_DEVICES_VFIO_POWER_PROBES_H
#define COLDVM_DEVICES_VFIO_POWER_PROBES_H

#include <stdint.h>

#include "devices/vfio/power_stats.h"
#include "devices/vfio/vfio.h"

/* Fires the probe of @mark with arguments slot, t_ns and state: what the event says of the host,
 * HOST_POWER_UNKNOWN (0) where it says nothing. Any thread. */
void power_probe(enum power_mark mark, unsigned slot, uint64_t t_ns, enum host_power state);

#endif
