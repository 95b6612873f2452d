# SPDX-License-Identifier: BSD-3-Clause
# rule: what cannot work ends with one clear line and the right status, and the device is left as it was
# kernels: 6.12
# needs: coldvm
# timeout: 120

set -- $LAB_DEVICES
device=$1
dir=$(pci_dir "$device")

# refused STATUS PATTERN OPTION...: coldvm run with these options (and a good kernel, unless they name one).
refused() {
	local status=$1 pattern=$2 lines
	shift 2
	has --kernel "$@" || set -- --kernel /guest/bzImage "$@"
	has --serial "$@" || set -- --serial null "$@"
	timeout -s KILL 30 coldvm run "$@" </dev/null >/run/out 2>/run/err
	got=$?
	lines=$(wc -l </run/err)
	if [ $got != "$status" ] || [ "$lines" != 1 ] || [ -s /run/out ] || ! grep -q -e "$pattern" /run/err; then
		note "status $got, wanted $status and '$pattern'; it said:"
		sed 's/^/#   /' /run/err
		fail "coldvm run $*"
	fi
	ok "$(sed 's/.*coldvm: //' /run/err)"
}

mkdir -p /run/files
cd /run/files || exit 1
printf 'just some text\n' >text
: >empty
gzip -c /guest/bzImage >kernel.gz
dd if=/dev/zero of=zeros bs=4096 count=16 2>/dev/null

# Usage: 2.
refused 2 'unknown option --kernal' --kernal x
refused 2 'memory is given twice' --memory size=128M --memory size=256M
refused 2 'unknown key .sice.' --memory sice=1G
refused 2 'want a number from 1 to 64' --cpus boot=65
refused 2 'path= is missing' --device id=x
refused 2 'no PCI address' --device path=/dev/null
refused 2 'is given twice' --device path="$device" --device path="$device"

# Files.
refused 1 'missing.*No such file' --kernel /run/files/missing
refused 1 'empty' --kernel /run/files/empty
refused 1 'text' --kernel /run/files/text
refused 1 'gzip' --kernel /run/files/kernel.gz
refused 1 'directory' --kernel /run/files
refused 1 'zeros' --kernel /run/files/zeros
refused 1 'initrd-missing.*No such file' --initramfs /run/files/initrd-missing
refused 1 'event.*/run/no/such.*No such file' --event-monitor path=/run/no/such
refused 1 'event.*descriptor 77' --event-monitor fd=77
refused 1 'serial.*/run/no/such.*No such file' --serial file=/run/no/such

# Memory: more than there is, hugepages that nobody reserved, less than the kernel needs.
refused 1 'memory.*MiB' --memory size=512G
refused 1 'nr_hugepages' --memory size=256M,hugepages=on
refused 1 'memory\|RAM\|MiB' --memory size=32M

# Disks.
printf 'QFI\373' | dd of=qcow2 bs=4096 count=16 conv=sync 2>/dev/null
refused 1 '^coldvm: error: vm: --disk: disk0: .*none: No such file' --disk path=/run/files/none
refused 1 'disk1: /run/files is a directory' --disk path=/run/files/zeros path=/run/files
refused 1 'empty is empty' --disk path=/run/files/empty
refused 1 'text has 15 bytes, which is no multiple of 512' --disk path=/run/files/text
refused 1 'qcow2 is a qcow2 image.*qemu-img convert' --disk path=/run/files/qcow2
refused 1 'root: .*zeros is in use by this VM, as another disk' --disk path=/run/files/zeros path=/run/files/zeros,id=root

# Network cards: no module, no passt, a name that is another interface's.
refused 1 '^coldvm: error: vm: --net: net0: .*/dev/net/tun.*modprobe tun' --net tap=cv0
refused 1 'wan: cannot connect to .*none.*start passt' --net socket=/run/files/none,id=wan
refused 1 'cannot start passt.*package passt' --net passt=on
refused 1 'net0: fd=0 is no tap device' --net fd=0
host "module_load tun"
refused 1 'net0: .*lo' --net tap=lo
refused 1 'vhost-net.*modprobe vhost_net' --net tap=cv0,vhost=on

# What is left of the emulated ones.
refused 1 '^coldvm: error: vm: --fs: fs0: .*none' --memory size=128M,shared=on --fs tag=t,socket=/run/files/none
refused 1 '--vsock: vsock0: cannot listen on /run/no/such' --vsock cid=3,socket=/run/no/such
refused 1 '--rng: rng0: cannot open /run/no/such' --rng src=/run/no/such
refused 1 '--console: cannot open /run/no/such' --console file=/run/no/such
refused 1 '--api-socket: .*/run/no/such' --api-socket path=/run/no/such

# Devices: not there, not given to vfio-pci, somebody else's.
refused 1 '0000:7f:1f.7' --device path=0000:7f:1f.7
host "echo '' >$dir/driver_override; echo $device >$dir/driver/unbind; echo $device >/sys/bus/pci/drivers_probe"
refused 1 "^coldvm: error: vm: --device: $device.*vfio-pci" --device path="$device"
check_eq "$(basename "$(readlink "$dir/driver")")" nvme "the device keeps its driver"
host "device_bind $device"

refused 1 'rom=/run/files/text' --device path="$device",rom=/run/files/text
refused 1 'backend=explicit' --device path="$device",backend=explicit
refused 2 "$device: x_nv_gpudirect_clique=0: this is no display controller of NVIDIA" \
	--device path="$device",x_nv_gpudirect_clique=0

# KVM.
mv /dev/kvm /dev/kvm.away
refused 1 '/dev/kvm' --memory size=128M
mv /dev/kvm.away /dev/kvm

# Nothing of this has touched the device: it is cold again, and a VM can use it.
wait_state "$device" D3cold
vm_start
gout sum "disk >/dev/null; disk_sum 1"
check_eq "$sum" "$(expected_sum 1)" "the device works for the next VM"
vm_stop
# The kernel notes the 512 GiB that it was asked for.
host_log_clean __vm_enough_memory
