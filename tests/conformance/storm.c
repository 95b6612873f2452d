// SPDX-License-Identifier: BSD-3-Clause
// Everything at once against both functions of a slot: what a hostile user and a busy host can do
// together. Nothing may hang, and the device must be usable afterwards.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/modes.h"

#define FUNCTIONS 2
#define OPS_MAX	  2000000UL
/* Longer than any wait in the kernel that is right: a link that does not train, twice. */
#define STUCK_NS   40000000000LL
#define CONFIG_LEN 64
#define SETTLE_MS  10000

struct storm {
	struct group_list groups;
	struct device devices[FUNCTIONS];
	char port[BDF_SIZE];
	int null;
	atomic_bool stop;
};

/* A thread that does one thing over and over, and how far it is. */
struct actor {
	const struct role *role;
	unsigned int function;
	struct storm *storm;
	pthread_t thread;
	atomic_int tid;
	atomic_bool ended;
	atomic_llong since; /* when its running call began */
	atomic_ulong done;
	atomic_ulong refused; /* calls that ended with an error, as many may */
};

static bool act_enter(struct storm *storm, unsigned int function, unsigned long turn)
{
	struct vfio_pci_d3cold_control control;
	int wakeup = turn % 3 ? -1 : wakeup_open();
	bool ok = !d3cold_enter(storm->devices[function].fd, wakeup, &control);

	if (turn % 5)
		clock_sleep_ms(turn % 40);
	ok &= !d3cold_exit(storm->devices[function].fd, &control);
	if (wakeup >= 0)
		close(wakeup);
	return ok;
}

static bool act_get(struct storm *storm, unsigned int function, unsigned long turn)
{
	struct vfio_pci_d3cold_status status;

	(void)turn;
	return !d3cold_get(storm->devices[function].fd, &status);
}

static bool act_mainline(struct storm *storm, unsigned int function, unsigned long turn)
{
	int wakeup = turn % 2 ? -1 : wakeup_open();
	bool ok = !low_power_enter(storm->devices[function].fd, wakeup);

	clock_sleep_ms(turn % 30);
	ok &= !low_power_exit(storm->devices[function].fd);
	if (wakeup >= 0)
		close(wakeup);
	return ok;
}

/* As lspci reads. */
static bool act_host_read(struct storm *storm, unsigned int function, unsigned long turn)
{
	char path[128], config[CONFIG_LEN];
	const char *bdf = turn % 7 ? storm->devices[function].bdf : storm->port;
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = read(fd, config, sizeof(config)) == sizeof(config);
	close(fd);
	return ok;
}

static bool act_host_write(struct storm *storm, unsigned int function, unsigned long turn)
{
	const char *bdf = storm->devices[function].bdf;
	bool ok;

	switch (turn % 4) {
	case 0:
		ok = !sysfs_write(bdf, "power/control", "on");
		clock_sleep_ms(turn % 20);
		return ok & !sysfs_write(bdf, "power/control", "auto");
	case 1:
		ok = !sysfs_write(bdf, "d3cold_allowed", "0");
		clock_sleep_ms(turn % 20);
		return ok & !sysfs_write(bdf, "d3cold_allowed", "1");
	case 2:
		ok = !sysfs_write(storm->port, "power/control", "on");
		return ok & !sysfs_write(storm->port, "power/control", "auto");
	default:
		ok = !sysfs_write(storm->port, "d3cold_allowed", "0");
		return ok & !sysfs_write(storm->port, "d3cold_allowed", "1");
	}
}

static bool act_bar(struct storm *storm, unsigned int function, unsigned long turn)
{
	struct device device = storm->devices[function];
	struct vfio_region_info bar;
	volatile uint32_t *map;
	uint32_t value;
	bool ok;

	if (bar_find(&device, false, &bar))
		return false;
	map = bar_map(&device, &bar);
	if (!map)
		return false;
	ok = map_read(map, &value);
	clock_sleep_ms(turn % 10);
	ok &= map_read(map, &value);
	bar_unmap(map);
	return ok & (pread(device.fd, &value, sizeof(value), bar.offset) == sizeof(value));
}

/* What the seal answers, and in between the power state by PMCSR. */
static bool act_config(struct storm *storm, unsigned int function, unsigned long turn)
{
	const struct device *device = &storm->devices[function];
	uint32_t id;

	if (turn % 4)
		return !config_read(device, 0, &id, sizeof(id));
	return !pmcsr_write(device, turn % 8 ? 0 : 3);
}

static bool act_reset(struct storm *storm, unsigned int function, unsigned long turn)
{
	(void)turn;
	return !ioctl(storm->devices[function].fd, VFIO_DEVICE_RESET);
}

static bool act_hot_reset(struct storm *storm, unsigned int function, unsigned long turn)
{
	uint32_t buffer[(sizeof(struct vfio_pci_hot_reset) + sizeof(__s32)) / sizeof(uint32_t)] = {
		0
	};
	struct vfio_pci_hot_reset *reset = (struct vfio_pci_hot_reset *)buffer;

	(void)turn;
	reset->argsz = sizeof(buffer);
	/* Both functions are in it. */
	reset->count = 1;
	reset->group_fds[0] = storm->devices[function].group_fd;
	return !ioctl(storm->devices[function].fd, VFIO_DEVICE_PCI_HOT_RESET, reset);
}

/*
 * The last close and a new open. The number stays the same all the time, with /dev/null behind it
 * for a moment, so that the other threads need no lock that would keep them from meeting it.
 */
static bool act_reopen(struct storm *storm, unsigned int function, unsigned long turn)
{
	struct device *device = &storm->devices[function];
	int fd;

	dup2(storm->null, device->fd);
	clock_sleep_ms(turn % 50);
	fd = device_open_again(device);
	if (fd < 0)
		return false;
	dup2(fd, device->fd);
	close(fd);
	return true;
}

/* Who acts on a function. The pause between two turns leaves the others room. */
static const struct role {
	const char *name;
	bool (*act)(struct storm *storm, unsigned int function, unsigned long turn);
	unsigned int pause_ms;
} roles[] = {
	{ "enter", act_enter, 1 },
	{ "get", act_get, 3 },
	{ "mainline", act_mainline, 20 },
	{ "host-read", act_host_read, 30 },
	{ "host-write", act_host_write, 50 },
	{ "bar", act_bar, 10 },
	{ "config", act_config, 10 },
	{ "reset", act_reset, 150 },
	{ "hot-reset", act_hot_reset, 300 },
	{ "reopen", act_reopen, 200 },
};

#define ROLES  (sizeof(roles) / sizeof(roles[0]))
#define ACTORS (FUNCTIONS * ROLES)

static void *actor_run(void *opaque)
{
	struct actor *actor = opaque;

	actor->tid = syscall(SYS_gettid);
	while (!actor->storm->stop && actor->done < OPS_MAX) {
		actor->since = clock_now();
		if (!actor->role->act(actor->storm, actor->function, actor->done))
			actor->refused++;
		actor->done++;
		actor->since = 0;
		clock_sleep_ms(actor->role->pause_ms);
	}
	actor->ended = true;
	return NULL;
}

/* Where the kernel has it. */
static void stack_print(int tid)
{
	char path[64], stack[4096];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", tid);
	if (text_read(path, stack, sizeof(stack)) >= 0)
		printf("%s\n", stack);
}

/* Names each thread whose call has not returned for too long; whether there is one. */
static bool actors_stuck(struct actor *actors)
{
	bool stuck = false;

	for (size_t i = 0; i < ACTORS; i++) {
		int64_t since = actors[i].since;

		if (!since || clock_now() - since < STUCK_NS)
			continue;
		printf("storm: %s on function %u is stuck since %lld ms:\n", actors[i].role->name,
		       actors[i].function, (long long)((clock_now() - since) / 1000000));
		stack_print(actors[i].tid);
		stuck = true;
	}
	return stuck;
}

static bool usable_again(struct storm *storm, struct result *result)
{
	for (int i = 0; i < FUNCTIONS; i++) {
		const char *bdf = storm->devices[i].bdf;

		device_close(&storm->devices[i]);
		sysfs_write(bdf, "power/control", "auto");
		sysfs_write(bdf, "d3cold_allowed", "1");
	}
	sysfs_write(storm->port, "power/control", "auto");
	sysfs_write(storm->port, "d3cold_allowed", "1");
	for (int i = 0; i < FUNCTIONS; i++)
		REQUIRE(result, suspended_wait(storm->devices[i].bdf, SETTLE_MS),
			"%s is not suspended after its close", storm->devices[i].bdf);
	for (int i = 0; i < FUNCTIONS; i++) {
		struct device *device = &storm->devices[i];
		struct vfio_region_info bar;
		char bdf[BDF_SIZE];
		uint32_t value = 0;

		snprintf(bdf, sizeof(bdf), "%s", device->bdf);
		REQUIRE(result, !device_open(device, &storm->groups, bdf), "%s does not open", bdf);
		REQUIRE(result, siblings_settle(bdf), "the slot of %s does not settle", bdf);
		for (int round = 0; round < 3; round++)
			if (!cold_enter(device, -1, result) || !cold_exit(device, result) ||
			    !siblings_settle(bdf))
				return false;
		REQUIRE(result, !config_read(device, 0, &value, 4) && value != UINT32_MAX,
			"%s: config reads 0x%08x", bdf, value);
		REQUIRE(result, !bar_find(device, false, &bar), "%s has no memory BAR", bdf);
		REQUIRE(result, pread(device->fd, &value, 4, bar.offset) == 4,
			"%s: BAR %u cannot be read: %s", bdf, bar.index, strerror(errno));
		device_close(device);
	}
	result_note(result, "both functions reach D3cold and come back");
	return true;
}

/* Lets them run, and watches. Whether all came back. */
static bool actors_storm(struct storm *storm, unsigned int seconds)
{
	static struct actor actors[ACTORS];
	int64_t end = clock_now() + seconds * 1000000000LL;

	for (size_t i = 0; i < ACTORS; i++) {
		actors[i].role = &roles[i / FUNCTIONS];
		actors[i].function = i % FUNCTIONS;
		actors[i].storm = storm;
		if (pthread_create(&actors[i].thread, NULL, actor_run, &actors[i])) {
			printf("storm: no thread for %s\n", actors[i].role->name);
			return false;
		}
	}
	while (clock_now() < end) {
		clock_sleep_ms(200);
		if (actors_stuck(actors))
			return false;
	}
	storm->stop = true;
	for (size_t i = 0; i < ACTORS; i++) {
		while (!actors[i].ended) {
			clock_sleep_ms(50);
			if (actors_stuck(actors))
				return false;
		}
		pthread_join(actors[i].thread, NULL);
	}
	for (size_t i = 0; i < ACTORS; i++)
		printf("storm %s.%u: %lu done, %lu of them refused\n", actors[i].role->name,
		       actors[i].function, actors[i].done, actors[i].refused);
	return true;
}

/* storm BDF0 BDF1 SECONDS */
int storm_main(int argc, char **argv)
{
	static struct storm storm;
	struct result result = { 0 };
	unsigned long seconds;
	char *end;

	if (argc != 4)
		return usage_say("storm needs two devices and seconds");
	seconds = strtoul(argv[3], &end, 10);
	if (*end || !seconds || seconds > 86400)
		return usage_say("'%s' is no number of seconds up to a day", argv[3]);
	for (int i = 0; i < FUNCTIONS; i++)
		if (!bdf_usable(argv[1 + i]))
			return 2;
	if (bdf_number(argv[1]) >> 3 != bdf_number(argv[2]) >> 3 || !strcmp(argv[1], argv[2]) ||
	    !port_above(argv[1], storm.port))
		return usage_say("%s is not a second function of the first one's slot", argv[2]);
	storm.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < FUNCTIONS; i++)
		if (device_open(&storm.devices[i], &storm.groups, argv[1 + i]))
			return 1;
	if (!d3cold_offered(storm.devices[0].fd))
		result_not_offered(&result, "this kernel has no feature 0x%x",
				   VFIO_DEVICE_FEATURE_PCI_D3COLD);
	else if (!actors_storm(&storm, seconds))
		result_fail(&result, "a thread is stuck");
	else
		usable_again(&storm, &result);
	result_print(&result, "storm");
	fflush(stdout);
	/* A stuck thread would hold up an ordinary end. */
	_exit(result.verdict == VERDICT_FAIL ? 1 : 0);
}
