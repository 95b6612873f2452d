// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/rows.h"

/* Names are those of the table in mutants/ and table. The first six are asked of every kernel. */
const struct row rows[] = {
	{ .id = "runtime-pm", .closed = runtime_pm_holds },
	{ .id = "pme-virtual", .each = pme_is_virtual },
	{ .id = "d3hot-leak", .each = d3hot_leaks_nothing },
	{ .id = "d3hot-memory", .each = d3hot_blocks_memory },
	{ .id = "low-power", .each = low_power_reaches_d3cold },
	{ .id = "d3hot-io", .explicit_only = true, .each = d3hot_blocks_io },
	{ .id = "enter", .explicit_only = true, .each = enter_is_synchronous },
	{ .id = "enter-refused", .explicit_only = true, .each = enter_names_refusal },
	{ .id = "enter-wakeup", .explicit_only = true, .each = enter_signals_wakes },
	{ .id = "enter-slot", .explicit_only = true, .pair = enter_takes_port_last },
	{ .id = "exit", .explicit_only = true, .each = exit_proves_life },
	{ .id = "mainline-mix", .explicit_only = true, .each = mainline_mixes },
	{ .id = "query", .explicit_only = true, .each = query_wakes_nothing },
	{ .id = "counters", .explicit_only = true, .each = counters_tell_causes },
	{ .id = "counters-kernel", .explicit_only = true, .pair = counters_tell_kernel_wakes },
	{ .id = "counters-open", .explicit_only = true, .closed = counters_start_at_open },
	{ .id = "residency", .explicit_only = true, .each = residency_is_true },
	{ .id = "seal-config", .explicit_only = true, .each = seal_answers_config },
	{ .id = "seal-regions", .explicit_only = true, .each = seal_blocks_regions },
	{ .id = "seal-wakes", .explicit_only = true, .each = seal_outlasts_wakes },
	{ .id = "malformed", .explicit_only = true, .each = malformed_is_refused },
	{ .id = "tracepoints", .explicit_only = true, .each = tracepoints_fire },
};

const size_t row_count = sizeof(rows) / sizeof(rows[0]);
