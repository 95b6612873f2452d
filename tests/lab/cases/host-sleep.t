# SPDX-License-Identifier: BSD-3-Clause
# rule: a host that suspends and resumes with a cold device gives it to the guest as if nothing had been
# variant: idle           HOW=idle kernels=6.12
# variant: idle-patched   HOW=idle driver=patched kernels=6.12 "by-hand=it takes minutes"
# variant: levels         HOW=levels flavour=generic kernels=6.12
# variant: levels-patched HOW=levels flavour=generic driver=patched kernels=6.12 "by-hand=it takes minutes"
# needs: coldvm
# timeout: 360

set -- $LAB_DEVICES
device=$1
keyboard=/sys/devices/platform/i8042/serio0

grep -q freeze /sys/power/state || skip "this host kernel cannot suspend"

# Suspends all devices and resumes them, without asking for a wake source (kernel/power/suspend_test.c).
level() {
	host "echo $1 >/sys/power/pm_test; echo freeze >/sys/power/state; echo none >/sys/power/pm_test"
	ok "the host went to sleep as far as '$1' and came back"
}

# Suspend-to-idle, all of it: the CPU sleeps until the emulated hardware sees a key.
to_idle() {
	local before after start
	host "echo enabled >$keyboard/power/wakeup"
	before=$(cat /sys/power/suspend_stats/success)
	start=$(l0time | cut -d' ' -f2)
	host "probe control later 4 sendkey a; echo freeze >/sys/power/state"
	after=$(l0time | cut -d' ' -f2)
	check_eq "$(($(cat /sys/power/suspend_stats/success) - before))" 1 "the host went to sleep, and came back"
	check '[ $((after - start)) -ge 4000000000 ]' "not before the key"
	note "asleep for $(((after - start) / 1000000)) ms with all that is around it"
}

case $HOW in
levels)
	[ -e /sys/power/pm_test ] || skip "this host kernel has no pm_test"
	set -- 'level freezer' 'level devices'
	;;
idle)
	[ -e $keyboard/power/wakeup ] || skip "this host has no keyboard that could wake it"
	set -- to_idle to_idle
	;;
esac

# A generic kernel as the host is slow under the emulator.
vm_launch
vm_ready
guest disk
guest idle
wait_event power-d3cold
wait_state "$device" D3cold
power_mark

for sleep in "$@"; do
	$sleep
	sleep 1
	note "host state $(power_state "$device"); power log: $(power_count on) on, $(power_count off) off; wakes $(events power-wake)"
	vm_alive
	guest true
	wait_state "$device" D3cold 60
	ok "$sleep: the device is as cold as it was"
	events_mark
	guest touch_dev
	wait_event power-alive
	gout sum "disk >/dev/null; disk_sum 2"
	check_eq "$sum" "$(expected_sum 2)" "$sleep: the guest wakes the device and reads its disk"
	guest idle
	wait_event power-d3cold
	wait_state "$device" D3cold
	ok "$sleep: and lets it go cold again"
done
check_eq "$(events power-failed)" 0 "no wake failed"
guest_log_clean
vm_stop
host_log_clean
