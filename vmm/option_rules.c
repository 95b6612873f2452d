/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules between values. A line begins with the key that is at fault, as its flag writes it. */
#include "vmm/option_rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int option_refuse(char *why, size_t why_len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, why_len, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* --- names --------------------------------------------------------------------------------------
 */

/* The name of a device that was given none. */
static const char *made_name(char made[32], const char *kind, unsigned number)
{
	snprintf(made, 32, "%s%u", kind, number);
	return made;
}

/* 1 if a device answers to @name: by its id, or by the name that is made of kind and number. */
static unsigned count_kind(const char *name, const char *id, const char *kind, unsigned number)
{
	char made[32];

	return !strcmp(name, id ? id : made_name(made, kind, number));
}

static unsigned count_name(const struct vm_options *o, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->nr_devices; i++)
		n += o->devices[i].id && !strcmp(o->devices[i].id, name);
	for (unsigned i = 0; i < o->nr_disks; i++)
		n += count_kind(name, o->disks[i].id, "disk", i);
	for (unsigned i = 0; i < o->nr_nets; i++)
		n += count_kind(name, o->nets[i].id, "net", i);
	for (unsigned i = 0; i < o->nr_fs; i++)
		n += count_kind(name, o->fs[i].id, "fs", i);
	if (o->vsock.socket)
		n += count_kind(name, o->vsock.id, "vsock", 0);
	if (o->console != CONSOLE_OFF)
		n += count_kind(name, NULL, "console", 0);
	if (o->rng.src)
		n += count_kind(name, NULL, "rng", 0);
	if (o->balloon.present)
		n += count_kind(name, NULL, "balloon", 0);
	return n;
}

/* @id is that of an item which is in @options already. */
static int check_id(const struct vm_options *options, const char *id, char *why, size_t why_len)
{
	if (!id || count_name(options, id) <= 1)
		return 0;
	return option_refuse(why, why_len, "id=%s: another device has this id", id);
}

/* When all are there: an id may be the name that a later device got of its kind and number. */
static int check_made_name(const struct vm_options *o, const char *id, const char *flag, char *why,
			   size_t why_len)
{
	if (!id || count_name(o, id) <= 1)
		return 0;
	return option_refuse(why, why_len,
			     "%s: id=%s: a device without an id is called so: want another", flag,
			     id);
}

static int check_made_names(const struct vm_options *o, char *why, size_t why_len)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->nr_devices; i++)
		r = check_made_name(o, o->devices[i].id, "--device", why, why_len);
	for (unsigned i = 0; r == 0 && i < o->nr_disks; i++)
		r = check_made_name(o, o->disks[i].id, "--disk", why, why_len);
	for (unsigned i = 0; r == 0 && i < o->nr_nets; i++)
		r = check_made_name(o, o->nets[i].id, "--net", why, why_len);
	for (unsigned i = 0; r == 0 && i < o->nr_fs; i++)
		r = check_made_name(o, o->fs[i].id, "--fs", why, why_len);
	return r ? r
		 : check_made_name(o, o->vsock.socket ? o->vsock.id : NULL, "--vsock", why,
				   why_len);
}

/* --- descriptors that were passed in ------------------------------------------------------------
 */

static unsigned count_fd(const struct vm_options *o, int fd)
{
	unsigned n = (o->event_fd == fd) + (o->api_fd == fd);

	for (unsigned i = 0; i < o->nr_nets; i++)
		for (unsigned k = 0; k < o->nets[i].nr_fds; k++)
			n += o->nets[i].fds[k] == fd;
	return n;
}

/* Each is one device's, or one part's, alone. */
static int check_fds(const struct vm_options *o, char *why, size_t why_len)
{
	for (unsigned i = 0; i < o->nr_nets; i++)
		for (unsigned k = 0; k < o->nets[i].nr_fds; k++)
			if (count_fd(o, o->nets[i].fds[k]) > 1)
				return option_refuse(
					why, why_len,
					"--net: fd=%d: another option has this descriptor",
					o->nets[i].fds[k]);
	if (o->event_fd >= 0 && count_fd(o, o->event_fd) > 1)
		return option_refuse(why, why_len,
				     "--event-monitor: fd=%d: --api-socket has this descriptor",
				     o->event_fd);
	return 0;
}

int option_finish_device(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	const struct device_options *device = base;

	if (!device->path && !device->has_fd)
		return option_refuse(
			why, why_len,
			"path= is missing: say which device, such as path=0000:01:00.0, or "
			"fd=N for its open character device");
	if (device->has_fd && device->all_functions)
		return option_refuse(
			why, why_len,
			"functions=all: fd=%d is one function: give a --device fd=N of each",
			device->fd);
	for (unsigned i = 0; device->has_fd && i < options->nr_devices; i++)
		if (&options->devices[i] != device && options->devices[i].has_fd &&
		    options->devices[i].fd == device->fd)
			return option_refuse(why, why_len, "fd=%d is given twice", device->fd);
	return check_id(options, device->id, why, why_len);
}

int option_finish_disk(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	const struct disk_options *disk = base;

	return check_id(options, disk->id, why, why_len);
}

int option_finish_vsock(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	const struct vsock_options *vsock = base;

	return check_id(options, vsock->id, why, why_len);
}

int option_finish_fs(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	const struct fs_options *fs = base;

	for (unsigned i = 0; i < options->nr_fs; i++)
		if (&options->fs[i] != fs && !strcmp(options->fs[i].tag, fs->tag))
			return option_refuse(why, why_len,
					     "tag=%s: another file system has this tag", fs->tag);
	return check_id(options, fs->id, why, why_len);
}

/* --- network ------------------------------------------------------------------------------------
 */

static int check_queues(struct net_options *net, char *why, size_t why_len)
{
	unsigned pairs = net->nr_fds ? net->nr_fds : 1;

	if (!net->num_queues)
		net->num_queues = 2 * pairs;
	if (net->num_queues % 2)
		return option_refuse(
			why, why_len,
			"num_queues=%u: want an even number, one each way for every pair",
			net->num_queues);
	if (net->nr_fds && net->num_queues != 2 * pairs)
		return option_refuse(why, why_len, "num_queues=%u: %u descriptors are %u queues",
				     net->num_queues, net->nr_fds, 2 * pairs);
	if ((net->socket || net->passt) && net->num_queues != 2)
		return option_refuse(why, why_len, "num_queues=%u: passt has one pair, 2 queues",
				     net->num_queues);
	return 0;
}

int option_finish_net(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	struct net_options *net = base;
	unsigned ways = !!net->tap + !!net->nr_fds + !!net->socket + net->passt;

	if (ways != 1)
		return option_refuse(
			why, why_len,
			ways ? "tap=, fd=, socket= and passt=on exclude each other"
			     : "tap= is missing: say how it reaches the outside: tap=NAME, "
			       "fd=N, socket=PATH or passt=on");
	if (net->vhost == NET_VHOST_MODE_ON && (net->socket || net->passt))
		return option_refuse(why, why_len, "vhost=on: vhost needs a tap, by tap= or fd=");
	if (net->passt_args && !net->passt)
		return option_refuse(why, why_len, "passt_args=: needs passt=on");
	if (check_queues(net, why, why_len) < 0)
		return -EINVAL;
	return check_id(options, net->id, why, why_len);
}

/* --- where things go ----------------------------------------------------------------------------
 */

int option_finish_platform(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	(void)base;
	if (options->iommufd == IOMMUFD_OFF && options->iommufd_fd >= 0)
		return option_refuse(why, why_len,
				     "iommufd_fd=%d: with iommufd=off it is of no use",
				     options->iommufd_fd);
	return 0;
}

int option_finish_serial(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	(void)base;
	if (options->serial == SERIAL_FILE && !options->serial_file)
		return option_refuse(why, why_len, "file is missing: say which file");
	return 0;
}

int option_finish_console(const struct vm_options *options, void *base, char *why, size_t why_len)
{
	(void)base;
	if (options->console == CONSOLE_FILE && !options->console_file)
		return option_refuse(why, why_len, "file is missing: say which file");
	return 0;
}

int option_finish_event_monitor(const struct vm_options *options, void *base, char *why,
				size_t why_len)
{
	(void)base;
	if (options->event_path && options->event_fd >= 0)
		return option_refuse(why, why_len, "path and fd exclude each other");
	return 0;
}

int option_finish_api_socket(const struct vm_options *options, void *base, char *why,
			     size_t why_len)
{
	(void)base;
	if (options->api_path && options->api_fd >= 0)
		return option_refuse(why, why_len, "path and fd exclude each other");
	return 0;
}

/* --- the VM as a whole --------------------------------------------------------------------------
 */

unsigned options_nr_virtio(const struct vm_options *options)
{
	return options->nr_disks + options->nr_nets + options->nr_fs +
	       (options->console != CONSOLE_OFF) + !!options->vsock.socket + !!options->rng.src +
	       options->balloon.present;
}

int option_rules_check(const struct vm_options *o, char *why, size_t why_len)
{
	if (check_made_names(o, why, why_len) < 0 || check_fds(o, why, why_len) < 0)
		return -EINVAL;
	if (o->max_cpus && o->max_cpus != o->cpus)
		return option_refuse(
			why, why_len,
			"--cpus: max=%u: there is no hot-plug of vCPUs: want boot's %u, or "
			"leave it out",
			o->max_cpus, o->cpus);
	if (o->console == CONSOLE_TTY && o->serial == SERIAL_TTY)
		return option_refuse(
			why, why_len,
			"--console: tty: the serial port has the terminal: give --serial null "
			"or file=PATH");
	for (unsigned i = 0; i < o->nr_devices; i++)
		if (o->devices[i].has_fd && o->iommufd == IOMMUFD_OFF)
			return option_refuse(
				why, why_len,
				"--device: fd=%d: descriptors of devices need iommufd: leave "
				"out --platform iommufd=off",
				o->devices[i].fd);
	if (option_numa_check(o, why, why_len) < 0)
		return -EINVAL;
	if (o->nr_fs && !o->nr_zones && !o->shared)
		return option_refuse(
			why, why_len,
			"--fs: virtiofsd has to reach the guest's memory: give --memory "
			"shared=on");
	if (o->balloon.present && o->nr_devices)
		return option_refuse(
			why, why_len,
			"--balloon: with --device the guest's memory is locked for DMA, and none "
			"of it can be given back: leave one of them out");
	/* What went back may be taken by others, and then the guest cannot go on: unlike ordinary
	 * pages the host has no others for it. */
	if (o->balloon.present && o->hugepages)
		return option_refuse(
			why, why_len,
			"--balloon: with --memory hugepages=on pages that went back might not "
			"be there when the guest wants them again: leave one of them out");
	if (o->balloon.size > options_ram(o))
		return option_refuse(why, why_len, "--balloon: size=%lluM: the guest has %lluM",
				     (unsigned long long)(o->balloon.size >> 20),
				     (unsigned long long)(options_ram(o) >> 20));
	return 0;
}
