/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver of back end explicit says of a slot, in the words of this program, and whether
 * the host's sysfs, the second witness, says the same. Nothing here wakes a device.
 */
#ifndef COLDVM_DEVICES_VFIO_POWER_VERDICT_H
#define COLDVM_DEVICES_VFIO_POWER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/vfio/vfio.h"

struct power_call;
struct power_depth;
struct power_slot;

/* @state: VFIO_PCI_D3COLD_STATE_*. D1 and D2 are HOST_POWER_UNKNOWN: no guest asks for them. */
enum host_power power_verdict_state(uint32_t state);
/* "0000:01:00.0" from VFIO_PCI_D3COLD_BDF; @text has HOST_BDF_LEN bytes. */
void power_verdict_bdf(uint32_t bdf, char *text);
/* What said->rc, not 0, means for the function or port at said->rc_bdf. Lives for ever, or until
 * the thread's next call. */
const char *power_verdict_limit(const struct vfio_pci_d3cold_control *said);

/*
 * The worker's, after the entries @calls, of which those of higher functions came first and none
 * failed. True if the driver says that all of the slot is in D3cold and sysfs does not contradict;
 * *@ret is what it says. If not, @why says what is in the way, for people.
 */
bool power_verdict_cold(struct power_slot *slot, const struct power_call *calls,
			struct power_depth *ret, char *why, size_t why_len);
/* Compares the driver's word with sysfs for each function that was called. A contradiction that
 * stays on a second look is an event and a line in the log. True if there is none. */
bool power_verdict_agrees(struct power_slot *slot, const struct power_call *calls);
/* The driver's counters as lines in the log, at debug level. */
void power_verdict_log_counters(struct power_slot *slot);

#endif
