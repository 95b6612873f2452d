/* SPDX-License-Identifier: BSD-3-Clause */
/* What `coldvm doctor` found, for people and for programs: the same content twice. */
#ifndef COLDVM_VMM_DOCTOR_REPORT_H
#define COLDVM_VMM_DOCTOR_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "devices/vfio/preflight.h"
#include "vmm/doctor.h"
#include "vmm/doctor_try.h"

/* What @report means for the exit status; @trial (NULL: none was made) knows better. */
enum doctor_status doctor_judge(const struct preflight *report, const struct doctor_try *trial);

/* One device as text of 80 columns (commands may be longer). */
void doctor_print(FILE *out, const struct preflight *report, const struct doctor_try *trial);
/* The same as an object that the caller owns; NULL without memory. */
json_t *doctor_json(const struct preflight *report, const struct doctor_try *trial);

#endif
