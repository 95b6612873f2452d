/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `coldvm run` and `coldvm tables`: a pure function of argv. */
#ifndef COLDVM_VMM_OPTIONS_H
#define COLDVM_VMM_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX_DEVICES 64
#define OPTIONS_MAX_CPUS    64
#define OPTIONS_MAX_ZONES   32 /* MEMORY_MAX_ZONES */
#define OPTIONS_MAX_NODES   32

#define OPTIONS_MAX_WAKES_PER_MIN 600
#define OPTIONS_MAX_MIN_OFF_MS	  3600000
#define OPTIONS_MAX_CLIQUE	  15

enum pr3_place { /* where the power resource is named, besides the slot's own port */
		 PR3_AUTO,
		 PR3_PORT,
		 PR3_ENDPOINT,
		 PR3_BOTH,
};

enum device_power { /* the deepest state that the host may be asked for */
		    DEVICE_POWER_D3COLD,
		    DEVICE_POWER_D3HOT,
		    DEVICE_POWER_ON,
};

enum device_backend { /* how the host is asked for it */
		      DEVICE_BACKEND_AUTO,
		      DEVICE_BACKEND_EXPLICIT,
		      DEVICE_BACKEND_LOWPOWER,
		      DEVICE_BACKEND_D3HOT,
};

enum device_pme { /* PME bits in the guest's PM capability */
		  DEVICE_PME_OFF,
		  DEVICE_PME_ON,    /* what the host's function has */
		  DEVICE_PME_FORCE, /* from D0, D3hot and D3cold, whatever it has */
};

enum iommufd_wish { /* how devices are opened and mapped */
		    IOMMUFD_AUTO,
		    IOMMUFD_ON,
		    IOMMUFD_OFF, /* by group */
};

enum serial_mode {
	SERIAL_TTY,
	SERIAL_NULL,
	SERIAL_FILE,
};

enum device_wake { /* what a wake by the host leads to */
		   DEVICE_WAKE_DEFAULT,
		   DEVICE_WAKE_NOTIFY,
		   DEVICE_WAKE_REARM,
};

struct device_options {
	const char *path; /* NULL: it is found out from fd */
	bool has_fd;
	int fd;		/* if has_fd: its open character device */
	const char *id; /* NULL: made from the address */
	enum pr3_place pr3;
	enum device_power power;
	enum device_backend backend;
	enum device_pme pme;
	enum device_wake wake;
	const char *rom; /* NULL, "off", "device" or a path: of the named function alone */
	bool has_max_wakes;
	unsigned max_wakes_per_min; /* if has_max_wakes; 0: no limit */
	unsigned min_off_ms;
	bool stop_on_failure;
	bool has_clique;
	unsigned clique; /* if has_clique; of the named function alone */
	bool force;	 /* although others report that the card does not come back */
	bool has_numa_node;
	unsigned numa_node; /* of the guest; if not has_numa_node: the one of the host's node */
	bool all_functions; /* functions=all: every function of the host's slot */
};

/* The virtio devices, one struct a flag, in the words of cloud-hypervisor. Of each, id NULL: made
 * from kind and number ("disk0"). */
#define OPTIONS_MAX_DISKS 16
#define OPTIONS_MAX_NETS  16
#define OPTIONS_MAX_FS	  8
#define OPTIONS_MAX_PAIRS 8

struct disk_options {
	const char *id;
	const char *path;
	bool readonly;
	bool direct;
	unsigned num_queues; /* 1 to 16 */
	unsigned queue_size; /* a power of two, 2 to 1024 */
	const char *serial;  /* NULL: none; at most 20 bytes */
};

enum net_vhost_mode {
	NET_VHOST_MODE_AUTO,
	NET_VHOST_MODE_ON,
	NET_VHOST_MODE_OFF,
};

struct net_options { /* one of tap, nr_fds, socket and passt */
	const char *id;
	const char *tap;
	int fds[OPTIONS_MAX_PAIRS];
	unsigned nr_fds;
	const char *socket; /* of a running passt */
	bool passt;	    /* start one */
	const char *passt_args;
	unsigned num_queues; /* both directions, as cloud-hypervisor counts: 2 times the pairs */
	unsigned queue_size;
	bool has_mac;
	uint8_t mac[6];
	unsigned mtu; /* bytes; 0: not told */
	enum net_vhost_mode vhost;
};

struct fs_options {
	const char *id;
	const char *tag;
	const char *socket;
	unsigned num_queues;
	unsigned queue_size;
};

struct vsock_options { /* socket NULL: none */
	const char *id;
	unsigned cid;
	const char *socket;
};

struct rng_options { /* src NULL: none */
	const char *src;
};

struct balloon_options {
	bool present;
	uint64_t size;
	bool deflate_on_oom;
	bool free_page_reporting;
};

/* --memory-zone: RAM, in the order of the zones. */
struct zone_options {
	const char *id;
	bool has_size;
	uint64_t size;
	bool has_host_node;
	unsigned host_node; /* of the host; if not has_host_node: any */
	bool hugepages, shared, prefault;
};

/* A part of a string that lives elsewhere. */
struct option_name {
	const char *text;
	size_t len;
};

#define NUMA_DISTANCE_LOCAL  10 /* ACPI 6.4, 5.2.17 */
#define NUMA_DISTANCE_REMOTE 20 /* where nothing is said */

struct numa_distance {
	unsigned destination, distance;
};

/* --numa: a node of the guest. */
struct numa_options {
	unsigned id; /* less than OPTIONS_MAX_NODES */
	bool has_id;
	uint64_t cpus; /* bit n: vCPU n */
	struct numa_distance distances[OPTIONS_MAX_NODES];
	unsigned nr_distances;
	struct option_name zones[OPTIONS_MAX_ZONES];
	unsigned nr_zones;
};

enum console_mode { /* of the virtio console */
		    CONSOLE_OFF,
		    CONSOLE_NULL,
		    CONSOLE_TTY,
		    CONSOLE_PTY,
		    CONSOLE_FILE,
};

/* Strings point into argv or into the configuration file's text, which outlive this. */
struct vm_options {
	const char *kernel;
	const char *initramfs;
	const char *cmdline;
	unsigned cpus;
	unsigned max_cpus; /* 0: not said; else the same as cpus */
	bool has_memory;   /* --memory size= was given */
	uint64_t memory;   /* 0 with zones: see options_ram() */
	bool hugepages;
	bool shared;
	bool prefault;	/* every page of RAM is there before the guest starts */
	bool no_reboot; /* a guest that resets the machine ends coldvm, with status 3 */
	struct zone_options zones[OPTIONS_MAX_ZONES];
	unsigned nr_zones;
	struct numa_options nodes[OPTIONS_MAX_NODES];
	unsigned nr_nodes;
	struct device_options devices[OPTIONS_MAX_DEVICES];
	unsigned nr_devices;
	struct disk_options disks[OPTIONS_MAX_DISKS];
	unsigned nr_disks;
	struct net_options nets[OPTIONS_MAX_NETS];
	unsigned nr_nets;
	struct fs_options fs[OPTIONS_MAX_FS];
	unsigned nr_fs;
	struct vsock_options vsock;
	struct rng_options rng;
	struct balloon_options balloon;
	bool watchdog;
	enum console_mode console;
	const char *console_file;
	enum serial_mode serial;
	const char *serial_file;
	bool laptop;
	bool p2p_dma; /* passthrough devices reach each other's BARs */
	enum iommufd_wish iommufd;
	int iommufd_fd;		/* an open /dev/iommu; -1: none */
	const char *event_path; /* at most one of the two */
	int event_fd;		/* -1: none */
	const char *api_path;	/* of the control socket; at most one of the two */
	int api_fd;		/* -1: none */
	unsigned verbose;
	bool blocking_on; /* --debug blocking-on=on: what the asynchronous _ON is measured against
			   */
	const char *directory; /* `tables` only */
	bool print_config;     /* only write the options as a configuration file */
	json_t *file;	       /* of --config: owns strings from there; NULL: none */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_HELP,	 /* --help was given */
	OPTIONS_VERSION, /* --version was given */
	OPTIONS_ERROR,	 /* one line is in @why */
};

/*
 * Parses what follows the subcommand. @tables: the grammar of `coldvm tables DIR`, where a kernel
 * is not needed. argv's value strings are cut at commas. No file is touched but that of --config.
 * The caller gives all back with options_free(), whatever this returns.
 */
enum options_result options_parse(struct vm_options *options, int argc, char **argv, bool tables,
				  char *why, size_t why_len);
void options_free(struct vm_options *options);

/* How many virtio devices there will be. */
unsigned options_nr_virtio(const struct vm_options *options);

/* All of the guest's RAM in bytes. */
uint64_t options_ram(const struct vm_options *options);
/* The zone that @name, of one of the nodes, means. NULL: none, which options_parse() refuses. */
const struct zone_options *options_zone(const struct vm_options *options,
					const struct option_name *name);
/* The node with vCPU @cpu; NULL: there are no nodes. */
const struct numa_options *options_node_of_cpu(const struct vm_options *options, unsigned cpu);
/* The node with @zone; NULL: there are no nodes. */
const struct numa_options *options_node_of_zone(const struct vm_options *options,
						const struct zone_options *zone);
/* How far it is from @from to @to: what one of the two says, or NUMA_DISTANCE_REMOTE. */
unsigned options_distance(const struct numa_options *from, const struct numa_options *to);

#endif
