/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a verb. Who asks for something unknown is told the nearest thing that is known. */
#include "vmm/api_route.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/nearest.h"

/* --- replies -----------------------------------------------------------------------------------
 */

void api_reply_json(struct api_reply *reply, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text) {
		reply->status = 500;
		return;
	}
	if (reply->status == 204)
		reply->status = 200;
	reply->type = "application/json";
	reply->body = text;
	reply->body_len = strlen(text);
}

void api_reply_error(struct api_reply *reply, unsigned status, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	reply->status = status;
	/* Bytes of the client may be in the text, and JSON is UTF-8. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	api_reply_json(reply, json_pack("{s:s}", "error", text));
}

/* --- the nearest name --------------------------------------------------------------------------
 */

static const char *nearest(const struct api_config *config, const char *path)
{
	const char *best = "";
	unsigned least = UINT32_MAX;

	for (unsigned i = 0; i < config->nr_verbs; i++) {
		unsigned d = nearest_distance(config->verbs[i].path, path);

		if (d < least) {
			least = d;
			best = config->verbs[i].path;
		}
	}
	return best;
}

/* --- routing -----------------------------------------------------------------------------------
 */

/* The methods that @path has, as an Allow header; false if there is no such path. */
static bool list_methods(const struct api_config *config, const char *path,
			 char allow[API_ALLOW_SIZE])
{
	int len = 0;

	for (unsigned i = 0; i < config->nr_verbs; i++) {
		if (strcmp(config->verbs[i].path, path))
			continue;
		len += snprintf(allow + len, (size_t)(API_ALLOW_SIZE - len), "%s%s",
				len ? ", " : "Allow: ", config->verbs[i].method);
		if (len >= API_ALLOW_SIZE - 2)
			return true;
	}
	if (len)
		strcpy(allow + len, "\r\n");
	return len != 0;
}

static const struct api_verb *find_verb(const struct api_config *config, const char *method,
					const char *path)
{
	for (unsigned i = 0; i < config->nr_verbs; i++)
		if (!strcmp(config->verbs[i].method, method) &&
		    !strcmp(config->verbs[i].path, path))
			return &config->verbs[i];
	return NULL;
}

static void run_verb(const struct api_config *config, const struct api_verb *verb,
		     const struct http_request *request, struct api_reply *reply)
{
	json_error_t error;
	json_t *body = NULL;

	if (request->body_len) {
		body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &error);
		if (!body) {
			api_reply_error(reply, 400, "the body is not JSON: %s (line %d, column %d)",
					error.text, error.line, error.column);
			return;
		}
	}
	reply->verb = verb;
	verb->run(config->opaque, body, reply);
	json_decref(body);
}

void api_route(const struct api_config *config, const struct http_request *request,
	       struct api_reply *reply, char allow[API_ALLOW_SIZE])
{
	const char *method = http_request_method(request);
	const struct api_verb *verb;

	*reply = (struct api_reply){ .status = 204 };
	allow[0] = '\0';
	if (request->error) {
		api_reply_error(reply, request->error, "%s", request->why);
		return;
	}
	verb = find_verb(config, method, request->path);
	if (verb) {
		run_verb(config, verb, request, reply);
		/* Not just now: RFC 9110, 10.2.1, has an empty Allow for that. */
		if (reply->status == 405)
			strcpy(allow, "Allow: \r\n");
	} else if (list_methods(config, request->path, allow)) {
		api_reply_error(reply, 405, "%s does not take %s: it takes %.*s", request->path,
				method, (int)strcspn(allow + strlen("Allow: "), "\r"),
				allow + strlen("Allow: "));
	} else {
		api_reply_error(reply, 404, "there is no %s: the nearest is %s", request->path,
				nearest(config, request->path));
	}
}
