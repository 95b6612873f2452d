# SPDX-License-Identifier: BSD-3-Clause
# rule: cycles in one VM: one off and one on each, data right, nothing leaks, no warning anywhere
# variant: stock     CYCLES=25
# variant: patched   CYCLES=25 driver=patched kernels=6.12
# variant: patched61 CYCLES=10 driver=patched kernels=6.1
# needs: coldvm
# timeout: 240

cycles=$CYCLES
set -- $LAB_DEVICES
device=$1
port=$(port_of "$device")

vm_start
guest "disk"
gout sum disk_sum 0
check_eq "$sum" "$(expected_sum 0)" "the guest reads the disk"
events_mark
power_mark

n=1
while [ $n -le $cycles ]; do
	guest idle
	wait_event power-d3cold
	wait_state "$device" D3cold 1
	wait_state "$port" D3cold 1
	wait_power off $n 1
	gout state state
	[ "$state" = D3cold ] || fail "cycle $n: the guest sees $state"
	guest touch_dev
	wait_event power-alive
	gout sum disk_sum $n
	[ "$sum" = "$(expected_sum $n)" ] || fail "cycle $n: the guest reads wrong data"
	[ "$(power_count on)" = $n ] || fail "cycle $n: $(power_count on) on in the power log"
	if [ $n = 5 ]; then
		fds=$(vm_fds) maps=$(vm_maps) private=$(vm_private)
	fi
	n=$((n + 1))
done
ok "$cycles cycles with the right data"
check_eq "$(power_count off) $(power_count on)" "$cycles $cycles" "one off and one on per cycle"
check_eq "$(power_new | cut -d' ' -f3 | uniq | wc -l)" $((2 * cycles)) "they alternate"
check_eq "$(events power-d3cold) $(events power-alive)" "$cycles $cycles" "as many events of each"
check_eq "$(events power-disagreement)" 0 "the host never contradicts itself"
if [ "$LAB_DRIVER" = patched ]; then
	# stamps EVENT: when, one a line.
	stamps() { sed -n "s/.*\"event\":\"$1\".*\"t_ns\":\([0-9]*\).*/\1/p" "$RUN/events.json"; }
	check_eq "$(grep -c '"backend":"explicit"' "$RUN/events.json")" $((2 * cycles)) "all by the back end explicit"
	check_eq "$(stamps power-d3cold)" "$(stamps power-entry-issued)" "D3cold is the entry's verdict, nothing is observed"
fi
check_eq "$(vm_fds)" "$fds" "open files after cycle $cycles as after 5"
check_eq "$(vm_maps)" "$maps" "maps after cycle $cycles as after 5"
note "private memory: $private KiB after cycle 5, $(vm_private) KiB after $cycles"

gout sum disk_write 20 "written by the guest"
hout image image_sum 20
check_eq "$image" "$sum" "a write is in the image"
guest_log_clean
vm_stop
host_log_clean
