/* SPDX-License-Identifier: BSD-3-Clause */
/* What a running VM can be asked: the table of verbs, and what they need of the machine. */
#ifndef COLDVM_VMM_API_VERBS_H
#define COLDVM_VMM_API_VERBS_H

#include <jansson.h>
#include <stdint.h>

#include "vmm/api.h"

/* The machine as the verbs see it. All are called on the main thread and must not wait; those that
 * return an object hand over a reference, NULL without memory. docs/api.md names the fields. */
struct api_machine {
	json_t *(*info)(void *opaque);	       /* configuration, state, process */
	json_t *(*device_power)(void *opaque); /* array of slots: power_report() */
	json_t *(*counters)(void *opaque);     /* of each slot and device, by its name */
	/* The body of an order, NULL without one. -EINVAL, or -ENOENT if there is no such device,
	 * with one line in @why. */
	int (*set_policy)(void *opaque, const json_t *order, char *why, size_t why_len);
	/* 0: done; -EINPROGRESS: api_answer() comes when it is; else one line in @why says why the
	 * VM cannot do that as it is now. */
	int (*pause)(void *opaque, char *why, size_t why_len);
	int (*resume)(void *opaque, char *why, size_t why_len);
	int (*reboot)(void *opaque, char *why, size_t why_len);
	/* Bytes that the balloon shall take. -EINVAL, with one line in @why. */
	int (*resize)(void *opaque, uint64_t balloon, char *why, size_t why_len);
	void (*shutdown)(void *opaque); /* as SIGTERM */
	void (*power_button)(void *opaque);
	void (*stop)(void *opaque); /* at once */
	void *opaque;
};

/* What is answered later. */
#define API_PATH_PAUSE	"/api/v1/vm.pause"
#define API_PATH_REBOOT "/api/v1/vm.reboot"

/* The verbs; their opaque is a struct api_machine. */
extern const struct api_verb api_verbs[];
extern const unsigned api_nr_verbs;

#endif
