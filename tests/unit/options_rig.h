/* SPDX-License-Identifier: BSD-3-Clause */
/* A command line, and what options_parse() makes of it. */
#ifndef COLDVM_TESTS_UNIT_OPTIONS_RIG_H
#define COLDVM_TESTS_UNIT_OPTIONS_RIG_H

#include <stdbool.h>

#include "vmm/options.h"

extern struct vm_options options; /* of the last one */
extern char why[512];

/* Begins a command line. Then come its arguments: one, or a line that is cut at blanks. */
void start(void);
void add_arg(const char *arg);
void add_line(const char *line);
enum options_result parse_args(bool tables);

/* A whole line, good or bad; ok() and bad() add a kernel, which is not what the test is about. */
void run_ok(const char *line);
void ok(const char *line);
void tables_ok(const char *line);
void run_bad(const char *line, const char *complaint);
void bad(const char *line, const char *complaint);

#endif
