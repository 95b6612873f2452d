// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/power_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/sysfs.h"

#define READS_MAX 100

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

/* One reading of the log; false if the command failed. */
static bool log_read(unsigned int wanted, struct power_count *count)
{
	char line[128], word[8];
	unsigned int port;
	FILE *log = popen(log_command, "r");

	if (!log)
		return false;
	*count = (struct power_count){ 0 };
	while (fgets(line, sizeof(line), log)) {
		if (sscanf(line, "%*s %x %7s", &port, word) != 2 || port != wanted)
			continue;
		if (!strcmp(word, "on"))
			count->on++;
		else if (!strcmp(word, "off"))
			count->off++;
	}
	return pclose(log) == 0;
}

struct power_count power_log_count(const char *bdf)
{
	struct power_count count = { 0 };
	unsigned int port;

	if (!log_command)
		return count;
	port = root_port_device(bdf);
	/* Where the clock counts instructions, an answer from outside may come too late for it. */
	for (int i = 0; i < READS_MAX; i++)
		if (log_read(port, &count))
			return count;
	fprintf(stderr, "conform: '%s' failed %d times, so there is no power log to go by\n",
		log_command, READS_MAX);
	exit(1);
}
