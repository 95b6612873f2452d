# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest has a network by the kernel's vhost-net, by a thread and by passt, and goes on when each goes away
# kernels: 6.12
# needs: coldvm
# programs: passt
# timeout: 300

VM_DEVICES=
KIB=3000
www=/run/www

# carrier NAME: what the guest's driver says of the link.
carrier() { guest_run "cat /sys/class/net/$1/carrier" && cat $RUN/verb.out; }

# until_down NAME MESSAGE
until_down() {
	local end
	end=$(($(probe now) + LAB_LIMIT * 1000000000))
	until [ "$(carrier "$1")" = 0 ]; do
		[ "$(probe now)" -lt $end ] || fail "$2: the link of $1 stays up"
		usleep 50000
	done
	ok "$2"
}

# fetch ADDRESS: the file of the host, by the guest.
fetch() { guest_run "wget -q -O - http://$1/file | md5sum | cut -c 1-32" && cat $RUN/verb.out; }

# What the host offers, and the way out that passt looks for: nothing is behind it.
host "module_load tun vhost_net; mkdir -p $www; dd if=/dev/urandom of=$www/file bs=1024 count=$KIB; httpd -p 80 -h $www"
host "tunctl -t up0; ip addr add 192.0.2.1/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.2"
sum=$(md5sum <$www/file | cut -c 1-32)

# passt moves into an empty root, which the kernel refuses to whoever lives in the initial RAM file system. So coldvm
# lives in the same files, mounted over it.
mkdir /run/root
cat >/run/coldvm <<'END'
#!/bin/sh
exec unshare -m sh -c 'mount -o rbind / /run/root && cd /run/root && mount --move . / && exec chroot . coldvm "$@"' sh "$@"
END
chmod +x /run/coldvm
LAB_COLDVM=/run/coldvm

# passt gives root up for the user that it is told.
vm_start -v --cpus boot=2 --api-socket path=/run/api --net tap=cv0,vhost=on,num_queues=4,mac=52:54:00:00:00:10 --net tap=cv1,vhost=off,num_queues=4 \
	--net "passt=on,passt_args=--runas 65534:65534 -i up0 -a 192.0.2.1 -n 24 -g 192.0.2.2 -D none"
host "ip addr add 10.1.0.1/24 dev cv0; ip addr add 10.2.0.1/24 dev cv1"
guest "for n in 0 1 2; do ip link set eth\$n up; done; ip addr add 10.1.0.2/24 dev eth0; ip addr add 10.2.0.2/24 dev eth1"

# -- taps

gout mac "cat /sys/class/net/eth0/address"
check_eq "$mac" 52:54:00:00:00:10 "the guest has the MAC address that was given"
check_eq "$(ls -l /proc/$(vm_pid)/fd | grep -c vhost-net)" 2 "vhost-net serves two pairs of the first card"
for n in 0 1; do
	gout queues "ls -d /sys/class/net/eth$n/queues/rx-* | wc -l"
	check_eq "$queues" 2 "eth$n has two queue pairs"
	check_eq "$(ls -d /sys/class/net/cv$n/queues/tx-* | wc -l)" 2 "which the host's cv$n uses"
	check_eq "$(fetch 10.$((n + 1)).0.1)" "$sum" "a file of $KIB KiB comes whole through eth$n"
done
guest "mkdir /www; dd if=/dev/urandom of=/www/file bs=1024 count=$KIB 2>/dev/null; httpd -p 80 -h /www"
gout there "md5sum </www/file | cut -c 1-32"
for n in 1 2; do
	check_eq "$(wget -q -O - http://10.$n.0.2/file | md5sum | cut -c 1-32)" "$there" \
		"and one goes whole to the host through cv$((n - 1))"
done
# By the kernel and by a thread: a file each way, and its acknowledgements.
for n in 0 1; do
	for way in rx tx; do
		bytes=$(coldvm ctl /run/api counters | sed -n "s/^net$n.${way}_bytes //p")
		check "[ ${bytes:-0} -gt $((KIB * 1024)) -a ${bytes:-0} -lt $((KIB * 2048)) ]" "net$n has counted its $way bytes, $bytes"
	done
done
gout errors "cat /sys/class/net/eth[01]/statistics/[rt]x_errors | sort -u"
check_eq "$errors" 0 "the guest's drivers count no error"

# -- passt

passt=$(pidof passt passt.avx2)
check "[ -n '$passt' ]" "coldvm has started passt (process $passt)"
check_eq "$(awk '/^Uid/ { print $2 }' /proc/$passt/status)" 65534 "which is not root"
guest "printf '#!/bin/sh\n[ \"\$1\" != bound ] || ip addr add \$ip/24 dev eth2 && ip route add default via \$router\n' >/dhcp"
guest "chmod +x /dhcp; udhcpc -q -n -t 10 -i eth2 -s /dhcp"
gout address "ip -4 -o addr show dev eth2 | sed 's,.*inet \\([0-9.]*\\).*,\\1,'"
check_eq "$address" 192.0.2.1 "the guest has an address from passt"
check_eq "$(fetch 192.0.2.2)" "$sum" "and a file of the host through it"

# -- each goes away

kill -KILL "$passt"
wait_event net-backend-lost
check_eq "$(event_field id)" net2 "the death of passt is an event"
check_eq "$(event_field reason)" "it was killed by signal 9" "which says how it died"
until_down eth2 "the guest's link of passt is down"
ip link delete cv1
wait_event net-backend-lost
check_eq "$(event_field id)" net1 "a tap that is removed is an event"
until_down eth1 "and a link that is down"
check_eq "$(fetch 10.1.0.1)" "$sum" "the first card still works"
ip link delete cv0
wait_event net-backend-lost
check_eq "$(event_field id)" net0 "a tap of vhost-net that is removed is an event too"
check_eq "$(coldvm ctl /run/api counters | grep -c '^net0')" 0 "and what it counted is not said to be nothing"
until_down eth0 "and a link that is down"
guest "ip link set eth0 down; ip link set eth0 up; ping -c 1 -W 1 10.1.0.1; true"

guest_log_clean
vm_stop
host_log_clean
