# SPDX-License-Identifier: BSD-3-Clause
# rule: bench power's figures are the hardware's and the meter's own, an end by SIGINT keeps what was measured, and the host is as before
# kernels: 6.12 6.1
# needs: coldvm bench
# icount: yes
# memory: 2G
# timeout: 400

set -- $LAB_DEVICES
device=$1
D0_W=20 D3HOT_W=8 D3COLD_W=1 ENTRY_J=0.5 EXIT_J=0.7
METER="d0_w=$D0_W,d3hot_w=$D3HOT_W,d3cold_w=$D3COLD_W,entry_j=$ENTRY_J,exit_j=$EXIT_J"

# value RUN NAME... KEY: the number of KEY, the first one behind the lines with each NAME.
value() {
	awk -v words="$(shift; echo "$*")" '
		BEGIN { n = split(words, word, " "); at = 1 }
		index($0, "\"" word[at] "\":") && at++ == n { gsub(/.*: |,$/, ""); print; exit }' "/run/$1/result.json"
}

# near FOUND EXPECTED SHARE MESSAGE
near() {
	check "awk -v a='$1' -v b='$2' -v s='$3' 'BEGIN { exit !(a != \"\" && a >= b * (1 - s) && a <= b * (1 + s)) }'" \
		"$4: $1, expected $2"
}

# cold_share BEGIN END OFFSET: of the time between two moments, by the hardware's clock, in percent.
cold_share() {
	powerlog hardware | awk -v begin="$1" -v end="$2" -v shift="$3" '
		{ t = $1 - shift; on = $3 == "on" }
		on && since != "" { add(t) }
		{ since = on ? "" : t }
		END { if (since != "") add(end); printf "%.4f\n", 100 * cold / (end - begin) }
		function add(t) {
			from = since > begin ? since : begin
			to = t < end ? t : end
			if (to > from) cold += to - from
		}'
}

attributes() { cat "$(pci_dir "$device")/power/control" "$(pci_dir "$device")/d3cold_allowed"; }

before=$(attributes)

# -- a whole run

power_mark
coldvm bench power "$device" --kernel /guest/bzImage --cycles 5 --workload periodic,duration_s=6 --no-meters \
	--simulated-meter "$METER,range_j=50,gap_every_ms=1000,gap_ms=35" \
	--simulated-meter "d0_w=20,d3hot_w=8,d3cold_w=45,quantity=power,noise=0.02" --phase-s 2 --settle-s 1 --out /run/whole \
	>/run/summary 2>&1
check_eq $? 0 "a run ends well"
cat /run/summary
check "grep -q 'SIMULATED' /run/summary" "the summary says that the meter is made up"
check_eq "$(value whole complete)" true "it is complete"
check_eq "$(value whole transitions cycles)" 5 "all cycles were measured"
near "$(value whole on_w median)" $D0_W 0.005 "watts in D0"
near "$(value whole forbidden_w median)" $D3HOT_W 0.005 "watts with D3cold forbidden"
near "$(value whole d3cold_w median)" $D3COLD_W 0.005 "watts in D3cold"
near "$(value whole saving_w median)" $((D3HOT_W - D3COLD_W)) 0.005 "watts saved"
seconds=$(value whole transition_ns | awk '{ print $1 / 1e9 }')
joules=$(awk "BEGIN { print $ENTRY_J + $EXIT_J + $D0_W * $seconds }")
near "$(value whole transition_j median)" "$joules" 0.02 "joules of the ways there and back"
near "$(value whole break_even seconds median)" \
	"$(awk "BEGIN { print ($joules - $D3COLD_W * $seconds) / ($D3HOT_W - $D3COLD_W) }")" 0.02 "seconds until it pays"
check "grep -q '\"verdict\": \"never\"' /run/whole/result.json" "where D3cold takes more it never pays"
check_le "$(value whole off_to_entry_issued p50 | cut -d. -f1)" 1000000 "from _OFF until the entry is issued, in ns"

# The slot's power comes back when the host runs its own _ON, at the begin of each exit: by that both clocks are compared.
last_exit=$(value whole cycles_ns exit_issued)
shift=$(powerlog hardware | awk -v t="$last_exit" '$3 == "on" { d = $1 - t; if (best == "" || d * d < best * best) best = d }
	END { printf "%.0f\n", best }')
begin=$(value whole residency runs begin_ns)
end=$(value whole residency runs end_ns)
near "$(value whole residency share d3cold median | awk '{ print 100 * $1 }')" "$(cold_share "$begin" "$end" "$shift")" 0.01 \
	"percent of the workload in D3cold, by the power log"
near "$(value whole score median)" 1 0.03 "of what the bare host reaches"
check_eq "$(attributes)" "$before" "the device's attributes are as before"
wait_state "$device" D3cold
check_eq "$(pidof coldvm)" "" "no VM is left"

# -- other workloads: the trace of that one once more, and a guest that does what it wants

coldvm bench power "$device" --kernel /guest/bzImage --cycles 0 --runs 1 --workload trace,path=/run/whole/trace.csv --no-meters \
	--out /run/again >/run/summary 2>&1
check_eq $? 0 "a trace is played"
check_eq "$(cat /run/again/trace.csv)" "$(cat /run/whole/trace.csv)" "as it was written"
near "$(value again residency runs d0_ns)" "$(value whole residency runs d0_ns)" 0.03 "ns in D0, as before"
mkdir /run/own
cat >/run/own/init <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t sysfs sysfs /sys
for device in /sys/bus/pci/devices/*; do
	[ "$(cat $device/class)" = 0x010802 ] && break
done
echo ${device##*/} >$device/driver/unbind
while :; do
	echo auto >$device/power/control
	sleep 2
	echo on >$device/power/control
	sleep 1
done
END
chmod +x /run/own/init
(cd /run/own && echo init | cpio -o -H newc 2>/dev/null) >/run/own.cpio
cat /guest/initrd /run/own.cpio >/run/own.initrd
coldvm bench power "$device" --cycles 0 --runs 1 --workload guest,duration_s=20 --no-meters --out /run/own.run \
	-- --kernel /guest/bzImage --initramfs /run/own.initrd --memory size=256M --cmdline console=ttyS0 >/run/summary 2>&1
check_eq $? 0 "a guest that nobody asks is watched"
check "[ $(wc -l </run/own.run/trace.csv) -ge 5 ]" "what it did is a trace: $(tail -n 1 /run/own.run/trace.csv)"
check "awk 'BEGIN { exit !($(value own.run share d3cold median) > 0.3) }'" \
	"it was in D3cold for a good part: $(value own.run share d3cold median)"

# -- straight on vfio

coldvm bench power "$device" --raw --cycles 3 --workload none --no-meters --out /run/raw >/run/summary 2>&1
check_eq $? 0 "a run on vfio alone ends well"
check_eq "$(value raw transitions cycles)" 3 "with all cycles"
check "grep -q 'energy is unknown' /run/summary" "without a meter energy is unknown"
wake=$(value whole guest_wake p50) raw=$(value raw exit p50)
check "awk 'BEGIN { exit !($wake <= 1.15 * $raw) }'" "the guest's wake ($wake ns) is within 1.15 of the raw exit ($raw ns)"

# -- on the bare host

coldvm bench power "$device" --host --cycles 3 --workload poisson,rate_hz=1,busy_ms=100,duration_s=5 --runs 1 --no-meters \
	--out /run/host >/run/summary 2>&1
check_eq $? 0 "a run on the host itself ends well"
check_eq "$(value host transitions cycles) $(value host backend)" '3 "runtime-pm"' "with all cycles, by its own runtime PM"
check_eq "$(attributes)" "$before" "the device's attributes are as before"

# -- a driver that does not let go

status=0
coldvm bench power "$device" --driver keep --kernel /guest/bzImage --cycles 1 --workload none --no-meters --out /run/kept \
	>/run/summary 2>&1 || status=$?
check_eq $status 1 "with the guest's NVMe driver, which has no runtime PM, a run fails"
check "grep -q 'its driver does not let it idle' /run/summary" "and says why"

# -- the user has had enough

coldvm bench power "$device" --kernel /guest/bzImage --cycles 1000 --workload none --no-meters --out /run/cut >/run/summary 2>&1 &
pid=$!
sleep 12
kill -INT $pid
status=0
wait $pid || status=$?
check_eq $status 1 "SIGINT ends it with 1"
check_eq "$(value cut complete) $(value cut stopped_by)" 'false "SIGINT"' "and says so"
check "[ $(value cut transitions cycles) -ge 5 ]" "the $(value cut transitions cycles) cycles until then are there"
check "grep -q 'STOPPED EARLY: SIGINT' /run/summary" "the summary says so too"
check_eq "$(pidof coldvm)" "" "no VM is left"
wait_state "$device" D3cold

# -- what is wrong

coldvm bench power 0000:99:00.0 2>/run/err
check_eq "$? $(cat /run/err)" "1 coldvm: bench: 0000:99:00.0: no such PCI device" "a device that is not there"
coldvm bench power "$device" --kernel /nowhere --out /run/none >/dev/null 2>/run/err
check_eq $? 1 "a kernel that is not there is a host error"
check "grep -q '^coldvm: bench: .*/nowhere' /run/err" "which is named: $(grep -v '^bench' /run/err)"
coldvm bench power "$device" --kernel /guest/bzImage --out /run/whole >/dev/null 2>/run/err
check "grep -q 'there is something in it' /run/err" "no run is written over: $(cat /run/err)"
host_log_clean
