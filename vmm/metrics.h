/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of a running VM in Prometheus' text format. docs/api.md lists them. */
#ifndef COLDVM_VMM_METRICS_H
#define COLDVM_VMM_METRICS_H

#include <jansson.h>

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A pure function of what vm.info, the slots of vm.device-power and vm.counters say. The caller
 * frees it; NULL without memory. */
char *metrics_format(const json_t *info, const json_t *slots, const json_t *counters);

#endif
