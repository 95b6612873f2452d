# SPDX-License-Identifier: BSD-3-Clause
# rule: coldvm killed in any power state leaves a device that the next VM uses
# variant: stock
# variant: patched driver=patched kernels=6.12 "by-hand=it takes minutes"
# needs: coldvm
# timeout: 300

set -- $LAB_DEVICES
device=$1
block=1

# The next VM reads a block that none has read before.
next_vm() {
	wait_state "$device" D3cold 10
	vm_start
	gout sum disk_sum $block
	check_eq "$sum" "$(expected_sum $block)" "$1: the next VM reads the disk"
	block=$((block + 1))
}

vm_start
guest disk
vm_kill
next_vm "killed while on"

guest idle
wait_event power-entry-issued
vm_kill
next_vm "killed while entering"

guest idle
wait_event power-d3cold
vm_kill
next_vm "killed while cold"

guest idle
wait_event power-d3cold
guest_send touch_dev
wait_event power-on-asked
vm_kill
next_vm "killed while leaving"

# One more cycle proves that the power still works, not just the device.
power_mark
guest idle
wait_event power-d3cold
guest touch_dev
wait_event power-alive
gout sum disk_sum 0
check_eq "$sum" "$(expected_sum 0)" "a cycle after all that reads the disk"
check_eq "$(power_count off) $(power_count on)" "1 1" "and switches the power once each way"
vm_stop
host_log_clean
