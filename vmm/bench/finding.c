/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences, from the verdict. */
#include "vmm/bench/finding.h"

#include <stdio.h>
#include <string.h>

#include "vmm/bench/value_text.h"
#include "vmm/bits.h"

const json_t *finding_meter(const json_t *result)
{
	static const char *const kinds[] = { "external meter", "software counter", "simulated" };
	const json_t *meters = json_at(result, "energy.meters"), *meter;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		json_array_foreach((json_t *)meters, i, meter)
		{
			if (!strcmp(json_text(meter, "kind", ""), kinds[k]) &&
			    json_is_object(json_at(meter, "saving_w")))
				return meter;
		}
	return NULL;
}

static void say_energy(const json_t *meter, char *ret, size_t len)
{
	const char *verdict = json_text(meter, "break_even.verdict", "");
	char saving[3 * VALUE_TEXT + 16], seconds[VALUE_TEXT], watts[VALUE_TEXT];
	double saved = json_number_at(meter, "saving_w.median", 0);

	spread_text(json_at(meter, "saving_w"), "W", saving, sizeof(saving));
	if (!strcmp(verdict, "pays")) {
		value_text(json_number_at(meter, "break_even.seconds.median", 0), "s", seconds);
		snprintf(ret, len, "D3cold saves %s and pays after %s without work", saving,
			 seconds);
	} else if (!strcmp(verdict, "never")) {
		value_text(-saved, "W", watts);
		snprintf(ret, len,
			 "D3cold does not pay here: it takes %s more than idling without it",
			 watts);
	} else if (!strcmp(verdict, "unresolved")) {
		snprintf(ret, len,
			 "What D3cold saves cannot be told from what the runs differ by: %s",
			 saving);
	} else {
		snprintf(ret, len, "D3cold saves %s; what the ways there and back take is unknown",
			 saving);
	}
	if (!strcmp(json_text(meter, "kind", ""), "simulated"))
		strncat(ret, " (simulated)", len - strlen(ret) - 1);
}

/* A meter that is there, but has not seen enough, is not wanting. */
static void say_unknown(const json_t *result, char *ret, size_t len)
{
	double share = json_number_at(result, "residency.share.d3cold.median", -1);
	char why[128] = ", for want of a meter", cold[VALUE_TEXT];

	if (json_array_size(json_at(result, "energy.meters")))
		snprintf(why, sizeof(why), ": %.100s",
			 json_text(result, "energy.why", "the meters have not seen enough"));
	if (share < 0) {
		snprintf(ret, len, "What D3cold saves is unknown%s", why);
		return;
	}
	value_text(share, "1", cold);
	snprintf(ret, len,
		 "What D3cold saves is unknown%s. The device spends %s of the workload in it", why,
		 cold);
}

static void say_wake(const json_t *result, char *ret, size_t len)
{
	double wake = json_number_at(result, "transitions.figures.on_to_ready.p50", 0);
	double entry = json_number_at(result, "transitions.figures.off_to_d3cold.p50", 0);
	char text[VALUE_TEXT], entered[VALUE_TEXT];

	ret[0] = '\0';
	if (wake <= 0)
		return;
	value_text(wake, "ns", text);
	value_text(entry, "ns", entered);
	if (entry > 0)
		snprintf(ret, len, "; it is reached after %s, and a wake costs %s", entered, text);
	else
		snprintf(ret, len, "; a wake costs %s", text);
}

void finding_text(const json_t *result, char ret[FINDING_TEXT])
{
	const json_t *meter = finding_meter(result);
	char energy[256], wake[128];

	if (meter)
		say_energy(meter, energy, sizeof(energy));
	else
		say_unknown(result, energy, sizeof(energy));
	say_wake(result, wake, sizeof(wake));
	snprintf(ret, FINDING_TEXT, "%s%s.", energy, wake);
}
