/* SPDX-License-Identifier: BSD-3-Clause */
/* A passt of our own. */
#include "devices/virtio/net_passt_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

#define MAX_ARGS  64
#define MAX_LINES 200 /* logged: what a guest sends may be worth a line each time to passt */
#define STREAM_FD 3   /* in the child; make_argv() says it too */
#define END_MS	  1000

/* What the child needs, made before it exists: in it nothing may be allocated. */
struct start {
	char *argv[MAX_ARGS + 8];
	char *args; /* a copy that argv points into */
	int stream, errors, null;
	pid_t parent;
	volatile int err; /* of what failed in the child */
};

static int make_argv(struct start *start, const char *args)
{
	static char *const first[] = { "passt", "--foreground", "--quiet", "--fd", "3" };
	unsigned n = ARRAY_SIZE(first);
	char *save, *word;

	memcpy(start->argv, first, sizeof(first));
	start->args = strdup(args ? args : "");
	if (!start->args)
		return -ENOMEM;
	for (word = strtok_r(start->args, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (n == ARRAY_SIZE(start->argv) - 1) {
			free(start->args);
			return -E2BIG;
		}
		start->argv[n++] = word;
	}
	start->argv[n] = NULL;
	return 0;
}

/* 0, 1 and 2 as a program expects them, the stream as 3, and nothing else. The descriptors are
 * moved out of the way first, since any of them may be one of these numbers. */
static int child_descriptors(const struct start *start)
{
	int null = fcntl(start->null, F_DUPFD, STREAM_FD + 1);
	int errors = fcntl(start->errors, F_DUPFD, STREAM_FD + 1);
	int stream = fcntl(start->stream, F_DUPFD, STREAM_FD + 1);

	if (null < 0 || errors < 0 || stream < 0)
		return -1;
	if (dup2(null, 0) < 0 || dup2(errors, 1) < 0 || dup2(errors, 2) < 0 ||
	    dup2(stream, STREAM_FD) < 0)
		return -1;
	return close_range(STREAM_FD + 1, ~0u, 0);
}

/* In the child, on the parent's memory, until execvp(3). */
static void child(struct start *start)
{
	sigset_t none;

	sigemptyset(&none);
	if (child_descriptors(start) == 0 && signal(SIGPIPE, SIG_DFL) != SIG_ERR &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0) {
		/* Died between the two calls: nobody would tell. */
		if (getppid() == start->parent)
			execvp(start->argv[0], start->argv);
	}
	start->err = errno;
}

/* Not fork(2): that would copy the page tables of all of the guest's RAM, and pages that a device
 * has pinned with them. */
static pid_t spawn(struct start *start)
{
	pid_t pid;

	start->parent = getpid();
	start->err = 0;
	pid = vfork();
	if (pid == 0) {
		child(start);
		_exit(127);
	}
	if (pid > 0 && start->err) {
		waitpid(pid, NULL, 0);
		errno = start->err;
		return -1;
	}
	return pid;
}

static int run(struct net_passt_process *passt, struct start *start)
{
	passt->pid = spawn(start);
	if (passt->pid < 0)
		return -errno;
	passt->pid_fd = pidfd_open(passt->pid, 0);
	if (passt->pid_fd < 0) {
		int err = -errno;

		kill(passt->pid, SIGKILL);
		waitpid(passt->pid, NULL, 0);
		return err;
	}
	return 0;
}

int net_passt_start(struct net_passt_process *passt, const char *name, const char *args,
		    int *ret_fd, char *why, size_t why_len)
{
	struct start start = { .null = -1 };
	int stream[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int ret;

	*passt = (struct net_passt_process){ .name = name, .pid_fd = -1, .stderr_fd = -1 };
	ret = make_argv(&start, args);
	if (ret) {
		snprintf(why, why_len, "passt_args has more than %d words", MAX_ARGS);
		return ret;
	}
	start.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (start.null < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0 ||
	    pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
		ret = -errno;
	} else {
		start.stream = stream[1];
		start.errors = errors[1];
		ret = run(passt, &start);
	}
	free(start.args);
	close_fd(&start.null);
	close_fd(&stream[1]);
	close_fd(&errors[1]);
	if (ret) {
		snprintf(why, why_len, "cannot start passt: %s%s", strerror(-ret),
			 ret == -ENOENT ? " (is the package passt installed?)" : "");
		close_fd(&stream[0]);
		close_fd(&errors[0]);
		return ret;
	}
	passt->stderr_fd = errors[0];
	*ret_fd = stream[0];
	return 0;
}

static void end_line(struct net_passt_process *passt)
{
	if (!passt->line_len)
		return;
	passt->line[passt->line_len] = '\0';
	memcpy(passt->last, passt->line, sizeof(passt->last));
	passt->line_len = 0;
	if (passt->lines < MAX_LINES)
		log_debug(passt->name, "passt: %s", passt->last);
	else if (passt->lines == MAX_LINES)
		log_debug(passt->name, "passt says more than %d lines: no more are shown",
			  MAX_LINES);
	if (passt->lines <= MAX_LINES)
		passt->lines++;
}

void net_passt_read_stderr(struct net_passt_process *passt)
{
	char text[512];
	ssize_t len;

	if (passt->stderr_fd < 0)
		return;
	len = read(passt->stderr_fd, text, sizeof(text));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			end_line(passt);
		else if (passt->line_len < sizeof(passt->line) - 1)
			/* Some of it becomes JSON, which knows UTF-8 only. */
			passt->line[passt->line_len++] =
				text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	}
	if (len <= 0) {
		end_line(passt);
		close_fd(&passt->stderr_fd);
	}
}

/* What is left in the pipe of one that has ended; others may hold its end open. */
static void drain_stderr(struct net_passt_process *passt)
{
	for (unsigned i = 0; i < 128 && passt->stderr_fd >= 0; i++) {
		struct pollfd fd = { .fd = passt->stderr_fd, .events = POLLIN };

		if (poll(&fd, 1, 0) <= 0)
			break;
		net_passt_read_stderr(passt);
	}
	end_line(passt);
}

int net_passt_wait(struct net_passt_process *passt, int ms, char *how, size_t how_len)
{
	struct pollfd fd = { .fd = passt->pid_fd, .events = POLLIN };
	siginfo_t info = { .si_pid = 0 };
	int ret;

	*how = '\0';
	if (passt->pid_fd < 0)
		return 0;
	do
		ret = poll(&fd, 1, ms);
	while (ret < 0 && errno == EINTR);
	if (ret == 0)
		return -ETIMEDOUT;
	if (ret < 0 || waitid(P_PIDFD, (id_t)passt->pid_fd, &info, WEXITED) < 0)
		return -errno;
	close_fd(&passt->pid_fd);
	drain_stderr(passt);
	/* What it said last is why it gave up, not why it was killed. */
	if (info.si_code == CLD_EXITED)
		snprintf(how, how_len, "it ended with status %d%s%s", info.si_status,
			 *passt->last ? ": " : "", passt->last);
	else
		snprintf(how, how_len, "it was killed by signal %d", info.si_status);
	return 0;
}

void net_passt_stop(struct net_passt_process *passt)
{
	char how[sizeof(passt->last) + 64];

	/* It ends by itself when its stream does. */
	if (passt->pid_fd >= 0 && net_passt_wait(passt, END_MS, how, sizeof(how)) == -ETIMEDOUT) {
		log_warn(passt->name, "passt (process %d) does not end: killing it", passt->pid);
		kill(passt->pid, SIGKILL);
		net_passt_wait(passt, -1, how, sizeof(how));
	}
	close_fd(&passt->pid_fd);
	close_fd(&passt->stderr_fd);
}
