# SPDX-License-Identifier: BSD-3-Clause
# rule: two vCPUs that write _ON and _OFF at random past ACPI neither hang the slot nor harm the device
# variant: stock kernels=6.12
# variant: patched driver=patched kernels=6.12 "by-hand=it takes minutes"
# needs: coldvm
# timeout: 180

set -- $LAB_DEVICES
device=$1

vm_start --cpus boot=2
guest disk
guest "echo on >/sys/bus/pci/devices/\$(nvme_dev)/power/control; echo \$(nvme_dev) >/sys/bus/pci/devices/\$(nvme_dev)/driver/unbind"
# Slot 0's bank, CVM_SLOT_BASE of acpi/abi.h. Only the last one to end sees the slot at rest.
gout status "probe slot-hammer 0x700 12 1 >/run/first & probe slot-hammer 0x700 10 2 >/run/second; wait; cat /run/first"
check_eq "$status" 1 "the slot is on in the end"
vm_alive
note "$(events power-off-asked) asked off, $(events power-entry-issued) entries, $(events power-alive) alive"
check '[ "$(events power-entry-issued)" -ge 2 ]' "the host was asked for low power meanwhile"
check_eq "$(events power-failed)" 0 "no exit failed"
guest "touch_dev"
gout sum "disk >/dev/null; disk_sum 2"
check_eq "$sum" "$(expected_sum 2)" "the device works afterwards"
events_mark
guest idle
wait_event power-d3cold
wait_state "$device" D3cold
guest touch_dev
wait_event power-alive
ok "and a cycle does"
vm_stop
host_log_clean
