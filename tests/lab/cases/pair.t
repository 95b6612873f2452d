# SPDX-License-Identifier: BSD-3-Clause
# rule: functions of one host slot share one port and one power domain, which goes down when both have let go
# variant: stock
# variant: patched driver=patched kernels=6.12
# needs: coldvm
# devices: pair
# timeout: 150

set -- $LAB_DEVICES
first=$1
second=$2

vm_start -v
gout functions "cd /sys/bus/pci/devices; for d in *; do echo \$d \$(cat \$d/vendor)\$(cat \$d/device | cut -c3-); done"
note "$functions"
check_eq "$(echo "$functions" | sed -n 's/\(.*\) 0x1af41050/\1/p')" 0000:01:00.0 "virtio-gpu keeps function number 0"
check_eq "$(echo "$functions" | sed -n 's/\(.*\) 0x808610d3/\1/p')" 0000:01:00.1 "e1000e keeps function number 1"
check_eq "$(echo "$functions" | grep -c '^0000:00:0[1-9]')" 1 "below one port"

power_mark
guest "idle 0000:01:00.0; echo on >/sys/bus/pci/devices/0000:01:00.1/power/control"
sleep 1
check_eq "$(events power-off-asked)" 0 "one idle function does not take the slot down"
for n in 1 2 3; do
	events_mark
	guest "echo auto >/sys/bus/pci/devices/0000:01:00.1/power/control"
	wait_event power-d3cold
	wait_state "$first" D3cold
	wait_state "$second" D3cold
	guest "echo on >/sys/bus/pci/devices/0000:01:00.1/power/control"
	wait_event power-alive
	gout word "cat /sys/bus/pci/devices/0000:01:00.1/power_state /sys/bus/pci/devices/0000:00:01.0/power_state | tr '\n' ' '"
	check_eq "$word" "D0 D0 " "cycle $n: the touched function and its port are back"
done
check_eq "$(power_count off)" 3 "the power went once a cycle"
check_eq "$(power_count on)" 3 "and came back once"
if [ "$LAB_DRIVER" = patched ]; then
	# The second function goes first, when the first one still holds the port.
	busy="\"limit_rc\":-16,\"limit_bdf\":\"$(port_of "$first")\""
	entries=$(grep '"event":"power-entry-issued"' /run/events.json)
	check_eq "$(echo "$entries" | grep -c "$busy")" 3 "the port was busy for one function"
	check_eq "$(grep -c '"event":"power-deadline"\|"event":"power-disagreement"' /run/events.json)" 0 "and for no more"
fi
check_eq "$(grep -c '"event":"power-wake"' /run/events.json)" 0 "an exit of one function is no wake of the other"
guest_log_clean
vm_stop
host_log_clean
