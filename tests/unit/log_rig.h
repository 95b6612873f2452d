/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log says: standard error goes into a pipe between log_rig_begin() and log_rig_end(). */
#ifndef COLDVM_TESTS_LOG_RIG_H
#define COLDVM_TESTS_LOG_RIG_H

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct {
	int pipe[2], saved;
	char text[16384]; /* what log_rig_lines() has read */
} log_rig;

static inline void log_rig_begin(void)
{
	ck_assert_int_eq(pipe2(log_rig.pipe, O_NONBLOCK | O_CLOEXEC), 0);
	log_rig.saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(log_rig.pipe[1], STDERR_FILENO), 0);
}

static inline void log_rig_end(void)
{
	dup2(log_rig.saved, STDERR_FILENO);
	close(log_rig.saved);
	close(log_rig.pipe[0]);
	close(log_rig.pipe[1]);
}

/* How many lines there were since it was asked last; log_rig.text has them. */
static inline unsigned log_rig_lines(void)
{
	ssize_t len = read(log_rig.pipe[0], log_rig.text, sizeof(log_rig.text) - 1);
	unsigned nr = 0;

	log_rig.text[len > 0 ? len : 0] = '\0';
	for (const char *c = log_rig.text; *c; c++)
		nr += *c == '\n';
	return nr;
}

#endif
