# SPDX-License-Identifier: BSD-3-Clause
# rule: after a reset the emulated devices are as new, what they stand for has stayed, and nothing of coldvm's has grown
# kernels: 6.1
# needs: coldvm
# timeout: 300

api=/run/vm.api
host "dd if=/dev/zero of=/run/disk bs=1M count=4; module_load tun vhost_net"
VM_REBOOT=yes VM_DEVICES= vm_start -v --api-socket "path=$api" --disk path=/run/disk,id=disk --rng src=/dev/urandom \
	--console file=/run/hvc0 --net tap=lab0 --vsock cid=3,socket=/run/vsock

check_boot() {
	gout text "dd if=/dev/vda bs=512 count=1 2>/dev/null | head -c 6"
	check_eq "$text" "$2" "boot $1: the disk has what boot $(($1 - 1)) wrote"
	guest "echo 'boot $1' | dd of=/dev/vda bs=512 count=1 conv=fsync,sync 2>/dev/null"
	guest "echo 'boot $1' >/dev/hvc0; head -c 8 /dev/hwrng >/dev/null; ip link set eth0 up"
	ok "boot $1: console, entropy and network are there"
}

check_boot 1 ""
n=2
while [ $n -le 4 ]; do
	guest_send "reboot -f"
	wait_event rebooted
	wait_console $n '<lab ready>'
	check_boot $n "boot $((n - 1))"
	[ $n != 3 ] || fds=$(vm_fds) maps=$(vm_maps) private=$(vm_private)
	n=$((n + 1))
done
check_eq "$(vm_fds)" "$fds" "open files after boot 4 as after 3"
check_eq "$(vm_maps)" "$maps" "maps after boot 4 as after 3"
note "private memory: $private KiB in boot 3, $(vm_private) KiB in boot 4"
check_eq "$(tr -d '\r' </run/hvc0 | tr '\n' ' ')" "boot 1 boot 2 boot 3 boot 4 " "the console's file has all boots"

guest_log_clean
vm_stop
host_log_clean
