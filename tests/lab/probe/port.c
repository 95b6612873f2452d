// SPDX-License-Identifier: BSD-3-Clause
// Accesses past the kernel: I/O ports (job output, CF8/CFC) and physical memory (ECAM) by /dev/mem.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Copies standard input to an I/O port. The port is a QEMU debug console: it takes every byte at
 * once. Ends with its input, or, when a file is named, with the first pause after that file has
 * appeared: a job's children may live on and hold the pipe.
 */
int port_out_main(int argc, char **argv)
{
	static char data[65536];
	struct pollfd in = { .fd = 0, .events = POLLIN };
	uint16_t port;

	if (argc != 2 && argc != 3)
		die("port-out PORT [END-FILE]");
	port = parse_number(argv[1]);
	if (iopl(3))
		die_errno("iopl");
	for (;;) {
		int ended = argc == 3 && !access(argv[2], F_OK);
		ssize_t len;

		if (poll(&in, 1, 50) == 0) {
			if (ended)
				return 0;
			continue;
		}
		len = read(0, data, sizeof(data));
		if (len == 0)
			return 0;
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			die_errno("read");
		for (ssize_t i = 0; i < len; i++)
			outb(data[i], port);
	}
}

/* One dword of config space by the legacy ports; what the kernel believes of the device plays no
 * part. */
int cfg_cf8_main(int argc, char **argv)
{
	uint32_t address;

	if (argc != 5 && argc != 6)
		die("cfg-cf8 BUS DEV FN OFF [VALUE]");
	address = 0x80000000U | parse_number(argv[1]) << 16 | parse_number(argv[2]) << 11 |
		  parse_number(argv[3]) << 8 | (parse_number(argv[4]) & 0xfc);
	if (iopl(3))
		die_errno("iopl");
	outl(address, 0xcf8);
	if (argc == 6)
		outl(parse_number(argv[5]), 0xcfc);
	else
		printf("0x%08" PRIx32 "\n", inl(0xcfc));
	return 0;
}

static void mem_access(uint64_t phys, const char *value)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open("/dev/mem", (value ? O_RDWR : O_RDONLY) | O_SYNC | O_CLOEXEC);
	volatile uint32_t *word;
	char *map;

	if (fd < 0)
		die_errno("/dev/mem");
	map = mmap(NULL, page, PROT_READ | (value ? PROT_WRITE : 0), MAP_SHARED, fd, phys & -page);
	if (map == MAP_FAILED)
		die_errno("/dev/mem at 0x%" PRIx64, phys);
	word = (volatile uint32_t *)(map + (phys & (page - 1)));
	if (value)
		*word = parse_number(value);
	else
		printf("0x%08" PRIx32 "\n", *word);
}

int mem_main(int argc, char **argv)
{
	if (argc != 2 && argc != 3)
		die("mem PHYS [VALUE]");
	mem_access(parse_number(argv[1]) & ~3ULL, argv[2]);
	return 0;
}

int cfg_ecam_main(int argc, char **argv)
{
	uint64_t phys;

	if (argc != 6 && argc != 7)
		die("cfg-ecam ECAM-BASE BUS DEV FN OFF [VALUE]");
	phys = parse_number(argv[1]) + (parse_number(argv[2]) << 20) +
	       (parse_number(argv[3]) << 15) + (parse_number(argv[4]) << 12) +
	       (parse_number(argv[5]) & 0xffc);
	mem_access(phys, argv[6]);
	return 0;
}

/*
 * Writes commands to a slot's register bank (acpi/abi.h) and reads its status, at random, past the
 * guest's ACPI. Ends with the slot on, as the guest believes it to be, and prints the status.
 */
int slot_hammer_main(int argc, char **argv)
{
	unsigned int bank, seed;
	uint32_t status;
	int64_t end;

	if (argc != 4)
		die("slot-hammer BANK-PORT SECONDS SEED");
	bank = parse_number(argv[1]);
	end = clock_now() + (int64_t)parse_number(argv[2]) * 1000000000;
	seed = parse_number(argv[3]);
	if (iopl(3))
		die_errno("iopl");
	while (clock_now() < end) {
		outl(1 + rand_r(&seed) % 2, bank);
		for (int reads = rand_r(&seed) % 4; reads > 0; reads--)
			inl(bank + 4 * (1 + rand_r(&seed) % 2));
		/* Now and then, long enough for the host to get somewhere. */
		if (rand_r(&seed) % 64 == 0)
			usleep(rand_r(&seed) % 200000);
	}
	outl(1, bank);
	end = clock_now() + (int64_t)30 * 1000000000;
	do {
		usleep(1000);
		status = inl(bank + 4);
	} while (status & 2 && clock_now() < end);
	printf("%" PRIu32 "\n", status);
	return 0;
}
