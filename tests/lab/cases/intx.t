# SPDX-License-Identifier: BSD-3-Clause
# rule: a device that has nothing but INTx works, before and after the power was gone
# needs: coldvm
# timeout: 120

VM_CMDLINE=pci=nomsi vm_start
gout disk disk
gout lines "grep nvme /proc/interrupts"
note "$lines"
check 'echo "$lines" | grep -q IO-APIC' "the driver uses the interrupt line"
gout before "awk '/nvme/ { sum += \$2 } END { print sum }' /proc/interrupts"
gout sum disk_sum 1
check_eq "$sum" "$(expected_sum 1)" "it reads the disk"
gout after "awk '/nvme/ { sum += \$2 } END { print sum }' /proc/interrupts"
check "[ $after -gt $before ]" "interrupts came: $before before, $after after"
for n in 2 3; do
	guest idle
	wait_event power-d3cold
	guest touch_dev
	gout sum "disk >/dev/null; disk_sum $n"
	check_eq "$sum" "$(expected_sum $n)" "and after a cycle"
done
guest_log_clean
vm_stop
host_log_clean
