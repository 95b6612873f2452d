/* SPDX-License-Identifier: BSD-3-Clause */
/* What is the guest's of what a user types. */
#include "vmm/terminal.h"

#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static const struct {
	bool raw;
	const char *typed[3]; /* as it comes in */
	const char *guest;
	bool quit;
} rows[] = {
	{ true, { "hello" }, "hello", false },
	{ true, { "a\1x" }, "a", true },
	{ true, { "a\1", "x" }, "a", true },
	{ true, { "a\1xb" }, "a", true },
	{ true, { "\1\1" }, "\1", false },
	{ true, { "\1", "\1x" }, "\1x", false },
	{ true, { "\1c" }, "\1c", false },
	{ true, { "\1", "c" }, "\1c", false },
	{ true, { "\1", "cde" }, "\1cde", false },
	{ true, { "\1c\1d" }, "\1c\1d", false },
	{ true, { "\1", "c\1", "d" }, "\1c\1d", false },
	{ true, { "\1", "c\1\1\1x" }, "\1c\1", true },
	{ false, { "a\1x\1\1" }, "a\1x\1\1", false },
};

START_TEST(only_escapes_are_taken_out)
{
	struct terminal terminal = { .raw = rows[_i].raw };
	char guest[64] = "";
	bool quit = false;

	for (unsigned i = 0; i < ARRAY_SIZE(rows[_i].typed) && rows[_i].typed[i]; i++) {
		size_t len = strlen(rows[_i].typed[i]);
		uint8_t data[32];

		memset(data, '?', sizeof(data));
		memcpy(data, rows[_i].typed[i], len);
		len = terminal_filter(&terminal, data, len, &quit);
		strncat(guest, (const char *)data, len);
	}
	ck_assert_str_eq(guest, rows[_i].guest);
	ck_assert_int_eq(quit, rows[_i].quit);
}
END_TEST

START_TEST(nothing_typed_is_nothing)
{
	struct terminal terminal = { .raw = true, .escape = true };
	uint8_t data[2] = { 0 };
	bool quit;

	ck_assert_uint_eq(terminal_filter(&terminal, data, 0, &quit), 0);
	ck_assert(terminal.escape);
	ck_assert(!quit);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("terminal");
	TCase *t = suite_case(s, "escapes", NULL, NULL);

	tcase_add_loop_test(t, only_escapes_are_taken_out, 0, ARRAY_SIZE(rows));
	tcase_add_test(t, nothing_typed_is_nothing);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
