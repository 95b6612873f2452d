# SPDX-License-Identifier: BSD-3-Clause
# rule: after a reset file system, passt and a tap that was passed in are there again, and what has gone meanwhile is an event
# kernels: 6.1
# needs: coldvm
# programs: passt /usr/lib/qemu/virtiofsd
# timeout: 300

VM_DEVICES=
share=/run/share fs_socket=/run/fs.sock passt_socket=/run/passt/socket www=/run/www
PASST="--runas 65534:65534 -i up0 -a 192.0.2.1 -n 24 -g 192.0.2.2 -D none"

# passt makes its socket without root's rights, and moves into an empty root, which the kernel refuses to whoever lives in
# the initial RAM file system: so it lives in the same files, mounted over it. coldvm gets two queues of the tap cv0 too.
mkdir -p /run/root /run/passt
chown 65534 /run/passt
cat >/run/inside <<'END'
#!/bin/sh
exec unshare -m sh -c 'mount -o rbind / /run/root && cd /run/root && mount --move . / && exec chroot . "$@"' sh "$@"
END
cat >/run/coldvm <<'END'
#!/bin/sh
exec /run/inside probe tap-exec cv0 20,21 coldvm "$@"
END
chmod +x /run/inside /run/coldvm
LAB_COLDVM=/run/coldvm

# daemons_start: virtiofsd and passt, each of which listens when it returns.
daemons_start() {
	rm -f $fs_socket $passt_socket
	# No namespaces: the host's root is an initramfs, which pivot_root(2) refuses.
	virtiofsd -f --socket-path=$fs_socket -o source=$share -o sandbox=chroot >$RUN/fs.log 2>&1 7>&- </dev/null &
	fs_daemon=$!
	/run/inside passt --foreground --quiet --socket $passt_socket $PASST >$RUN/passt.log 2>&1 7>&- </dev/null &
	probe wait-file $fs_socket "$LAB_LIMIT" || { cat $RUN/fs.log; fail "virtiofsd does not start"; }
	probe wait-file $passt_socket "$LAB_LIMIT" || { cat $RUN/passt.log; fail "passt does not start"; }
}

# passt_of ARGUMENT: the process with that word in its command line.
passt_of() {
	local pid
	for pid in $(pidof passt passt.avx2); do
		tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qx -e "$1" && echo "$pid"
	done
	return 0
}

# fetch CARD ADDRESS HOST: a file of the host, by that card alone.
fetch() {
	guest_run "ip link set $1 up; ip addr add $2/24 dev $1; wget -q -O - http://$3/file | md5sum | cut -c 1-32
		ip addr flush dev $1" && cat $RUN/verb.out
}

# carrier NAME: what the guest's driver says of the link.
carrier() { guest_run "ip link set $1 up; cat /sys/class/net/$1/carrier" && cat $RUN/verb.out; }

macs() { guest_run "cat /sys/class/net/eth?/address" && echo $(cat $RUN/verb.out); }

check_fs() {
	guest "mkdir -p /mnt; mount -t virtiofs home /mnt"
	gout text "cat /mnt/hello"
	check_eq "$text" "hello from the host" "boot $1: the guest reads a file of the host"
	guest "echo 'boot $1' >/mnt/from-guest"
	check_eq "$(cat $share/from-guest)" "boot $1" "boot $1: and writes one"
}

check_boot() {
	check_fs "$1"
	check_eq "$(fetch eth0 192.0.2.1 192.0.2.2)" "$sum" "boot $1: a file comes whole through coldvm's passt"
	check_eq "$(fetch eth1 192.0.2.1 192.0.2.2)" "$sum" "boot $1: and through the passt at a socket"
	check_eq "$(fetch eth2 10.1.0.2 10.1.0.1)" "$sum" "boot $1: and through the tap that was passed in"
	check_eq "$(ls -l /proc/$(vm_pid)/fd | grep -c vhost-net)" 2 "boot $1: of which vhost-net serves two pairs"
	check_eq "$(macs)" "$mac" "boot $1: the MAC addresses are the same"
}

# reboot_guest NUMBER: without a sync, which would wait for a daemon that has gone.
reboot_guest() {
	guest_send "reboot -n -f"
	wait_event rebooted
	wait_console "$1" '<lab ready>'
}

host "module_load tun vhost_net; mkdir -p $share /var/run/virtiofsd $www; echo hello from the host >$share/hello"
host "dd if=/dev/urandom of=$www/file bs=1024 count=500; httpd -p 80 -h $www"
# The way out that passt looks for: nothing is behind it.
host "tunctl -t up0; ip addr add 192.0.2.1/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.2"
sum=$(md5sum <$www/file | cut -c 1-32)

daemons_start
VM_REBOOT=yes vm_start -v --memory size=256M,shared=on --fs "tag=home,socket=$fs_socket,id=home" --net "passt=on,passt_args=$PASST" \
	--net "socket=$passt_socket" --net "fd=[20,21],num_queues=4,vhost=on"
host "ip addr add 10.1.0.1/24 dev cv0; ip link set cv0 up"
mac=$(macs)
check_boot 1
own=$(passt_of --fd) theirs=$(passt_of --socket)
check "[ '$own' ] && [ '$theirs' ]" "there are two passt, $own and $theirs"

reboot_guest 2
check_boot 2
check_eq "$(passt_of --socket)" "$theirs" "boot 2: passt at the socket has gone on"
check "[ '$(passt_of --fd)' ] && [ '$(passt_of --fd)' != '$own' ]" "boot 2: coldvm's is a new one"
check_eq "$(events net-backend-lost) $(events fs-backend-lost)" "0 0" "nothing was lost"
guest_log_clean

# -- what has gone

kill -KILL $fs_daemon "$theirs"
wait_event fs-backend-lost
until [ "$(events net-backend-lost)" = 1 ]; do usleep 20000; done
events_mark
reboot_guest 3
check_eq "$(events net-backend-lost) $(events fs-backend-lost)" "2 2" "boot 3: what is not there is an event each"
check "grep -q 'net1: passt is gone (cannot connect to $passt_socket' $RUN/vm.err" "boot 3: and a line that says why"
check_eq "$(carrier eth1)" 0 "boot 3: the link of the passt is down"
check_eq "$(fetch eth0 192.0.2.1 192.0.2.2) $(fetch eth2 10.1.0.2 10.1.0.1)" "$sum $sum" "boot 3: the other cards work"

# -- and is back

daemons_start
reboot_guest 4
check_boot 4
check_eq "$(events net-backend-lost) $(events fs-backend-lost)" "2 2" "boot 4: nothing more was lost"
guest_log_clean
guest_send "poweroff -n -f"
vm_wait 0
host_log_clean
