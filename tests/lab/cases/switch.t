# SPDX-License-Identifier: BSD-3-Clause
# rule: behind a switch D3cold is judged at the port with the power resource, and the guest sees one port
# variant: root         devices=switch      PORTS=0000:02:00.0,0000:01:00.0,0000:00:01.0
# variant: root-patched devices=switch      PORTS=0000:02:00.0,0000:01:00.0,0000:00:01.0 driver=patched "by-hand=it takes minutes"
# variant: down         devices=switch-down PORTS=0000:02:00.0
# variant: down-patched devices=switch-down PORTS=0000:02:00.0 driver=patched "by-hand=it takes minutes"
# kernels: 6.12
# append: initcall_blacklist=nvme_init
# needs: coldvm
# timeout: 180

device=$LAB_DEVICES
power_port=${PORTS##*,}

hout report "coldvm doctor $device"
check 'echo "$report" | grep -q "port $power_port has the power resource"' "doctor finds the power resource at $power_port"
vm_start -v
check 'grep -q "the host can take the device to D3cold" /run/vm.err' "and so does coldvm at start"
gout ports "grep -l 0x0604 /sys/bus/pci/devices/*/class"
check_eq "$ports" /sys/bus/pci/devices/0000:00:01.0/class "the guest sees one port"
gout disk nvme_dev
check_eq "$disk" 0000:01:00.0 "and the disk right below it"

# A switch that has lost its power is there again, bus numbers and all, before the disk behind it is.
power_mark
for n in 1 2 3; do
	events_mark
	guest idle
	wait_event power-d3cold
	note "$EVENT"
	check_eq "$(event_field port_state)" D3cold "cycle $n: the port with the resource is in D3cold"
	seen=$(echo "$EVENT" | sed 's/.*"ports": *\[//; s/\].*//' | tr '}' '\n' |
		sed -n 's/.*"bdf": *"\([^"]*\)".*"state": *"\([^"]*\)".*/\1 \2/p')
	want=$(for port in $(echo "$PORTS" | tr , ' '); do echo "$port D3cold"; done)
	check_eq "$seen" "$want" "and all ports up to it are told"
	wait_state "$device" D3cold
	guest touch_dev
	wait_event power-alive
	gout sum disk_sum $n
	check_eq "$sum" "$(expected_sum $n)" "the disk is right after cycle $n"
done
check_eq "$(power_count off) $(power_count on)" "3 3" "the power went and came once a cycle"
check_eq "$(grep -c '"event":"power-deadline"\|"event":"power-disagreement"' /run/events.json)" 0 "and every time D3cold was reached"
guest_log_clean
vm_stop
host_log_clean
