/* SPDX-License-Identifier: BSD-3-Clause */
/* What the program does beside the rows. argv[0] is the mode's name; each returns the exit status:
 * 0 the promise is kept, 1 it is broken, 2 bad usage. */
#ifndef CONFORMANCE_MODES_H
#define CONFORMANCE_MODES_H

#include <stdbool.h>

int dead_main(int argc, char **argv);
int storm_main(int argc, char **argv);
int cycles_main(int argc, char **argv);
int times_main(int argc, char **argv);

/* Says what is wrong with the command line, and how it goes; returns the status. */
int usage_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether there is such a function; says what is wrong if not. */
bool bdf_usable(const char *bdf);

#endif
