/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's end of vmm/bench/guest/: requests to a guest over its serial port. */
#ifndef COLDVM_VMM_BENCH_AGENT_H
#define COLDVM_VMM_BENCH_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent {
	int in, out;	/* the guest's output, and its input */
	char line[512]; /* what came of the line that is not complete */
	size_t len;
	char tail[512]; /* the last complete line that was no answer: what the kernel had to say */
};

struct agent_answer {
	uint64_t done_ns;  /* CLOCK_MONOTONIC of the host: the answer's first byte was here */
	uint64_t guest_ns; /* how long it took, by the guest's clock */
	char text[256];
};

/* @in and @out are the caller's. */
void agent_init(struct agent *agent, int in, int out);

/* Waits until the guest's program says that it is there. -ETIMEDOUT, -EPIPE (the guest has ended),
 * -ECANCELED (@stop became readable; -1: nothing to look at). One line in @why. */
int agent_wait(struct agent *agent, int stop, unsigned timeout_ms, char *why, size_t why_len);
/* One request and its answer. The same, and -EREMOTEIO: the guest answers with an error, which is
 * in @why. */
int agent_ask(struct agent *agent, const char *request, int stop, unsigned timeout_ms,
	      struct agent_answer *ret, char *why, size_t why_len);

#endif
