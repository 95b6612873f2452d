/* SPDX-License-Identifier: BSD-3-Clause */
/* Verbs of `coldvm ctl`: a row of the table, a question, and its answer as text. */
#include "vmm/ctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/bits.h"
#include "vmm/client.h"
#include "vmm/log.h"
#include "vmm/option_keys.h"
#include "vmm/option_value.h"
#include "vmm/status_text.h"

enum { STATUS_OK, STATUS_HOST_ERROR, STATUS_USAGE };

static const char help[] =
	"coldvm ctl SOCKET VERB [--json]\n"
	"\n"
	"Asks the VM that was started with --api-socket path=SOCKET:\n"
	"\n"
	"  ping          version and process\n"
	"  info          configuration and state\n"
	"  status        power of its devices, a line each\n"
	"  power         the same at length: why a device is not in D3cold, how long, how often\n"
	"  counters      counts of each slot, disk and network card\n"
	"  events        events from now on, as JSON lines\n"
	"  metrics       figures for Prometheus\n"
	"  policy JSON   changes the policy of a device: {\"id\":\"gpu\",\"power\":\"d3hot\"}\n"
	"  pause         stops its vCPUs\n"
	"  resume        lets them go on\n"
	"  reboot        resets it, without asking the guest, and starts it again\n"
	"  resize --balloon S   makes the balloon take S, such as 64M, from the guest\n"
	"  shutdown      presses the power button; a second one, or 10 s, stop the VM\n"
	"  power-button  presses the power button\n"
	"  stop          stops the VM at once\n"
	"\n"
	"  --json        the answer as the VM gives it\n"
	"\n"
	"None of them wakes a device, but reboot, and a policy that says so. Exit status: 0 done,\n"
	"1 no answer, or an error, 2 usage.\n"
	"\n"
	"Example:\n"
	"  coldvm ctl /run/vm.api power\n";

struct question;

struct verb {
	const char *name;
	const char *method, *target;
	void (*print)(FILE *out, const json_t *answer); /* NULL: the answer as it is */
	int (*run)(const struct question *question);
	bool has_text; /* a third word, the body of the request */
	bool has_balloon;
};

/* The command line. */
struct question {
	const char *path;
	const struct verb *verb;
	const char *text;    /* NULL: none */
	const char *balloon; /* NULL: none */
	char body[64];	     /* made of it */
	bool json;
};

static int failed(const char *why)
{
	log_complain("ctl: %s", why);
	return STATUS_HOST_ERROR;
}

static int flushed(void)
{
	return fflush(stdout) != 0 || ferror(stdout) ? failed("standard output cannot be written")
						     : STATUS_OK;
}

/* --- answers as text ---------------------------------------------------------------------------
 */

static void print_ping(FILE *out, const json_t *answer)
{
	fprintf(out, "coldvm %s, process %llu\n", status_string(answer, "version"),
		(unsigned long long)status_number(answer, "pid"));
}

static void print_status(FILE *out, const json_t *answer)
{
	status_slots(out, json_object_get(answer, "slots"));
}

static void print_power(FILE *out, const json_t *answer)
{
	const json_t *slot;
	size_t i;

	json_array_foreach(json_object_get(answer, "slots"), i, slot)
	{
		if (i)
			fputc('\n', out);
		status_slot(out, slot);
	}
	if (!json_array_size(json_object_get(answer, "slots")))
		fputs("no passthrough devices\n", out);
}

static void print_counters(FILE *out, const json_t *answer)
{
	const char *id, *name;
	const json_t *counters, *value;

	json_object_foreach((json_t *)answer, id, counters) json_object_foreach((json_t *)counters,
										name, value)
		fprintf(out, "%s.%s %lld\n", id, name, (long long)json_integer_value(value));
}

/* --- kinds of verbs ----------------------------------------------------------------------------
 */

static int ask(const struct question *question)
{
	json_t *answer;
	char why[512];

	if (client_ask_json(question->path, question->verb->target, &answer, why, sizeof(why)) < 0)
		return failed(why);
	if (question->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		question->verb->print(stdout, answer);
	}
	json_decref(answer);
	return flushed();
}

/* A reply with nothing in it, or one that is printed as it is. */
static int ask_plain(const struct question *question)
{
	const struct verb *verb = question->verb;
	char why[512], error[256], *body;
	int r = client_ask(question->path, verb->method, verb->target, question->text, &body, why,
			   sizeof(why));
	if (r < 0)
		return failed(why);
	if (r == 200 || r == 204) {
		fputs(body, stdout);
		free(body);
		return flushed();
	}
	client_error_text((unsigned)r, body, error, sizeof(error));
	snprintf(why, sizeof(why), "%s: %s", question->path, error);
	free(body);
	return failed(why);
}

static int show(void *opaque, const char *data, size_t len)
{
	(void)opaque;
	return fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : -EIO;
}

/* Events until the VM ends. */
static int follow(const struct question *question)
{
	const struct timeval forever = { 0 };
	struct client_conn conn;
	char why[512];
	int r = client_connect(&conn, question->path, why, sizeof(why));
	if (r < 0)
		return failed(why);
	conn.body = show;
	if (setsockopt(conn.fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever)) < 0)
		r = -errno;
	if (r == 0)
		r = client_send(&conn, question->verb->method, question->verb->target, NULL);
	while (r >= 0) {
		r = client_receive(&conn);
		if (r == 0)
			break;
	}
	client_close_conn(&conn);
	if (r == 0 && conn.coldvm && conn.status == 200)
		return STATUS_OK;
	if (r == -ECANCELED)
		return failed("standard output cannot be written");
	snprintf(why, sizeof(why), "%s: the events broke off: %s", question->path,
		 conn.coldvm ? strerror(r < 0 ? -r : EPROTO)
			     : "whoever listens there is no coldvm");
	return failed(why);
}

static const struct verb verbs[] = {
	{ "ping", "GET", "/api/v1/vmm.ping", print_ping, ask, false, false },
	{ "info", "GET", "/api/v1/vm.info", status_info, ask, false, false },
	{ "status", "GET", "/api/v1/vm.device-power", print_status, ask, false, false },
	{ "power", "GET", "/api/v1/vm.device-power", print_power, ask, false, false },
	{ "counters", "GET", "/api/v1/vm.counters", print_counters, ask, false, false },
	{ "events", "GET", "/api/v1/events", NULL, follow, false, false },
	{ "metrics", "GET", "/metrics", NULL, ask_plain, false, false },
	{ "policy", "PUT", "/api/v1/vm.device-power-policy", NULL, ask_plain, true, false },
	{ "pause", "PUT", "/api/v1/vm.pause", NULL, ask_plain, false, false },
	{ "resume", "PUT", "/api/v1/vm.resume", NULL, ask_plain, false, false },
	{ "reboot", "PUT", "/api/v1/vm.reboot", NULL, ask_plain, false, false },
	{ "resize", "PUT", "/api/v1/vm.resize", NULL, ask_plain, false, true },
	{ "shutdown", "PUT", "/api/v1/vm.shutdown", NULL, ask_plain, false, false },
	{ "power-button", "PUT", "/api/v1/vm.power-button", NULL, ask_plain, false, false },
	{ "stop", "PUT", "/api/v1/vmm.shutdown", NULL, ask_plain, false, false },
};

/* --- the command line --------------------------------------------------------------------------
 */

static int usage(const char *why)
{
	log_complain("ctl: %s", why);
	return STATUS_USAGE;
}

static const struct verb *find_verb(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int unknown_verb(const char *name)
{
	char why[256];
	int len = snprintf(why, sizeof(why), "unknown verb '%.32s': known are", name);

	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		len += snprintf(why + len, sizeof(why) - (size_t)len, "%s%s", i ? ", " : " ",
				verbs[i].name);
	return usage(why);
}

static int unexpected(const char *word)
{
	char why[256];

	snprintf(why, sizeof(why), "'%.64s' is not expected: coldvm ctl SOCKET VERB [--json]",
		 word);
	return usage(why);
}

/* --balloon's value as the body of a request. */
static int take_balloon(struct question *question)
{
	struct balloon_options balloon = { 0 };
	char wish[128], why[256];

	if (!question->verb->has_balloon)
		return question->balloon ? unexpected("--balloon") : STATUS_OK;
	if (!question->balloon)
		return usage("say how much: coldvm ctl SOCKET resize --balloon 64M");
	if (option_set(option_find_key(&option_balloon, "size"), &balloon, question->balloon, wish,
		       sizeof(wish)) < 0) {
		snprintf(why, sizeof(why), "--balloon %.64s: %s", question->balloon, wish);
		return usage(why);
	}
	snprintf(question->body, sizeof(question->body), "{\"desired_balloon\":%llu}",
		 (unsigned long long)balloon.size);
	question->text = question->body;
	return STATUS_OK;
}

/* STATUS_OK if all words are there. */
static int complete(const char *const *words, unsigned nr, struct question *question)
{
	if (nr < 2)
		return usage(nr ? "say what to ask: coldvm ctl SOCKET VERB [--json]"
				: "say which VM: coldvm ctl SOCKET VERB [--json]");
	question->path = words[0];
	question->verb = find_verb(words[1]);
	if (!question->verb)
		return unknown_verb(words[1]);
	if (question->verb->has_text && nr < 3)
		return usage("say which policy: coldvm ctl SOCKET policy "
			     "'{\"id\":\"gpu\",\"power\":\"d3hot\"}'");
	if (!question->verb->has_text && nr > 2)
		return unexpected(words[2]);
	question->text = nr > 2 ? words[2] : NULL;
	return take_balloon(question);
}

int ctl_main(int argc, char **argv)
{
	struct question question = { 0 };
	const char *words[3];
	unsigned nr = 0;
	int r;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return flushed();
		}
		if (!strcmp(argv[i], "--json"))
			question.json = true;
		else if (!strcmp(argv[i], "--balloon") && i + 1 < argc)
			question.balloon = argv[++i];
		else if (argv[i][0] == '-' || nr == ARRAY_SIZE(words))
			return unexpected(argv[i]);
		else
			words[nr++] = argv[i];
	}
	r = complete(words, nr, &question);
	return r != STATUS_OK ? r : question.verb->run(&question);
}
