# SPDX-License-Identifier: BSD-3-Clause
# rule: a host that reads the device all the time while the guest cycles: each wake is told or undone, within a rate
# variant: stock CYCLES=8 kernels=6.12
# variant: patched CYCLES=8 driver=patched kernels=6.12 "by-hand=it takes minutes"
# needs: coldvm
# timeout: 600

set -- $LAB_DEVICES
device=$1
config=$(pci_dir "$device")/config
: "${CYCLES:=8}"

# reader PAUSE_US: what lspci does, until reader_end.
reader() {
	touch $RUN/reading
	(
		while [ -e $RUN/reading ]; do
			od -An -tx1 -N64 "$config" >/dev/null
			usleep "$1"
		done
		touch $RUN/read
	) &
}

reader_end() {
	rm -f $RUN/reading
	probe wait-file $RUN/read 30 || fail "the host's reader hangs"
	rm -f $RUN/read
}

told() { grep '"event" *: *"power-wake"' $RUN/events.json | grep -c "\"told\" *: *$1"; }
ged() { gout_ ged "awk '/GED|ACPI:Ged|ged/ { print \$2 }' /proc/interrupts | head -n 1"; }

# -- while the guest cycles

vm_start -v --device "path=$device,max-wakes-per-min=10"
ged
check '[ -n "$ged" ]' "the guest counts interrupts of the event device"
first=$ged
guest idle
wait_event power-d3cold
reader 30000
n=0
while [ $n -lt "$CYCLES" ]; do
	guest touch_dev
	guest idle
	n=$((n + 1))
done
reader_end
ok "$CYCLES cycles of the guest, and no deadlock"
sleep 2
ged
notified=$((ged - first))
wakes=$(events power-wake)
yes=$(told true)
no=$(told false)
note "wakes of the host $wakes: told $yes, undone $no; interrupts of the event device $notified"
check '[ "$wakes" -gt 0 ]' "the host woke the device now and then"
check_eq "$((yes + no))" "$wakes" "each wake was told, or undone"
check_le "$notified" "$yes" "the guest heard of no more than was told"
check '[ "$notified" -gt 0 ]' "and of some"
check_eq "$(events power-failed)" 0 "no wake failed"

guest touch_dev
gout sum "disk >/dev/null; disk_sum 3"
check_eq "$sum" "$(expected_sum 3)" "the data is right afterwards"
check_eq "$(events power-wake)" "$wakes" "the guest's own wake is none"
# The whole log takes a minute on the emulated serial line.
gout lines "dmesg -r | grep '^<[0-4]>' || true"
check '[ -z "$(echo "$lines" | log_warnings)" ]' "no warning in the guest's kernel log"
vm_stop

# -- the rate, with a host that reads each second

vm_start --device "path=$device,wake=rearm,max-wakes-per-min=5"
guest idle
wait_event power-d3cold
wait_state "$device" D3cold
ged
first=$ged
power_mark
reader 1000000
sleep 20
reader_end
on=$(power_count on)
note "20 reads in 20 s: the power log says $on wakes"
check_le "$on" 6 "a host that reads each second costs 5 wakes a minute, and the one that it stays awake after"
check '[ "$on" -ge 2 ]' "and some of them came"
check_eq "$(told true)" 0 "the guest is told nothing"
ged
check_eq "$ged" "$first" "and hears nothing"
guest touch_dev
gout sum "disk >/dev/null; disk_sum 4"
check_eq "$sum" "$(expected_sum 4)" "the device works afterwards"
vm_stop
host_log_clean
