/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's terminal while it is a guest's: raw, so that Ctrl-C is the guest's; Ctrl-A x leaves,
 * Ctrl-A Ctrl-A sends one Ctrl-A. */
#ifndef COLDVM_VMM_TERMINAL_H
#define COLDVM_VMM_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct terminal {    /* all zeroes before its first use */
	bool raw;    /* standard input is a terminal, and in raw mode */
	bool escape; /* Ctrl-A was typed */
	struct termios saved;
};

/* Takes standard input if it is a terminal; else there is nothing to do. -errno. */
int terminal_take(struct terminal *terminal);
void terminal_give_back(struct terminal *terminal);

/* Takes the escape sequences out of @data, which has room for twice @len bytes. Returns what is
 * left for the guest, at most @len + 1; *ret_quit: the user leaves. */
size_t terminal_filter(struct terminal *terminal, uint8_t *data, size_t len, bool *ret_quit);

#endif
