# SPDX-License-Identifier: BSD-3-Clause
# rule: a driver that sleeps only if its device can wake itself goes to D3cold by itself under pme=force, and wakes on use
# variant: stock
# variant: patched driver=patched
# kernels: 6.12
# guest-flavour: generic
# needs: coldvm
# devices: pair
# timeout: 300

set -- $LAB_DEVICES
dev=0000:01:00.0
control=/sys/bus/pci/devices/$dev/power/control

# Without PME e1000e never lets go. The emulated device has none of its own.
vm_start -v --memory size=512M --device "path=$2,pme=on"
check 'grep -q "pme=on: the device has no PME at all: none for the guest" /run/vm.err' "pme=on says what the device lacks"
check 'grep -q "$1 (vfio-pci) is not given to the VM and sleeps" /run/vm.err' "the other function is named"
guest "nic_up $dev; echo auto >$control"
host "monitor 'set_link net1 off'"
sleep 8
check_eq "$(events power-off-asked)" 0 "without PME the driver keeps the device on"
host "monitor 'set_link net1 on'"
vm_stop

vm_start -v --memory size=512M --device "path=$2,pme=force"
check 'grep -q "pme=force: the guest has PME from D0, D3hot and D3cold; the device.s own is none" /run/vm.err' "pme=force says so"
guest "nic_up $dev; echo auto >$control"
events_mark
sleep 8
check_eq "$(events power-off-asked)" 0 "with a link the driver keeps the device on"
guest "nic_up $dev"

power_mark
host "monitor 'set_link net1 off'"
wait_event power-d3cold
wait_state "$2" D3cold
ok "without a link the driver lets it sleep"
host "monitor 'set_link net1 on'"
guest "ip link set eth0 down; nic_up $dev"
wait_event power-alive
ok "use wakes it, and packets pass"

# Told of a wake by the host, the guest looks at the device and lets it sleep again.
host "monitor 'set_link net1 off'"
wait_event power-d3cold
host "cat $(pci_dir "$2")/config >/dev/null"
wait_event power-wake
wait_event power-alive
gout csr "dd if=/sys/bus/pci/devices/$dev/config bs=1 skip=205 count=1 2>/dev/null | hexdump -e '1/1 \"%02x\"'"
note "PMCSR, upper byte: $csr"
check '[ $((0x$csr & 0x80)) = 0 ]' "the guest has cleared PME_Status"
wait_event power-d3cold
host "monitor 'set_link net1 on'"
guest "ip link set eth0 down; nic_up $dev"
ok "and packets pass after that"
guest_log_clean "NIC Link is"
vm_stop
host_log_clean
