# SPDX-License-Identifier: BSD-3-Clause
# rule: through iommufd a device works, goes cold and survives a reboot as it does by its group, as root or passed in
# variant: path WAY=path
# variant: fds  WAY=fds
# driver: iommufd
# kernels: 6.12
# needs: coldvm
# timeout: 600
# by-hand: it needs a driver that Debian does not build, and takes minutes

# path: coldvm opens all by itself, as root. fds: a user who may open nothing is given both descriptors.
set -- $LAB_DEVICES
device=$1
port=$(port_of "$device")
dir=$(pci_dir "$device")
api=/run/api/vm
mkdir -p /run/api
node=/dev/vfio/devices/$(ls "$dir/vfio-dev")
group=/dev/vfio/$(basename "$(readlink "$dir/iommu_group")")

[ -c /dev/iommu ] && [ -c "$node" ] || skip "this host has no iommufd"

# has_open FILE: the VM has it.
has_open() { ls -l "/proc/$(vm_pid)/fd" | grep -q -- "-> $1\$"; }

wait_boot() {
	local end
	end=$(($(probe now) + LAB_LIMIT * 1000000000))
	until [ "$(grep -c '<lab ready>' $RUN/vm.console)" -ge "$1" ]; do
		[ "$(probe now)" -lt $end ] || fail "boot $1 does not come up"
		[ ! -e $RUN/vm.status ] || fail "coldvm has ended with $(cat $RUN/vm.status): $(tail -n 1 $RUN/vm.err)"
		usleep 20000
	done
}

# cycles COUNT: off and on, with both witnesses and the right data.
cycles() {
	local n=0
	guest "touch_dev 2>/dev/null; disk >/dev/null"
	gout sum disk_sum 0
	check_eq "$sum" "$(expected_sum 0)" "the guest reads the disk"
	power_mark
	while [ $n -lt "$1" ]; do
		n=$((n + 1))
		guest idle
		wait_event power-d3cold
		wait_state "$device" D3cold 1
		wait_state "$port" D3cold 1
		wait_power off $n 1
		guest touch_dev
		wait_event power-alive
		gout sum disk_sum $n
		[ "$sum" = "$(expected_sum $n)" ] || fail "cycle $n: the guest reads wrong data"
	done
	check_eq "$(power_count off) $(power_count on)" "$1 $1" "$1 cycles with the right data, one off and one on each"
}

# refused STATUS TEXT OPTION...: one line that says so.
refused() {
	local status=$1 text=$2
	shift 2
	timeout -s KILL 60 $run run --kernel /guest/bzImage --memory size=256M --serial null "$@" </dev/null \
		>/run/out 2>/run/err
	check_eq "$? $(wc -l </run/err)" "$status 1" "refused in one line: $(cat /run/err)"
	check "grep -q '$text' /run/err" "it says: $text"
}

if [ $WAY = fds ]; then
	echo 'vm:x:1000:1000::/:/bin/sh' >/etc/passwd
	chmod 666 /dev/kvm
	chown 1000 /run/api
	umask 0
	printf '#!/bin/sh\nexec coldvm "$@"\n' >/run/start
	printf '#!/bin/sh\nulimit -l ${MEMLOCK:-270336}\nexec 8<>%s 9<>/dev/iommu\nexec su -- vm /run/start "$@"\n' "$node" >/run/as-user
	chmod 755 /run/start /run/as-user
	run=/run/as-user
	# The user may open none of them.
	refused 1 "cannot open $group: Permission denied" --device "path=$device"
	refused 1 'iommufd=on: cannot open /dev/iommu: Permission denied' --device "path=$device" --platform iommufd=on
	refused 1 'need iommufd: cannot open /dev/iommu: Permission denied' --device fd=8
	refused 2 'fd=9 is no character device of VFIO' --device fd=9
	refused 2 'iommufd_fd=8 is no open /dev/iommu' --device fd=8 --platform iommufd_fd=8
	refused 2 "fd=8 is $device, but path=0000:07:00.0 is another" --device fd=8,path=0000:07:00.0
	MEMLOCK=65536
	export MEMLOCK
	refused 1 'needs 257 MiB of locked memory' --device fd=8 --platform iommufd_fd=9
	unset MEMLOCK
	set -- --device fd=8 --platform iommufd_fd=9
else
	run=coldvm
	refused 2 'leave out --platform iommufd=off' --device fd=8 --platform iommufd=off
	set -- --device "path=$device"
fi

VM_REBOOT=yes LAB_COLDVM=$run vm_start -v --api-socket "path=$api" "$@"
check "grep -q 'devices are reached through iommufd' $RUN/vm.err" "$(grep 'reached through' $RUN/vm.err)"
check "coldvm ctl $api info --json | grep -q '\"iommu\": \"iommufd\"'" "and vm.info names it"
check "has_open $node && has_open /dev/iommu && ! has_open $group" "$node is open, and $group is not"
[ $WAY = path ] || check_eq "$(stat -c %u "/proc/$(vm_pid)")" 1000 "coldvm is no root"
cycles 3

n=2
while [ $n -le 3 ]; do
	guest_send "reboot -f"
	wait_event rebooting
	wait_event rebooted
	wait_boot $n
	cycles 1
	[ $n != 2 ] || fds=$(vm_fds) maps=$(vm_maps)
	n=$((n + 1))
done
check_eq "$(vm_fds) $(vm_maps)" "$fds $maps" "as many files and maps after boot 3 as after 2"
guest_log_clean

if [ $WAY = fds ]; then
	# The host wants it back, and waits for the last copy of the descriptor to be closed.
	host "timeout 100 sh -c 'echo $device >$dir/driver/unbind'"
	wait_event device-released
	vm_alive
	device_bind "$device"
	guest_send "reboot -f"
	vm_wait 1
	check "grep -q 'error: vm: .*its descriptor is no VFIO device' $RUN/vm.err" "$(grep 'error: vm' $RUN/vm.err)"
else
	vm_stop
	# The same kernel has groups as well.
	vm_start -v --platform iommufd=off
	check "grep -q 'through their groups: iommufd=off' $RUN/vm.err" "$(grep 'reached through' $RUN/vm.err)"
	check "has_open $group && ! has_open /dev/iommu" "$group is open, and /dev/iommu is not"
	# Who comes by the other way is told.
	refused 1 'another VM or program has its IOMMU group' --device "path=$device"
	cycles 2
	vm_stop
fi
host_log_clean
