/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's end of the serial port: terminal, file or nothing. */
#ifndef COLDVM_VMM_CONSOLE_H
#define COLDVM_VMM_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/serial.h"
#include "vmm/loop.h"
#include "vmm/options.h"
#include "vmm/terminal.h"

struct console {
	struct serial serial;
	struct loop *loop;
	struct loop_source input, room;
	int out_fd;
	bool owns_out; /* out_fd is a file that we opened */
	struct terminal terminal;
	uint8_t pending[SERIAL_QUEUE]; /* read, but the guest had no room */
	size_t pending_len;
	/* Ctrl-A x was typed at a terminal. Main thread. */
	void (*quit)(void *opaque);
	void *opaque;
};

/* Opens what --serial asks for: once, however often the guest boots. @why gets one line on failure.
 */
int console_open(struct console *console, const struct vm_options *options, char *why,
		 size_t why_len);
void console_close(struct console *console);

/* Makes the UART in front of it, after console_open(). @why gets one line on failure. With
 * SERIAL_NULL there is no UART at all. */
int console_init(struct console *console, const struct vm_options *options, struct loop *loop,
		 struct bus *pio, struct irqchip *irqchip, char *why, size_t why_len);
/* Takes the UART away and restores the terminal. console_init() may follow. */
void console_exit(struct console *console);

#endif
