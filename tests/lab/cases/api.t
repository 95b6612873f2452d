# SPDX-License-Identifier: BSD-3-Clause
# rule: asking a running VM tells what is, wakes nothing, and ends with the VM
# kernels: 6.12
# needs: coldvm
# timeout: 500

set -- $LAB_DEVICES
device=$1
api=/run/vm.api

# Prometheus' text format: HELP and TYPE before the first sample of a name, names and labels well-formed, values
# numbers, no sample twice, all samples of a name together.
check_metrics() {
	awk '
		function bad(why) { print NR ": " why ": " $0; failed = 1 }
		/^# HELP / { help[$3] = 1; next }
		/^# TYPE / {
			if ($3 in type) bad("typed twice")
			if ($4 !~ /^(counter|gauge|summary)$/) bad("unknown type")
			type[$3] = $4
			next
		}
		/^#/ || /^$/ { next }
		{
			samples++
			if ($0 !~ /^[a-z_][a-z0-9_]*(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? -?[0-9.]+(e[-+]?[0-9]+)?$/)
				bad("no sample")
			name = $0
			sub(/[ {].*/, "", name)
			base = name
			if (!(base in type)) sub(/_(sum|count)$/, "", base)
			if (!(base in type) || !(base in help)) bad("no type or help")
			if (type[base] == "counter" && name !~ /_total$/) bad("a counter without _total")
			if (base != last && (base in done)) bad("not together")
			done[base] = 1
			last = base
			key = $0
			sub(/ [^ ]*$/, "", key)
			if (key in seen) bad("twice")
			seen[key] = 1
		}
		END { if (!samples) { print "no samples"; failed = 1 }; exit failed }
	' "$1"
}

# A field of the first slot, as `ctl power --json` has it.
field() { coldvm ctl $api power --json | sed -n 's/.*"'"$1"'": "\{0,1\}\([^",]*\).*/\1/p' | head -n 1; }

vm_start -v --api-socket "path=$api"
check_eq "$(stat -c %a $api)" 600 "the socket is its user's alone"
hout word "coldvm ctl $api ping"
check_eq "$word" "$(coldvm --version), process $(vm_pid)" "it says who it is"
host "coldvm ctl $api info | grep '^Running for '"
coldvm run --kernel /guest/bzImage --api-socket path=$api 2>/run/second.err </dev/null
check_eq "$?" 1 "a second VM does not take the socket"
check "grep -q 'somebody listens on $api' /run/second.err" "and says why"

coldvm ctl $api events >/run/api.events 2>/run/api.err 7>&- &
listener=$!
probe wait-text /run/vm.err 1 "no such line" >/dev/null 2>&1 # the listener is there by then

guest disk
check_eq "$(field guest_state) $(field host_state) $(field state)" "on D0 on" "on, by all three"

guest idle
wait_event power-d3cold
wait_state "$device" D3cold
check_eq "$(field guest_state) $(field host_state) $(field state)" "off D3cold d3cold" "cold, by all three"
check_eq "$(coldvm ctl $api power --json | grep -c '"reason"')" 0 "and so there is no reason to give"
hout text "coldvm ctl $api power"
note "$text"
check_eq "$(echo "$text" | awk 'length > 80' | wc -l)" 0 "a slot is readable in 80 columns"

power_mark
host "probe ask $api /api/v1/vm.device-power 1000 | grep -q '\"host_state\":\"D3cold\"'"
check_eq "$(power_new | wc -l)" 0 "1,000 questions switch no power"
check_eq "$(power_state "$device")" D3cold "the device is in D3cold after them"
check_eq "$(events power-wake)" 0 "and nothing woke it"
host "coldvm ctl $api metrics >/run/metrics"
check "check_metrics /run/metrics" "metrics are as Prometheus wants them"
check "grep -q 'coldvm_slot_host_state{slot=\"0\",id=\"vfio-$device\",state=\"D3cold\"} 1$' /run/metrics" \
	"and say D3cold"
check_eq "$(power_new | wc -l)" 0 "they switch no power either"

guest touch_dev
wait_event power-alive
check_eq "$(field guest_state) $(field host_state) $(field state)" "on D0 on" "on again, by all three"
check_eq "$(coldvm ctl $api counters | grep -E '(entries|exits|d3cold|failures) ')" \
	"$(printf "vfio-$device.%s\n" "entries 1" "d3cold 1" "exits 1" "failures 0")" "one cycle is counted as one"
hout text "coldvm top $api --once"
note "$text"
check "echo \"\$text\" | grep -q '^vfio-0000:01: 0000:01:00.0 on *D0 '" "coldvm top shows it"

coldvm ctl $api pingg 2>/dev/null
check_eq "$?" 2 "an unknown verb is a usage error"
note "private KiB with a control socket in use: $(vm_private)"

# As SIGTERM does: the guest's agent switches off.
host "coldvm ctl $api shutdown"
vm_wait 0
wait $listener
check_eq "$?" 0 "the stream of events ends with the VM"
check "[ ! -e $api ]" "the socket is gone"
lines=$(wc -l </run/api.events)
check "[ $lines -gt 6 ]" "there were $lines events"
tail -n "$lines" $RUN/events.json >/run/events.tail
check "cmp /run/events.tail /run/api.events" "they are those of the event monitor, to the byte"
coldvm ctl $api ping 2>/run/api.err
check_eq "$?" 1 "whom nobody answers ends with 1"
check "grep -q 'there is no such socket' /run/api.err" "and says why"

vm_start --api-socket "$api" --device "path=$device,power=d3hot"
guest disk
guest idle
wait_event power-reached
check_eq "$(field guest_state) $(field host_state) $(field state)" "off D3hot warm" "kept in D3hot"
check_eq "$(field cause)" policy "by the VM's own option, and it says so"

# The other way round than at start: the policy changes while the slot is off.
host "coldvm ctl $api policy '{\"id\":\"vfio-$device\",\"power\":\"d3cold\"}'"
wait_event power-policy
wait_event power-d3cold
wait_state "$device" D3cold
check_eq "$(field guest_state) $(field host_state) $(field state)" "off D3cold d3cold" "another policy, at run time"
coldvm ctl $api policy '{"id":"nobody","power":"on"}' 2>/run/api.err
check_eq "$? $(cat /run/api.err)" "1 coldvm: ctl: $api: there is no device 'nobody'" "a wrong one is refused"
vm_kill
check "[ -S $api ]" "a VM that is killed leaves its socket"
vm_start --api-socket "path=$api"
host "coldvm ctl $api ping"
ok "the next one replaces it"
note "private KiB with an idle control socket: $(vm_private)"
vm_stop
vm_start
note "private KiB without one: $(vm_private)"
vm_stop
host_log_clean
