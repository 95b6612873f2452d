# SPDX-License-Identifier: BSD-3-Clause
# rule: a slot whose power never comes back is reported, stays sealed, and takes nothing else down
# variant: stock
# variant: patched driver=patched kernels=6.12
# needs: coldvm
# alone: yes
# timeout: 120

set -- $LAB_DEVICES
device=$1

vm_start
guest disk
gout dev nvme_dev
dir=/sys/bus/pci/devices/$dev
address=$(echo "$dev" | sed 's/.*:\(..\):\(..\)\.\(.\)/0x\1 0x\2 \3/')
guest "echo on >$dir/power/control; echo $dev >$dir/driver/unbind; probe bar-hold $dir/resource0 bar"
gout version probe bar-hold bar r 8
check '[ "$version" != 0xffffffff ]' "on: the BAR is real ($version)"
events_mark
guest "echo auto >$dir/power/control"
wait_event power-d3cold
wait_state "$device" D3cold

# Slot Control of port 1.0, from outside: indicator and power off. The port's _ON does not undo this.
host "monitor 'o /4 0xcf8 0x8000086c'"
host "monitor 'o /2 0xcfc 0x07c0'"

gout before probe now
guest "echo on >$dir/power/control" || true
gout after probe now
check_le $(((after - before) / 1000000)) 25000 "the guest's wake ends, in ms"
events_from=$(cat /run/events.pos)
wait_event power-failed 30
echo "$events_from" >/run/events.pos
wait_event device-request 30
ok "one event says that the wake failed, one that the host wants the device back"
check_eq "$(events power-failed)" 1 "the failure is said once"

if [ "$LAB_DRIVER" = patched ]; then
	check "grep '\"power-exit-returned\"' /run/events.json | tail -n 1 | grep -q '\"rc\":-'" "the driver's verdict says so"
fi

gout word probe cfg-cf8 $address 0
check_eq "$word" 0xffffffff "the guest reads ones in config space"
gout word probe bar-hold bar r 8
check_eq "$word" 0xffffffff "and in the BAR"
vm_alive
guest true
ok "guest and coldvm live on"
vm_stop
ok "and end in order"
