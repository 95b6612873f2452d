/* SPDX-License-Identifier: BSD-3-Clause */
/* Static probe points of power events: a probe is called as its event, with underscores. */
#include "devices/vfio/power_probes.h"

#include <sys/sdt.h>

void power_probe(enum power_mark mark, unsigned slot, uint64_t t_ns, enum host_power state)
{
	switch (mark) {
	case POWER_MARK_OFF_ASKED:
		DTRACE_PROBE3(coldvm, power_off_asked, slot, t_ns, state);
		break;
	case POWER_MARK_ENTRY_CANCELLED:
		DTRACE_PROBE3(coldvm, power_entry_cancelled, slot, t_ns, state);
		break;
	case POWER_MARK_ENTRY_ISSUED:
		DTRACE_PROBE3(coldvm, power_entry_issued, slot, t_ns, state);
		break;
	case POWER_MARK_D3COLD:
		DTRACE_PROBE3(coldvm, power_d3cold, slot, t_ns, state);
		break;
	case POWER_MARK_DEADLINE:
		DTRACE_PROBE3(coldvm, power_deadline, slot, t_ns, state);
		break;
	case POWER_MARK_REACHED:
		DTRACE_PROBE3(coldvm, power_reached, slot, t_ns, state);
		break;
	case POWER_MARK_WAKE:
		DTRACE_PROBE3(coldvm, power_wake, slot, t_ns, state);
		break;
	case POWER_MARK_ON_ASKED:
		DTRACE_PROBE3(coldvm, power_on_asked, slot, t_ns, state);
		break;
	case POWER_MARK_EXIT_RETURNED:
		DTRACE_PROBE3(coldvm, power_exit_returned, slot, t_ns, state);
		break;
	case POWER_MARK_ALIVE:
		DTRACE_PROBE3(coldvm, power_alive, slot, t_ns, state);
		break;
	case POWER_MARK_EXIT_CANCELLED:
		DTRACE_PROBE3(coldvm, power_exit_cancelled, slot, t_ns, state);
		break;
	case POWER_MARK_FAILED:
		DTRACE_PROBE3(coldvm, power_failed, slot, t_ns, state);
		break;
	case POWER_MARK_LATE:
		DTRACE_PROBE3(coldvm, power_late, slot, t_ns, state);
		break;
	case POWER_MARK_DISAGREEMENT:
		DTRACE_PROBE3(coldvm, power_disagreement, slot, t_ns, state);
		break;
	case POWER_MARK_HELD_BACK:
		DTRACE_PROBE3(coldvm, power_entry_held_back, slot, t_ns, state);
		break;
	case POWER_MARK_RECOVERED:
		DTRACE_PROBE3(coldvm, power_recovered, slot, t_ns, state);
		break;
	case POWER_MARK_CONFIG_LOST:
		DTRACE_PROBE3(coldvm, power_config_lost, slot, t_ns, state);
		break;
	case POWER_MARK_POLICY:
		DTRACE_PROBE3(coldvm, power_policy, slot, t_ns, state);
		break;
	case POWER_NR_MARKS:
		break;
	}
}
