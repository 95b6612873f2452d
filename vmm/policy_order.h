/* SPDX-License-Identifier: BSD-3-Clause */
/* An order to change the power policy of a slot while it runs, as vm.device-power-policy takes it.
 */
#ifndef COLDVM_VMM_POLICY_ORDER_H
#define COLDVM_VMM_POLICY_ORDER_H

#include <jansson.h>
#include <stddef.h>

#include "devices/vfio/power.h"

/*
 * Reads {"id": device, "power": "d3cold", "wake": "notify", "max_wakes_per_min": 30, "min_off_ms":
 * 0}; id must be there and one of the others. What is not named stays as it is in @policy. -EINVAL,
 * with one line in @why, for anything else; @policy is then left alone.
 */
int policy_order_read(const json_t *order, struct power_policy_config *policy, char *why,
		      size_t why_len);
/* The device that it is about; NULL if @order does not say. */
const char *policy_order_id(const json_t *order);

#endif
