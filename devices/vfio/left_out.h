/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of a host's slot that the VM does not get, and what each means for D3cold. */
#ifndef COLDVM_DEVICES_VFIO_LEFT_OUT_H
#define COLDVM_DEVICES_VFIO_LEFT_OUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes one line about @bdf to @text: its driver, whether it sleeps, and what follows from that.
 * Reads sysfs below @root ("/sys") alone and wakes nothing. True if it keeps the slot on just now.
 */
bool left_out_describe(const char *root, const char *bdf, char *text, size_t len);

/* Logs that line for each function of @slot ("0000:01:00") whose bit is set in @functions, in the
 * name of @id: a warning if it keeps the slot on. */
void left_out_log(const char *root, const char *slot, unsigned functions, const char *id);

#endif
