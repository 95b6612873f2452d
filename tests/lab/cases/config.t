# SPDX-License-Identifier: BSD-3-Clause
# rule: a VM by flags and the VM by the file that --print-config makes of them are the same, and a key with a typo is named
# kernels: 6.1
# needs: coldvm
# timeout: 120

device=${LAB_DEVICES%% *}
api=/run/vm.api
file=/run/vm.json
www=/run/www

host "module_load tun; dd if=/dev/urandom of=/run/disk bs=1M count=4; mkdir -p $www; dd if=/dev/urandom of=$www/file bs=1024 count=200"
host "httpd -p 80 -h $www"
sum=$(md5sum <$www/file | cut -c 1-32)

# check_guest WHAT: disk, network and device of the VM that runs; its configuration and its devices in INFO.
check_guest() {
	gout found "md5sum </dev/vda | cut -c 1-32"
	check_eq "$found" "$(md5sum </run/disk | cut -c 1-32)" "$1: the guest reads the disk"
	gout serial "cat /sys/block/vda/serial"
	check_eq "$serial" from-options "$1: which has its serial number"
	host "ip addr add 10.1.0.1/24 dev cv0"
	guest "ip link set eth0 up; ip addr add 10.1.0.2/24 dev eth0"
	gout found "wget -q -O - http://10.1.0.1/file | md5sum | cut -c 1-32"
	check_eq "$found" "$sum" "$1: a file of the host comes whole"
	gout found disk_sum 3
	check_eq "$found" "$(expected_sum 3)" "$1: the guest reads the passthrough device"
	hout INFO "coldvm ctl $api info --json | grep -v -e '\"pid\"' -e '\"uptime_ns\"'"
}

set -- --kernel /guest/bzImage --initramfs /guest/initrd --cmdline "console=ttyS0 quiet panic=-1" --cpus boot=2 \
	--memory size=320M --serial tty --no-reboot --event-monitor path=$RUN/events.json --api-socket path=$api \
	--disk path=/run/disk,readonly=on,num_queues=2,serial=from-options,id=root \
	--net tap=cv0,mac=52:54:00:00:00:10,vhost=off,mtu=1400,id=lan --rng src=/dev/urandom --platform chassis=laptop \
	--device "path=$device,id=nvme,wake=rearm,max-wakes-per-min=7,min-off-ms=20,on-failure=stop"
coldvm run "$@" --print-config >$file || fail "--print-config ends with $?"
vm_start "$@"
check_guest flags
flags=$INFO
check "echo '$flags' | grep -q '\"max_wakes_per_min\": 7'" "what the VM tells has the keys that were given"
vm_stop

# Nothing but the file.
vm_launch --config $file
vm_ready
check_guest file
check_eq "$INFO" "$flags" "both VMs tell the same of themselves"
hout again "coldvm run --config $file --print-config"
check_eq "$again" "$(cat $file)" "and the file makes itself again"
vm_stop

# complaint FROM TO: coldvm's line for the file with that change; it ends with 2.
complaint() {
	local status=0
	sed "s/$1/$2/" $file >/run/typo.json
	coldvm run --config /run/typo.json </dev/null >$RUN/typo.out 2>&1 || status=$?
	[ $status = 2 ] || echo "status $status:"
	cat $RUN/typo.out
}

check_eq "$(complaint '"readonly"' '"readonyl"')" "coldvm: /run/typo.json: disks[0].readonyl: unknown key: did you mean 'readonly'?" \
	"a key with a typo ends with 2, and the nearest one is named"
check_eq "$(complaint '"memory"' '"memroy"')" "coldvm: /run/typo.json: memroy: unknown: did you mean 'memory'?" "at the top too"
host_log_clean
