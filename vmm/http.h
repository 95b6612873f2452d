/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One HTTP/1.1 request as it comes in, and the text of a response. Pure: no sockets. The parsing
 * of the protocol itself is http_parser's; here are its limits and what is kept.
 */
#ifndef COLDVM_VMM_HTTP_H
#define COLDVM_VMM_HTTP_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_PATH 256	 /* bytes, without the query */
#define HTTP_MAX_HEAD 8192	 /* bytes of request line and headers */
#define HTTP_MAX_BODY (64 << 10) /* bytes */

struct http_request {
	http_parser parser;
	char path[HTTP_MAX_PATH];
	size_t path_len, head_len;
	char *body; /* body_len bytes and a NUL; NULL without a body */
	size_t body_len;
	char field[16], value[16]; /* of the header being read, cut off */
	size_t field_len, value_len;
	bool in_value, in_query;
	bool expects_continue; /* "100 Continue" is to be sent once; the reader clears it */
	bool headers_done;
	bool complete;
	unsigned error; /* status to answer with; 0: none so far */
	char why[128];	/* one line about it */
};

void http_request_init(struct http_request *request);
/* Frees what is kept; the same object may be fed with the next request. */
void http_request_reset(struct http_request *request);

/*
 * Takes at most @len bytes that came in and returns how many: fewer than @len when the request is
 * complete (what follows is the next one) or request->error is set. @len 0: the client has closed
 * its end.
 */
size_t http_request_feed(struct http_request *request, const char *data, size_t len);

/* True while nothing of a request has come in. */
bool http_request_empty(const struct http_request *request);
/* "GET" */
const char *http_request_method(const struct http_request *request);
/* True if the client wants to go on with this connection. */
bool http_request_keep_alive(const struct http_request *request);
/* HTTP/1.0 knows no chunks. */
bool http_request_knows_chunks(const struct http_request *request);

struct http_response {
	unsigned status;
	const char *type;  /* Content-Type; NULL: no body, and none is announced */
	const char *extra; /* more headers, each with its "\r\n"; NULL: none */
	const char *body;
	size_t body_len;
	bool chunked; /* the body comes later, in chunks: @body is not looked at */
	bool endless; /* the body comes later and ends with the connection */
	bool keep_alive;
};

/* Head and body in one block, which the caller frees. NULL without memory. */
char *http_response_format(const struct http_response *response, size_t *ret_len);

/* The line that begins a chunk of @len bytes; after those comes "\r\n". Returns its length. */
#define HTTP_CHUNK_HEAD 20
size_t http_chunk_head(char head[HTTP_CHUNK_HEAD], size_t len);
#define HTTP_LAST_CHUNK "0\r\n\r\n"

#endif
