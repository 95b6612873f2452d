// SPDX-License-Identifier: BSD-3-Clause
// A program that opens a tap device and passes it on: tap-exec NAME FD[,FD...] COMMAND... has a
// queue of the tap at each of these descriptors, and becomes the command.
#include "probe.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void open_queue(const char *name, int at)
{
	struct ifreq request = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		die_errno("/dev/net/tun");
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &request))
		die_errno("%s", name);
	if (fd != at) {
		if (dup2(fd, at) < 0)
			die_errno("descriptor %d", at);
		close(fd);
	}
}

int tap_exec_main(int argc, char **argv)
{
	char *word, *save;

	if (argc < 4)
		die("tap-exec NAME FD[,FD...] COMMAND...");
	for (word = strtok_r(argv[2], ",", &save); word; word = strtok_r(NULL, ",", &save))
		open_queue(argv[1], (int)parse_number(word));
	execvp(argv[3], argv + 3);
	die_errno("%s", argv[3]);
}
