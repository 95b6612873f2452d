# SPDX-License-Identifier: BSD-3-Clause
# rule: park takes a device to D3cold without a VM, again after the host woke it, and gives it back in order
# variant: stock kernels=6.12
# variant: patched driver=patched kernels=6.12
# needs: coldvm
# timeout: 180

set -- $LAB_DEVICES
device=$1
config=$(pci_dir "$device")/config

# park_start OPTION...: in the background; what it says in park.out, its events in events.json.
park_start() {
	: >$RUN/events.json
	rm -f $RUN/events.pos $RUN/park.status
	(
		coldvm park --event-monitor path=$RUN/events.json "$@" >$RUN/park.out 2>$RUN/park.err
		echo $? >$RUN/park.status
	) &
	until [ -s $RUN/park.out ] || [ -s $RUN/park.status ]; do usleep 10000; done
}

park_end() {
	killall -"$1" coldvm
	probe wait-file $RUN/park.status 30 || fail "park does not end after SIG$1"
	check_eq "$(cat $RUN/park.status)" "$2" "park ends with $2 after SIG$1"
}

# A device that the host keeps awake until somebody parks it.
power_mark
host "echo on >$(pci_dir "$device")/power/control"
wait_state "$device" D0
host "echo auto >$(pci_dir "$device")/power/control"
wait_state "$device" D3cold
host "od -An -tx1 -N4 $config >/dev/null"
wait_state "$device" D3cold

park_start "$device"
wait_event power-d3cold
wait_state "$device" D3cold
check "grep -q '^$device: D3cold, port D3cold, after ' $RUN/park.out" "park says that the device is in D3cold"

power_mark
for n in 1 2 3; do
	host "od -An -tx1 -N4 $config >/dev/null"
	wait_event power-wake
	wait_event power-d3cold
	wait_state "$device" D3cold
done
check_eq "$(events power-wake)" 3 "one wake for each read of the host"
check_eq "$(power_count on) $(power_count off)" "3 3" "the power was switched once each way for each"
check_eq "$(grep -c 'woken by the host' $RUN/park.out)" 3 "park says each"
park_end TERM 0
check "grep -q '^$device: awake after ' $RUN/park.out" "the device was proven awake before it was given back"
wait_state "$device" D3cold
ok "and the host idles it as before"

park_start --device "path=$device,max-wakes-per-min=2"
wait_event power-d3cold
power_mark
for n in 1 2 3 4 5 6; do
	host "od -An -tx1 -N4 $config >/dev/null"
	sleep 1
done
check_eq "$(power_count on)" 3 "with 2 wakes a minute six reads cost two entries more"
wait_state "$device" D0
check "grep -q 'may stay awake for' $RUN/park.out" "and park says how long it may stay awake"
park_end INT 0

# The host takes it back: its driver is unbound.
park_start "$device"
wait_event power-d3cold
host "echo $device >$(pci_dir "$device")/driver/unbind"
probe wait-file $RUN/park.status 30 || fail "park does not end when its last device is taken"
check_eq "$(cat $RUN/park.status)" 0 "park ends with 0 when the host takes its last device"
check "grep -q 'given back to the host' $RUN/park.out" "and says so"
host "device_bind $device"

check_eq "$(coldvm park 0000:7f:00.0 2>&1 >/dev/null | wc -l)" 1 "a device that is not there is one line"

vm_start
gout sum disk_sum 2
check_eq "$sum" "$(expected_sum 2)" "a VM uses the device afterwards"
vm_stop
host_log_clean
