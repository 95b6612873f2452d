/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a VM can be told, as tables: groups (a flag, an object of the configuration file) and their
 * keys. Flags, file and printing go by the same rows, so that the three cannot differ.
 */
#ifndef COLDVM_VMM_OPTION_KEYS_H
#define COLDVM_VMM_OPTION_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/options.h"

enum option_type {		  /* what is at the key's offset */
		   OPTION_TEXT,	  /* const char *, of min to max bytes (max 0: any); NULL: not given
				   */
		   OPTION_BOOL,	  /* bool */
		   OPTION_CHOICE, /* bool: words[0] is false, words[1] true */
		   OPTION_WORD,	  /* an enum: words[i] is min + i; less: not given */
		   OPTION_MODE, /* the same, in the file with a capital, as cloud-hypervisor writes
				   it */
		   OPTION_NUMBER,  /* unsigned, from min to max */
		   OPTION_POWER2,  /* the same, and a power of two */
		   OPTION_SIZE,	   /* uint64_t: bytes, min or more, a multiple of max */
		   OPTION_FD,	   /* int; -1: not given */
		   OPTION_FD_LIST, /* int[max], their number is the unsigned at @has */
		   OPTION_MAC,	   /* uint8_t[6] */
		   OPTION_AUTO,	   /* unsigned, from min to max; "auto" is not given (@has) */
		   OPTION_CPUS,	   /* uint64_t: bit n is vCPU n; 0: not given */
		   /* Lists whose number is the unsigned at @has, max of them at most: */
		   OPTION_NAMES,     /* struct option_name[max] */
		   OPTION_DISTANCES, /* struct numa_distance[max] */
};

struct option_key {
	const char *name; /* in a flag */
	const char *json; /* in the file; NULL: the same */
	enum option_type type;
	size_t offset; /* in the group's struct */
	size_t has;    /* offset of the bool that says that it was given; 0: none */
	uint64_t min, max;
	const char *const *words; /* NULL ends them */
	const char *missing;	  /* without it the group means nothing: say what; NULL: it may */
};

struct option_group {
	const char *flag;
	const char *json;   /* NULL: its keys stand at the file's top */
	const char *within; /* the object that this one is a member of; NULL: of the file's top */
	const struct option_key *keys;
	unsigned nr_keys;
	size_t offset; /* of the struct, or of the first one, in struct vm_options */
	/* Several: offset of their number, how many at most, their size, what a new one is. */
	size_t count;
	unsigned max;
	size_t size;
	const void *defaults;
	size_t present; /* offset in struct vm_options of a bool; 0: none */
	/* Looks at what is given as a whole, and fills in what follows from it. -EINVAL, with
	 * "key=value: what is wrong" in @why. NULL: nothing to look at. @base: the struct. */
	int (*finish)(const struct vm_options *options, void *base, char *why, size_t why_len);
};

extern const struct option_group option_payload, option_cpus, option_memory, option_zones,
	option_nodes, option_devices, option_disks, option_nets, option_fs, option_vsock,
	option_rng, option_balloon, option_serial, option_console, option_platform,
	option_event_monitor, option_api_socket, option_debug, option_top;

/* All of them, in the order of the file; NULL ends it. */
extern const struct option_group *const option_groups[];

/* NULL if there is none of that name. */
const struct option_key *option_find_key(const struct option_group *group, const char *name);

/* The struct that @group's next item is to be read into: a new one of a list, or the only one.
 * NULL when the list is full. */
void *option_new_item(const struct option_group *group, struct vm_options *options);
/* How many there are (1 of what is no list, 0 if that is not present), and one of them. */
unsigned option_count(const struct option_group *group, const struct vm_options *options);
void *option_item(const struct option_group *group, const struct vm_options *options, unsigned i);

/* A new item, complete: the keys that have to be there, then finish(). -EINVAL, with one line in
 * @why that goes behind the item's name. */
int option_finish_item(const struct option_group *group, const struct vm_options *options,
		       void *base, char *why, size_t why_len);

#endif
