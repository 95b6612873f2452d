// SPDX-License-Identifier: BSD-3-Clause
// A steady hardware interrupt for the emulated host, from its HPET.
//
// QEMU's TCG loses an interrupt now and then while a nested guest runs: its VMRUN and #VMEXIT
// helpers change the CPU's request bits without the lock under which a timer sets them. When that
// was the host's own one-shot timer the host sleeps for ever, with the interrupt pending in its
// APIC. Any other interrupt makes the CPU look again.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/hpet.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int heartbeat_main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		die("heartbeat HZ");
	fd = open("/dev/hpet", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno("/dev/hpet");
	if (ioctl(fd, HPET_IRQFREQ, (unsigned long)parse_number(argv[1])) ||
	    ioctl(fd, HPET_EPI, 0) || ioctl(fd, HPET_IE_ON, 0))
		die_errno("/dev/hpet: periodic interrupt");
	/* The interrupt lasts as long as the file is open; nobody reads it. */
	for (;;)
		pause();
}
