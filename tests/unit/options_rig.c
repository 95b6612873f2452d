/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments are copied, because options_parse() cuts them. */
#include "tests/unit/options_rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define MAX_ARGS 160

static char text[16384]; /* the arguments: options_parse() cuts them */
static char *args[MAX_ARGS];
static int nr_args;
static size_t text_len;
struct vm_options options;
char why[512];

void add_arg(const char *arg)
{
	size_t len = strlen(arg) + 1;

	ck_assert_uint_le(text_len + len, sizeof(text));
	ck_assert_int_lt(nr_args, MAX_ARGS);
	args[nr_args++] = memcpy(text + text_len, arg, len);
	text_len += len;
}

void start(void)
{
	nr_args = 0;
	text_len = 0;
	why[0] = '\0';
	memset(&options, 0xa5, sizeof(options));
}

enum options_result parse_args(bool tables)
{
	return options_parse(&options, nr_args, args, tables, why, sizeof(why));
}

/* @line is cut at blanks. */
void add_line(const char *line)
{
	char copy[4096];
	char *rest = copy;

	ck_assert_uint_lt(strlen(line), sizeof(copy));
	strcpy(copy, line);
	for (char *arg; (arg = strsep(&rest, " "));)
		if (*arg)
			add_arg(arg);
}

void run_ok(const char *line)
{
	start();
	add_line(line);
	enum options_result result = parse_args(false);

	ck_assert_msg(result == OPTIONS_RUN, "'%s' gives %d: %s", line, result, why);
}

/* With a kernel, which is not what the test is about. */
void ok(const char *line)
{
	char full[4096];

	snprintf(full, sizeof(full), "--kernel k %s", line);
	run_ok(full);
}

void tables_ok(const char *line)
{
	start();
	add_line(line);
	enum options_result result = parse_args(true);

	ck_assert_msg(result == OPTIONS_RUN, "'%s' gives %d: %s", line, result, why);
}

void run_bad(const char *line, const char *complaint)
{
	start();
	add_line(line);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_str_eq(why, complaint);
}

void bad(const char *line, const char *complaint)
{
	char full[4096];

	snprintf(full, sizeof(full), "--kernel k %s", line);
	run_bad(full, complaint);
}
