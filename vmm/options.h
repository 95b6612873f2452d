/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `coldvm run` and `coldvm tables`: a pure function of argv. */
#ifndef COLDVM_VMM_OPTIONS_H
#define COLDVM_VMM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX_DEVICES 64
#define OPTIONS_MAX_CPUS    64

#define OPTIONS_MAX_WAKES_PER_MIN 600
#define OPTIONS_MAX_MIN_OFF_MS	  3600000

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
	const char *path;
	const char *id; /* NULL: made from the address */
	enum pr3_place pr3;
	enum device_power power;
	enum device_backend backend;
	enum device_pme pme;
	enum device_wake wake;
	bool has_max_wakes;
	unsigned max_wakes_per_min; /* if has_max_wakes; 0: no limit */
	unsigned min_off_ms;
	bool stop_on_failure;
	bool force;	    /* although others report that the card does not come back */
	bool all_functions; /* functions=all: every function of the host's slot */
};

/* Strings point into argv, which outlives this. */
struct vm_options {
	const char *kernel;
	const char *initramfs;
	const char *cmdline;
	unsigned cpus;
	uint64_t memory;
	bool hugepages;
	bool shared;
	struct device_options devices[OPTIONS_MAX_DEVICES];
	unsigned nr_devices;
	enum serial_mode serial;
	const char *serial_file;
	bool laptop;
	const char *event_path; /* at most one of the two */
	int event_fd;		/* -1: none */
	const char *api_path;	/* of the control socket; at most one of the two */
	int api_fd;		/* -1: none */
	unsigned verbose;
	bool blocking_on; /* --debug blocking-on=on: what the asynchronous _ON is measured against
			   */
	const char *directory; /* `tables` only */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_HELP,	 /* --help was given */
	OPTIONS_VERSION, /* --version was given */
	OPTIONS_ERROR,	 /* one line is in @why */
};

/*
 * Parses what follows the subcommand. @tables: the grammar of `coldvm tables DIR`, where a kernel
 * is not needed. argv's value strings are cut at commas. No files are touched.
 */
enum options_result options_parse(struct vm_options *options, int argc, char **argv, bool tables,
				  char *why, size_t why_len);

#endif
