/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Standard input feeds the UART, with back pressure: what the guest has no room for waits here
 * and nothing more is read. End of file only ends the feeding.
 */
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

static void feed(struct console *console)
{
	size_t n = serial_receive(&console->serial, console->pending, console->pending_len);

	console->pending_len -= n;
	memmove(console->pending, console->pending + n, console->pending_len);
}

static void input_ready(struct loop_source *source, int revents)
{
	struct console *console = source->opaque;
	/* An escape that turns out to be none grows by one byte. */
	ssize_t n = read(source->fd, console->pending, sizeof(console->pending) / 2);
	bool quit;

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_del(console->loop, source);
		return;
	}
	console->pending_len =
		terminal_filter(&console->terminal, console->pending, (size_t)n, &quit);
	if (quit)
		console->quit(console->opaque);
	feed(console);
	if (console->pending_len)
		loop_del(console->loop, source);
}

/* The guest has read: hand on what waited, then listen to the input again. */
static void room_ready(struct loop_source *source, int revents)
{
	struct console *console = source->opaque;
	eventfd_t count;
	int r;

	(void)revents;
	if (eventfd_read(source->fd, &count) < 0 || !console->pending_len)
		return;
	feed(console);
	if (console->pending_len)
		return;
	r = loop_add(console->loop, &console->input);
	if (r < 0)
		log_warn("serial", "no more input: %s", strerror(-r));
}

int console_open(struct console *console, const struct vm_options *options, char *why,
		 size_t why_len)
{
	console->out_fd = -1;
	if (options->serial == SERIAL_NULL)
		return 0;
	if (options->serial == SERIAL_TTY) {
		console->out_fd = STDOUT_FILENO;
		return 0;
	}
	console->out_fd =
		open(options->serial_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (console->out_fd < 0) {
		int r = -errno;

		snprintf(why, why_len, "--serial: cannot open %s: %s", options->serial_file,
			 strerror(-r));
		return r;
	}
	console->owns_out = true;
	return 0;
}

void console_close(struct console *console)
{
	if (console->owns_out)
		close_fd(&console->out_fd);
	console->owns_out = false;
}

static int start_input(struct console *console)
{
	int r;

	console->input = (struct loop_source){
		.fd = STDIN_FILENO,
		.events = POLLIN,
		.ready = input_ready,
		.opaque = console,
	};
	console->room = (struct loop_source){
		.fd = console->serial.room_fd,
		.events = POLLIN,
		.ready = room_ready,
		.opaque = console,
	};
	r = terminal_take(&console->terminal);
	if (r == 0)
		r = loop_add(console->loop, &console->room);
	if (r == 0)
		r = loop_add(console->loop, &console->input);
	return r;
}

int console_init(struct console *console, const struct vm_options *options, struct loop *loop,
		 struct bus *pio, struct irqchip *irqchip, char *why, size_t why_len)
{
	int r;

	console->loop = loop;
	console->pending_len = 0;
	console->serial.room_fd = -1;
	if (options->serial == SERIAL_NULL)
		return 0;
	r = serial_init(&console->serial, pio, irqchip, console->out_fd);
	if (r == 0 && options->serial == SERIAL_TTY)
		r = start_input(console);
	if (r < 0)
		snprintf(why, why_len, "serial port: %s", strerror(-r));
	return r;
}

void console_exit(struct console *console)
{
	loop_del(console->loop, &console->input);
	loop_del(console->loop, &console->room);
	terminal_give_back(&console->terminal);
	if (console->serial.room_fd >= 0)
		serial_exit(&console->serial);
}
