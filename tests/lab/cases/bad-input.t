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
	if [ $got != "$status" ] || [ "$lines" != 1 ] || [ -s /run/out ] || ! grep -q "$pattern" /run/err; then
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

# Devices: not there, not given to vfio-pci, somebody else's.
refused 1 '0000:7f:1f.7' --device path=0000:7f:1f.7
host "echo '' >$dir/driver_override; echo $device >$dir/driver/unbind; echo $device >/sys/bus/pci/drivers_probe"
refused 1 "$device.*vfio-pci" --device path="$device"
check_eq "$(basename "$(readlink "$dir/driver")")" nvme "the device keeps its driver"
host "device_bind $device"

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
