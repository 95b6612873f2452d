/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables, and what can be done with any of them. */
#include "vmm/option_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/memory.h"
#include "vmm/option_rules.h"
#include "vmm/option_value.h"

#define PATH_MAX_LEN   4095
#define SOCKET_MAX_LEN 107 /* sun_path and its end */
#define ID_MAX_LEN     60
#define QUEUES_MAX     16
#define QUEUE_SIZE_MAX 1024 /* VIRTQ_SIZE_MAX */

#define AT(member)  offsetof(struct vm_options, member)
#define KEYS(table) .keys = table, .nr_keys = ARRAY_SIZE(table)

/* --- the machine --------------------------------------------------------------------------------
 */

static const struct option_key payload_keys[] = {
	{ .name = "kernel",
	  .type = OPTION_TEXT,
	  .offset = AT(kernel),
	  .min = 1,
	  .max = PATH_MAX_LEN },
	{ .name = "initramfs",
	  .type = OPTION_TEXT,
	  .offset = AT(initramfs),
	  .min = 1,
	  .max = PATH_MAX_LEN },
	{ .name = "cmdline", .type = OPTION_TEXT, .offset = AT(cmdline) },
};
const struct option_group option_payload = { .json = "payload", KEYS(payload_keys) };

static const struct option_key cpus_keys[] = {
	{ .name = "boot",
	  .json = "boot_vcpus",
	  .type = OPTION_NUMBER,
	  .offset = AT(cpus),
	  .min = 1,
	  .max = OPTIONS_MAX_CPUS },
	{ .name = "max",
	  .json = "max_vcpus",
	  .type = OPTION_NUMBER,
	  .offset = AT(max_cpus),
	  .min = 1,
	  .max = OPTIONS_MAX_CPUS },
};
const struct option_group option_cpus = {
	.flag = "--cpus",
	.json = "cpus",
	KEYS(cpus_keys),
};

static const struct option_key memory_keys[] = {
	{ .name = "size",
	  .type = OPTION_SIZE,
	  .offset = AT(memory),
	  .has = AT(has_memory),
	  .max = MIB(2) },
	{ .name = "hugepages", .type = OPTION_BOOL, .offset = AT(hugepages) },
	{ .name = "shared", .type = OPTION_BOOL, .offset = AT(shared) },
	{ .name = "prefault", .type = OPTION_BOOL, .offset = AT(prefault) },
};
const struct option_group option_memory = {
	.flag = "--memory",
	.json = "memory",
	KEYS(memory_keys),
};

#define ZONE(member) offsetof(struct zone_options, member)

static const struct option_key zone_keys[] = {
	{ .name = "id",
	  .type = OPTION_TEXT,
	  .offset = ZONE(id),
	  .min = 1,
	  .max = ID_MAX_LEN,
	  .missing = "by which name --numa knows it" },
	{ .name = "size",
	  .type = OPTION_SIZE,
	  .offset = ZONE(size),
	  .has = ZONE(has_size),
	  .min = MIB(2),
	  .max = MIB(2),
	  .missing = "how much memory it has, such as size=1G" },
	{ .name = "host_numa_node",
	  .type = OPTION_NUMBER,
	  .offset = ZONE(host_node),
	  .has = ZONE(has_host_node),
	  .max = MEMORY_MAX_NODES - 1 },
	{ .name = "hugepages", .type = OPTION_BOOL, .offset = ZONE(hugepages) },
	{ .name = "shared", .type = OPTION_BOOL, .offset = ZONE(shared) },
	{ .name = "prefault", .type = OPTION_BOOL, .offset = ZONE(prefault) },
};
_Static_assert(OPTIONS_MAX_ZONES == MEMORY_MAX_ZONES, "vmm/memory.h has room for each");
static const struct zone_options zone_defaults;
const struct option_group option_zones = {
	.flag = "--memory-zone",
	.json = "zones",
	.within = "memory",
	KEYS(zone_keys),
	.offset = AT(zones),
	.count = AT(nr_zones),
	.max = OPTIONS_MAX_ZONES,
	.size = sizeof(struct zone_options),
	.defaults = &zone_defaults,
	.finish = option_finish_zone,
};

#define NODE(member) offsetof(struct numa_options, member)

static const struct option_key node_keys[] = {
	{ .name = "guest_numa_id",
	  .type = OPTION_NUMBER,
	  .offset = NODE(id),
	  .has = NODE(has_id),
	  .max = OPTIONS_MAX_NODES - 1,
	  .missing = "which number the guest knows the node by" },
	{ .name = "cpus", .type = OPTION_CPUS, .offset = NODE(cpus), .max = OPTIONS_MAX_CPUS },
	{ .name = "distances",
	  .type = OPTION_DISTANCES,
	  .offset = NODE(distances),
	  .has = NODE(nr_distances),
	  .max = OPTIONS_MAX_NODES },
	{ .name = "memory_zones",
	  .type = OPTION_NAMES,
	  .offset = NODE(zones),
	  .has = NODE(nr_zones),
	  .max = OPTIONS_MAX_ZONES },
};
static const struct numa_options node_defaults;
const struct option_group option_nodes = {
	.flag = "--numa",
	.json = "numa",
	KEYS(node_keys),
	.offset = AT(nodes),
	.count = AT(nr_nodes),
	.max = OPTIONS_MAX_NODES,
	.size = sizeof(struct numa_options),
	.defaults = &node_defaults,
	.finish = option_finish_node,
};

static const char *const chassis_words[] = { "desktop", "laptop", NULL };
static const char *const iommufd_words[] = { "auto", "on", "off", NULL };
static const struct option_key platform_keys[] = {
	{ .name = "chassis", .type = OPTION_CHOICE, .offset = AT(laptop), .words = chassis_words },
	{ .name = "vfio_p2p_dma", .type = OPTION_BOOL, .offset = AT(p2p_dma) },
	{ .name = "iommufd", .type = OPTION_WORD, .offset = AT(iommufd), .words = iommufd_words },
	{ .name = "iommufd_fd", .type = OPTION_FD, .offset = AT(iommufd_fd) },
};
const struct option_group option_platform = {
	.flag = "--platform",
	.json = "platform",
	KEYS(platform_keys),
	.finish = option_finish_platform,
};

static const struct option_key top_keys[] = {
	{ .name = "watchdog", .type = OPTION_BOOL, .offset = AT(watchdog) },
	{ .name = "no_reboot", .type = OPTION_BOOL, .offset = AT(no_reboot) },
};
const struct option_group option_top = { KEYS(top_keys) };

/* --- what it is told and asked by ---------------------------------------------------------------
 */

static const char *const serial_words[] = { "tty", "null", "file", NULL };
static const struct option_key serial_keys[] = {
	{ .name = "mode", .type = OPTION_MODE, .offset = AT(serial), .words = serial_words },
	{ .name = "file",
	  .type = OPTION_TEXT,
	  .offset = AT(serial_file),
	  .min = 1,
	  .max = PATH_MAX_LEN },
};
const struct option_group option_serial = {
	.flag = "--serial",
	.json = "serial",
	KEYS(serial_keys),
	.finish = option_finish_serial,
};

static const char *const console_words[] = { "off", "null", "tty", "pty", "file", NULL };
static const struct option_key console_keys[] = {
	{ .name = "mode", .type = OPTION_MODE, .offset = AT(console), .words = console_words },
	{ .name = "file",
	  .type = OPTION_TEXT,
	  .offset = AT(console_file),
	  .min = 1,
	  .max = PATH_MAX_LEN },
};
const struct option_group option_console = {
	.flag = "--console",
	.json = "console",
	KEYS(console_keys),
	.finish = option_finish_console,
};

static const struct option_key event_keys[] = {
	{ .name = "path",
	  .type = OPTION_TEXT,
	  .offset = AT(event_path),
	  .min = 1,
	  .max = PATH_MAX_LEN },
	{ .name = "fd", .type = OPTION_FD, .offset = AT(event_fd) },
};
const struct option_group option_event_monitor = {
	.flag = "--event-monitor",
	.json = "event_monitor",
	KEYS(event_keys),
	.finish = option_finish_event_monitor,
};

static const struct option_key api_keys[] = {
	{ .name = "path",
	  .type = OPTION_TEXT,
	  .offset = AT(api_path),
	  .min = 1,
	  .max = SOCKET_MAX_LEN },
	{ .name = "fd", .type = OPTION_FD, .offset = AT(api_fd) },
};
const struct option_group option_api_socket = {
	.flag = "--api-socket",
	.json = "api_socket",
	KEYS(api_keys),
	.finish = option_finish_api_socket,
};

static const struct option_key debug_keys[] = {
	{ .name = "blocking-on",
	  .json = "blocking_on",
	  .type = OPTION_BOOL,
	  .offset = AT(blocking_on) },
};
const struct option_group option_debug = { .flag = "--debug", .json = "debug", KEYS(debug_keys) };

/* --- passthrough --------------------------------------------------------------------------------
 */

#define DEVICE(member) offsetof(struct device_options, member)

static const char *const pr3_words[] = { "auto", "port", "endpoint", "both", NULL };
static const char *const power_words[] = { "d3cold", "d3hot", "on", NULL };
static const char *const backend_words[] = { "auto", "explicit", "lowpower", "d3hot", NULL };
static const char *const functions_words[] = { "one", "all", NULL };
static const char *const pme_words[] = { "off", "on", "force", NULL };
static const char *const wake_words[] = { "notify", "rearm", NULL };
static const char *const failure_words[] = { "continue", "stop", NULL };

static const struct option_key device_keys[] = {
	{ .name = "path", .type = OPTION_TEXT, .offset = DEVICE(path) },
	{ .name = "fd", .type = OPTION_FD, .offset = DEVICE(fd), .has = DEVICE(has_fd) },
	{ .name = "id", .type = OPTION_TEXT, .offset = DEVICE(id), .min = 1, .max = ID_MAX_LEN },
	{ .name = "pr3", .type = OPTION_WORD, .offset = DEVICE(pr3), .words = pr3_words },
	{ .name = "power", .type = OPTION_WORD, .offset = DEVICE(power), .words = power_words },
	{ .name = "backend",
	  .type = OPTION_WORD,
	  .offset = DEVICE(backend),
	  .words = backend_words },
	{ .name = "functions",
	  .type = OPTION_CHOICE,
	  .offset = DEVICE(all_functions),
	  .words = functions_words },
	{ .name = "pme", .type = OPTION_WORD, .offset = DEVICE(pme), .words = pme_words },
	{ .name = "rom",
	  .type = OPTION_TEXT,
	  .offset = DEVICE(rom),
	  .min = 1,
	  .max = PATH_MAX_LEN },
	{ .name = "wake",
	  .type = OPTION_WORD,
	  .offset = DEVICE(wake),
	  .min = DEVICE_WAKE_NOTIFY,
	  .words = wake_words },
	{ .name = "max-wakes-per-min",
	  .json = "max_wakes_per_min",
	  .type = OPTION_NUMBER,
	  .offset = DEVICE(max_wakes_per_min),
	  .has = DEVICE(has_max_wakes),
	  .max = OPTIONS_MAX_WAKES_PER_MIN },
	{ .name = "min-off-ms",
	  .json = "min_off_ms",
	  .type = OPTION_NUMBER,
	  .offset = DEVICE(min_off_ms),
	  .max = OPTIONS_MAX_MIN_OFF_MS },
	{ .name = "on-failure",
	  .json = "on_failure",
	  .type = OPTION_CHOICE,
	  .offset = DEVICE(stop_on_failure),
	  .words = failure_words },
	{ .name = "force", .type = OPTION_BOOL, .offset = DEVICE(force) },
	{ .name = "x_nv_gpudirect_clique",
	  .type = OPTION_NUMBER,
	  .offset = DEVICE(clique),
	  .has = DEVICE(has_clique),
	  .max = OPTIONS_MAX_CLIQUE },
	{ .name = "numa_node",
	  .type = OPTION_AUTO,
	  .offset = DEVICE(numa_node),
	  .has = DEVICE(has_numa_node),
	  .max = OPTIONS_MAX_NODES - 1 },
};
const struct option_group option_devices = {
	.flag = "--device",
	.json = "devices",
	KEYS(device_keys),
	.offset = AT(devices),
	.count = AT(nr_devices),
	.max = OPTIONS_MAX_DEVICES,
	.size = sizeof(struct device_options),
	.finish = option_finish_device,
};

/* --- virtio -------------------------------------------------------------------------------------
 */

#define ID_KEY(struct_name)                                                                    \
	{                                                                                      \
		.name = "id", .type = OPTION_TEXT, .offset = offsetof(struct struct_name, id), \
		.min = 1, .max = ID_MAX_LEN                                                    \
	}
#define QUEUE_SIZE_KEY(struct_name)                                           \
	{                                                                     \
		.name = "queue_size", .type = OPTION_POWER2,                  \
		.offset = offsetof(struct struct_name, queue_size), .min = 2, \
		.max = QUEUE_SIZE_MAX                                         \
	}

#define DISK(member) offsetof(struct disk_options, member)

static const struct option_key disk_keys[] = {
	{ .name = "path",
	  .type = OPTION_TEXT,
	  .offset = DISK(path),
	  .min = 1,
	  .max = PATH_MAX_LEN,
	  .missing = "which image or block device" },
	ID_KEY(disk_options),
	{ .name = "readonly", .type = OPTION_BOOL, .offset = DISK(readonly) },
	{ .name = "direct", .type = OPTION_BOOL, .offset = DISK(direct) },
	{ .name = "num_queues",
	  .type = OPTION_NUMBER,
	  .offset = DISK(num_queues),
	  .min = 1,
	  .max = QUEUES_MAX },
	QUEUE_SIZE_KEY(disk_options),
	{ .name = "serial", .type = OPTION_TEXT, .offset = DISK(serial), .min = 1, .max = 20 },
};
/* So many that a transfer of 1 MiB in scattered pages is one request: the guest's block layer
 * refuses to split what its io_uring submits, as the host's does (devices/virtio/blk_piece.h). */
static const struct disk_options disk_defaults = { .num_queues = 1, .queue_size = 512 };
const struct option_group option_disks = {
	.flag = "--disk",
	.json = "disks",
	KEYS(disk_keys),
	.offset = AT(disks),
	.count = AT(nr_disks),
	.max = OPTIONS_MAX_DISKS,
	.size = sizeof(struct disk_options),
	.defaults = &disk_defaults,
	.finish = option_finish_disk,
};

#define NET(member) offsetof(struct net_options, member)

static const char *const vhost_words[] = { "auto", "on", "off", NULL };
static const struct option_key net_keys[] = {
	{ .name = "tap", .type = OPTION_TEXT, .offset = NET(tap), .min = 1, .max = 15 },
	ID_KEY(net_options),
	{ .name = "fd",
	  .json = "fds",
	  .type = OPTION_FD_LIST,
	  .offset = NET(fds),
	  .has = NET(nr_fds),
	  .max = OPTIONS_MAX_PAIRS },
	{ .name = "mac", .type = OPTION_MAC, .offset = NET(mac), .has = NET(has_mac) },
	{ .name = "num_queues",
	  .type = OPTION_NUMBER,
	  .offset = NET(num_queues),
	  .min = 2,
	  .max = QUEUES_MAX },
	QUEUE_SIZE_KEY(net_options),
	{ .name = "mtu", .type = OPTION_NUMBER, .offset = NET(mtu), .min = 68, .max = 65535 },
	{ .name = "vhost", .type = OPTION_WORD, .offset = NET(vhost), .words = vhost_words },
	{ .name = "socket",
	  .type = OPTION_TEXT,
	  .offset = NET(socket),
	  .min = 1,
	  .max = SOCKET_MAX_LEN },
	{ .name = "passt", .type = OPTION_BOOL, .offset = NET(passt) },
	{ .name = "passt_args", .type = OPTION_TEXT, .offset = NET(passt_args) },
};
static const struct net_options net_defaults = { .queue_size = 256 };
const struct option_group option_nets = {
	.flag = "--net",
	.json = "net",
	KEYS(net_keys),
	.offset = AT(nets),
	.count = AT(nr_nets),
	.max = OPTIONS_MAX_NETS,
	.size = sizeof(struct net_options),
	.defaults = &net_defaults,
	.finish = option_finish_net,
};

#define FS(member) offsetof(struct fs_options, member)

static const struct option_key fs_keys[] = {
	{ .name = "tag",
	  .type = OPTION_TEXT,
	  .offset = FS(tag),
	  .min = 1,
	  .max = 36,
	  .missing = "by which name the guest mounts it" },
	{ .name = "socket",
	  .type = OPTION_TEXT,
	  .offset = FS(socket),
	  .min = 1,
	  .max = SOCKET_MAX_LEN,
	  .missing = "where virtiofsd listens" },
	ID_KEY(fs_options),
	{ .name = "num_queues",
	  .type = OPTION_NUMBER,
	  .offset = FS(num_queues),
	  .min = 1,
	  .max = QUEUES_MAX },
	QUEUE_SIZE_KEY(fs_options),
};
static const struct fs_options fs_defaults = { .num_queues = 1, .queue_size = 1024 };
const struct option_group option_fs = {
	.flag = "--fs",
	.json = "fs",
	KEYS(fs_keys),
	.offset = AT(fs),
	.count = AT(nr_fs),
	.max = OPTIONS_MAX_FS,
	.size = sizeof(struct fs_options),
	.defaults = &fs_defaults,
	.finish = option_finish_fs,
};

#define VSOCK(member) offsetof(struct vsock_options, member)

static const struct option_key vsock_keys[] = {
	{ .name = "cid",
	  .type = OPTION_NUMBER,
	  .offset = VSOCK(cid),
	  .min = 3,
	  .max = UINT32_MAX - 1,
	  .missing = "the guest's context ID, 3 or more" },
	{ .name = "socket",
	  .type = OPTION_TEXT,
	  .offset = VSOCK(socket),
	  .min = 1,
	  .max = SOCKET_MAX_LEN,
	  .missing = "which Unix socket to make" },
	ID_KEY(vsock_options),
};
const struct option_group option_vsock = {
	.flag = "--vsock",
	.json = "vsock",
	KEYS(vsock_keys),
	.offset = AT(vsock),
	.finish = option_finish_vsock,
};

static const struct option_key rng_keys[] = {
	{ .name = "src",
	  .type = OPTION_TEXT,
	  .offset = offsetof(struct rng_options, src),
	  .min = 1,
	  .max = PATH_MAX_LEN,
	  .missing = "where entropy comes from, such as src=/dev/urandom" },
};
const struct option_group option_rng = {
	.flag = "--rng",
	.json = "rng",
	KEYS(rng_keys),
	.offset = AT(rng),
};

#define BALLOON(member) offsetof(struct balloon_options, member)

static const struct option_key balloon_keys[] = {
	{ .name = "size", .type = OPTION_SIZE, .offset = BALLOON(size), .max = KIB(4) },
	{ .name = "deflate_on_oom", .type = OPTION_BOOL, .offset = BALLOON(deflate_on_oom) },
	{ .name = "free_page_reporting",
	  .type = OPTION_BOOL,
	  .offset = BALLOON(free_page_reporting) },
};
const struct option_group option_balloon = {
	.flag = "--balloon",
	.json = "balloon",
	KEYS(balloon_keys),
	.offset = AT(balloon),
	.present = AT(balloon.present),
};

const struct option_group *const option_groups[] = {
	&option_payload,  &option_cpus,		 &option_memory,     &option_zones,   &option_nodes,
	&option_disks,	  &option_nets,		 &option_rng,	     &option_balloon, &option_fs,
	&option_devices,  &option_vsock,	 &option_serial,     &option_console, &option_top,
	&option_platform, &option_event_monitor, &option_api_socket, &option_debug,   NULL,
};

/* --- any of them --------------------------------------------------------------------------------
 */

const struct option_key *option_find_key(const struct option_group *group, const char *name)
{
	for (unsigned i = 0; i < group->nr_keys; i++)
		if (!strcmp(group->keys[i].name, name))
			return &group->keys[i];
	return NULL;
}

static unsigned *counter(const struct option_group *group, const struct vm_options *options)
{
	return (unsigned *)((char *)options + group->count);
}

void *option_item(const struct option_group *group, const struct vm_options *options, unsigned i)
{
	return (char *)options + group->offset + i * group->size;
}

void *option_new_item(const struct option_group *group, struct vm_options *options)
{
	unsigned *nr;
	void *item;

	if (group->present)
		*(bool *)((char *)options + group->present) = true;
	if (!group->count)
		return option_item(group, options, 0);
	nr = counter(group, options);
	if (*nr == group->max)
		return NULL;
	item = option_item(group, options, (*nr)++);
	if (group->defaults)
		memcpy(item, group->defaults, group->size);
	return item;
}

/* The first key that has to be there and is not; NULL: all are. */
static const struct option_key *missing_key(const struct option_group *group, const void *base)
{
	for (unsigned i = 0; i < group->nr_keys; i++)
		if (group->keys[i].missing && !option_is_set(&group->keys[i], base))
			return &group->keys[i];
	return NULL;
}

unsigned option_count(const struct option_group *group, const struct vm_options *options)
{
	if (group->count)
		return *counter(group, options);
	if (group->present)
		return *(const bool *)((const char *)options + group->present);
	return !missing_key(group, option_item(group, options, 0));
}

int option_finish_item(const struct option_group *group, const struct vm_options *options,
		       void *base, char *why, size_t why_len)
{
	const struct option_key *missing = missing_key(group, base);

	if (missing) {
		snprintf(why, why_len, "%s= is missing: say %s", missing->name, missing->missing);
		return -EINVAL;
	}
	return group->finish ? group->finish(options, base, why, why_len) : 0;
}
