// SPDX-License-Identifier: BSD-3-Clause
// Asks of a block device what busybox has no command for.
#include "probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

// zero-out DEVICE OFFSET LENGTH: zeroes that the device writes by itself.
int zero_out_main(int argc, char **argv)
{
	uint64_t range[2];
	int fd;

	if (argc != 4)
		die("usage: probe zero-out DEVICE OFFSET LENGTH");
	range[0] = parse_number(argv[2]);
	range[1] = parse_number(argv[3]);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die_errno("%s", argv[1]);
	if (ioctl(fd, BLKZEROOUT, range) < 0)
		die_errno("%s: BLKZEROOUT", argv[1]);
	close(fd);
	return 0;
}

// acknowledge DEVICE COUNT: writes sector after sector, each with its own number as text, makes
// each safe by fdatasync(2), and then says so.
int acknowledge_main(int argc, char **argv)
{
	uint64_t count;
	int fd;

	if (argc != 3)
		die("usage: probe acknowledge DEVICE COUNT");
	count = parse_number(argv[2]);
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno("%s", argv[1]);
	for (uint64_t n = 0; n < count; n++) {
		char sector[512] = { 0 };

		snprintf(sector, sizeof(sector), "number %llu\n", (unsigned long long)n);
		if (pwrite(fd, sector, sizeof(sector), (off_t)(n * sizeof(sector))) !=
		    sizeof(sector))
			die_errno("%s: write", argv[1]);
		if (fdatasync(fd) < 0)
			die_errno("%s: fdatasync", argv[1]);
		printf("safe %llu\n", (unsigned long long)n);
		fflush(stdout);
	}
	close(fd);
	return 0;
}
