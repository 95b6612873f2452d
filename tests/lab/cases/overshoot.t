# SPDX-License-Identifier: BSD-3-Clause
# rule: while a device wakes, other work of the guest's only CPU is late by at most 10 ms
# kernels: 6.1
# needs: coldvm
# icount: yes
# timeout: 300

# measure OPTIONS...: the largest overshoot in ns of a real-time thread during one wake, in WORST.
measure() {
	vm_start "$@"
	guest disk
	events_mark
	guest idle
	wait_event power-d3cold
	gout dev nvme_dev
	guest "probe overshoot 1 >/run/overshoot & usleep 300000
		probe wake-time /sys/bus/pci/devices/$dev >/run/wake; wait"
	wait_event power-alive
	gout text cat /run/overshoot /run/wake
	note "$text"
	WORST=$(echo "$text" | sed -n 's/^overshoot_ns \([0-9]*\).*/\1/p')
	vm_stop
}

measure
check_le "$WORST" 10000000 "the largest overshoot during a wake, in ns"
measure --debug blocking-on=on
check "[ $WORST -ge 100000000 ]" "a blocking _ON stops the guest for 100 ms or more ($WORST ns)"
