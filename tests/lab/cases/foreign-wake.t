# SPDX-License-Identifier: BSD-3-Clause
# rule: a wake that the host caused is told to the guest, which wakes and lets the slot go cold again
# variant: stock
# variant: patched driver=patched kernels=6.12
# needs: coldvm
# timeout: 120

set -- $LAB_DEVICES
device=$1

vm_start -v
guest idle
wait_event power-d3cold
wait_state "$device" D3cold

for n in 1 2 3; do
	events_mark
	host "od -An -tx1 -N4 $(pci_dir "$device")/config >/dev/null"
	wait_event power-wake
	wait_event power-on-asked
	wait_event power-alive
	wait_event power-off-asked
	wait_event power-d3cold
	ok "wake $n: notified, on, off and cold again"
done
check_eq "$(events power-wake)" 3 "one wake for each read of the host, none for our own exits"
guest touch_dev
gout sum "disk >/dev/null; disk_sum 2"
check_eq "$sum" "$(expected_sum 2)" "the data is right afterwards"
check_eq "$(events power-wake)" 3 "and the guest's own wake is none"
guest_log_clean
vm_stop
host_log_clean
