/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each kind of device has a function that makes one from its options, and a row of what can be done
 * with it; the transport is the same for all.
 */
#include "vmm/virtio_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/fs.h"
#include "devices/virtio/net.h"
#include "devices/virtio/pci.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/vsock.h"
#include "vmm/bits.h"
#include "vmm/console_end.h"
#include "vmm/options.h"
#include "vmm/x86/layout.h"

#define NAME_SIZE 64
#define WHY_SIZE  1024 /* of a line with a path in it */

/* What can be done with a device of one kind. */
struct virtio_kind {
	const char *flag;
	struct virtio_device *(*device)(void *device);
	void (*destroy)(void *device);
	json_t *(*counters)(void *device); /* NULL: there are none */
};

struct virtio_entry {
	char name[NAME_SIZE];
	const struct virtio_kind *kind;
	void *device;
	bool attached; /* pci was begun */
	struct virtio_pci pci;
};

struct virtio_set {
	struct virtio_set_env env;
	const struct vm_options *options;
	char *why;
	size_t why_len;
	struct virtio_entry *entries;
	unsigned nr;
	struct balloon *balloon;	/* NULL: none */
	struct virtio_console *console; /* NULL: none */
};

/* --- kinds --------------------------------------------------------------------------------------
 */

static json_t *count_blk(void *device)
{
	struct blk_counters c;

	blk_count(device, &c);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "read_bytes", (json_int_t)c.read_bytes,
			 "read_ops", (json_int_t)c.read_ops, "write_bytes",
			 (json_int_t)c.write_bytes, "write_ops", (json_int_t)c.write_ops,
			 "io_errors", (json_int_t)c.io_errors);
}

/* NULL: they cannot be known just now. */
static json_t *count_net(void *device)
{
	struct net_counters c;

	if (net_count(device, &c) < 0)
		return NULL;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rx_bytes", (json_int_t)c.rx_bytes,
			 "rx_frames", (json_int_t)c.rx_frames, "rx_dropped",
			 (json_int_t)c.rx_dropped, "tx_bytes", (json_int_t)c.tx_bytes, "tx_frames",
			 (json_int_t)c.tx_frames, "tx_dropped", (json_int_t)c.tx_dropped);
}

#define KIND(kind, flag_name, counters_of)                                                 \
	static struct virtio_device *kind##_of(void *device)                               \
	{                                                                                  \
		return kind##_device(device);                                              \
	}                                                                                  \
	static void kind##_drop(void *device)                                              \
	{                                                                                  \
		kind##_destroy(device);                                                    \
	}                                                                                  \
	static const struct virtio_kind kind##_kind = { flag_name, kind##_of, kind##_drop, \
							counters_of }

KIND(blk, "--disk", count_blk);
KIND(net, "--net", count_net);
KIND(fs, "--fs", NULL);
KIND(virtio_console, "--console", NULL);
KIND(vsock, "--vsock", NULL);
KIND(rng, "--rng", NULL);
KIND(balloon, "--balloon", NULL);

/* A device that is to be made: its place in the set, and its name. */
static struct virtio_entry *next_entry(struct virtio_set *set, const struct virtio_kind *kind,
				       const char *id, const char *word, unsigned number)
{
	struct virtio_entry *entry = &set->entries[set->nr++];

	entry->kind = kind;
	if (id)
		snprintf(entry->name, sizeof(entry->name), "%s", id);
	else
		snprintf(entry->name, sizeof(entry->name), "%s%u", word, number);
	return entry;
}

/* Puts the device on the bus. @r, @why: how its making went; @why may be empty. */
static int attach(struct virtio_set *set, struct virtio_entry *entry, void *device, int r,
		  const char *why)
{
	const struct virtio_pci_env env = {
		.kvm = set->env.kvm,
		.irqchip = set->env.irqchip,
		.mmio = set->env.mmio,
		.root = set->env.root,
	};
	unsigned number = set->env.first_device + (unsigned)(entry - set->entries);

	if (r == 0) {
		entry->device = device;
		entry->attached = true;
		r = virtio_pci_init(&entry->pci, &env, entry->kind->device(device),
				    PCI_DEVFN_OF(number, 0),
				    LAYOUT_VIRTIO_BARS + (uint64_t)number * VIRTIO_PCI_BAR_SIZE);
	}
	if (r < 0)
		snprintf(set->why, set->why_len, "%s: %s: %s", entry->kind->flag, entry->name,
			 why[0] ? why : strerror(-r));
	return r;
}

static int make_disk(struct virtio_set *set, unsigned i)
{
	const struct disk_options *o = &set->options->disks[i];
	struct virtio_entry *entry = next_entry(set, &blk_kind, o->id, "disk", i);
	const struct blk_config config = {
		.name = entry->name,
		.path = o->path,
		.readonly = o->readonly,
		.direct = o->direct,
		.nr_queues = o->num_queues,
		.queue_size = (uint16_t)o->queue_size,
		.serial = o->serial,
		.events = set->env.events,
	};
	struct blk *blk = NULL;
	char why[WHY_SIZE] = "";
	int r = blk_create(&config, set->env.memory, &blk, why, sizeof(why));

	return attach(set, entry, blk, r, why);
}

/* The device takes its descriptors over; those that were passed in stay for its next life. No child
 * shall have either. */
static int copy_fds(const struct net_options *o, struct net_config *config, char *why,
		    size_t why_len)
{
	for (unsigned i = 0; i < o->nr_fds; i++) {
		int fd = fcntl(o->fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd < 0 || fcntl(o->fds[i], F_SETFD, FD_CLOEXEC) < 0) {
			int r = -errno;

			snprintf(why, why_len, "descriptor %d: %s", o->fds[i], strerror(-r));
			if (fd >= 0)
				close_fd(&fd);
			while (config->nr_fds)
				close_fd(&config->fds[--config->nr_fds]);
			return r;
		}
		config->fds[config->nr_fds++] = fd;
	}
	return 0;
}

static int make_net(struct virtio_set *set, unsigned i)
{
	static const enum net_vhost vhost[] = {
		[NET_VHOST_MODE_AUTO] = NET_VHOST_AUTO,
		[NET_VHOST_MODE_ON] = NET_VHOST_ON,
		[NET_VHOST_MODE_OFF] = NET_VHOST_OFF,
	};
	const struct net_options *o = &set->options->nets[i];
	struct virtio_entry *entry = next_entry(set, &net_kind, o->id, "net", i);
	struct net_config config = {
		.name = entry->name,
		.tap = o->tap,
		.told_fds = o->fds,
		.socket = o->socket,
		.passt = o->passt,
		.passt_args = o->passt_args,
		.nr_pairs = o->num_queues / 2,
		.queue_size = (uint16_t)o->queue_size,
		.has_mac = o->has_mac,
		.mtu = (uint16_t)o->mtu,
		.vhost = vhost[o->vhost],
		.events = set->env.events,
		.link = set->env.links ? &set->env.links->nets[i] : NULL,
	};
	struct net *net = NULL;
	char why[WHY_SIZE] = "";
	int r = copy_fds(o, &config, why, sizeof(why));

	memcpy(config.mac, o->mac, sizeof(config.mac));
	if (r == 0)
		r = net_create(&config, set->env.memory, &net, why, sizeof(why));
	return attach(set, entry, net, r, why);
}

static int make_fs(struct virtio_set *set, unsigned i)
{
	const struct fs_options *o = &set->options->fs[i];
	struct virtio_entry *entry = next_entry(set, &fs_kind, o->id, "fs", i);
	const struct fs_config config = {
		.name = entry->name,
		.tag = o->tag,
		.socket = o->socket,
		.nr_queues = o->num_queues,
		.queue_size = (uint16_t)o->queue_size,
		.link = set->env.links ? &set->env.links->fs[i] : NULL,
	};
	struct fs *fs = NULL;
	char why[WHY_SIZE] = "";
	int r = fs_create(&config, set->env.memory, set->env.loop, set->env.events, &fs, why,
			  sizeof(why));

	return attach(set, entry, fs, r, why);
}

static int make_console(struct virtio_set *set, unsigned i)
{
	struct virtio_entry *entry = next_entry(set, &virtio_console_kind, NULL, "console", i);
	const struct virtio_console_config config = {
		.name = entry->name,
		.in_fd = set->env.console->in_fd,
		.out_fd = set->env.console->out_fd,
		.size = set->env.console->has_size,
		.typed = console_end_typed,
		.opaque = set->env.console,
	};
	int r = virtio_console_create(&config, set->env.memory, set->env.loop, &set->console);

	return attach(set, entry, set->console, r, "");
}

static int make_vsock(struct virtio_set *set, unsigned i)
{
	const struct vsock_options *o = &set->options->vsock;
	struct virtio_entry *entry = next_entry(set, &vsock_kind, o->id, "vsock", i);
	const struct vsock_config config = {
		.name = entry->name,
		.cid = o->cid,
		.socket = o->socket,
	};
	struct vsock *vsock = NULL;
	char why[WHY_SIZE] = "";
	int r = vsock_create(&config, set->env.memory, set->env.loop, &vsock, why, sizeof(why));

	return attach(set, entry, vsock, r, why);
}

static int make_rng(struct virtio_set *set, unsigned i)
{
	struct virtio_entry *entry = next_entry(set, &rng_kind, NULL, "rng", i);
	const struct rng_config config = {
		.name = entry->name,
		.src = set->options->rng.src,
	};
	struct rng *rng = NULL;
	char why[WHY_SIZE] = "";
	int r = rng_create(&config, set->env.memory, set->env.loop, &rng, why, sizeof(why));

	return attach(set, entry, rng, r, why);
}

static int make_balloon(struct virtio_set *set, unsigned i)
{
	const struct balloon_options *o = &set->options->balloon;
	struct virtio_entry *entry = next_entry(set, &balloon_kind, NULL, "balloon", i);
	const struct balloon_config config = {
		.name = entry->name,
		.size = o->size,
		.deflate_on_oom = o->deflate_on_oom,
		.free_page_reporting = o->free_page_reporting,
	};
	int r = balloon_create(&config, set->env.memory, &set->balloon);

	return attach(set, entry, set->balloon, r, "");
}

/* --- the set ------------------------------------------------------------------------------------
 */

static int make_some(struct virtio_set *set, unsigned nr,
		     int (*make)(struct virtio_set *set, unsigned i))
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < nr; i++)
		r = make(set, i);
	return r;
}

/* A guest numbers its disks and cards in this order. */
static int make_all(struct virtio_set *set)
{
	const struct vm_options *o = set->options;
	const struct {
		unsigned nr;
		int (*make)(struct virtio_set *set, unsigned i);
	} rows[] = {
		{ o->nr_disks, make_disk },
		{ o->nr_nets, make_net },
		{ o->nr_fs, make_fs },
		{ o->console != CONSOLE_OFF, make_console },
		{ o->vsock.socket != NULL, make_vsock },
		{ o->rng.src != NULL, make_rng },
		{ o->balloon.present, make_balloon },
	};
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		r = make_some(set, rows[i].nr, rows[i].make);
	return r;
}

void virtio_links_init(struct virtio_links *links)
{
	memset(links, 0, sizeof(*links));
	for (unsigned i = 0; i < ARRAY_SIZE(links->fs); i++)
		links->fs[i].fd = -1;
}

void virtio_links_exit(struct virtio_links *links)
{
	for (unsigned i = 0; i < ARRAY_SIZE(links->nets); i++)
		net_link_exit(&links->nets[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(links->fs); i++)
		vhost_user_exit(&links->fs[i]);
}

int virtio_set_create(const struct virtio_set_env *env, const struct vm_options *options,
		      struct virtio_set **ret, char *why, size_t why_len)
{
	struct virtio_set *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	set->env = *env;
	set->options = options;
	set->why = why;
	set->why_len = why_len;
	set->entries = calloc(options_nr_virtio(options) + 1, sizeof(*set->entries));
	r = set->entries ? make_all(set) : -ENOMEM;
	if (r < 0)
		virtio_set_destroy(set);
	else
		*ret = set;
	return r;
}

void virtio_set_destroy(struct virtio_set *set)
{
	if (!set)
		return;
	while (set->nr) {
		struct virtio_entry *entry = &set->entries[--set->nr];

		if (entry->attached)
			virtio_pci_exit(&entry->pci);
		if (entry->device)
			entry->kind->destroy(entry->device);
	}
	free(set->entries);
	free(set);
}

int virtio_set_balloon(struct virtio_set *set, uint64_t size)
{
	if (!set || !set->balloon)
		return -ENODEV;
	balloon_resize(set->balloon, size);
	return 0;
}

uint64_t virtio_set_balloon_actual(const struct virtio_set *set)
{
	return set && set->balloon ? balloon_actual(set->balloon) : 0;
}

void virtio_set_resized(struct virtio_set *set)
{
	if (set && set->console)
		virtio_console_resized(set->console);
}

json_t *virtio_set_info(const struct virtio_set *set)
{
	json_t *tree = json_object();

	for (unsigned i = 0; set && i < set->nr; i++) {
		const char *name = set->entries[i].name;
		char bdf[16];

		snprintf(bdf, sizeof(bdf), "0000:00:%02x.0",
			 (unsigned)PCI_DEV_OF(set->entries[i].pci.function.devfn));
		json_object_set_new(tree, name,
				    json_pack("{s:s, s:s}", "id", name, "pci_bdf", bdf));
	}
	return tree;
}

void virtio_set_counters(const struct virtio_set *set, json_t *counters)
{
	for (unsigned i = 0; set && i < set->nr; i++) {
		const struct virtio_entry *entry = &set->entries[i];
		json_t *of_one =
			entry->kind->counters ? entry->kind->counters(entry->device) : NULL;

		if (of_one)
			json_object_set_new(counters, entry->name, of_one);
	}
}
