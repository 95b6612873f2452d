# SPDX-License-Identifier: BSD-3-Clause
# rule: power=d3hot and power=on keep the host from going deeper, and the guest sees no difference
# kernels: 6.1
# needs: coldvm
# timeout: 120

set -- $LAB_DEVICES
device=$1

# policy NAME STATE: two cycles; the host's device is in STATE while the guest's is cold.
policy() {
	local n state
	vm_start --device "path=$device,power=$1"
	guest disk
	power_mark
	for n in 1 2; do
		events_mark
		guest idle
		wait_event power-reached
		check_eq "$(event_field device_state)" "$2" "power=$1, cycle $n: coldvm sees $2"
		check_eq "$(power_state "$device")" "$2" "power=$1, cycle $n: so does the host"
		gout state "wait_state D3cold"
		check_eq "$state" D3cold "power=$1, cycle $n: the guest believes in D3cold"
		guest touch_dev
		wait_event power-alive
		gout sum "disk >/dev/null; disk_sum $n"
		check_eq "$sum" "$(expected_sum $n)" "power=$1, cycle $n: the data is right"
	done
	check_eq "$(power_new | wc -l)" 0 "power=$1: the power is never switched"
	guest_log_clean
	vm_stop
}

policy d3hot D3hot
policy on D0
host_log_clean
