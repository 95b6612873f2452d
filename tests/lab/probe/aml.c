// SPDX-License-Identifier: BSD-3-Clause
// Renames an ACPI name in a compiled table, so that a guest that loads the changed table does
// without a method.
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TABLE (1 << 20)
#define HEADER	  36
#define CHECKSUM  9
#define REVISION  24

/*
 * aml-rename FILE OLD NEW: names of four letters. The OEM revision rises, since Linux replaces a
 * table of the firmware only by a newer one.
 */
int aml_rename_main(int argc, char **argv)
{
	static unsigned char table[MAX_TABLE];
	unsigned int count = 0;
	unsigned char sum = 0;
	ssize_t len;
	int fd;

	if (argc != 4 || strlen(argv[2]) != 4 || strlen(argv[3]) != 4)
		die("aml-rename FILE OLD NEW");
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die_errno("%s", argv[1]);
	len = read(fd, table, sizeof(table));
	if (len < HEADER)
		die("%s: no table", argv[1]);
	for (ssize_t i = HEADER; i + 4 <= len; i++) {
		if (!memcmp(table + i, argv[2], 4)) {
			memcpy(table + i, argv[3], 4);
			count++;
		}
	}
	table[REVISION]++;
	table[CHECKSUM] = 0;
	for (ssize_t i = 0; i < len; i++)
		sum += table[i];
	table[CHECKSUM] = -sum;
	if (pwrite(fd, table, len, 0) != len)
		die_errno("%s", argv[1]);
	printf("%u\n", count);
	return 0;
}
