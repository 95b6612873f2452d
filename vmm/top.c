/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal's side of `coldvm top`: a few escape sequences that every terminal of today knows.
 * Without a terminal, or on one that knows none, the screen is printed once. */
#include "vmm/top.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <termios.h>

#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/top_vm.h"

#define MAX_VMS		32
#define FIRST_ANSWER_NS UINT64_C(3000000000) /* with --once */

enum { STATUS_OK, STATUS_HOST_ERROR, STATUS_USAGE };

static const char help[] =
	"coldvm top SOCKET... [--once]\n"
	"\n"
	"Shows the power of devices of running VMs, a line each, until q is pressed. SOCKET is "
	"what\n"
	"--api-socket names. Wakes no device. Without a terminal it prints once.\n"
	"\n"
	"  --once  prints once\n"
	"\n"
	"Exit status: 0 done, 1 no VM answers, 2 usage.\n"
	"\n"
	"Example:\n"
	"  coldvm top /run/coldvm/*.api\n";

struct top {
	struct top_vm *vms;
	unsigned nr;
	bool once;
	bool quit;
	int timer_fd, signal_fd;
	struct termios before;
};

/* --- drawing -----------------------------------------------------------------------------------
 */

static void draw(struct top *top, FILE *out, unsigned columns, unsigned lines, const char *end)
{
	static struct top_row none;
	struct top_row *rows;
	const char *notes[MAX_VMS];
	struct top_screen screen = { .notes = notes, .nr_vms = top->nr, .now_ns = now_ns() };
	unsigned nr = 0;

	for (unsigned i = 0; i < top->nr; i++)
		nr += top->vms[i].nr_rows;
	rows = calloc(nr + 1, sizeof(*rows));
	for (unsigned i = 0; i < top->nr; i++) {
		const struct top_vm *vm = &top->vms[i];

		if (rows)
			memcpy(rows + screen.nr_rows, vm->rows, vm->nr_rows * sizeof(*rows));
		screen.nr_rows += rows ? vm->nr_rows : 0;
		if (vm->note[0])
			notes[screen.nr_notes++] = vm->note;
	}
	screen.rows = rows ? rows : &none;
	top_screen_draw(out, &screen, columns, lines, end);
	free(rows);
}

static void draw_terminal(struct top *top)
{
	struct winsize size = { 0 };
	unsigned columns = TOP_MIN_COLUMNS, lines = 24;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		columns = size.ws_col;
		lines = size.ws_row;
	}
	fputs("\033[H", stdout);
	/* The last line stays free: a newline there would scroll. */
	draw(top, stdout, columns, lines > 1 ? lines - 1 : 1, "\033[K\n");
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* --- terminal ----------------------------------------------------------------------------------
 */

static void enter_screen(struct top *top)
{
	struct termios raw;

	tcgetattr(STDIN_FILENO, &top->before);
	raw = top->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* The alternate screen, and no cursor. */
	fputs("\033[?1049h\033[?25l", stdout);
}

static void leave_screen(struct top *top)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
}

static bool can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb");
}

/* --- loop --------------------------------------------------------------------------------------
 */

static int open_sources(struct top *top)
{
	const struct itimerspec second = { .it_value = { .tv_sec = 1 },
					   .it_interval = { .tv_sec = 1 } };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	top->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	top->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (top->signal_fd < 0 || top->timer_fd < 0 ||
	    timerfd_settime(top->timer_fd, 0, &second, NULL) < 0)
		return -errno;
	return 0;
}

/* True if all VMs have said something, be it that they are not there. */
static bool all_known(const struct top *top)
{
	for (unsigned i = 0; i < top->nr; i++)
		if (!top->vms[i].answers && !top->vms[i].note[0])
			return false;
	return true;
}

static void take_key(struct top *top)
{
	char key;

	/* End of file: nobody can ask for the end any more. */
	if (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q')
		top->quit = true;
}

static bool take_signals(struct top *top)
{
	struct signalfd_siginfo info;
	bool resized = false;

	while (read(top->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			resized = true;
		else
			top->quit = true;
	}
	return resized;
}

static bool take_tick(struct top *top)
{
	uint64_t count;

	if (read(top->timer_fd, &count, sizeof(count)) != sizeof(count))
		return false;
	for (unsigned i = 0; i < top->nr; i++)
		top_vm_tick(&top->vms[i]);
	return true;
}

enum { POLL_KEY, POLL_SIGNAL, POLL_TIMER, POLL_VMS };

/* One round. True if there is something new to show. */
static bool step(struct top *top, bool keys)
{
	struct pollfd fds[POLL_VMS + 2 * MAX_VMS];
	bool changed = false;

	fds[POLL_KEY] = (struct pollfd){ .fd = keys ? STDIN_FILENO : -1, .events = POLLIN };
	fds[POLL_SIGNAL] = (struct pollfd){ .fd = top->signal_fd, .events = POLLIN };
	fds[POLL_TIMER] = (struct pollfd){ .fd = top->timer_fd, .events = POLLIN };
	for (unsigned i = 0; i < top->nr; i++)
		top_vm_poll(&top->vms[i], &fds[POLL_VMS + 2 * i]);
	if (poll(fds, POLL_VMS + 2 * top->nr, -1) < 0)
		return false;
	for (unsigned i = 0; i < top->nr; i++)
		changed |= top_vm_ready(&top->vms[i], &fds[POLL_VMS + 2 * i]);
	if (fds[POLL_KEY].revents)
		take_key(top);
	if (fds[POLL_SIGNAL].revents)
		changed |= take_signals(top);
	if (fds[POLL_TIMER].revents)
		changed |= take_tick(top);
	return changed;
}

static int run_once(struct top *top)
{
	uint64_t end = now_ns() + FIRST_ANSWER_NS;
	bool any = false;

	while (!top->quit && !all_known(top) && now_ns() < end)
		step(top, false);
	draw(top, stdout, TOP_MIN_COLUMNS, 0, "\n");
	for (unsigned i = 0; i < top->nr; i++)
		any |= top->vms[i].answers != 0;
	return any && fflush(stdout) == 0 ? STATUS_OK : STATUS_HOST_ERROR;
}

static int run_screen(struct top *top)
{
	enter_screen(top);
	draw_terminal(top);
	while (!top->quit)
		if (step(top, true))
			draw_terminal(top);
	leave_screen(top);
	return STATUS_OK;
}

static int run(struct top *top)
{
	int r = open_sources(top);

	if (r < 0) {
		log_complain("top: %s", strerror(-r));
		return STATUS_HOST_ERROR;
	}
	for (unsigned i = 0; i < top->nr; i++)
		top_vm_tick(&top->vms[i]);
	r = top->once || !can_draw() ? run_once(top) : run_screen(top);
	close_fd(&top->signal_fd);
	close_fd(&top->timer_fd);
	return r;
}

/* --- the command line --------------------------------------------------------------------------
 */

static int usage(const char *what, const char *why)
{
	log_complain("top: %s%s", what, why);
	return STATUS_USAGE;
}

int top_main(int argc, char **argv)
{
	struct top top = { .timer_fd = -1, .signal_fd = -1 };
	int r;

	top.vms = calloc(MAX_VMS, sizeof(*top.vms));
	if (!top.vms)
		return STATUS_HOST_ERROR;
	r = -1;
	for (int i = 0; i < argc && r < 0; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			r = fputs(help, stdout) < 0 || fflush(stdout) != 0;
		else if (!strcmp(argv[i], "--once"))
			top.once = true;
		else if (argv[i][0] == '-')
			r = usage(argv[i], " is not expected: coldvm top SOCKET... [--once]");
		else if (top.nr == MAX_VMS)
			r = usage(argv[i], ": 32 VMs fit on a screen, no more");
		else
			top_vm_init(&top.vms[top.nr++], argv[i]);
	}
	if (r < 0 && !top.nr)
		r = usage("", "say which VMs: coldvm top SOCKET... [--once]");
	if (r < 0)
		r = run(&top);
	for (unsigned i = 0; i < top.nr; i++)
		top_vm_exit(&top.vms[i]);
	free(top.vms);
	return r;
}
