# SPDX-License-Identifier: BSD-3-Clause
# rule: a back end that the host does not have is one clear line; auto falls back, and says to what and why
# kernels: 6.12
# needs: coldvm
# timeout: 120

set -- $LAB_DEVICES
device=$1

timeout -s KILL 30 coldvm run --kernel /guest/bzImage --serial null --device "path=$device,backend=explicit" \
	</dev/null >/run/out 2>/run/err
status=$?
note "$(cat /run/err)"
check_eq "$status $(wc -l </run/err)" "1 1" "backend=explicit ends with status 1 and one line"
check "grep -q '$device: backend=explicit cannot be had: .* no D3cold on request.* use backend=auto' /run/err" \
	"the line says what is missing and what to do"
wait_state "$device" D3cold
ok "the device sleeps as before"

vm_start -v
note "$(grep 'power back end' /run/vm.err)"
check "grep -q 'power back end lowpower: $device: .* has no D3cold on request' /run/vm.err" \
	"auto says what it takes and why"
guest disk
guest idle
wait_event power-entry-issued
check_eq "$(event_field backend)" lowpower "and takes it"
wait_event power-d3cold
guest touch_dev
wait_event power-alive
vm_stop

vm_start -v --device "path=$device,backend=d3hot"
check "grep -q 'power back end d3hot: backend=d3hot says so' /run/vm.err" "a wanted one is named as such"
guest disk
guest idle
wait_event power-reached
check_eq "$(event_field device_state) $(power_state "$device")" "D3hot D3hot" "and goes as deep as it can"
guest touch_dev
wait_event power-alive
gout sum "disk >/dev/null; disk_sum 1"
check_eq "$sum" "$(expected_sum 1)" "the guest reads the disk"
guest_log_clean
vm_stop
host_log_clean
