/* SPDX-License-Identifier: BSD-3-Clause */
/* What `coldvm park` says of a parked device, made from the lines of the event monitor. */
#ifndef COLDVM_VMM_PARK_REPORT_H
#define COLDVM_VMM_PARK_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct park_news {
	char text[256]; /* one line for people, without '\n'; "": nothing to say */
	bool released;	/* a device was given back to the host */
	bool failed;	/* a device did not come back */
};

/* Reads one line of the event monitor of @len bytes. Pure. */
void park_report(const char *line, size_t len, struct park_news *ret);

#endif
