/* SPDX-License-Identifier: BSD-3-Clause */
/* Where watts come from. A meter is read on a thread of its own, by sampler.h. */
#ifndef COLDVM_VMM_BENCH_METER_H
#define COLDVM_VMM_BENCH_METER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/bench/energy.h"

enum meter_kind {
	METER_SOFTWARE,	 /* a counter or a model of the host's own: "software counter" */
	METER_EXTERNAL,	 /* BMC, smart plug, whatever --meter runs: "external meter" */
	METER_SIMULATED, /* made up, for tests of the arithmetic: "simulated" */
};

struct meter {
	char name[96]; /* "powercap:package-0", "hwmon:amdgpu-pci-0300:PPT", "command:ipmi..." */
	enum meter_kind kind;
	enum meter_quantity quantity;
	double range_j; /* as in struct energy_trace */
	double max_w;	/* the most that is believed; 0: anything */
	uint64_t interval_ns;
	bool touches_device; /* a reading may wake the device: it is read only while that is in use
			      */
	/* Joules or watts. On the sampler's thread; may take long. -EAGAIN: nothing this time; any
	 * other -errno ends the meter, and is told once. */
	int (*read)(struct meter *meter, double *ret);
	void (*close)(struct meter *meter); /* frees what opaque is */
	void *opaque;
	char failure[160]; /* by read(), when it ends the meter: one line for people */
	int stop_fd;	   /* the sampler's: readable when a long reading has to be given up,
			      by -ECANCELED */
};

#define METERS_MAX 32

struct meter_set {
	struct meter *meters[METERS_MAX];
	unsigned nr;
	/* What was found and cannot be used, a line each, for people. */
	char notes[METERS_MAX][160];
	unsigned nr_notes;
};

struct meter_search {
	const char *sysfs;    /* "/sys", or a test's */
	const char *device;   /* "0000:01:00.0": meters of it are marked touches_device */
	bool on_host;	      /* it has its own driver: NVML and its hwmon make sense */
	uint64_t interval_ns; /* 0: each meter's own */
};

/* Takes @meter over, and closes it if there is no room: -E2BIG. */
int meters_add(struct meter_set *set, struct meter *meter);
/* Something that people should know of; dropped where there is no room. */
void meters_note(struct meter_set *set, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds every meter that this host has: powercap zones, chips that libsensors knows, NVML. None is
 * no error. -ENOMEM. */
int meters_find(struct meter_set *set, const struct meter_search *search);
/* --meter 'COMMAND': run by sh once for each reading, and prints watts, or "J" behind joules; the
 * first word that is a number counts. */
int meters_add_command(struct meter_set *set, const char *command, uint64_t interval_ns, char *why,
		       size_t why_len);
void meters_close(struct meter_set *set);

const char *meter_kind_name(enum meter_kind kind);
/* {"name", "kind", "quantity", "interval_ns"}. */
json_t *meter_json(const struct meter *meter);

#endif
