/* SPDX-License-Identifier: BSD-3-Clause */
/* The screen of `coldvm top`: rows, bars, and what does not fit. */
#include "vmm/top_screen.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define S(n) ((uint64_t)(n)*1000000000u)

static struct top_row rows[3];
static struct top_screen screen;
static char *text;

static void set_row(unsigned i, const char *json, uint64_t at_s)
{
	json_t *slot = json_loads(json, 0, NULL);

	ck_assert_ptr_nonnull(slot);
	top_row_update(&rows[i], slot, 0, S(at_s));
	json_decref(slot);
}

#define SLOT(asked, host, state)                                                           \
	"{\"guest_state\":\"" asked "\",\"state\":\"" state "\",\"since_ns\":12300000000," \
	"\"total_ns\":1000,\"time_ns\":{\"d3cold\":971},\"counts\":{\"on_asked\":2,"       \
	"\"host_wakes\":1},\"devices\":[{\"id\":\"gpu\",\"bdf\":\"0000:01:00.0\","         \
	"\"host_state\":\"" host "\"}]}"

static void setup(void)
{
	memset(rows, 0, sizeof(rows));
	screen = (struct top_screen){ .rows = rows, .nr_rows = 1, .nr_vms = 1 };
}

static void teardown(void)
{
	free(text);
	text = NULL;
}

static void draw(unsigned columns, unsigned lines, uint64_t at_s)
{
	size_t len;
	FILE *out;

	teardown();
	out = open_memstream(&text, &len);
	screen.now_ns = S(at_s);
	top_screen_draw(out, &screen, columns, lines, "\n");
	fclose(out);
}

static unsigned count_lines(unsigned columns)
{
	unsigned lines = 0;

	for (const char *line = text; *line; lines++) {
		size_t len = strcspn(line, "\n");

		ck_assert_uint_le(len, columns);
		line += len + 1;
	}
	return lines;
}

/* The bar of the first row. */
static const char *bar(void)
{
	const char *line = strstr(text, "\ngpu ") + 1;
	static char part[256];

	snprintf(part, sizeof(part), "%.*s", (int)strcspn(line, "\n"), line);
	return strlen(part) > 64 ? part + 64 : "";
}

START_TEST(screen_is_a_heading_and_a_line_a_device)
{
	set_row(0, SLOT("off", "D3cold", "d3cold"), 1000);
	draw(80, 24, 1000);
	ck_assert_str_eq(
		text,
		"coldvm top: 1 VM, 1 device, 1 in D3cold\n"
		"bar, 10 s a sign:  # on  + changing  ~ off and not D3cold  . D3cold  ! failed\n"
		"DEVICE        ADDRESS      ASKED HOST    FOR        WAKES COLD% LAST 160 s\n"
		"gpu           0000:01:00.0 off   D3cold  12.3 s         3  97.1                "
		".\n");
}
END_TEST

START_TEST(bar_moves_with_time_and_shows_the_warmest)
{
	set_row(0, SLOT("on", "D0", "on"), 1000);
	set_row(0, SLOT("off", "D3cold", "d3cold"), 1009);
	set_row(0, SLOT("off", "D3cold", "d3cold"), 1010);
	set_row(0, SLOT("off", "D3hot", "warm"), 1025);
	set_row(0, SLOT("off", "D3cold", "d3cold"), 1026);
	set_row(0, SLOT("on", "D3cold", "exiting"), 1031);
	set_row(0, SLOT("on", "-", "failed"), 1040);
	draw(80, 24, 1049);
	ck_assert_str_eq(bar(), "           #.~+!");
	draw(80, 24, 1070);
	ck_assert_str_eq(bar(), "        #.~+!");
	set_row(0, SLOT("on", "D0", "on"), 1071);
	draw(80, 24, 1071);
	ck_assert_str_eq(bar(), "        #.~+!  #");
}
END_TEST

START_TEST(bar_forgets_what_is_too_old)
{
	set_row(0, SLOT("on", "D0", "on"), 1000);
	set_row(0, SLOT("off", "D3cold", "d3cold"), 100000);
	draw(300, 24, 100000);
	ck_assert_uint_eq(strlen(bar()), TOP_MAX_CELLS);
	ck_assert_ptr_null(strchr(bar(), '#'));
	for (unsigned s = 0; s < 4000; s += TOP_CELL_S)
		set_row(0, SLOT("off", "D3cold", "d3cold"), 100000 + s);
	draw(300, 24, 103999);
	ck_assert_uint_eq(strspn(bar(), "."), TOP_MAX_CELLS);
	draw(300, 24, 103999 + 50 * TOP_CELL_S);
	ck_assert_uint_eq(strlen(bar()), TOP_MAX_CELLS - 50);
}
END_TEST

START_TEST(narrow_screen_is_cut)
{
	set_row(0, SLOT("on", "D0", "on"), 1000);
	for (unsigned columns = 1; columns < 80; columns++) {
		draw(columns, 24, 1000);
		ck_assert_uint_eq(count_lines(columns), 4);
	}
}
END_TEST

START_TEST(rows_that_do_not_fit_are_counted)
{
	screen.nr_rows = 3;
	for (unsigned i = 0; i < 3; i++)
		set_row(i, SLOT("on", "D0", "on"), 1000);
	draw(80, 6, 1000);
	ck_assert_uint_eq(count_lines(80), 6);
	ck_assert_ptr_null(strstr(text, " more"));
	draw(80, 5, 1000);
	ck_assert_uint_eq(count_lines(80), 5);
	ck_assert_ptr_nonnull(strstr(text, "\nand 2 more\n"));
	draw(80, 1, 1000);
	ck_assert_uint_eq(count_lines(80), 1);
	draw(80, 0, 1000);
	ck_assert_uint_eq(count_lines(80), 6);
}
END_TEST

START_TEST(vm_that_does_not_answer_is_a_line)
{
	const char *notes[] = { "/run/a: nobody listens there" };

	screen.nr_rows = 0;
	screen.notes = notes;
	screen.nr_notes = 1;
	draw(80, 24, 1000);
	ck_assert_ptr_nonnull(strstr(text, "\n/run/a: nobody listens there\n"));
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
	set_row(0, "{\"devices\":[{\"id\":\"a\\u001b[2Jb\\u00e9\",\"bdf\":\"x\"}]}", 1000);
	draw(80, 24, 1000);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_nonnull(strstr(text, "\na?[2Jb?? "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("top screen");
	TCase *tcase = suite_case(suite, "screen", setup, teardown);

	tcase_add_test(tcase, screen_is_a_heading_and_a_line_a_device);
	tcase_add_test(tcase, bar_moves_with_time_and_shows_the_warmest);
	tcase_add_test(tcase, bar_forgets_what_is_too_old);
	tcase_add_test(tcase, narrow_screen_is_cut);
	tcase_add_test(tcase, rows_that_do_not_fit_are_counted);
	tcase_add_test(tcase, vm_that_does_not_answer_is_a_line);
	tcase_add_test(tcase, control_characters_do_not_reach_the_terminal);
	return suite_run(suite);
}
