/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a slot's events leave their traces: sums, the last entry, and probes. */
#include "devices/vfio/power_notes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "devices/vfio/power_probes.h"
#include "vmm/bits.h"

void power_notes_init(struct power_notes *notes)
{
	memset(notes, 0, sizeof(*notes));
	pthread_mutex_init(&notes->lock, NULL);
	power_stats_init(&notes->stats, now_ns());
	notes->events.burst = POWER_EVENT_BURST;
	notes->events.period_ns = POWER_EVENT_PERIOD_NS;
}

void power_notes_exit(struct power_notes *notes)
{
	pthread_mutex_destroy(&notes->lock);
}

/* Lock held. */
static bool entry_refused(const struct power_notes *notes)
{
	for (unsigned i = 0; i < POWER_MAX_FUNCTIONS; i++)
		if (notes->entry[i].made && notes->entry[i].rc < 0)
			return true;
	return false;
}

void power_notes_event(struct power_notes *notes, unsigned slot, const char *event, uint64_t t_ns,
		       uint64_t took_ns, enum host_power state)
{
	enum power_mark mark = power_mark_parse(event);
	struct power_sample sample = {
		.mark = mark,
		.t_ns = t_ns,
		.took_ns = took_ns,
		.d3cold = state == HOST_POWER_D3COLD,
	};

	if (mark == POWER_NR_MARKS)
		return;
	pthread_mutex_lock(&notes->lock);
	sample.refused = mark == POWER_MARK_ENTRY_ISSUED && entry_refused(notes);
	power_stats_add(&notes->stats, &sample);
	pthread_mutex_unlock(&notes->lock);
	power_probe(mark, slot, t_ns, state);
}

void power_notes_entry(struct power_notes *notes, const struct power_call *calls, unsigned nr)
{
	pthread_mutex_lock(&notes->lock);
	memset(notes->entry, 0, sizeof(notes->entry));
	memcpy(notes->entry, calls, nr * sizeof(*calls));
	notes->woken = 0;
	pthread_mutex_unlock(&notes->lock);
}

void power_notes_wake(struct power_notes *notes, unsigned index, bool told)
{
	pthread_mutex_lock(&notes->lock);
	notes->stats.untold_wakes += !told;
	notes->woken |= 1u << index;
	pthread_mutex_unlock(&notes->lock);
}

void power_notes_gone(struct power_notes *notes)
{
	pthread_mutex_lock(&notes->lock);
	power_stats_gone(&notes->stats, now_ns());
	pthread_mutex_unlock(&notes->lock);
}

void power_notes_log(struct power_notes *notes, enum log_level level, const char *id,
		     const char *fmt, ...)
{
	uint64_t suppressed = 0;
	char text[512];
	va_list args;
	bool say;

	if (!log_wants(level))
		return;
	pthread_mutex_lock(&notes->lock);
	say = rate_limit_take(&notes->lines[level], now_ns(), &suppressed);
	pthread_mutex_unlock(&notes->lock);
	if (!say)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (suppressed)
		log_line(level, id, "%s (%" PRIu64 " such lines were left out)", text, suppressed);
	else
		log_line(level, id, "%s", text);
}

bool power_notes_may_tell(struct power_notes *notes, uint64_t *ret_suppressed)
{
	bool may;

	pthread_mutex_lock(&notes->lock);
	may = rate_limit_take(&notes->events, now_ns(), ret_suppressed);
	pthread_mutex_unlock(&notes->lock);
	return may;
}
