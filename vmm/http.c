/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests within their limits, and the text of responses. */
#include "vmm/http.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vmm/bits.h"

/* --- a request ---------------------------------------------------------------------------------
 */

static int refuse(struct http_request *request, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Not 0, which stops the parser. */
static int refuse(struct http_request *request, unsigned status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(request->why, sizeof(request->why), fmt, args);
	va_end(args);
	request->error = status;
	return -1;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
	struct http_request *request = parser->data;
	const char *query = memchr(at, '?', len);

	if (request->in_query)
		return 0;
	request->in_query = query != NULL;
	if (query)
		len = (size_t)(query - at);
	if (len >= sizeof(request->path) - request->path_len)
		return refuse(request, 414, "the path is longer than %d bytes", HTTP_MAX_PATH - 1);
	memcpy(request->path + request->path_len, at, len);
	request->path_len += len;
	request->path[request->path_len] = '\0';
	return 0;
}

static void keep(char *text, size_t size, size_t *used, const char *at, size_t len)
{
	len = min_u64(len, size - 1 - *used);
	memcpy(text + *used, at, len);
	*used += len;
	text[*used] = '\0';
}

/* A header is over when the next one begins. */
static void end_header(struct http_request *request)
{
	if (request->in_value && !strcasecmp(request->field, "Expect") &&
	    !strcasecmp(request->value, "100-continue"))
		request->expects_continue = true;
	request->field_len = request->value_len = 0;
	request->field[0] = request->value[0] = '\0';
	request->in_value = false;
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
	struct http_request *request = parser->data;

	if (request->in_value)
		end_header(request);
	keep(request->field, sizeof(request->field), &request->field_len, at, len);
	return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
	struct http_request *request = parser->data;

	request->in_value = true;
	keep(request->value, sizeof(request->value), &request->value_len, at, len);
	return 0;
}

static int on_headers(http_parser *parser)
{
	struct http_request *request = parser->data;

	end_header(request);
	request->headers_done = true;
	/* An offer of another protocol may be passed over (RFC 9110, 7.8). */
	parser->upgrade = 0;
	if (parser->http_major != 1)
		return refuse(request, 505, "this socket speaks HTTP/1.1 and nothing else");
	/* Of one without a length, in chunks, every piece is checked. */
	if (parser->content_length != UINT64_MAX && parser->content_length > HTTP_MAX_BODY)
		return refuse(request, 413, "the body has %llu bytes: at most %d are taken",
			      (unsigned long long)parser->content_length, HTTP_MAX_BODY);
	return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
	struct http_request *request = parser->data;
	char *body;

	if (len > HTTP_MAX_BODY - request->body_len)
		return refuse(request, 413, "the body has more than the %d bytes that are taken",
			      HTTP_MAX_BODY);
	body = realloc(request->body, request->body_len + len + 1);
	if (!body)
		return refuse(request, 503, "out of memory");
	memcpy(body + request->body_len, at, len);
	request->body = body;
	request->body_len += len;
	body[request->body_len] = '\0';
	return 0;
}

/* Stops here, so that a request behind this one stays in the caller's buffer. */
static int on_complete(http_parser *parser)
{
	struct http_request *request = parser->data;

	request->complete = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

void http_request_init(struct http_request *request)
{
	memset(request, 0, sizeof(*request));
	http_parser_init(&request->parser, HTTP_REQUEST);
	request->parser.data = request;
}

void http_request_reset(struct http_request *request)
{
	free(request->body);
	http_request_init(request);
}

size_t http_request_feed(struct http_request *request, const char *data, size_t len)
{
	size_t room = request->headers_done ? len : HTTP_MAX_HEAD - request->head_len;
	size_t taken;

	if (request->complete || request->error)
		return 0;
	/* The head is fed up to its limit and not beyond; what belongs to the body follows. */
	taken = http_parser_execute(&request->parser, &settings, data, min_u64(len, room));
	if (request->error || request->complete)
		return taken;
	if (HTTP_PARSER_ERRNO(&request->parser) != HPE_OK) {
		refuse(request, 400, "this is no HTTP request: %s",
		       http_errno_description(HTTP_PARSER_ERRNO(&request->parser)));
		return taken;
	}
	if (request->headers_done)
		return taken;
	request->head_len += taken;
	if (request->head_len >= HTTP_MAX_HEAD)
		refuse(request, 431, "the headers have more than the %d bytes that are taken",
		       HTTP_MAX_HEAD);
	return taken;
}

bool http_request_empty(const struct http_request *request)
{
	return !request->head_len && !request->headers_done && !request->error;
}

const char *http_request_method(const struct http_request *request)
{
	return http_method_str((enum http_method)request->parser.method);
}

bool http_request_keep_alive(const struct http_request *request)
{
	return request->complete && http_should_keep_alive(&request->parser);
}

bool http_request_knows_chunks(const struct http_request *request)
{
	return request->parser.http_minor >= 1;
}

/* --- a response --------------------------------------------------------------------------------
 */

static const char *status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
#define XX(number, name, string) { number, #string },
		HTTP_STATUS_MAP(XX)
#undef XX
	};

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Unknown";
}

char *http_response_format(const struct http_response *response, size_t *ret_len)
{
	bool later = response->chunked || response->endless;
	size_t body_len = later ? 0 : response->body_len;
	char *text, head[512], length[48] = "";
	int head_len;

	/* 204 has no body and so no length (RFC 9110, 8.6). */
	if (!later && response->status != 204)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body_len);
	head_len =
		snprintf(head, sizeof(head),
			 "HTTP/1.1 %u %s\r\nServer: coldvm\r\n%s%s%s%s%s%s%s\r\n", response->status,
			 status_text(response->status), response->type ? "Content-Type: " : "",
			 response->type ? response->type : "", response->type ? "\r\n" : "",
			 response->chunked ? "Transfer-Encoding: chunked\r\n" : "", length,
			 response->keep_alive ? "" : "Connection: close\r\n",
			 response->extra ? response->extra : "");
	if (head_len < 0 || (size_t)head_len >= sizeof(head))
		return NULL;
	text = malloc((size_t)head_len + body_len + 1);
	if (!text)
		return NULL;
	memcpy(text, head, (size_t)head_len);
	if (body_len)
		memcpy(text + head_len, response->body, body_len);
	*ret_len = (size_t)head_len + body_len;
	text[*ret_len] = '\0';
	return text;
}

size_t http_chunk_head(char head[HTTP_CHUNK_HEAD], size_t len)
{
	return (size_t)snprintf(head, HTTP_CHUNK_HEAD, "%zx\r\n", len);
}
