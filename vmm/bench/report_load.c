/* SPDX-License-Identifier: BSD-3-Clause */
/* A run that was measured before. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bench/report.h"
#include "vmm/bench/value_text.h"

#define FORMAT	       "coldvm-bench-power"
#define FORMAT_VERSION 1

int report_load(const char *dir, json_t **ret, char *why, size_t why_len)
{
	char path[PATH_MAX];
	json_error_t error;
	json_t *result;
	int version;
	FILE *in;

	snprintf(path, sizeof(path), "%s/result.json", dir);
	in = fopen(path, "re");
	if (!in) {
		int r = -errno;

		snprintf(why, why_len, "%s: %s", path, strerror(-r));
		return r;
	}
	result = json_loadf(in, 0, &error);
	fclose(in);
	if (!result) {
		snprintf(why, why_len, "%s, line %d: %s", path, error.line, error.text);
		return -EINVAL;
	}
	version = (int)json_number_at(result, "format_version", 0);
	if (strcmp(json_text(result, "format", ""), FORMAT) || version < 1 ||
	    version > FORMAT_VERSION) {
		snprintf(why, why_len,
			 "%s: no run of coldvm bench power that this version knows (format %s, "
			 "version %d)",
			 path, json_text(result, "format", "unknown"), version);
		json_decref(result);
		return -EINVAL;
	}
	*ret = result;
	return 0;
}
