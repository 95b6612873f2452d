/* SPDX-License-Identifier: BSD-3-Clause */
/* What --help and --version print. */
#ifndef COLDVM_VMM_HELP_H
#define COLDVM_VMM_HELP_H

extern const char help_coldvm[];
extern const char help_run[];
extern const char help_tables[];
extern const char help_version[];

#endif
