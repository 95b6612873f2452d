// SPDX-License-Identifier: BSD-3-Clause
// What a wake costs the guest: the time until the device answers, and the delay that other work
// sees.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS	  1000000L
#define ANSWER_TIMEOUT_NS 20000000000LL

/* A thread that is never preempted by normal work sleeps 1 ms at a time; the worst lateness is the
 * VM's doing. */
int overshoot_main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 50 };
	int64_t worst = 0, worst_at = 0, end;
	unsigned long rounds = 0;
	struct timespec next;

	if (argc != 2)
		die("overshoot SECONDS");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die_errno("mlockall");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die_errno("SCHED_FIFO");
	end = clock_now() + (int64_t)(atof(argv[1]) * 1e9);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (clock_now() < end) {
		int64_t wanted, late;

		next.tv_nsec += PERIOD_NS;
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
		wanted = next.tv_sec * 1000000000LL + next.tv_nsec;
		late = clock_now() - wanted;
		if (late > worst) {
			worst = late;
			worst_at = wanted;
		}
		rounds++;
		/* One lateness counts once: do not run behind the lost periods. */
		if (late > PERIOD_NS)
			clock_gettime(CLOCK_MONOTONIC, &next);
	}
	printf("overshoot_ns %" PRId64 " at_ns %" PRId64 " rounds %lu\n", worst, worst_at, rounds);
	return 0;
}

static uint32_t config_dword(const char *dir)
{
	char path[512];
	uint32_t value = UINT32_MAX;
	int fd;

	snprintf(path, sizeof(path), "%s/config", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &value, sizeof(value), 0) != sizeof(value))
		die_errno("%s", path);
	close(fd);
	return value;
}

/*
 * Wakes a device that has no driver, and prints the time from the request until it answers, config
 * and BAR. Writing "on" to power/control resumes synchronously: the port's _ON, its restore, and
 * the device's.
 */
int wake_time_main(int argc, char **argv)
{
	char path[512], before[32] = "?", after[32] = "?";
	volatile uint32_t *bar = NULL;
	uint32_t config, word = 0;
	int64_t start, resumed, answered;
	int fd, ret;

	if (argc != 2)
		die("wake-time DEVICE-DIR");
	snprintf(path, sizeof(path), "%s/resource0", argv[1]);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd >= 0) {
		bar = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		if (bar == MAP_FAILED)
			die_errno("%s: mmap", path);
	}
	snprintf(path, sizeof(path), "%s/power_state", argv[1]);
	read_text(path, before, sizeof(before));
	snprintf(path, sizeof(path), "%s/power/control", argv[1]);
	start = clock_now();
	ret = write_text(path, "on");
	resumed = clock_now();
	if (ret)
		die("%s: %s", path, strerror(-ret));
	do {
		config = config_dword(argv[1]);
		if (bar)
			word = *bar;
		answered = clock_now();
	} while ((config == UINT32_MAX || word == UINT32_MAX) &&
		 answered - start < ANSWER_TIMEOUT_NS);
	snprintf(path, sizeof(path), "%s/power_state", argv[1]);
	read_text(path, after, sizeof(after));
	printf("before %s after %s resume_ns %" PRId64 " answer_ns %" PRId64 " start_ns %" PRId64
	       " config 0x%08" PRIx32 " bar 0x%08" PRIx32 "\n",
	       before, after, resumed - start, answered - start, start, config, word);
	return config == UINT32_MAX || word == UINT32_MAX;
}
