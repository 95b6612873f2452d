/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser of share/known-bad.txt, and every line of that file. */
#include <errno.h>
#include <string.h>

#include "devices/vfio/known_bad.h"
#include "tests/unit/suite.h"

/* Parses one line; what known_bad_next() says. */
static int parse(const char *line, struct known_bad *ret)
{
	return known_bad_next(&line, ret);
}

START_TEST(entry_has_five_fields)
{
	struct known_bad bad;

	ck_assert_int_eq(parse("10de:1B38 | a | b | c | d\n", &bad), -EINVAL);
	ck_assert_int_eq(
		parse(" 10de:1b38 | A card|  what was seen |do this | https://x/y \n", &bad), 1);
	ck_assert_uint_eq(bad.vendor, 0x10de);
	ck_assert_uint_eq(bad.device, 0x1b38);
	ck_assert_str_eq(bad.card, "A card");
	ck_assert_str_eq(bad.seen, "what was seen");
	ck_assert_str_eq(bad.advice, "do this");
	ck_assert_str_eq(bad.source, "https://x/y");
}
END_TEST

START_TEST(bad_lines_are_refused)
{
	static const char *const lines[] = {
		"10de:1b38",
		"10de:1b38 | a | b | c",
		"10de:1b38 | a | b | c | d | e",
		"10de:1b38 | a | b | c | ",
		"10de:1b38 | | b | c | d",
		"10de1b38 | a | b | c | d",
		"10de-1b38 | a | b | c | d",
		"10de:1b3 | a | b | c | d",
		"10de:1b388 | a | b | c | d",
		"10de:1b3g | a | b | c | d",
		"| a | b | c | d",
		("10de:1b38 | a card whose name is longer than the sixty-four bytes that it has | "
		 "b "
		 "| c | d"),
	};

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct known_bad bad = { .vendor = 77 };

		ck_assert_msg(parse(lines[i], &bad) == -EINVAL, "taken: %s", lines[i]);
		ck_assert_uint_eq(bad.vendor, 77);
	}
}
END_TEST

START_TEST(comments_and_empty_lines_are_skipped)
{
	const char *text = "# one\n\n   \n10de:0001 | a | b | c | d\n# end";
	struct known_bad bad;

	ck_assert_int_eq(known_bad_next(&text, &bad), 1);
	ck_assert_int_eq(known_bad_next(&text, &bad), 0);
	ck_assert_int_eq(known_bad_next(&text, &bad), 0);
}
END_TEST

START_TEST(card_behind_a_bad_line_is_found)
{
	const char *text = "nonsense\n10de:0001 | a | b | c | d\n10de:0002 | e | f | g | h";
	struct known_bad bad;

	ck_assert_int_eq(known_bad_find(text, 0x10de, 2, &bad), 1);
	ck_assert_str_eq(bad.card, "e");
	ck_assert_int_eq(known_bad_find(text, 0x10de, 3, &bad), 0);
	ck_assert_int_eq(known_bad_find(text, 0x10df, 2, &bad), 0);
}
END_TEST

START_TEST(whole_list_is_good)
{
	struct known_bad bad, first;
	const char *text = known_bad_text;
	unsigned nr = 0;
	int r;

	while ((r = known_bad_next(&text, &bad))) {
		ck_assert_msg(r == 1, "a line behind %s", nr ? bad.card : "the head");
		nr++;
		ck_assert_msg(!strncmp(bad.source, "https://", 8), "%s: source %s", bad.card,
			      bad.source);
		/* A second entry for a card would never be seen. */
		ck_assert_int_eq(known_bad_find(known_bad_text, bad.vendor, bad.device, &first), 1);
		ck_assert_msg(!strcmp(first.card, bad.card) && !strcmp(first.source, bad.source),
			      "%04x:%04x is there twice", bad.vendor, bad.device);
	}
	ck_assert_uint_ge(nr, 11);
	for (const char *c = known_bad_text; *c; c++)
		ck_assert_msg(*c == '\n' || (*c >= ' ' && *c <= '~'), "not plain ASCII: %.20s", c);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("known_bad");
	TCase *t = suite_case(s, "list", NULL, NULL);

	tcase_add_test(t, entry_has_five_fields);
	tcase_add_test(t, bad_lines_are_refused);
	tcase_add_test(t, comments_and_empty_lines_are_skipped);
	tcase_add_test(t, card_behind_a_bad_line_is_found);
	tcase_add_test(t, whole_list_is_good);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
