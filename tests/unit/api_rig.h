/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the suites of the control socket: an API with a made-up machine, in a main loop of its own
 * thread, as in a VM. Tests are its clients.
 *
 *	ask_path("GET", "/api/v1/vmm.ping");	a connection for one request
 *	expect_status(200);			what came is in rig_text
 */
#ifndef COLDVM_TESTS_UNIT_API_RIG_H
#define COLDVM_TESTS_UNIT_API_RIG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "vmm/api.h"
#include "vmm/api_socket.h"
#include "vmm/api_verbs.h"
#include "vmm/event.h"
#include "vmm/loop.h"

/* Of the machine's orders: who pauses waits until somebody resumes; who resumes when nobody waits
 * is told so; a reboot is done at once. */
struct api_rig {
	char dir[32], path[64];
	struct loop loop;
	struct loop_source end;
	pthread_t thread;
	struct event_monitor events;
	struct api_socket socket;
	struct api_machine machine;
	struct api *api;
	atomic_uint shutdowns, buttons, stops, pauses;
	atomic_ulong balloon; /* what vm.resize asked for last; 4096 is refused */
	bool running;
};

extern struct api_rig rig;

extern char rig_text[1 << 20]; /* what a client got */

/* Fixtures: with the usual limits, and with a time limit of 1 s. */
void rig_setup(void);
void rig_setup_short(void);
void rig_teardown(void);
/* Ends the main loop, not yet the API. */
void rig_halt(void);

/* A client. Its reads and writes end after 20 s. */
int dial(void);
void say(int fd, const char *what);
/* Everything up to the end of the connection, into rig_text, which is returned. */
const char *hear_all(int fd);
/* Up to and with @until, and no byte more. */
const char *hear(int fd, const char *until);
/* A connection of its own for one request. */
const char *ask(const char *request);
const char *ask_path(const char *method, const char *path);
/* A client that is a listener of the events. */
int listener(void);

void expect_status(unsigned status);
void expect_body(const char *body);

#endif
