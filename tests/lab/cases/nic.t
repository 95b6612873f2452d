# SPDX-License-Identifier: BSD-3-Clause
# rule: a NIC whose driver sleeps when the link is gone goes to D3cold with pme=force, by nobody's hand, and never without PME
# variant: force   PME=force
# variant: patched PME=force driver=patched "by-hand=it takes minutes"
# variant: off     PME=off
# kernels: 6.12
# guest-flavour: generic
# needs: coldvm
# devices: nic
# timeout: 240

set -- $LAB_DEVICES
device=$1
nic=0000:01:00.0
dir=/sys/bus/pci/devices/$nic

# cable pulled|plugged: at the emulated hardware. QEMU's NIC tells of its link once after it was started, since its
# driver leaves the cause in a register that a read does not clear there; so the interface is started for it.
cable() {
	local link=off
	[ "$1" = pulled ] || link=on
	hout reply "monitor 'set_link net1 $link'"
	check_eq "$reply" "" "the cable is $1"
	[ "$1" = plugged ] || guest "ip link set $eth down; ip link set $eth up"
}

vm_start -v --memory size=512M --device "path=$device,pme=$PME"
gout lines "dmesg | grep -c '$nic: PME# supported from D0 D3hot D3cold' || true"
case $PME in
force) check_eq "$lines" 1 "the guest finds PME from every state" ;;
off) check_eq "$lines" 0 "the guest finds no PME" ;;
esac
guest "nic_up $nic; echo auto >$dir/power/control"
ok "the NIC passes packets"
gout eth "ls $dir/net"
power_mark
events_mark

if [ "$PME" = off ]; then
	cable pulled
	gout word "cat /sys/class/net/$eth/carrier"
	check_eq "$word" 0 "its driver knows"
	# With PME it asks after 5 s whether there is a link still, and lets go.
	sleep 15
	gout word "cat $dir/power/runtime_status"
	check_eq "$word" active "a driver that wants PME and has none stays awake"
	check_eq "$(events power-off-asked) $(power_count off)" "0 0" "and so does the slot"
	cable plugged
	guest "nic_up $nic"
	ok "the NIC passes packets"
	vm_stop
	host_log_clean
	exit 0
fi

# Cycle 1 wakes by the interface, 2 by a read of config space, 3 by another driver: unbinding the old one wakes the
# device, which has none then, and so goes off once more; binding the new one wakes it again.
for n in 1 2 3; do
	events_mark
	gout word "cat $dir/power/runtime_status"
	check_eq "$word" active "cycle $n: the NIC is awake while it has a link"
	cable pulled
	wait_event power-off-asked
	wait_event power-d3cold
	wait_state "$device" D3cold
	wait_power off $n
	gout word "cat $dir/power/runtime_status $dir/power_state | tr '\n' ' '"
	check_eq "$word" "suspended D3cold " "cycle $n: its driver let go by itself, and the guest sees D3cold"
	check_eq "$(power_count on)" $((n - 1)) "cycle $n: and it stays so"
	cable plugged
	case $n in
	1) guest "ip link set $eth down; ip link set $eth up" ;;
	2) guest "od -An -tx1 -N4 $dir/config" ;;
	3)
		guest "echo $nic >$dir/driver/unbind"
		wait_event power-alive
		ok "cycle 3: its driver gave up an awake NIC"
		wait_event power-d3cold
		wait_power off 4
		ok "cycle 3: without a driver it goes off again"
		guest "echo $nic >/sys/bus/pci/drivers/e1000e/bind"
		;;
	esac
	wait_event power-alive
	guest "nic_up $nic"
	ok "cycle $n: packets pass again"
done
check_eq "$(power_count off) $(power_count on)" "4 4" "the power went and came once a cycle, and once for want of a driver"
check_eq "$(events power-wake) $(events power-deadline) $(events power-failed)" "0 0 0" "no wake of the host, none too late, none failed"
guest_log_clean
vm_stop
host_log_clean
