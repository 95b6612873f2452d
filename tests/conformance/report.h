/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check of a promise found, and its one line on standard output. */
#ifndef CONFORMANCE_REPORT_H
#define CONFORMANCE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_NOT_OFFERED,
};

struct result {
	enum verdict verdict;
	char seen[1024];
};

/* Notes what was seen, behind what was noted before. */
void result_note(struct result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The promise is broken: the text replaces all notes. Always false, so that a check can return it.
 */
bool result_fail(struct result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The promise cannot be asked of this kernel or these devices, for the reason given. Always true.
 */
bool result_not_offered(struct result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints "ID pass|fail|not-offered: seen". */
void result_print(const struct result *result, const char *id);

/* Ends a check, with false, unless the condition holds. */
#define REQUIRE(result, condition, ...)                          \
	do {                                                     \
		if (!(condition))                                \
			return result_fail(result, __VA_ARGS__); \
	} while (0)

#endif
