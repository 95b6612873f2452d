/* SPDX-License-Identifier: BSD-3-Clause */
/* The directory of a run: result.json, samples.csv and trace.csv. */
#ifndef COLDVM_VMM_BENCH_RUN_FILES_H
#define COLDVM_VMM_BENCH_RUN_FILES_H

#include <jansson.h>
#include <stddef.h>

#include "vmm/bench/session.h"

/* Makes the directory @name, or takes an empty one; its absolute path in @ret. One line in @why. */
int run_files_make(const char *name, char *ret, size_t len, char *why, size_t why_len);
/* What the user has typed, behind "coldvm bench". */
void run_files_add_command(json_t *result, int argc, char **argv);
/* Writes all of them. -errno with one line in @why. */
int run_files_write(const struct session *session, const json_t *result, char *why, size_t why_len);

#endif
