# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest mounts a directory of the host by virtiofsd, and goes on when that daemon dies
# kernels: 6.1
# needs: coldvm
# programs: /usr/lib/qemu/virtiofsd
# timeout: 240

VM_DEVICES=
share=/run/share socket=/run/fs.sock

# daemon_start: and waits until it listens.
daemon_start() {
	rm -f $socket
	# No namespaces: the host's root is an initramfs, which pivot_root(2) refuses.
	virtiofsd -f --socket-path=$socket -o source=$share -o sandbox=chroot >$RUN/daemon.log 2>&1 7>&- </dev/null &
	daemon=$!
	probe wait-file $socket "$LAB_LIMIT" || { cat $RUN/daemon.log; fail "virtiofsd does not start"; }
}

host "mkdir -p $share /var/run/virtiofsd; echo hello from the host >$share/hello; dd if=/dev/urandom of=$share/big bs=1024 count=3000"

# A daemon that is not there, and memory that it could not see, are said before anything starts.
VM_DEVICES= vm_launch --memory size=256M,shared=on --fs "tag=home,socket=$socket"
vm_wait 1
check "grep -q 'nobody listens on $socket.*virtiofsd' $RUN/vm.err" "a daemon that is not there is named"
vm_launch --fs "tag=home,socket=$socket"
vm_wait 2
check "grep -q 'shared=on' $RUN/vm.err" "so is the memory that it needs"

daemon_start
vm_start -v --cpus boot=2 --memory size=256M,shared=on --fs "tag=home,socket=$socket,id=home"
guest "mkdir /mnt; mount -t virtiofs home /mnt"
gout text "cat /mnt/hello"
check_eq "$text" "hello from the host" "the guest reads a file of the host"
gout sum "md5sum </mnt/big | cut -c 1-32"
check_eq "$sum" "$(md5sum <$share/big | cut -c 1-32)" "and one of 3000 KiB whole"
gout sum "dd if=/dev/urandom of=/mine bs=1024 count=3000 2>/dev/null; cp /mine /mnt/theirs; sync; md5sum </mine | cut -c 1-32"
check_eq "$(md5sum <$share/theirs | cut -c 1-32)" "$sum" "what it writes is whole on the host"
guest "mkdir /mnt/dir && mv /mnt/theirs /mnt/dir/ && rm /mnt/hello"
check "[ -e $share/dir/theirs ] && [ ! -e $share/hello ]" "so is what it moves and removes"

# -- the daemon dies

kill -KILL $daemon
wait_event fs-backend-lost
check_eq "$(event_field id)" home "the death of the daemon is an event"
check_eq "$(event_field reason)" "has gone" "which says why"
guest "cat /mnt/big >/dev/null 2>&1 &"
gout alive "echo alive"
check_eq "$alive" alive "the guest goes on"
check_eq "$(events fs-backend-lost)" 1 "it is one event"
check_eq "$(grep -c 'home:' $RUN/vm.err)" 1 "and one line"
guest_log_clean
# A sync would wait for the daemon for ever.
guest_send "poweroff -n -f"
vm_wait 0
host_log_clean
