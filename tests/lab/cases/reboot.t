# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest that resets starts again in the same process, with its devices, and nothing is left of the boot before
# kernels: 6.1
# needs: coldvm
# timeout: 400

set -- $LAB_DEVICES
device=$1
api=/run/vm.api

VM_REBOOT=yes vm_start -v --cpus boot=2 --api-socket "path=$api"
pid=$(vm_pid)
coldvm ctl $api events >/run/api.events 2>/run/api.err 7>&- &
listener=$!

field() { coldvm ctl $api power --json | sed -n 's/.*"'"$1"'": "\{0,1\}\([^",]*\).*/\1/p' | head -n 1; }

# What a boot finds: the device as if it were the first.
check_boot() {
	check_eq "$(vm_pid) $(coldvm ctl $api ping | sed 's/.*process //')" "$pid $pid" "boot $1: the same process"
	guest "touch_dev 2>/dev/null; disk >/dev/null"
	gout sum disk_sum "$1"
	check_eq "$sum" "$(expected_sum "$1")" "boot $1: the guest reads the disk"
	guest idle
	wait_event power-d3cold
	wait_state "$device" D3cold
	check_eq "$(field guest_state) $(field host_state)" "off D3cold" "boot $1: the device goes cold"
}

check_boot 1
guest "echo here >/dev/shm/marker"

n=2
while [ $n -le 4 ]; do
	guest_send "reboot -f"
	wait_event rebooting
	wait_event rebooted
	wait_console $n '<lab ready>'
	check_eq "$(guest_run "ls /dev/shm" && cat $RUN/verb.out)" "" "boot $n: the file in RAM is gone"
	check_boot $n
	if [ $n = 3 ]; then
		fds=$(vm_fds) maps=$(vm_maps) private=$(vm_private)
	fi
	n=$((n + 1))
done
check_eq "$(vm_fds)" "$fds" "open files after boot 4 as after 3"
check_eq "$(vm_maps)" "$maps" "maps after boot 4 as after 3"
check_le $(($(vm_private) - private)) 512 "KiB of private memory more than in boot 3, of $private"
check_eq "$(kill -0 $listener && echo there)" there "who listens to the events still does"

# The user's own reboot, of a paused guest whose device is cold.
host "coldvm ctl $api policy '{\"id\":\"vfio-$device\",\"min_off_ms\":7}'"
host "coldvm ctl $api pause && coldvm ctl $api reboot"
wait_event rebooted
wait_console 5 '<lab ready>'
check_boot 5
check "coldvm ctl $api power --json | grep -q '\"min_off_ms\": 7'" "the policy that the user has changed still holds"
guest_log_clean

# A reset while the device wakes.
guest_send "touch_dev & reboot -f"
wait_event rebooted
wait_console 6 '<lab ready>'
check_boot 6

host "coldvm ctl $api shutdown"
vm_wait 0
wait $listener
check_eq "$?" 0 "the stream of events ends with the VM"
check_eq "$(grep -c '"event":"rebooted"' /run/api.events)" 5 "it has told of 5 reboots"
tail -n "$(wc -l </run/api.events)" $RUN/events.json >/run/events.tail
check "cmp /run/events.tail /run/api.events" "as the event monitor has, to the byte"

host_log_clean
