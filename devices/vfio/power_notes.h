/* SPDX-License-Identifier: BSD-3-Clause */
/* What is kept of a slot's events for those who ask later: sums, and what came of the last entry.
 * power_events.c writes it, power_report.c reads it. */
#ifndef COLDVM_DEVICES_VFIO_POWER_NOTES_H
#define COLDVM_DEVICES_VFIO_POWER_NOTES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/vfio/power_host.h"
#include "devices/vfio/power_stats.h"
#include "vmm/log.h"
#include "vmm/rate_limit.h"

struct power_notes {
	pthread_mutex_t lock; /* a leaf: taken under the slot's lock too */
	struct power_stats stats;
	struct power_call entry[POWER_MAX_FUNCTIONS]; /* of the last power-entry-issued */
	uint32_t woken; /* bit i: function i woke since then, not by the guest */
	struct rate_limit lines[LOG_NR_LEVELS], events; /* of what the guest makes us tell */
};

/* Events of a slot at once, and then one a period: more than any sane guest causes. */
#define POWER_EVENT_BURST     2000
#define POWER_EVENT_PERIOD_NS UINT64_C(10000000)

void power_notes_init(struct power_notes *notes);
void power_notes_exit(struct power_notes *notes);

/* An event of slot @slot. Names that power_mark_parse() does not know are no power event and are
 * left out. @state: what the event says of the host. Any thread. */
void power_notes_event(struct power_notes *notes, unsigned slot, const char *event, uint64_t t_ns,
		       uint64_t took_ns, enum host_power state);
/* The entry @calls of @nr functions that power-entry-issued is about: before its event. */
void power_notes_entry(struct power_notes *notes, const struct power_call *calls, unsigned nr);
/* Function @index woke, not by the guest, who was @told or not: before its event. */
void power_notes_wake(struct power_notes *notes, unsigned index, bool told);
/* log_line() for what a guest can bring about again and again: RATE_LIMIT_BURST lines of each
 * level at once, then one a second, which says how many there were before it. */
void power_notes_log(struct power_notes *notes, enum log_level level, const char *id,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Whether an event may be told; *@ret_suppressed could not be, before it. */
bool power_notes_may_tell(struct power_notes *notes, uint64_t *ret_suppressed);
/* All functions were given back to the host. */
void power_notes_gone(struct power_notes *notes);

#endif
