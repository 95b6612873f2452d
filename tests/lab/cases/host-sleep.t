# SPDX-License-Identifier: BSD-3-Clause
# rule: a host that suspends and resumes with a cold device gives it to the guest as if nothing had been
# variant: stock kernels=6.12
# variant: patched driver=patched kernels=6.12 "by-hand=it takes minutes"
# flavour: generic
# needs: coldvm
# timeout: 360

set -- $LAB_DEVICES
device=$1

[ -e /sys/power/pm_test ] && grep -q freeze /sys/power/state || skip "this host kernel cannot suspend"

# A generic kernel as the host is slow under the emulator.
vm_launch
vm_ready 150
guest disk
guest idle
wait_event power-d3cold
wait_state "$device" D3cold
power_mark

# Suspends all devices and resumes them, without asking for a wake source (kernel/power/suspend_test.c).
for level in freezer devices; do
	events_mark
	host "echo $level >/sys/power/pm_test; echo freeze >/sys/power/state; echo none >/sys/power/pm_test"
	ok "the host went to sleep as far as '$level' and came back"
	sleep 1
	note "host state $(power_state "$device"); power log: $(power_count on) on, $(power_count off) off; wakes $(events power-wake)"
	vm_alive
	guest true
	guest touch_dev
	wait_event power-alive
	gout sum "disk >/dev/null; disk_sum 2"
	check_eq "$sum" "$(expected_sum 2)" "'$level': the guest wakes the device and reads its disk"
	guest idle
	wait_event power-d3cold
	wait_state "$device" D3cold
	ok "'$level': and lets it go cold again"
done
check_eq "$(events power-failed)" 0 "no wake failed"
guest_log_clean
vm_stop
host_log_clean
