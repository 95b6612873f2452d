# SPDX-License-Identifier: BSD-3-Clause
# rule: Debian boots from a disk, whole; its device goes cold and back while disk and network work; it restarts, and ends by the button
# kernels: 6.12
# needs: coldvm
# debian: yes
# icount: yes
# variant: short CYCLES=3
# variant: long CYCLES=25 timeout=900 "by-hand=25 cycles take several minutes"
# timeout: 400

set -- $LAB_DEVICES
device=$1
port=$(port_of "$device")
api=/run/vm.api
www=/run/www
KIB=128

# until_done COUNTER NUMBER MESSAGE: the guest has done that much of the work.
until_done() {
	local count end
	end=$(($(probe now) + LAB_LIMIT * 1000000000))
	while :; do
		gout count "cat /run/work.$1"
		[ "$count" -lt "$2" ] || return 0
		[ "$(probe now)" -lt $end ] || fail "$3: $count of $1, not $2"
		usleep 50000
	done
}

# check_whole NUMBER: all of systemd's units of that boot are as they should be.
check_whole() {
	gout state "systemctl is-system-running --wait"
	gout failed "systemctl --failed --plain --no-legend"
	check_eq "$state,$failed" "running," "boot $1: the system is up, without a failed unit"
}

disk=$(debian_disk)
check "[ -b '$disk' ]" "the host has a disk with the guest's root ($disk)"
host "module_load tun; mkdir -p $www; dd if=/dev/urandom of=$www/file bs=1024 count=$KIB; httpd -p 80 -h $www"
sum=$(md5sum <$www/file | cut -c 1-32)

before=$(probe now)
VM_REBOOT=yes vm_launch --kernel /guest/debian/vmlinuz --initramfs /guest/debian/initrd --memory size=512M \
	--disk "path=$disk" --net tap=cv0 --api-socket "path=$api" \
	--cmdline "console=ttyS0 root=/dev/vda ro quiet systemd.default_timeout_start_sec=600"
vm_login 1 600
note "login after $((($(probe now) - before) / 1000000000)) s"
check_whole 1
gout root "findmnt -n -o SOURCE,FSTYPE /"
check_eq "$(echo $root)" "/dev/vda ext4" "its root is on the disk"

# -- work that goes on

host "ip addr add 10.1.0.1/24 dev cv0"
guest "ip link set dev \$(basename /sys/bus/virtio/drivers/virtio_net/virtio*/net/*) up"
guest "ip addr add 10.1.0.2/24 dev \$(basename /sys/bus/virtio/drivers/virtio_net/virtio*/net/*)"
# Each round writes what was never there, and reads it from the disk itself; a round counts when it was right.
guest "echo '
n=0
while :; do
	dd if=/dev/urandom of=/run/block bs=64k count=2 2>/dev/null
	dd if=/run/block of=/var/work.\$((n % 4)) bs=64k oflag=direct conv=fsync 2>/dev/null &&
	dd if=/var/work.\$((n % 4)) bs=64k iflag=direct 2>/dev/null | cmp - /run/block || break
	n=\$((n + 1)); echo \$n >/run/work.part; mv /run/work.part /run/work.disk
done
echo disk >>/run/work.bad' >/run/disk-work"
guest "echo '
n=0
while :; do
	[ \$(busybox wget -q -O - http://10.1.0.1/file | md5sum | cut -c 1-32) = $sum ] || break
	n=\$((n + 1)); echo \$n >/run/work.next; mv /run/work.next /run/work.net
done
echo net >>/run/work.bad' >/run/net-work"
guest "echo 0 >/run/work.disk; echo 0 >/run/work.net; : >/run/work.bad"
guest "for work in disk net; do sh /run/\$work-work </dev/null >/dev/null 2>&1 & done"
until_done disk 1 "the disk's work begins"
until_done net 1 "the network's work begins"

# -- cycles

events_mark
power_mark
n=1
while [ $n -le "$CYCLES" ]; do
	guest idle
	wait_event power-d3cold
	wait_state "$device" D3cold 1
	wait_state "$port" D3cold 1
	wait_power off $n 1
	gout disk_count "cat /run/work.disk"
	gout net_count "cat /run/work.net"
	# The second round from here on has begun in the cold.
	until_done disk $((disk_count + 2)) "cycle $n: the disk's work goes on"
	until_done net $((net_count + 2)) "cycle $n: the network's work goes on"
	gout state state
	[ "$state" = D3cold ] || fail "cycle $n: the guest sees $state"
	[ "$(power_state "$device") $(power_count on)" = "D3cold $((n - 1))" ] || fail "cycle $n: that has woken the device"
	guest touch_dev
	wait_event power-alive
	gout found disk_sum $n
	[ "$found" = "$(expected_sum $n)" ] || fail "cycle $n: the guest reads wrong data from the device"
	gout bad "cat /run/work.bad"
	[ -z "$bad" ] || fail "cycle $n: wrong data: $bad"
	n=$((n + 1))
done
ok "$CYCLES cycles with the right data, of device, disk and network"
check_eq "$(power_count off) $(power_count on)" "$CYCLES $CYCLES" "one off and one on per cycle"
check_eq "$(power_new | cut -d' ' -f3 | uniq | wc -l)" $((2 * CYCLES)) "they alternate"
check_eq "$(events power-d3cold) $(events power-alive)" "$CYCLES $CYCLES" "as many events of each"
check_eq "$(events power-disagreement)" 0 "the host never contradicts itself"
gout counts "cat /run/work.disk /run/work.net"
note "rounds of disk and network: $(echo $counts)"
check_whole 1
guest_log_clean

# -- a restart, and the end

guest "sh -c 'echo here >/var/marker'"
guest_send "systemctl reboot"
wait_event rebooted
vm_login 2 600
check_whole 2
gout marker "cat /var/marker"
check_eq "$marker" here "boot 2: what boot 1 wrote is there"
guest_log_clean
host "coldvm ctl $api power-button"
vm_wait 0
ok "the power button ends it"
# EXT4_FEATURE_INCOMPAT_RECOVER, 0x4 of the superblock's byte 96: a journal that was not emptied.
recover=$(dd if="$disk" bs=1 skip=$((1024 + 96)) count=1 2>/dev/null | od -A n -t u1)
check_eq $((recover & 4)) 0 "its root was left clean"
host_log_clean
