/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VM's control socket says, as text for people: at most 80 columns. Pure functions of the
 * JSON of docs/api.md; a field that is missing is shown as "-" or 0. */
#ifndef COLDVM_VMM_STATUS_TEXT_H
#define COLDVM_VMM_STATUS_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STATUS_COLUMNS 80

/* "850 ns", "12.3 ms", "4.56 s", "3 min 04 s", "1 h 02 min", "2 d 05 h"; @text has STATUS_TIME. */
#define STATUS_TIME 24
void status_time(uint64_t ns, char *text);

/* The VM in a few lines. @info: vm.info. */
void status_info(FILE *out, const json_t *info);
/* One line a slot, with a heading. @slots: the array of vm.device-power. */
void status_slots(FILE *out, const json_t *slots);
/* One block for a slot. */
void status_slot(FILE *out, const json_t *slot);

/* Accessors that take anything: "-" and 0 for what is not there. */
const char *status_string(const json_t *object, const char *key);
uint64_t status_number(const json_t *object, const char *key);

#endif
