# SPDX-License-Identifier: BSD-3-Clause
# rule: on a host that cannot give D3cold the guest works, nothing hangs, and coldvm names the setting
# kernels: 6.1
# needs: coldvm
# timeout: 200

set -- $LAB_DEVICES
device=$1
port=$(port_of "$device")

# limited NAME PATTERN: cycles with what the host has, and what coldvm said at start.
limited() {
	local n
	vm_start
	check "grep -q '$2' /run/vm.err" "$1: coldvm names it at start"
	note "$(grep "$2" /run/vm.err)"
	power_mark
	for n in 1 2 3; do
		events_mark
		guest idle
		wait_event power-deadline
		guest touch_dev
		wait_event power-alive
		gout sum disk_sum $n
		[ "$sum" = "$(expected_sum $n)" ] || fail "$1: wrong data in cycle $n"
	done
	ok "$1: three cycles with the right data"
	check_eq "$(power_new | wc -l)" 0 "$1: the power is never switched"
	guest_log_clean
	vm_stop
	ok "$1: the VM ends in order"
}

host "echo 0 >$(pci_dir "$port")/d3cold_allowed"
limited "port's d3cold_allowed=0" "$port.*d3cold_allowed is 0"
host "echo 1 >$(pci_dir "$port")/d3cold_allowed"

host "echo on >$(pci_dir "$device")/power/control"
limited "device's power/control=on" "$device.*power/control is"
host "echo auto >$(pci_dir "$device")/power/control"
wait_state "$device" D3cold
host_log_clean
