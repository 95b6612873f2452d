# SPDX-License-Identifier: BSD-3-Clause
# rule: a card of two functions works with its own drivers before and after D3cold, where it goes when both let go
# variant: stock   CYCLES=3
# variant: patched CYCLES=3 driver=patched "by-hand=it takes minutes"
# kernels: 6.12
# guest-flavour: generic
# needs: coldvm
# devices: pair
# timeout: 300

set -- $LAB_DEVICES
gpu=0000:01:00.0
nic=0000:01:00.1

vm_start -v --memory size=512M --device "path=$1,functions=all"
gout node "display $gpu"
ok "the display driver is bound: $node"
guest "nic_up $nic"
ok "the NIC passes packets"

power_mark
events_mark
guest "idle $gpu; echo auto >/sys/bus/pci/devices/$nic/power/control"
sleep 3
check_eq "$(events power-off-asked)" 0 "the slot stays on for the NIC's driver"
guest "nic_up $nic"
guest "touch_dev $gpu virtio-pci; idle $nic"
sleep 3
check_eq "$(events power-off-asked)" 0 "and for the display's"
gout node "display $gpu"

n=0
while [ $n -lt "$CYCLES" ]; do
	n=$((n + 1))
	events_mark
	guest "idle $gpu; idle $nic"
	wait_event power-d3cold
	wait_state "$1" D3cold
	wait_state "$2" D3cold
	# Whoever comes first wakes the slot; both come in turn.
	if [ $((n % 2)) = 1 ]; then
		guest "touch_dev $gpu virtio-pci; touch_dev $nic e1000e"
	else
		guest "touch_dev $nic e1000e; touch_dev $gpu virtio-pci"
	fi
	wait_event power-alive
	gout node "display $gpu"
	guest "nic_up $nic"
	ok "cycle $n: $node is there and packets pass"
done
check_eq "$(power_count off) $(power_count on)" "$CYCLES $CYCLES" "the power went and came once a cycle"
check_eq "$(grep -c '"event":"power-deadline"' /run/events.json)" 0 "and every time D3cold was reached"
guest_log_clean
vm_stop
host_log_clean
