// SPDX-License-Identifier: BSD-3-Clause
// A BAR as a guest's process sees it: a map made while the device is on, and used while it is off.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLY_TIMEOUT_NS 30000000000LL

static sigjmp_buf bus_error;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(bus_error, 1);
}

static volatile uint32_t *bar_map(const char *path, size_t *ret_words)
{
	int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	struct stat info;
	void *map;

	if (fd < 0)
		die_errno("%s", path);
	if (fstat(fd, &info))
		die_errno("%s", path);
	map = mmap(NULL, info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die_errno("%s: mmap", path);
	signal(SIGBUS, on_bus_error);
	*ret_words = info.st_size / 4;
	return map;
}

static void hold_serve(volatile uint32_t *bar, size_t words, FILE *in, FILE *out)
{
	char line[128];

	while (fgets(line, sizeof(line), in)) {
		unsigned long offset, value;
		int fields = sscanf(line, "r %li", (long *)&offset);

		if (sigsetjmp(bus_error, 1)) {
			fputs("SIGBUS\n", out);
		} else if (fields == 1 && offset / 4 < words) {
			fprintf(out, "0x%08" PRIx32 "\n", bar[offset / 4]);
		} else if (sscanf(line, "w %li %li", (long *)&offset, (long *)&value) == 2 &&
			   offset / 4 < words) {
			bar[offset / 4] = value;
			fputs("written\n", out);
		} else {
			fputs("bad request\n", out);
		}
		fflush(out);
	}
}

/* bar-hold RESOURCE-FILE NAME: stays behind with the map, and serves "bar NAME ...". */
static int hold_start(const char *resource, const char *name)
{
	char in_path[64], out_path[64];
	volatile uint32_t *bar;
	size_t words;
	FILE *in, *out;

	snprintf(in_path, sizeof(in_path), "/run/%s.in", name);
	snprintf(out_path, sizeof(out_path), "/run/%s.out", name);
	unlink(in_path);
	if (mkfifo(in_path, 0600))
		die_errno("%s", in_path);
	bar = bar_map(resource, &words);
	/* Both ends, so that the stream has no end when a client leaves. */
	in = fopen(in_path, "r+");
	out = fopen(out_path, "w");
	if (!in || !out)
		die_errno("%s", out_path);
	if (fork() == 0) {
		setsid();
		hold_serve(bar, words, in, out);
		_exit(0);
	}
	_exit(0);
}

/* bar-hold NAME r OFF | w OFF VALUE: one access by the holder; prints what it read. */
static int hold_ask(const char *name, int argc, char **argv)
{
	char path[64], text[128] = "";
	int64_t deadline = clock_now() + REPLY_TIMEOUT_NS;
	off_t before;
	int in, out;
	ssize_t len;

	for (int i = 0; i < argc; i++) {
		strncat(text, argv[i], sizeof(text) - strlen(text) - 2);
		strcat(text, i + 1 < argc ? " " : "\n");
	}
	snprintf(path, sizeof(path), "/run/%s.out", name);
	out = open(path, O_RDONLY | O_CLOEXEC);
	if (out < 0)
		die_errno("%s", path);
	before = lseek(out, 0, SEEK_END);
	snprintf(path, sizeof(path), "/run/%s.in", name);
	in = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		die_errno("%s: no holder", path);
	if (write_all(in, text, strlen(text)))
		die_errno("%s", path);
	while (clock_now() < deadline) {
		len = pread(out, text, sizeof(text) - 1, before);
		if (len > 0 && text[len - 1] == '\n') {
			text[len] = 0;
			fputs(text, stdout);
			return 0;
		}
		clock_sleep_us(1000);
	}
	die("no answer from the holder");
}

int bar_hold_main(int argc, char **argv)
{
	if (argc == 3)
		return hold_start(argv[1], argv[2]);
	if (argc == 4 || argc == 5)
		return hold_ask(argv[1], argc - 2, argv + 2);
	die("bar-hold RESOURCE-FILE NAME | NAME r OFF | NAME w OFF VALUE");
}

/* Reads one word for some seconds and counts what came: ones, the first value (real), anything
 * else. */
int bar_hammer_main(int argc, char **argv)
{
	volatile unsigned long ones = 0, real = 0, other = 0;
	volatile uint32_t *bar;
	uint32_t first;
	int64_t end;
	size_t words, word;

	if (argc != 4)
		die("bar-hammer RESOURCE-FILE OFF SECONDS");
	bar = bar_map(argv[1], &words);
	word = parse_number(argv[2]) / 4;
	if (word >= words)
		die("offset outside of the BAR");
	if (sigsetjmp(bus_error, 1)) {
		printf("SIGBUS after ones %lu real %lu other %lu\n", ones, real, other);
		return 1;
	}
	first = bar[word];
	end = clock_now() + (int64_t)(atof(argv[3]) * 1e9);
	do {
		uint32_t value = bar[word];

		if (value == UINT32_MAX)
			ones++;
		else if (value == first)
			real++;
		else
			other++;
	} while (clock_now() < end);
	printf("first 0x%08" PRIx32 " ones %lu real %lu other %lu\n", first, ones, real, other);
	return 0;
}
