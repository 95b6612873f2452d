/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slot whose guest has said _OFF and will never say _ON: the power sequence is that of
 * devices/vfio/power.c. The workers do all the work; the main thread prints what they tell, and
 * waits for a signal or for the host to want a device back.
 */
#include "vmm/park.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/power.h"
#include "devices/vfio/vfio.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/help.h"
#include "vmm/host_iommu.h"
#include "vmm/log.h"
#include "vmm/monitor_file.h"
#include "vmm/park_options.h"
#include "vmm/park_report.h"
#include "vmm/slot_policy.h"
#include "vmm/topology.h"

struct parked {
	struct power_slot *power;
	unsigned nr;
	struct vfio_device devices[TOPOLOGY_FUNCTIONS];
	bool asked[TOPOLOGY_FUNCTIONS]; /* the host wants it back */
};

struct park {
	struct topology topology;
	struct iommu_choice iommu;
	struct vfio_container container;
	struct event_monitor events;
	struct parked *slots[CVM_SLOT_MAX];
	unsigned nr, nr_devices, nr_released;
	bool failed;
	int news[2];	 /* a pipe: lines of the event monitor */
	char line[4096]; /* what came through it up to now, no '\n' yet */
	size_t len;
	int signals;
	bool usage; /* the command line is wrong */
};

/* --- news ---------------------------------------------------------------------------------------
 */

/* On a worker, which must not wait: a line that does not fit is lost to people, not to programs. */
static void hand_over(void *opaque, const char *line, size_t len)
{
	struct park *park = opaque;

	if (len <= PIPE_BUF && write(park->news[1], line, len) < 0)
		log_debug("park", "a line was not printed: %s", strerror(errno));
}

static void print_line(struct park *park, size_t len)
{
	struct park_news news;

	park_report(park->line, len, &news);
	park->nr_released += news.released;
	park->failed |= news.failed;
	if (news.text[0])
		printf("%s\n", news.text);
}

static void print_news(struct park *park)
{
	ssize_t n;
	char *end;

	while ((n = read(park->news[0], park->line + park->len, sizeof(park->line) - park->len)) >
	       0) {
		park->len += (size_t)n;
		while ((end = memchr(park->line, '\n', park->len))) {
			size_t len = (size_t)(end - park->line) + 1;

			print_line(park, len);
			park->len -= len;
			memmove(park->line, park->line + len, park->len);
		}
		if (park->len == sizeof(park->line))
			park->len = 0; /* no line of ours: PIPE_BUF is as large */
	}
	fflush(stdout);
}

/* --- devices ------------------------------------------------------------------------------------
 */

static int open_device(struct park *park, struct parked *slot,
		       const struct topology_function *function, char *why, size_t why_len)
{
	struct vfio_device *device = &slot->devices[slot->nr];
	const struct vfio_open_args args = {
		.path = function->bdf,
		.id = function->options->id ? function->options->id : function->bdf,
		.has_fd = function->fd >= 0,
		.fd = function->fd,
	};
	int r = vfio_device_open(device, &park->container, &args, why, why_len);

	if (r < 0)
		return r;
	slot->nr++;
	park->nr_devices++;
	device->function.devfn = PCI_DEVFN_OF(0, function->number);
	r = vfio_config_init(device, false);
	if (r == 0)
		r = vfio_irqs_init(device);
	if (r < 0)
		snprintf(why, why_len, "%s: cannot be set up: %s", device->bdf, strerror(-r));
	return r;
}

static int park_slot(struct park *park, const struct topology_slot *planned, char *why,
		     size_t why_len)
{
	struct parked *slot = calloc(1, sizeof(*slot));
	struct vfio_device *functions[TOPOLOGY_FUNCTIONS];
	struct slot_policy policy;
	int r;

	if (!slot)
		return -ENOMEM;
	park->slots[park->nr++] = slot;
	r = slot_policy(planned, HOST_SYSFS, &policy, why, why_len);
	for (unsigned i = 0; r == 0 && i < planned->nr; i++) {
		r = open_device(park, slot, &planned->functions[i], why, why_len);
		functions[i] = &slot->devices[i];
	}
	if (r < 0)
		return r;
	/* There is no guest to tell. */
	policy.power.wake = POWER_WAKE_REARM;
	const struct power_slot_config config = {
		.index = park->nr - 1,
		.policy = policy.power,
		.backend = policy.backend,
		.events = &park->events,
	};

	r = power_slot_create(&config, functions, slot->nr, &slot->power, why, why_len);
	if (r == 0)
		power_slot_command(slot->power, CVM_CMD_OFF);
	return r;
}

static int park_all(struct park *park, const struct vm_options *options, char *why, size_t why_len)
{
	int r = topology_build(&park->topology, options, HOST_SYSFS, why, why_len);

	park->usage = r == -EINVAL;
	if (r == 0)
		r = host_iommu_choose(&park->topology, options, &park->iommu, why, why_len);
	if (r < 0)
		return r;
	vfio_container_init(&park->container, NULL, park->iommu.iommufd);
	for (unsigned i = 0; i < park->topology.nr; i++) {
		why[0] = '\0';
		r = park_slot(park, &park->topology.slots[i], why, why_len);
		if (r < 0 && !why[0])
			snprintf(why, why_len, "%s: %s", park->topology.slots[i].host,
				 strerror(-r));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Each slot comes back and is proven, then closed. */
static void give_up(struct park *park)
{
	for (unsigned s = 0; s < park->nr; s++) {
		power_slot_destroy(park->slots[s]->power);
		print_news(park);
	}
	while (park->nr) {
		struct parked *slot = park->slots[--park->nr];

		while (slot->nr)
			vfio_device_close(&slot->devices[--slot->nr]);
		free(slot);
	}
	if (park->container.iommu)
		vfio_container_exit(&park->container);
	iommu_choice_end(&park->iommu);
}

/* --- the host's wishes --------------------------------------------------------------------------
 */

#define MAX_FDS (2 + OPTIONS_MAX_DEVICES)

/* A device that the host wants back. Its descriptors are the worker's from then on. */
static void check_request(struct parked *slot, unsigned i)
{
	eventfd_t count;

	if (slot->asked[i] || slot->devices[i].irqs.req_fd < 0 ||
	    eventfd_read(slot->devices[i].irqs.req_fd, &count) < 0)
		return;
	slot->asked[i] = true;
	power_slot_request(slot->power, &slot->devices[i]);
}

static unsigned collect_fds(const struct park *park, struct pollfd *fds)
{
	unsigned n = 0;

	fds[n++] = (struct pollfd){ .fd = park->signals, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = park->news[0], .events = POLLIN };
	for (unsigned s = 0; s < park->nr; s++)
		for (unsigned i = 0; i < park->slots[s]->nr && n < MAX_FDS; i++)
			if (!park->slots[s]->asked[i])
				fds[n++] = (struct pollfd){
					.fd = park->slots[s]->devices[i].irqs.req_fd,
					.events = POLLIN,
				};
	return n;
}

/* Until a signal, or until the host has all devices. */
static void watch(struct park *park)
{
	while (park->nr_released < park->nr_devices) {
		struct pollfd fds[MAX_FDS];
		struct signalfd_siginfo info;

		if (poll(fds, collect_fds(park, fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			print_news(park);
		if (read(park->signals, &info, sizeof(info)) == sizeof(info))
			return;
		for (unsigned s = 0; s < park->nr; s++)
			for (unsigned i = 0; i < park->slots[s]->nr; i++)
				check_request(park->slots[s], i);
	}
}

/* --- life ---------------------------------------------------------------------------------------
 */

/* Before the first worker, which must not get these signals. */
static int open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start(struct park *park, const struct vm_options *options, char *why, size_t why_len)
{
	int fd, r = monitor_file_open(options, &fd, why, why_len);

	if (r < 0)
		return r;
	event_monitor_init(&park->events, fd);
	park->signals = open_signals();
	if (park->signals < 0 || pipe2(park->news, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		snprintf(why, why_len, "park: no descriptors: %s", strerror(-r));
		return r;
	}
	event_monitor_listen(&park->events, hand_over, park);
	return park_all(park, options, why, why_len);
}

static enum park_status run(const struct vm_options *options)
{
	struct park *park = calloc(1, sizeof(*park));
	char why[VFIO_WHY_SIZE] = "";
	int r;

	if (!park) {
		log_complain("park: out of memory");
		return PARK_ERROR;
	}
	park->signals = park->news[0] = park->news[1] = -1;
	park->events.fd = park->iommu.iommufd = -1;
	r = start(park, options, why, sizeof(why));
	if (r < 0)
		log_complain("%s", why);
	else
		watch(park);
	give_up(park);
	event_monitor_listen(&park->events, NULL, NULL);
	event_monitor_exit(&park->events);
	close_fd(&park->news[0]);
	close_fd(&park->news[1]);
	close_fd(&park->signals);

	enum park_status status = park->usage		  ? PARK_USAGE
				  : r < 0 || park->failed ? PARK_ERROR
							  : PARK_ENDED;

	free(park);
	return status;
}

static enum park_status print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? PARK_ERROR : PARK_ENDED;
}

enum park_status park_main(int argc, char **argv)
{
	static struct park_options options;
	char why[256];

	switch (park_options_parse(&options, argc, argv, why, sizeof(why))) {
	case OPTIONS_HELP:
		return print(help_park);
	case OPTIONS_VERSION:
		return print(help_version);
	case OPTIONS_ERROR:
		log_complain("%s", why);
		return PARK_USAGE;
	case OPTIONS_RUN:
		break;
	}
	log_set_level(options.vm.verbose == 0	? LOG_WARN
		      : options.vm.verbose == 1 ? LOG_INFO
						: LOG_DEBUG);
	return run(&options.vm);
}
