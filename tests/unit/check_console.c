/* SPDX-License-Identifier: BSD-3-Clause */
/* Between standard input and the UART: back pressure, end of file, files, and nothing at all. */
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/x86/layout.h"

static struct bus pio;
static struct kvm kvm;
static struct irqchip irqchip;
static struct loop loop;
static struct console console;
static struct vm_options options;
static char why[256];
static unsigned quits;
static int keyboard = -1; /* what is written there is our standard input */

static void quit(void *opaque)
{
	ck_assert_ptr_eq(opaque, &quits);
	quits++;
}

static void setup(void)
{
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(irqchip_init(&irqchip, &kvm), 0);
	bus_init(&pio);
	ck_assert_int_eq(loop_init(&loop), 0);
	console = (struct console){ .quit = quit, .opaque = &quits };
	options = (struct vm_options){ .serial = SERIAL_TTY };
}

static void teardown(void)
{
	console_exit(&console);
	console_close(&console);
	loop_exit(&loop);
	bus_exit(&pio);
	irqchip_exit(&irqchip);
	kvm_close(&kvm);
}

static int init_console(void)
{
	int r = console_open(&console, &options, why, sizeof(why));

	return r < 0 ? r
		     : console_init(&console, &options, &loop, &pio, &irqchip, why, sizeof(why));
}

/* Standard input is a pipe. */
static void start_pipe(void)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	keyboard = fds[1];
	ck_assert_int_eq(init_console(), 0);
}

/* Standard input is a terminal. */
static void start_terminal(void)
{
	int terminal;

	ck_assert_int_eq(openpty(&keyboard, &terminal, NULL, NULL, NULL), 0);
	ck_assert_int_eq(dup2(terminal, STDIN_FILENO), STDIN_FILENO);
	close(terminal);
	ck_assert_int_eq(init_console(), 0);
}

static void type(const char *text)
{
	ck_assert_int_eq(write(keyboard, text, strlen(text)), (ssize_t)strlen(text));
}

static unsigned ticks;

static void tick(struct loop_source *source, int revents)
{
	bool (*done)(void) = *(bool (**)(void))source->opaque;
	uint64_t count;

	(void)revents;
	ck_assert_int_eq(read(source->fd, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_lt(ticks++, 15000);
	if (done())
		loop_quit(&loop);
}

/* Runs the loop until @done. */
static void run_until(bool (*done)(void))
{
	const struct itimerspec often = { { 0, 2000000 }, { 0, 2000000 } };
	struct loop_source timer = {
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		.events = POLLIN,
		.ready = tick,
		.opaque = &done,
	};

	ck_assert_int_eq(timerfd_settime(timer.fd, 0, &often, NULL), 0);
	ck_assert_int_eq(loop_add(&loop, &timer), 0);
	ck_assert_int_eq(loop_run(&loop), 0);
	loop_del(&loop, &timer);
	close(timer.fd);
}

static uint8_t get(unsigned reg)
{
	return (uint8_t)bus_read(&pio, LAYOUT_PIO_SERIAL + reg, 1);
}

static bool guest_has_input(void)
{
	return get(UART_LSR) & UART_LSR_DR;
}

static bool input_waits(void)
{
	return console.pending_len > 0;
}

static bool input_ended(void)
{
	return !console.input.active;
}

static bool has_quit(void)
{
	return quits;
}

static void check_guest_reads(const char *text)
{
	for (; *text; text++) {
		if (!guest_has_input())
			run_until(guest_has_input);
		ck_assert_uint_eq(get(UART_RX), (uint8_t)*text);
	}
}

START_TEST(input_reaches_the_guest)
{
	start_pipe();
	type("hello");
	check_guest_reads("hello");
}
END_TEST

START_TEST(input_that_the_guest_has_no_room_for_waits_and_none_is_lost)
{
	char text[1001];

	for (unsigned i = 0; i < 1000; i++)
		text[i] = (char)('a' + i % 26);
	text[1000] = '\0';
	start_pipe();
	type(text);
	run_until(input_waits);
	ck_assert(!console.input.active);
	check_guest_reads(text);
}
END_TEST

START_TEST(end_of_file_ends_the_feeding_and_nothing_else)
{
	start_pipe();
	type("x");
	close_fd(&keyboard);
	run_until(input_ended);
	check_guest_reads("x");
	ck_assert_uint_eq(quits, 0);
}
END_TEST

START_TEST(a_pipe_knows_no_escape)
{
	start_pipe();
	type("\1x");
	check_guest_reads("\1x");
	ck_assert_uint_eq(quits, 0);
}
END_TEST

START_TEST(ctrl_a_x_at_a_terminal_leaves)
{
	start_terminal();
	type("a\1x");
	run_until(has_quit);
	check_guest_reads("a");
}
END_TEST

START_TEST(ctrl_a_twice_is_one_and_before_other_keys_itself)
{
	start_terminal();
	type("\1\1\1b");
	check_guest_reads("\1\1b");
	ck_assert_uint_eq(quits, 0);
}
END_TEST

START_TEST(ctrl_c_at_a_terminal_is_the_guests)
{
	start_terminal();
	type("\3");
	check_guest_reads("\3");
}
END_TEST

START_TEST(the_terminal_is_as_before_afterwards)
{
	struct termios before, during, after;
	int terminal;

	ck_assert_int_eq(openpty(&keyboard, &terminal, NULL, NULL, NULL), 0);
	ck_assert_int_eq(dup2(terminal, STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_eq(tcgetattr(STDIN_FILENO, &before), 0);
	ck_assert_int_eq(init_console(), 0);
	ck_assert_int_eq(tcgetattr(STDIN_FILENO, &during), 0);
	ck_assert(!(during.c_lflag & (ICANON | ECHO | ISIG)));
	ck_assert(during.c_oflag & OPOST);
	console_exit(&console);
	ck_assert_int_eq(tcgetattr(STDIN_FILENO, &after), 0);
	ck_assert_uint_eq(after.c_lflag, before.c_lflag);
	ck_assert_uint_eq(after.c_iflag, before.c_iflag);
}
END_TEST

START_TEST(a_file_takes_the_output_and_gives_no_input)
{
	char path[] = "/tmp/coldvm-check-XXXXXX", text[8] = "";
	int fd = mkstemp(path);

	options.serial = SERIAL_FILE;
	options.serial_file = path;
	ck_assert_int_eq(init_console(), 0);
	bus_write(&pio, LAYOUT_PIO_SERIAL, 'o', 1);
	bus_write(&pio, LAYOUT_PIO_SERIAL, 'k', 1);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 2);
	ck_assert_str_eq(text, "ok");
	ck_assert(!console.input.active);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_one_line)
{
	options.serial = SERIAL_FILE;
	options.serial_file = "/nowhere/console";
	ck_assert_int_eq(init_console(), -ENOENT);
	ck_assert_str_eq(why, "--serial: cannot open /nowhere/console: No such file or directory");
}
END_TEST

START_TEST(null_has_no_uart_at_all)
{
	options.serial = SERIAL_NULL;
	ck_assert_int_eq(init_console(), 0);
	ck_assert_uint_eq(get(UART_LSR), 0xff);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("console");
	TCase *t = suite_case(s, "input", setup, teardown);

	tcase_add_test(t, input_reaches_the_guest);
	tcase_add_test(t, input_that_the_guest_has_no_room_for_waits_and_none_is_lost);
	tcase_add_test(t, end_of_file_ends_the_feeding_and_nothing_else);
	tcase_add_test(t, a_pipe_knows_no_escape);
	tcase_add_test(t, ctrl_a_x_at_a_terminal_leaves);
	tcase_add_test(t, ctrl_a_twice_is_one_and_before_other_keys_itself);
	tcase_add_test(t, ctrl_c_at_a_terminal_is_the_guests);
	tcase_add_test(t, the_terminal_is_as_before_afterwards);

	t = suite_case(s, "other ends", setup, teardown);
	tcase_add_test(t, a_file_takes_the_output_and_gives_no_input);
	tcase_add_test(t, a_file_that_cannot_be_opened_is_one_line);
	tcase_add_test(t, null_has_no_uart_at_all);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
