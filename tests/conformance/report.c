// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void seen_append(struct result *result, const char *format, va_list args)
{
	size_t len = strlen(result->seen);

	if (len && len + 2 < sizeof(result->seen)) {
		memcpy(result->seen + len, ", ", 3);
		len += 2;
	}
	vsnprintf(result->seen + len, sizeof(result->seen) - len, format, args);
}

void result_note(struct result *result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	seen_append(result, format, args);
	va_end(args);
}

bool result_fail(struct result *result, const char *format, ...)
{
	va_list args;

	result->verdict = VERDICT_FAIL;
	result->seen[0] = 0;
	va_start(args, format);
	seen_append(result, format, args);
	va_end(args);
	return false;
}

bool result_not_offered(struct result *result, const char *format, ...)
{
	va_list args;

	result->verdict = VERDICT_NOT_OFFERED;
	result->seen[0] = 0;
	va_start(args, format);
	seen_append(result, format, args);
	va_end(args);
	return true;
}

void result_print(const struct result *result, const char *id)
{
	static const char *const words[] = {
		[VERDICT_PASS] = "pass",
		[VERDICT_FAIL] = "fail",
		[VERDICT_NOT_OFFERED] = "not-offered",
	};

	printf("%s %s: %s\n", id, words[result->verdict], result->seen);
	fflush(stdout);
}
