// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/power_log.h"

#include <stdio.h>
#include <string.h>

#include "tests/conformance/sysfs.h"

static const char *log_command;

void power_log_use(const char *command)
{
	log_command = command;
}

bool power_log_there(void)
{
	return log_command;
}

/* The root port: the last one on the way up. */
static unsigned int root_port_device(const char *bdf)
{
	char below[BDF_SIZE], port[BDF_SIZE];

	snprintf(below, sizeof(below), "%s", bdf);
	while (port_above(below, port))
		memcpy(below, port, sizeof(below));
	return bdf_number(below) >> 3 & 0x1f;
}

struct power_count power_log_count(const char *bdf)
{
	struct power_count count = { 0 };
	unsigned int wanted, port;
	char line[128], word[8];
	FILE *log;

	if (!log_command)
		return count;
	wanted = root_port_device(bdf);
	log = popen(log_command, "r");
	if (!log)
		return count;
	while (fgets(line, sizeof(line), log)) {
		if (sscanf(line, "%*s %x %7s", &port, word) != 2 || port != wanted)
			continue;
		if (!strcmp(word, "on"))
			count.on++;
		else if (!strcmp(word, "off"))
			count.off++;
	}
	pclose(log);
	return count;
}
