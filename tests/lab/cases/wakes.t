# SPDX-License-Identifier: BSD-3-Clause
# rule: a host that reads the device all the time while the guest cycles: each wake is told or undone, none is lost, within a rate
# variant: stock        CYCLES=8 READS=20 kernels=6.12
# variant: patched      CYCLES=8 READS=20 driver=patched kernels=6.12 "by-hand=it takes minutes"
# variant: long         CYCLES=200 READS=130 kernels=6.12 timeout=1200 "by-hand=it takes many minutes"
# variant: long-patched CYCLES=200 READS=130 driver=patched kernels=6.12 timeout=1200 "by-hand=it takes many minutes"
# needs: coldvm
# timeout: 600

set -- $LAB_DEVICES
device=$1
config=$(pci_dir "$device")/config
trace=/sys/kernel/debug/tracing
: "${CYCLES:=8}" "${READS:=20}"

# reader PAUSE_US: what lspci does, until reader_end.
reader() {
	touch $RUN/reading
	(
		while [ -e $RUN/reading ]; do
			od -An -tx1 -N64 "$config" >/dev/null
			usleep "$1"
		done
		touch $RUN/read
	) &
}

reader_end() {
	rm -f $RUN/reading
	probe wait-file $RUN/read 30 || fail "the host's reader hangs"
	rm -f $RUN/read
}

told() { grep '"event" *: *"power-wake"' $RUN/events.json | grep -c "\"told\" *: *$1"; }
ged() { gout_ ged "awk '/GED|ACPI:Ged|ged/ { print \$2 }' /proc/interrupts | head -n 1"; }

# The kernel's own word on who brings the device back: the driver's resume, and the task that it runs in. coldvm's
# exits are its worker's, by name.
trace_begin() {
	echo mono >$trace/trace_clock
	echo 'p:resume vfio_pci_core_runtime_resume' >$trace/kprobe_events
	echo 1 >$trace/events/kprobes/resume/enable
	: >$trace/trace
}

trace_end() {
	echo 0 >$trace/events/kprobes/resume/enable
	# "  od-123  [000] ..... 12.345678: resume: (...)" to nanoseconds and a name
	sed -n 's/^ *\(.*\)-[0-9]* *\[[0-9]*\][^:]* \([0-9]*\)\.\([0-9]*\): resume:.*/\2\3000 resume \1/p' $trace/trace
	: >$trace/trace
	echo >$trace/kprobe_events
}

# Events as "NS NAME", an entry at the moment when it began: what comes during one belongs behind it.
moments() {
	sed -n 's/.*"event":"\(power-[a-z0-9-]*\)".*"t_ns":\([0-9]*\).*/\2 \1/p; ' $RUN/events.json | grep -v entry-issued
	grep '"event":"power-entry-issued"' $RUN/events.json |
		sed 's/.*"took_ns":\([0-9]*\).*"t_ns":\([0-9]*\).*/\2 \1/; t; s/.*"t_ns":\([0-9]*\).*"took_ns":\([0-9]*\).*/\1 \2/' |
		awk '{ printf "%.0f power-entry-issued\n", $1 - $2 }'
}

# Holds each wake to one resume of somebody else, and each such resume to a wake, or to an exit that came together with it.
judge='
	$1 < from { next }
	$2 == "resume" && $3 ~ /^power[0-9]/ { own++; next }
	$2 == "resume" { foreign++; if (pending++) twice++; next }
	$2 == "power-wake" { wakes++; if (!pending) unfounded++; pending = 0; next }
	$2 == "power-entry-issued" && pending { lost++; pending = 0 }
	$2 == "power-exit-returned" && pending { together++; pending = 0 }
	END { print foreign + 0, wakes + 0, together + 0, lost + pending + 0, unfounded + 0, twice + 0, own + 0 }
'

# -- while the guest cycles

vm_start -v --device "path=$device,max-wakes-per-min=10"
ged
check '[ -n "$ged" ]' "the guest counts interrupts of the event device"
first=$ged
guest idle
wait_event power-d3cold
trace_begin
from=$(probe now)
for n in 1 2 3; do
	guest touch_dev
	wait_event power-alive
	guest idle
	wait_event power-d3cold
done
check_eq "$(events power-wake)" 0 "3 cycles of the guest alone: its own wakes are none"
reader 30000
n=0
while [ $n -lt "$CYCLES" ]; do
	n=$((n + 1))
	guest touch_dev
	events_mark
	guest idle
	# Every other time the host has the device for itself, and comes first: a wake that is lost is one that never comes.
	[ $((n % 2)) = 0 ] || wait_event power-wake
done
reader_end
ok "$CYCLES cycles of the guest, and no deadlock"
# What is undone waits for its minute at most.
wait_state "$device" D3cold 90
ok "and the slot goes cold again when the host leaves it alone"
ged
notified=$((ged - first))
trace_end >$RUN/resumes
moments | cat - $RUN/resumes | sort -n | awk -v from="$from" "$judge" >$RUN/judged
read -r foreign wakes together lost unfounded twice own <$RUN/judged
yes=$(told true)
no=$(told false)
note "the kernel counted $foreign wakes of the host and $own of coldvm; $together came together with the guest's own"
note "coldvm: $wakes, told $yes, undone $no; interrupts of the event device $notified"
check '[ "$wakes" -gt 0 ]' "the host woke the device now and then"
check '[ "$own" -ge 3 ]' "the kernel saw coldvm's own"
check_eq "$lost" 0 "no wake was lost"
check_eq "$unfounded $twice" "0 0" "and none was seen that was none, coldvm's own exits above all"
check_eq "$((wakes + together))" "$foreign" "wakes are those of the kernel"
check_eq "$((yes + no))" "$wakes" "each wake was told, or undone"
check_eq "$notified" "$yes" "the guest heard of what was told"
check '[ "$notified" -gt 0 ]' "and of some"
check_eq "$(events power-failed)" 0 "no wake failed"

guest touch_dev
gout sum "disk >/dev/null; disk_sum 3"
check_eq "$sum" "$(expected_sum 3)" "the data is right afterwards"
check_eq "$(events power-wake)" "$wakes" "the guest's own wake is none"
# The whole log takes a minute on the emulated serial line.
gout lines "dmesg -r | grep '^<[0-4]>' || true"
check '[ -z "$(echo "$lines" | log_warnings)" ]' "no warning in the guest's kernel log"
vm_stop

# -- the rate, with a host that reads each second

vm_start --device "path=$device,wake=rearm,max-wakes-per-min=5"
guest idle
wait_event power-d3cold
wait_state "$device" D3cold
ged
first=$ged
power_mark
reader 1000000
sleep "$READS"
reader_end
on=$(power_count on)
note "$READS reads in as many seconds: the power log says $on wakes"
# Five entries a minute; each is undone by the next read, a second or so later.
worst=$(power_new | awk '$3 == "on" { at[++n] = $1 }
	END { for (i = 1; i <= n; i++) { for (j = i; j <= n && at[j] - at[i] < 58e9; j++); if (j - i > most) most = j - i } print most + 0 }')
check_le "$worst" 6 "a host that reads each second costs 5 wakes a minute, and the one that it stays awake after"
check_le "$on" $((6 + READS / 60 * 5)) "in all of the time"
check '[ "$on" -ge 2 ]' "and some of them came"
check_eq "$(told true)" 0 "the guest is told nothing"
ged
check_eq "$ged" "$first" "and hears nothing"
guest touch_dev
gout sum "disk >/dev/null; disk_sum 4"
check_eq "$sum" "$(expected_sum 4)" "the device works afterwards"
vm_stop
host_log_clean
