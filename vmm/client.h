/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of a VM's control socket, for `coldvm ctl` and `coldvm top`. */
#ifndef COLDVM_VMM_CLIENT_H
#define COLDVM_VMM_CLIENT_H

#include <http_parser.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CLIENT_MAX_BODY (16 << 20) /* bytes of a response that is kept whole */

struct client_conn {
	int fd; /* -1: not connected */
	http_parser parser;
	unsigned status; /* of the response; 0 before its headers are there */
	bool coldvm;	 /* its headers say who answers */
	bool complete;
	bool refused; /* a callback has had enough */
	/* Parts of the body as they come, chunks taken apart; -errno ends it. */
	int (*body)(void *opaque, const char *data, size_t len);
	void *opaque;
	char field[16], value[16]; /* of the header being read, cut off */
	size_t field_len, value_len;
	bool in_value;
};

/* Connects to the VM's socket at @path. -errno, with one line for people in @why: no such socket,
 * nobody listens, permission. */
int client_connect(struct client_conn *conn, const char *path, char *why, size_t why_len);
void client_close_conn(struct client_conn *conn);

/* Sends a request; @text is its body, NULL for none. conn->body and conn->opaque are set by then.
 * -errno. */
int client_send(struct client_conn *conn, const char *method, const char *target, const char *text);
/* Reads what is there, or waits for more if the descriptor blocks, and calls conn->body. 1: go on;
 * 0: the response is complete; -ECANCELED (conn->body failed), -EPROTO (this is no HTTP),
 * -ECONNRESET (it ended too early), -EAGAIN. */
int client_receive(struct client_conn *conn);

/*
 * One request with the body @text (NULL: none), its whole response. Waits 10 s for each part of it
 * at most, for an order (no GET) 2 min. Returns the status, and in *@ret_body the body with a NUL
 * behind it, which the caller frees. -errno with one line in @why if there is no answer, or none of
 * a coldvm.
 */
int client_ask(const char *path, const char *method, const char *target, const char *text,
	       char **ret_body, char *why, size_t why_len);
/* The same for a verb that answers 200 with JSON: a new reference in *@ret. An error reply of the
 * VM is -EREMOTEIO, with its text in @why. */
int client_ask_json(const char *path, const char *target, json_t **ret, char *why, size_t why_len);
/* What an error reply says, or its status; @text has @len bytes. */
void client_error_text(unsigned status, const char *body, char *text, size_t len);

#endif
