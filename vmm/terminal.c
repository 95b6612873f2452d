/* SPDX-License-Identifier: BSD-3-Clause */
/* Raw mode and its way out. */
#include "vmm/terminal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CTRL_A 0x01

int terminal_take(struct terminal *terminal)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return 0;
	if (tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
		return -errno;
	raw = terminal->saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* our own log lines share the terminal */
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return -errno;
	terminal->raw = true;
	terminal->escape = false;
	return 0;
}

void terminal_give_back(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal->saved);
	terminal->raw = false;
}

/* In place: only the first byte can grow, by the Ctrl-A that came before it and was no escape. */
size_t terminal_filter(struct terminal *terminal, uint8_t *data, size_t len, bool *ret_quit)
{
	size_t n = 0;

	*ret_quit = false;
	if (!terminal->raw)
		return len;
	if (terminal->escape && len && data[0] != 'x' && data[0] != CTRL_A) {
		memmove(data + 1, data, len++);
		data[n++] = CTRL_A;
		terminal->escape = false;
	}
	for (size_t i = n; i < len; i++) {
		if (!terminal->escape && data[i] == CTRL_A) {
			terminal->escape = true;
			continue;
		}
		if (terminal->escape && data[i] == 'x') {
			*ret_quit = true;
			return n;
		}
		if (terminal->escape && data[i] != CTRL_A)
			data[n++] = CTRL_A;
		terminal->escape = false;
		data[n++] = data[i];
	}
	return n;
}
