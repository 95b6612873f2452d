/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `coldvm bench power`. */
#ifndef COLDVM_VMM_BENCH_OPTIONS_H
#define COLDVM_VMM_BENCH_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/bench/workload.h"

#define BENCH_MAX_COMMANDS 8
#define METER_RUNS	   3 /* at least, to know how far they lie apart */

enum bench_target_kind {
	BENCH_VM,   /* a guest of coldvm */
	BENCH_RAW,  /* vfio alone */
	BENCH_HOST, /* the host's own runtime PM */
};

struct bench_options {
	const char *device;	 /* as it was given */
	const char *device_keys; /* "" or more keys of --device: "backend=lowpower" */
	enum bench_target_kind target;
	const char *kernel; /* of the bench's own guest; NULL: the host's, or run_argv has one */
	const char *guest;  /* its initramfs; NULL: the one that is installed */
	const char *job;    /* run in the guest when the device is back; NULL: none */
	bool keep_driver;   /* the guest's driver stays bound */
	unsigned cycles, warmup; /* 0: transitions are not measured */
	unsigned cold_ms, awake_ms;
	bool has_workload;
	struct workload workload; /* not planned yet */
	bool beside_host;	  /* the same workload without a VM, afterwards */
	unsigned runs;
	unsigned phase_s, settle_s;
	bool no_meters;
	const char *commands[BENCH_MAX_COMMANDS]; /* --meter */
	unsigned nr_commands;
	const char *simulated[BENCH_MAX_COMMANDS]; /* --simulated-meter */
	unsigned nr_simulated;
	unsigned interval_ms; /* 0: each meter's own */
	const char *out;      /* NULL: a name made of the time */
	const char *coldvm;   /* the program that runs the guest */
	unsigned verbose;
	char **run_argv; /* behind "--", for coldvm run */
	int run_argc;
};

/* True if run_argv brings a guest of the user's. */
bool bench_options_own_guest(const struct bench_options *options);
/* True if nobody tells that guest what to do: it is only watched, and needs no program of ours. */
bool bench_options_only_watch(const struct bench_options *options);

enum bench_options_result {
	BENCH_OPTIONS_RUN,
	BENCH_OPTIONS_HELP,
	BENCH_OPTIONS_ERROR, /* one line is in @why */
};

/* @argv is what follows "power". A pure function of it. */
enum bench_options_result bench_options_parse(struct bench_options *options, int argc, char **argv,
					      char *why, size_t why_len);
void bench_options_free(struct bench_options *options);

extern const char bench_help[];

#endif
