/* SPDX-License-Identifier: BSD-3-Clause */
/* In the order in which they happen. */
#include "vmm/bench/ways.h"

#include <stddef.h>

const struct way ways[NR_WAYS] = {
	{ "off_to_entry_issued", "off", "entry_issued", "_OFF to entry issued", false },
	{ "entry_issued_to_returned", "entry_issued", "entry_returned", "entry issued to returned",
	  true },
	{ "entry_issued_to_d3cold", "entry_issued", "d3cold", "entry issued to D3cold", true },
	{ "off_to_d3cold", "off", "d3cold", "_OFF to D3cold", false },
	{ "on_to_exit_issued", "on", "exit_issued", "_ON to exit issued", true },
	{ "exit", "exit_issued", "exit_returned", "exit", false },
	{ "on_to_alive", "on", "alive", "_ON to alive", false },
	{ "on_to_ready", "on", "ready", "_ON to driver ready", false },
	{ "guest_wake", NULL, NULL, "wake, guest's clock", false },
};
