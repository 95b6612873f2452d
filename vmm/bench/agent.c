/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's messages may share the line: what is no answer is passed over. */
#include "vmm/bench/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bits.h"

#define GREETING "coldvm-bench-guest"
#define DONE	 '!'
#define NS_OF_MS 1000000u

void agent_init(struct agent *agent, int in, int out)
{
	*agent = (struct agent){ .in = in, .out = out };
}

/* Waits for a byte. */
static int take_byte(struct agent *agent, int stop, uint64_t until, char *ret, char *why,
		     size_t why_len)
{
	struct pollfd fds[] = { { .fd = agent->in, .events = POLLIN },
				{ .fd = stop, .events = POLLIN } };

	for (;;) {
		uint64_t now = now_ns();
		int wait = now >= until ? 0 : (int)((until - now + NS_OF_MS - 1) / NS_OF_MS);

		if (poll(fds, ARRAY_SIZE(fds), wait) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -ECANCELED;
		if (!fds[0].revents && now_ns() >= until) {
			snprintf(why, why_len, "the guest does not answer%s%s",
				 agent->tail[0] ? "; its last line: " : "", agent->tail);
			return -ETIMEDOUT;
		}
		if (!fds[0].revents)
			continue;
		if (read(agent->in, ret, 1) == 1)
			return 0;
		snprintf(why, why_len, "the guest has ended%s%s",
			 agent->tail[0] ? "; its last line: " : "", agent->tail);
		return -EPIPE;
	}
}

/* The next line in agent->line, without its end; *ret_first is when its first DONE came, 0: none.
 */
static int take_line(struct agent *agent, int stop, uint64_t until, uint64_t *ret_done, char *why,
		     size_t why_len)
{
	char byte;

	*ret_done = 0;
	agent->len = 0;
	for (;;) {
		int r = take_byte(agent, stop, until, &byte, why, why_len);

		if (r < 0)
			return r;
		if (byte == DONE && !*ret_done)
			*ret_done = now_ns();
		if (byte == '\n')
			break;
		if (byte != '\r' && agent->len < sizeof(agent->line) - 1)
			agent->line[agent->len++] = byte;
	}
	agent->line[agent->len] = '\0';
	return 0;
}

static void remember(struct agent *agent)
{
	if (agent->line[0])
		memcpy(agent->tail, agent->line, sizeof(agent->tail));
}

int agent_wait(struct agent *agent, int stop, unsigned timeout_ms, char *why, size_t why_len)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * NS_OF_MS, done;

	for (;;) {
		int r = take_line(agent, stop, until, &done, why, why_len);

		if (r < 0)
			return r;
		if (strstr(agent->line, GREETING))
			return 0;
		remember(agent);
	}
}

/* False if the line is none of ours. */
static bool read_answer(struct agent *agent, struct agent_answer *ret, int *ret_r, char *why,
			size_t why_len)
{
	const char *text = strchr(agent->line, DONE);
	uint64_t begun, done;
	int at = 0;

	if (!text)
		return false;
	text++;
	if (!strncmp(text, "error ", 6)) {
		snprintf(why, why_len, "the guest: %s", text + 6);
		*ret_r = -EREMOTEIO;
		return true;
	}
	if (sscanf(text, "ok %" SCNu64 " %" SCNu64 " %n", &begun, &done, &at) != 2 || done < begun)
		return false;
	ret->guest_ns = done - begun;
	snprintf(ret->text, sizeof(ret->text), "%s", at ? text + at : "");
	*ret_r = 0;
	return true;
}

int agent_ask(struct agent *agent, const char *request, int stop, unsigned timeout_ms,
	      struct agent_answer *ret, char *why, size_t why_len)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * NS_OF_MS;
	char line[4096];
	int r, n = snprintf(line, sizeof(line), "%s\n", request);

	*ret = (struct agent_answer){ 0 };
	if (n < 0 || (size_t)n >= sizeof(line)) {
		snprintf(why, why_len, "too long for the guest: '%.60s...'", request);
		return -E2BIG;
	}
	if (write(agent->out, line, (size_t)n) != n) {
		snprintf(why, why_len, "the guest has ended");
		return -EPIPE;
	}
	for (;;) {
		r = take_line(agent, stop, until, &ret->done_ns, why, why_len);
		if (r < 0)
			return r;
		if (ret->done_ns && read_answer(agent, ret, &r, why, why_len))
			return r;
		remember(agent);
	}
}
