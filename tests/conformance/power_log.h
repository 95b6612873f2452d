/* SPDX-License-Identifier: BSD-3-Clause */
/* The third witness: the hardware's own record of slot power, where there is one. A command prints
 * it, a line per switch: "t_ns port on|off", the port by its device number in hex. */
#ifndef CONFORMANCE_POWER_LOG_H
#define CONFORMANCE_POWER_LOG_H

#include <stdbool.h>

struct power_count {
	unsigned int on;
	unsigned int off;
};

/* Which command prints the log; NULL, as at the start, where there is none. The string stays the
 * caller's. */
void power_log_use(const char *command);
bool power_log_there(void);

/* Switches so far of the slot that the function sits in; zeros without a log. Ends the
 * program with a message if the log cannot be read. */
struct power_count power_log_count(const char *bdf);

#endif
