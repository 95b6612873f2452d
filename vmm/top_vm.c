/* SPDX-License-Identifier: BSD-3-Clause */
/* Following one VM. */
#include "vmm/top_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

#define PATIENCE_NS UINT64_C(3000000000)

static int got_status(void *opaque, const char *data, size_t len)
{
	struct top_vm *vm = opaque;
	char *body;

	if (len > CLIENT_MAX_BODY - vm->body_len)
		return -EMSGSIZE;
	body = realloc(vm->body, vm->body_len + len + 1);
	if (!body)
		return -ENOMEM;
	memcpy(body + vm->body_len, data, len);
	vm->body = body;
	vm->body_len += len;
	body[vm->body_len] = '\0';
	return 0;
}

/* That something happened is all that is needed: the status tells what. */
static int got_event(void *opaque, const char *data, size_t len)
{
	struct top_vm *vm = opaque;

	(void)data;
	(void)len;
	vm->again = true;
	return 0;
}

void top_vm_init(struct top_vm *vm, const char *path)
{
	memset(vm, 0, sizeof(*vm));
	vm->path = path;
	vm->events.fd = vm->status.fd = -1;
}

static void hang_up(struct top_vm *vm)
{
	client_close_conn(&vm->events);
	client_close_conn(&vm->status);
	vm->asked = vm->again = false;
	vm->nr_rows = 0;
}

void top_vm_exit(struct top_vm *vm)
{
	hang_up(vm);
	free(vm->body);
}

static void lost(struct top_vm *vm, const char *why)
{
	hang_up(vm);
	snprintf(vm->note, sizeof(vm->note), "%s: %s", vm->path, why);
}

/* Connected by a blocking descriptor, which a Unix socket is at once, and used without waiting. */
static bool dial(struct top_vm *vm, struct client_conn *conn,
		 int (*body)(void *opaque, const char *data, size_t len))
{
	if (client_connect(conn, vm->path, vm->note, sizeof(vm->note)) < 0)
		return false;
	conn->body = body;
	conn->opaque = vm;
	return fcntl(conn->fd, F_SETFL, O_NONBLOCK) == 0;
}

static bool connect_both(struct top_vm *vm)
{
	if (vm->events.fd >= 0)
		return true;
	if (dial(vm, &vm->events, got_event) && dial(vm, &vm->status, got_status) &&
	    client_send(&vm->events, "GET", "/api/v1/events", NULL) == 0)
		return true;
	hang_up(vm);
	return false;
}

static void ask(struct top_vm *vm)
{
	vm->body_len = 0;
	vm->again = false;
	vm->asked = true;
	vm->asked_ns = now_ns();
	if (client_send(&vm->status, "GET", "/api/v1/vm.device-power", NULL) < 0)
		lost(vm, "the VM has ended");
}

void top_vm_tick(struct top_vm *vm)
{
	if (!connect_both(vm))
		return;
	if (!vm->asked)
		ask(vm);
	else if (now_ns() - vm->asked_ns > PATIENCE_NS)
		lost(vm, "no answer");
}

/* Each device keeps its row, and with it its bar. */
static void take_status(struct top_vm *vm, const json_t *slots)
{
	const json_t *slot, *device;
	uint64_t now = now_ns();
	unsigned nr = 0;
	size_t s, d;

	json_array_foreach(slots, s, slot)
	{
		json_array_foreach(json_object_get(slot, "devices"), d, device)
		{
			if (nr < TOP_MAX_DEVICES)
				top_row_update(&vm->rows[nr++], slot, d, now);
		}
	}
	vm->nr_rows = nr;
	vm->note[0] = '\0';
	vm->answers++;
}

static void status_ready(struct top_vm *vm)
{
	int r = client_receive(&vm->status);
	json_t *answer;

	if (r > 0 || r == -EAGAIN)
		return;
	if (r < 0 || vm->status.status != 200 || !vm->status.coldvm) {
		lost(vm, r == -ECONNRESET ? "the VM has ended" : "this is no coldvm");
		return;
	}
	vm->asked = false;
	answer = vm->body_len ? json_loads(vm->body, 0, NULL) : NULL;
	if (answer)
		take_status(vm, json_object_get(answer, "slots"));
	else
		lost(vm, "the answer is not JSON");
	json_decref(answer);
}

void top_vm_poll(const struct top_vm *vm, struct pollfd fds[2])
{
	fds[0] = (struct pollfd){ .fd = vm->events.fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = vm->status.fd, .events = POLLIN };
}

bool top_vm_ready(struct top_vm *vm, const struct pollfd fds[2])
{
	bool changed = false;

	if (fds[1].revents) {
		status_ready(vm);
		changed = !vm->asked;
	}
	if (fds[0].revents && vm->events.fd >= 0) {
		int r = client_receive(&vm->events);

		/* Also when we were too slow for it: the next tick connects again. */
		if (r <= 0 && r != -EAGAIN) {
			lost(vm, "the VM has ended");
			return true;
		}
	}
	if (vm->again && !vm->asked && vm->status.fd >= 0)
		ask(vm);
	return changed;
}
