/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening each kind of end. */
#include "vmm/console_end.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

/* --- the terminal -------------------------------------------------------------------------------
 */

size_t console_end_typed(void *opaque, uint8_t *data, size_t len)
{
	struct console_end *end = opaque;
	bool quit;

	len = terminal_filter(&end->terminal, data, len, &quit);
	if (quit)
		end->quit(end->opaque);
	return len;
}

static void winch_ready(struct loop_source *source, int revents)
{
	struct console_end *end = source->opaque;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		end->resized(end->opaque);
}

static int watch_size(struct console_end *end)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r < 0)
		return r;
	end->winch = (struct loop_source){
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		.events = POLLIN,
		.ready = winch_ready,
		.opaque = end,
	};
	return end->winch.fd < 0 ? -errno : loop_add(end->loop, &end->winch);
}

/* O_NONBLOCK belongs to the open file, which we may share with a shell: a terminal or a pipe is
 * opened once more. A file never makes us wait. */
static int open_stdout(void)
{
	struct stat st;
	int fd = -1;

	if (isatty(STDOUT_FILENO) || (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode)))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int open_terminal(struct console_end *end)
{
	int r = open_stdout();

	if (r < 0)
		return r;
	end->out_fd = r;
	end->has_size = isatty(end->out_fd);
	end->in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (end->in_fd < 0)
		return -errno;
	r = terminal_take(&end->terminal);
	return r == 0 && end->has_size ? watch_size(end) : r;
}

/* --- a pseudo terminal --------------------------------------------------------------------------
 */

/* The guest has a line discipline of its own. */
static int make_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

static int open_pty(struct console_end *end)
{
	int r;

	end->in_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (end->in_fd < 0 || grantpt(end->in_fd) < 0 || unlockpt(end->in_fd) < 0)
		return -errno;
	r = -ptsname_r(end->in_fd, end->path, sizeof(end->path));
	if (r < 0)
		return r;
	end->other_side = open(end->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (end->other_side < 0)
		return -errno;
	r = make_raw(end->other_side);
	if (r < 0)
		return r;
	end->out_fd = fcntl(end->in_fd, F_DUPFD_CLOEXEC, 3);
	if (end->out_fd < 0)
		return -errno;
	log_info("console", "the guest's console is %s", end->path);
	return 0;
}

/* --- any of them --------------------------------------------------------------------------------
 */

static int open_file(struct console_end *end, const char *path)
{
	end->out_fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	return end->out_fd < 0 ? -errno : 0;
}

static int open_kind(struct console_end *end, const struct vm_options *options)
{
	switch (options->console) {
	case CONSOLE_OFF:
		return 0;
	case CONSOLE_NULL:
		return open_file(end, "/dev/null");
	case CONSOLE_TTY:
		return open_terminal(end);
	case CONSOLE_PTY:
		return open_pty(end);
	case CONSOLE_FILE:
		return open_file(end, options->console_file);
	}
	return -EINVAL;
}

int console_end_init(struct console_end *end, const struct vm_options *options, struct loop *loop,
		     char *why, size_t why_len)
{
	int r;

	end->loop = loop;
	end->in_fd = end->out_fd = end->other_side = end->winch.fd = -1;
	r = open_kind(end, options);
	if (r < 0 && options->console == CONSOLE_FILE)
		snprintf(why, why_len, "--console: cannot open %s: %s", options->console_file,
			 strerror(-r));
	else if (r < 0)
		snprintf(why, why_len, "--console: %s", strerror(-r));
	return r;
}

void console_end_exit(struct console_end *end)
{
	int *const fds[] = { &end->winch.fd, &end->in_fd, &end->out_fd, &end->other_side };

	if (!end->loop)
		return;
	loop_del(end->loop, &end->winch);
	terminal_give_back(&end->terminal);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close_fd(fds[i]);
	end->loop = NULL;
}
