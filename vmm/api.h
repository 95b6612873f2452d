/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket of a running VM: HTTP/1.1 on a Unix socket, in the main loop, without a thread
 * of its own. Knows connections, routing and the stream of events; what can be asked is a table
 * that the machine hands in (vmm/api_verbs.c).
 */
#ifndef COLDVM_VMM_API_H
#define COLDVM_VMM_API_H

#include <jansson.h>
#include <stddef.h>

#include "vmm/event.h"
#include "vmm/loop.h"

#define API_MAX_CLIENTS	    32	       /* connections; one more takes the place of an idle one */
#define API_LISTENER_BUFFER (64 << 10) /* bytes that a listener may be behind */
/* From a request's first byte to its last, and for a client that takes no byte of a response. */
#define API_TIME_LIMIT_S 10

struct api_reply {
	unsigned status;  /* 204 until set */
	const char *type; /* of body, Content-Type */
	char *body;	  /* malloc()ed, freed by the API; NULL: none */
	size_t body_len;
	bool events;		     /* the connection becomes a listener of the event monitor */
	bool later;		     /* nothing is said before api_answer() */
	const struct api_verb *verb; /* set by api_route(); NULL: an error */
};

struct api_verb {
	const char *method; /* "GET" */
	const char *path;   /* "/api/v1/vm.info" */
	/* Main thread; must not wait. @body: the request's, NULL without one; not kept. */
	void (*run)(void *opaque, const json_t *body, struct api_reply *reply);
	const char *help; /* one line */
};

struct api_config {
	int fd; /* a listening Unix socket, O_NONBLOCK; stays the caller's */
	const struct api_verb *verbs;
	unsigned nr_verbs;
	void *opaque; /* for the verbs */
	struct loop *loop;
	struct event_monitor *events;
	unsigned time_limit_s; /* 0: API_TIME_LIMIT_S */
};

struct api;

/* Starts to listen; requests are served while the loop runs. -errno. */
int api_create(const struct api_config *config, struct api **ret_api);
/* Gives listeners what is still to be sent, for 200 ms at most, and hangs up. Takes NULL. */
void api_destroy(struct api *api);

/* Answers all who wait for the verb at @path because its reply said `later`: @status, with @error
 * unless that is NULL. Main thread. Takes NULL. */
void api_answer(struct api *api, const char *path, unsigned status, const char *error);

/* Takes ownership of @object (NULL: out of memory) as the reply's body, with status 200. */
void api_reply_json(struct api_reply *reply, json_t *object);
/* {"error": text}, with @status. */
void api_reply_error(struct api_reply *reply, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
