// SPDX-License-Identifier: BSD-3-Clause
// The lab's helper: table of subcommands and the few functions that they share.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void report(const char *format, va_list args)
{
	fputs("probe: ", stderr);
	vfprintf(stderr, format, args);
}

void die_errno(const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(saved));
	exit(1);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void clock_sleep_us(unsigned int us)
{
	struct timespec pause = { us / 1000000, us % 1000000 * 1000L };

	nanosleep(&pause, NULL);
}

uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		die("'%s' is no number", text);
	return value;
}

int write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t done = write(fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		len -= done;
	}
	return 0;
}

int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return len;
	text[len] = 0;
	text[strcspn(text, "\n")] = 0;
	return len;
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write_all(fd, text, strlen(text));
	close(fd);
	return ret;
}

static int now_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("%" PRId64 "\n", clock_now());
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "now", now_main, "" },
	{ "control", control_main, "VERB [ARGUMENT...]" },
	{ "monitor", control_main, "'HMP COMMAND'" },
	{ "powerlog", control_main, "[hardware]" },
	{ "l0time", control_main, "" },
	{ "port-out", port_out_main, "PORT [END-FILE]" },
	{ "cfg-cf8", cfg_cf8_main, "BUS DEV FN OFF [VALUE]" },
	{ "cfg-ecam", cfg_ecam_main, "ECAM-BASE BUS DEV FN OFF [VALUE]" },
	{ "mem", mem_main, "PHYS [VALUE]" },
	{ "slot-hammer", slot_hammer_main, "BANK-PORT SECONDS SEED" },
	{ "vfio-cycle", vfio_cycle_main, "BDF [CYCLES [AWAKE-MS [COLD-MS]]]" },
	{ "sample", sample_main, "[-i MS] FILE..." },
	{ "bar-hold", bar_hold_main, "RESOURCE-FILE NAME | NAME r OFF | NAME w OFF VALUE" },
	{ "bar-hammer", bar_hammer_main, "RESOURCE-FILE OFF SECONDS" },
	{ "overshoot", overshoot_main, "SECONDS" },
	{ "wake-time", wake_time_main, "DEVICE-DIR" },
	{ "aml-rename", aml_rename_main, "FILE OLD NEW" },
	{ "heartbeat", heartbeat_main, "HZ" },
	{ "agent", agent_main, "TTY" },
	{ "guest", guest_main, "IN-FIFO LOG TIMEOUT COMMAND" },
	{ "ask", ask_main, "SOCKET TARGET COUNT" },
	{ "vsock-listen", vsock_listen_main, "PORT IN OUT [answer]" },
	{ "vsock-connect", vsock_connect_main, "CID PORT" },
	{ "tap-exec", tap_exec_main, "NAME FD[,FD...] COMMAND..." },
	{ "unix-listen", unix_listen_main, "PATH IN OUT [answer]" },
	{ "unix-connect", unix_connect_main, "PATH PORT" },
	{ "wait-event", wait_event_main, "FILE CURSOR-FILE TIMEOUT NAME..." },
	{ "wait-text", wait_text_main, "FILE TIMEOUT TEXT..." },
	{ "wait-file", wait_file_main, "FILE TIMEOUT" },
	{ "zero-out", zero_out_main, "DEVICE OFFSET LENGTH" },
	{ "acknowledge", acknowledge_main, "DEVICE COUNT" },
};

static void usage(void)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "usage: probe %s %s\n", commands[i].name, commands[i].usage);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	/* Called by a link's name the program is that subcommand, so that jobs can say "monitor
	 * ...". */
	if (!strncmp(name, "probe", 5)) {
		if (argc < 2)
			usage();
		argc--;
		argv++;
		name = argv[0];
	}
	argv[0] = (char *)name;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return commands[i].run(argc, argv);
	}
	usage();
}
