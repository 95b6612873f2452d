# SPDX-License-Identifier: BSD-3-Clause
# rule: with vfio-pci's disable_idle_d3 cycles work, and coldvm says what the setting does
# needs: coldvm
# module-args: vfio_pci=disable_idle_d3=1
# timeout: 120

set -- $LAB_DEVICES
device=$1

check_eq "$(power_state "$device")" D0 "an unopened device stays in D0"
vm_start
check 'grep -q disable_idle_d3 /run/vm.err' "coldvm speaks of it at start"
note "$(grep disable_idle_d3 /run/vm.err)"
power_mark
for n in 1 2 3; do
	guest idle
	wait_event power-d3cold
	guest touch_dev
	wait_event power-alive
	gout sum disk_sum $n
	[ "$sum" = "$(expected_sum $n)" ] || fail "wrong data in cycle $n"
done
ok "three cycles with the right data"
check_eq "$(power_count off) $(power_count on)" "3 3" "one off and one on per cycle"
vm_stop
host_log_clean
