/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The user's end of the virtio console: terminal, pseudo terminal, file or nothing. It is there for
 * all boots of the guest; the device gets two descriptors and a look at what is typed.
 */
#ifndef COLDVM_VMM_CONSOLE_END_H
#define COLDVM_VMM_CONSOLE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/loop.h"
#include "vmm/options.h"
#include "vmm/terminal.h"

struct console_end {
	/* For the device; -1: none. */
	int in_fd, out_fd;
	bool has_size;	/* out_fd is a terminal, whose size the guest is told */
	char path[128]; /* of the pseudo terminal; "": none */

	struct loop *loop; /* NULL: not begun */
	struct terminal terminal;
	/* A pseudo terminal's other side, which we keep open: users come and go, and none of them
	 * hangs up. */
	int other_side;
	struct loop_source winch; /* signalfd: the terminal has another size */
	/* Ctrl-A x was typed; the terminal has another size. Main thread. Set by the caller. */
	void (*quit)(void *opaque);
	void (*resized)(void *opaque);
	void *opaque;
};

/* Opens what --console asks for. -errno, with one line in @why; console_end_exit() either way. Main
 * thread, before others are started, since it blocks SIGWINCH. */
int console_end_init(struct console_end *end, const struct vm_options *options, struct loop *loop,
		     char *why, size_t why_len);
void console_end_exit(struct console_end *end);

/* What a user typed, before the guest sees it: room for 2 * @len bytes at @data. Returns how many
 * are the guest's. For the device; @opaque is a struct console_end. */
size_t console_end_typed(void *opaque, uint8_t *data, size_t len);

#endif
