/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio console (Virtio 1.2, 5.3), one port: hvc0 of a Linux guest. Served by the main loop. */
#ifndef COLDVM_DEVICES_VIRTIO_CONSOLE_H
#define COLDVM_DEVICES_VIRTIO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/device.h"

struct loop;

struct virtio_console_config {
	const char *name;
	int in_fd;  /* -1: no input; belongs to the caller */
	int out_fd; /* belongs to the caller; non-blocking, or a file */
	bool size;  /* tell the guest the size of the terminal out_fd, and changes (SIGWINCH is
		     * the caller's: virtio_console_resized()) */
};

struct virtio_console; /* console.c */

/* What a reader of out_fd does not take is kept up to 64 KiB, then the guest waits: its queue is
 * served again when there is room. A guest never makes coldvm wait or grow. */
int virtio_console_create(const struct virtio_console_config *config, const struct memory *memory,
			  struct loop *loop, struct virtio_console **ret);
struct virtio_device *virtio_console_device(struct virtio_console *console);
void virtio_console_resized(struct virtio_console *console);
void virtio_console_destroy(struct virtio_console *console);

#endif
