# SPDX-License-Identifier: BSD-3-Clause
# rule: while the slot is off, whatever the guest reads is ones, what it writes is lost, and nothing wakes
# kernels: 6.1
# needs: coldvm
# timeout: 120

VM_CMDLINE=iomem=relaxed vm_start
guest disk
gout dev nvme_dev
address=$(echo "$dev" | sed 's/.*:\(..\):\(..\)\.\(.\)/0x\1 0x\2 \3/')
# The address field of MCFG's first entry.
gout ecam "echo 0x\$(od -A n -t x8 -j 44 -N 8 /sys/firmware/acpi/tables/MCFG | tr -d ' ')"
dir=/sys/bus/pci/devices/$dev

# Without its driver, but still on.
guest "echo on >$dir/power/control; echo $dev >$dir/driver/unbind; probe bar-hold $dir/resource0 bar"
gout id_cf8 probe cfg-cf8 $address 0
check '[ "$id_cf8" != 0xffffffff ]' "on: config by CF8/CFC is real ($id_cf8)"
gout id_ecam probe cfg-ecam "$ecam" $address 0
check_eq "$id_ecam" "$id_cf8" "on: config by ECAM is the same"
gout line probe cfg-cf8 $address 0x3c
gout version probe bar-hold bar r 8
check '[ "$version" != 0xffffffff ] && [ "$version" != 0x00000000 ]' "on: the BAR is real ($version)"

events_mark
power_mark
guest "echo auto >$dir/power/control"
wait_event power-d3cold
wait_power off 1

gout word probe cfg-cf8 $address 0
check_eq "$word" 0xffffffff "cold: config by CF8/CFC is ones"
gout word probe cfg-ecam "$ecam" $address 0
check_eq "$word" 0xffffffff "cold: config by ECAM is ones"
gout word probe bar-hold bar r 8
check_eq "$word" 0xffffffff "cold: the BAR is ones"
guest "probe cfg-cf8 $address 0x3c 0x00000055; probe cfg-ecam $ecam $address 0x3c 0x00000066"
gout word probe bar-hold bar w 0x14 0x00460001
check_eq "$word" written "cold: a write to the BAR returns"
guest usleep 300000
check_eq "$(power_count on)" 0 "none of it wakes the device"
vm_alive

guest "echo on >$dir/power/control"
wait_event power-alive
gout word probe cfg-cf8 $address 0
check_eq "$word" "$id_cf8" "on again: config is real"
gout word probe bar-hold bar r 8
check_eq "$word" "$version" "on again: the map made before is real"
gout word probe cfg-cf8 $address 0x3c
check_eq "$word" "$line" "the writes to config are lost"
gout word probe bar-hold bar r 0x14
check_eq "$word" 0x00000000 "the write to the BAR is lost"

# A loop on the BAR while the power goes and comes.
events_mark
guest "probe bar-hammer $dir/resource0 8 6 >/run/hammer 2>&1 & echo \$! >/run/hammer.pid"
guest "usleep 500000; echo auto >$dir/power/control"
wait_event power-d3cold
guest "usleep 300000; echo on >$dir/power/control"
wait_event power-alive
guest 'while kill -0 $(cat /run/hammer.pid) 2>/dev/null; do usleep 50000; done'
gout counts cat /run/hammer
note "$counts"
check 'echo "$counts" | grep -q "ones [1-9].* real [1-9].* other 0$"' "a loop on the BAR sees ones or the real value"

guest touch_dev
gout sum disk_sum 7
check_eq "$sum" "$(expected_sum 7)" "the driver works afterwards"
guest_log_clean
vm_stop
host_log_clean
