// SPDX-License-Identifier: BSD-3-Clause
// Witnesses: sysfs power states sampled in the background, and files that tell of something: logs
// and events.
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_US	  2000
#define MAX_FILES 32

/* power_state is never sysfs_notify()-ed, so there is nothing to wait on: it is read again and
 * again. */
int sample_main(int argc, char **argv)
{
	char last[MAX_FILES][64], state[64];
	unsigned int interval_us = 5000;
	int fds[MAX_FILES], count, opt;

	while ((opt = getopt(argc, argv, "i:")) == 'i')
		interval_us = parse_number(optarg) * 1000;
	count = argc - optind;
	if (opt != -1 || count < 1 || count > MAX_FILES)
		die("sample [-i MS] FILE...");
	for (int i = 0; i < count; i++) {
		fds[i] = open(argv[optind + i], O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			die_errno("%s", argv[optind + i]);
		strcpy(last[i], "-");
	}
	for (;;) {
		for (int i = 0; i < count; i++) {
			ssize_t len = pread(fds[i], state, sizeof(state) - 1, 0);

			/* A device that is removed leaves a file that fails: that is a state as
			 * well. */
			if (len < 0)
				len = snprintf(state, sizeof(state), "gone");
			state[len] = 0;
			state[strcspn(state, "\n")] = 0;
			if (!strcmp(state, last[i]))
				continue;
			printf("%" PRId64 " %s %s %s\n", clock_now(), argv[optind + i], last[i],
			       state);
			strcpy(last[i], state);
		}
		clock_sleep_us(interval_us);
	}
}

/* True when the VMM under test has ended: then nothing more will be written for anyone to wait for.
 */
static int vmm_ended(void)
{
	const char *path = getenv("LAB_VM_STATUS");

	return path && !access(path, F_OK);
}

/* The file's text from an offset on, in a new buffer. */
static char *text_from(const char *path, off_t offset, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	char *text;
	ssize_t len = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &info) || info.st_size < offset)
		info.st_size = offset;
	text = malloc(info.st_size - offset + 1);
	if (!text)
		die("out of memory");
	if (info.st_size > offset)
		len = pread(fd, text, info.st_size - offset, offset);
	close(fd);
	if (len < 0)
		len = 0;
	text[len] = 0;
	*ret_len = len;
	return text;
}

static int line_has_event(const char *line, int argc, char **argv)
{
	const char *at = strstr(line, "\"event\"");
	size_t len;

	if (!at)
		return 0;
	at += strlen("\"event\"");
	at += strspn(at, " :");
	if (*at != '"')
		return 0;
	at++;
	len = strcspn(at, "\"");
	for (int i = 0; i < argc; i++) {
		if (strlen(argv[i]) == len && !strncmp(argv[i], at, len))
			return 1;
	}
	return 0;
}

/*
 * Prints the first event of one of these names behind the cursor, and moves the cursor behind it.
 * Status 1 after the timeout, or at once when the VMM has ended without that event.
 */
int wait_event_main(int argc, char **argv)
{
	int64_t deadline;
	char text[32] = "";
	off_t cursor = 0;

	if (argc < 5)
		die("wait-event FILE CURSOR-FILE TIMEOUT NAME...");
	if (read_text(argv[2], text, sizeof(text)) > 0)
		cursor = strtoll(text, NULL, 10);
	deadline = clock_now() + (int64_t)(atof(argv[3]) * 1e9);
	for (;;) {
		/* Before the file is read, so that its last words still count. */
		int ended = vmm_ended();
		size_t len, at = 0;
		char *data = text_from(argv[1], cursor, &len);

		while (data && at < len) {
			char *end = memchr(data + at, '\n', len - at);
			int fd;

			if (!end)
				break;
			*end = 0;
			if (line_has_event(data + at, argc - 4, argv + 4)) {
				puts(data + at);
				snprintf(text, sizeof(text), "%jd\n",
					 (intmax_t)(cursor + (end + 1 - data)));
				fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
				if (fd < 0 || write_all(fd, text, strlen(text)))
					die_errno("%s", argv[2]);
				return 0;
			}
			at = end + 1 - data;
		}
		free(data);
		cursor += at;
		if (ended || clock_now() > deadline)
			return 1;
		clock_sleep_us(POLL_US);
	}
}

/* Waits until the file holds one of the texts; prints which. */
int wait_text_main(int argc, char **argv)
{
	int64_t deadline;

	if (argc < 4)
		die("wait-text FILE TIMEOUT TEXT...");
	deadline = clock_now() + (int64_t)(atof(argv[2]) * 1e9);
	for (;;) {
		int ended = vmm_ended();
		size_t len;
		char *data = text_from(argv[1], 0, &len);

		for (int i = 3; data && i < argc; i++) {
			if (memmem(data, len, argv[i], strlen(argv[i]))) {
				puts(argv[i]);
				return 0;
			}
		}
		free(data);
		if (ended || clock_now() > deadline)
			return 1;
		clock_sleep_us(POLL_US * 5);
	}
}

/* Waits until the file exists: the status that a shell writes when its child has ended. */
int wait_file_main(int argc, char **argv)
{
	int64_t deadline;

	if (argc != 3)
		die("wait-file FILE TIMEOUT");
	deadline = clock_now() + (int64_t)(atof(argv[2]) * 1e9);
	while (access(argv[1], F_OK)) {
		if (clock_now() > deadline)
			return 1;
		clock_sleep_us(POLL_US);
	}
	return 0;
}
