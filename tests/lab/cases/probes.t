# SPDX-License-Identifier: BSD-3-Clause
# rule: perf and bpftrace see the power probes as docs/events.md says, one for each event
# kernels: 6.12
# needs: coldvm
# programs: perf bpftrace
# memory: 3G
# by-hand: it needs perf and bpftrace on this machine, and takes minutes
# timeout: 300

set -- $LAB_DEVICES
device=$1
events="power_off_asked power_entry_issued power_d3cold power_on_asked power_exit_returned power_alive"
coldvm=$(which coldvm)
tracefs=/sys/kernel/debug/tracing

mkdir -p /root /sys/kernel/tracing
mount -t tracefs tracefs /sys/kernel/tracing

# cycles NR: of the guest's.
cycles() {
	local n=0
	while [ $n -lt "$1" ]; do
		guest idle
		wait_event power-d3cold
		wait_state "$device" D3cold
		guest touch_dev
		wait_event power-alive
		n=$((n + 1))
	done
}

# -- perf

host "perf buildid-cache --add $coldvm"
host "perf probe 'sdt_coldvm:power_*'"
hout list "perf list sdt 2>/dev/null; cat $tracefs/uprobe_events"
note "$list"
vm_start
perf record -q -a -e 'sdt_coldvm:power_*' -o /run/perf.data >/run/perf.log 2>&1 &
perf=$!
# A recorder that is not ready yet misses the first of them: what counts is behind the first that it sees.
n=0
until [ "$(awk '{ sum += $3 } END { print sum + 0 }' $tracefs/uprobe_profile)" -gt 0 ]; do
	n=$((n + 1))
	[ $n -lt 20 ] || fail "perf records nothing: $(cat /run/perf.log)"
	cycles 1
done
cycles 3
kill -INT $perf
wait $perf
host "perf script --ns -i /run/perf.data >/run/perf.txt"
head -n 3 /run/perf.txt
for event in $events; do
	name=$(echo $event | tr _ -)
	seen=$(grep -c "sdt_coldvm:$event:" /run/perf.txt)
	told=$(events "$name")
	check_eq "$((seen >= 3 && seen <= told))" 1 "perf: $event $seen times, events $told"
	# The second argument is the event's own time.
	last=$(grep "\"event\":\"$name\"" /run/events.json | tail -n 1 | sed 's/.*"t_ns":\([0-9]*\).*/\1/')
	check "grep 'sdt_coldvm:$event:' /run/perf.txt | tail -n 1 | grep -q 'arg2=$last '" "perf: the last one's t_ns is the event's"
done
host "perf probe -d 'sdt_coldvm:*'"

# -- bpftrace, with the program of docs/events.md

cat >/run/wake.bt <<-EOF
	BEGIN { printf("ready\\n"); }
	usdt:$coldvm:coldvm:power_on_asked { @asked[pid, arg0] = arg1; }
	usdt:$coldvm:coldvm:power_alive /@asked[pid, arg0]/
	{ @wake_ms = hist((arg1 - @asked[pid, arg0]) / 1000000); @wakes = count(); }
EOF
bpftrace /run/wake.bt >/run/bpf.txt 2>&1 &
bpf=$!
probe wait-text /run/bpf.txt 120 ready || fail "bpftrace does not start: $(cat /run/bpf.txt)"
cycles 3
kill -INT $bpf
wait $bpf
cat /run/bpf.txt
check_eq "$(sed -n 's/^@wakes: //p' /run/bpf.txt)" 3 "bpftrace counted the wakes"
check 'grep -q "^@wake_ms" /run/bpf.txt' "and has their histogram"
vm_stop
