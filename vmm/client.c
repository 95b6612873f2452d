/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking a VM: connection, request, and the response taken apart by http_parser. */
#include "vmm/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vmm/bits.h"

#define TIME_LIMIT_S 10
/* For an order, which is answered when it is done: a reboot waits for devices to come back. */
#define ORDER_LIMIT_S 120

/* --- connection --------------------------------------------------------------------------------
 */

static const char *explain(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such socket: give the path of --api-socket of a running VM";
	case -ECONNREFUSED:
		return "nobody listens there: its VM has ended, or this is no socket";
	case -EACCES:
	case -EPERM:
		return "no permission: it belongs to the user who started the VM";
	case -EPROTOTYPE:
		return "this is a socket of another kind, not of a coldvm";
	default:
		return strerror(-err);
	}
}

int client_connect(struct client_conn *conn, const char *path, char *why, size_t why_len)
{
	const struct timeval limit = { .tv_sec = TIME_LIMIT_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r = 0;

	memset(conn, 0, sizeof(*conn));
	conn->fd = -1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(why, why_len, "%s: a socket's path has at most %zu bytes", path,
			 sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(conn->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		r = -errno;
	if (r < 0) {
		snprintf(why, why_len, "%s: %s", path, explain(r));
		client_close_conn(conn);
	}
	return r;
}

void client_close_conn(struct client_conn *conn)
{
	close_fd(&conn->fd);
}

/* --- response ----------------------------------------------------------------------------------
 */

static void keep(char *text, size_t size, size_t *used, const char *at, size_t len)
{
	len = min_u64(len, size - 1 - *used);
	memcpy(text + *used, at, len);
	*used += len;
	text[*used] = '\0';
}

static void end_header(struct client_conn *conn)
{
	if (conn->in_value && !strcasecmp(conn->field, "Server") && !strcmp(conn->value, "coldvm"))
		conn->coldvm = true;
	conn->field_len = conn->value_len = 0;
	conn->in_value = false;
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
	struct client_conn *conn = parser->data;

	if (conn->in_value)
		end_header(conn);
	keep(conn->field, sizeof(conn->field), &conn->field_len, at, len);
	return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
	struct client_conn *conn = parser->data;

	conn->in_value = true;
	keep(conn->value, sizeof(conn->value), &conn->value_len, at, len);
	return 0;
}

static int on_headers(http_parser *parser)
{
	struct client_conn *conn = parser->data;

	end_header(conn);
	conn->status = parser->status_code;
	return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
	struct client_conn *conn = parser->data;
	int r = conn->body ? conn->body(conn->opaque, at, len) : 0;

	conn->refused = r < 0;
	return r;
}

static int on_complete(http_parser *parser)
{
	struct client_conn *conn = parser->data;

	conn->complete = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t done = send(fd, data, len, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			return -errno;
		data += done < 0 ? 0 : done;
		len -= done < 0 ? 0 : (size_t)done;
	}
	return 0;
}

int client_send(struct client_conn *conn, const char *method, const char *target, const char *text)
{
	size_t text_len = text ? strlen(text) : 0;
	char head[512];
	int r, len;

	len = snprintf(head, sizeof(head),
		       "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", method,
		       target, text_len);
	if (len < 0 || (size_t)len >= sizeof(head))
		return -EINVAL;
	http_parser_init(&conn->parser, HTTP_RESPONSE);
	conn->parser.data = conn;
	conn->status = 0;
	conn->coldvm = conn->complete = conn->refused = conn->in_value = false;
	conn->field_len = conn->value_len = 0;
	r = send_all(conn->fd, head, (size_t)len);
	return r < 0 ? r : send_all(conn->fd, text, text_len);
}

int client_receive(struct client_conn *conn)
{
	char data[16384];
	ssize_t done = recv(conn->fd, data, sizeof(data), 0);
	size_t taken;

	if (done < 0)
		return errno == EINTR ? 1 : -errno;
	taken = http_parser_execute(&conn->parser, &settings, data, (size_t)done);
	if (conn->complete)
		return 0;
	if (conn->refused)
		return -ECANCELED;
	if (HTTP_PARSER_ERRNO(&conn->parser) == HPE_INVALID_EOF_STATE)
		return -ECONNRESET;
	if (HTTP_PARSER_ERRNO(&conn->parser) != HPE_OK || taken != (size_t)done)
		return -EPROTO;
	return done == 0 ? -ECONNRESET : 1;
}

/* --- one question ------------------------------------------------------------------------------
 */

struct answer {
	char *body;
	size_t len;
};

static int collect(void *opaque, const char *data, size_t len)
{
	struct answer *answer = opaque;
	char *body;

	if (len > CLIENT_MAX_BODY - answer->len)
		return -EMSGSIZE;
	body = realloc(answer->body, answer->len + len + 1);
	if (!body)
		return -ENOMEM;
	memcpy(body + answer->len, data, len);
	answer->body = body;
	answer->len += len;
	body[answer->len] = '\0';
	return 0;
}

static void explain_answer(const char *path, int err, int limit_s, char *why, size_t why_len)
{
	if (err == -EPROTO || err == -ECONNRESET || err == -EPIPE)
		snprintf(why, why_len, "%s: whoever listens there is no coldvm, or has just ended",
			 path);
	else if (err == -EAGAIN)
		snprintf(why, why_len, "%s: no answer within %d s", path, limit_s);
	else
		snprintf(why, why_len, "%s: %s", path, strerror(-err));
}

int client_ask(const char *path, const char *method, const char *target, const char *text,
	       char **ret_body, char *why, size_t why_len)
{
	int limit_s = strcmp(method, "GET") ? ORDER_LIMIT_S : TIME_LIMIT_S;
	const struct timeval limit = { .tv_sec = limit_s };
	struct answer answer = { 0 };
	struct client_conn conn;
	int r = client_connect(&conn, path, why, why_len);

	if (r < 0)
		return r;
	conn.body = collect;
	conn.opaque = &answer;
	if (setsockopt(conn.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		r = -errno;
	if (r == 0)
		r = client_send(&conn, method, target, text);
	while (r >= 0) {
		r = client_receive(&conn);
		if (r == 0)
			break;
	}
	if (r == 0 && !conn.coldvm)
		r = -EPROTO;
	if (r == 0 && !answer.body)
		r = collect(&answer, "", 0);
	client_close_conn(&conn);
	if (r < 0) {
		explain_answer(path, r, limit_s, why, why_len);
		free(answer.body);
		return r;
	}
	*ret_body = answer.body;
	return (int)conn.status;
}

void client_error_text(unsigned status, const char *body, char *text, size_t len)
{
	json_t *object = json_loads(body, 0, NULL);
	const char *error = json_string_value(json_object_get(object, "error"));

	if (error)
		snprintf(text, len, "%s", error);
	else
		snprintf(text, len, "it answers %u %s", status,
			 http_status_str((enum http_status)status));
	json_decref(object);
}

int client_ask_json(const char *path, const char *target, json_t **ret, char *why, size_t why_len)
{
	char *body = NULL, error[256];
	int r = client_ask(path, "GET", target, NULL, &body, why, why_len);
	json_t *object = NULL;

	if (r < 0)
		return r;
	if (r == 200)
		object = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	if (object) {
		*ret = object;
		r = 0;
	} else if (r == 200) {
		snprintf(why, why_len, "%s: the answer is not JSON", path);
		r = -EPROTO;
	} else {
		client_error_text((unsigned)r, body, error, sizeof(error));
		snprintf(why, why_len, "%s: %s", path, error);
		r = -EREMOTEIO;
	}
	free(body);
	return r;
}
