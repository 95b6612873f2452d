/* SPDX-License-Identifier: BSD-3-Clause */
/* One VM as `coldvm top` follows it: a stream of events, and a status when one of them comes, or a
 * second is over. Nothing here waits for the VM. */
#ifndef COLDVM_VMM_TOP_VM_H
#define COLDVM_VMM_TOP_VM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/client.h"
#include "vmm/top_screen.h"

#define TOP_MAX_DEVICES 128

struct top_vm {
	const char *path;
	struct client_conn events, status; /* fd -1: not connected */
	bool asked;			   /* a status is on its way */
	bool again;			   /* and another is wanted after it */
	uint64_t asked_ns;
	char *body; /* of the status, so far */
	size_t body_len;
	char note[512]; /* why there is nothing to show, "" if there is */
	unsigned answers;
	struct top_row rows[TOP_MAX_DEVICES];
	unsigned nr_rows;
};

void top_vm_init(struct top_vm *vm, const char *path);
void top_vm_exit(struct top_vm *vm);

/* Asks for a status, connecting if need be; every second, and at the start. */
void top_vm_tick(struct top_vm *vm);
/* Fills in what to poll, two descriptors (-1: nothing), and takes what poll(2) said of them. True
 * if there is something new to show. */
void top_vm_poll(const struct top_vm *vm, struct pollfd fds[2]);
bool top_vm_ready(struct top_vm *vm, const struct pollfd fds[2]);

#endif
