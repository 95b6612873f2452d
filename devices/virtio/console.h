/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio console (Virtio 1.2, 5.3), one port: hvc0 of a Linux guest. Served by the main loop. */
#ifndef COLDVM_DEVICES_VIRTIO_CONSOLE_H
#define COLDVM_DEVICES_VIRTIO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

struct loop;

#define VIRTIO_CONSOLE_STALL_MS 1000

struct virtio_console_config {
	const char *name;
	/* -1: no input; belongs to the caller. Read when the guest has room and not before. Its
	 * end, or the hangup of a pseudo terminal's other side, ends the input for good. */
	int in_fd;
	int out_fd; /* belongs to the caller; non-blocking, or a file */
	bool size;  /* tell the guest the size of the terminal out_fd, and changes (SIGWINCH is
		     * the caller's: virtio_console_resized()) */
	/* Looks at what came in before the guest does, such as for keys that are not the guest's.
	 * May change it, and leave up to 2 * len bytes at @data; returns how many. On the main
	 * thread, and must not call back. NULL: all is the guest's. */
	size_t (*typed)(void *opaque, uint8_t *data, size_t len);
	void *opaque;
	unsigned stall_ms; /* 0: VIRTIO_CONSOLE_STALL_MS */
};

struct virtio_console; /* console.c */

/*
 * What a reader of out_fd does not take is kept up to 64 KiB, then the guest waits: its queue is
 * served again when there is room. After stall_ms in which the reader took nothing,
 * what the guest writes is dropped until it takes something again, because Linux waits with
 * interrupts off (drivers/char/virtio_console.c: __send_to_port()) and would hang with its reader.
 * A guest never makes coldvm wait or grow.
 *
 * -errno of what it is made of. Main thread; @loop calls on it.
 */
int virtio_console_create(const struct virtio_console_config *config, const struct memory *memory,
			  struct loop *loop, struct virtio_console **ret);
struct virtio_device *virtio_console_device(struct virtio_console *console);
/* The terminal may have another size. Main thread. */
void virtio_console_resized(struct virtio_console *console);
/* After the transport is gone; main thread. Output that the reader does not take at once is lost.
 * NULL is fine. */
void virtio_console_destroy(struct virtio_console *console);

#endif
