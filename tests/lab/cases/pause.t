# SPDX-License-Identifier: BSD-3-Clause
# rule: a paused guest stands still, its cold device stays cold, all can be asked, and it goes on as if nothing had been
# kernels: 6.1
# needs: coldvm
# timeout: 300

set -- $LAB_DEVICES
device=$1
api=/run/vm.api

# What coldvm's threads have used of the processor, in ticks, without the main one.
vcpu_ticks() {
	local task
	for task in /proc/"$(vm_pid)"/task/*; do
		grep -q '^vcpu' "$task/comm" && cut -d' ' -f14,15 "$task/stat" | tr ' ' +
	done | paste -s -d+ | { read -r sum; echo $((sum)); }
}

field() { coldvm ctl $api power --json | sed -n 's/.*"'"$1"'": "\{0,1\}\([^",]*\).*/\1/p' | head -n 1; }

vm_start -v --cpus boot=2 --api-socket "path=$api"
guest disk
coldvm ctl $api resume 2>/run/api.err
check_eq "$? $(cat /run/api.err)" "1 coldvm: ctl: $api: the VM is not paused" "who runs cannot resume"
guest idle
wait_event power-d3cold
wait_state "$device" D3cold

# A counter, to be seen standing still.
guest "(while :; do n=\$((n + 1)); echo \$n >/dev/shm/new; mv /dev/shm/new /dev/shm/count; done) >/dev/null 2>&1 & echo \$! >/run/counter"
power_mark
host "coldvm ctl $api pause"
wait_event pausing
wait_event paused
coldvm ctl $api info >/run/info
check "grep -q '^Paused ' /run/info" "it says that it is paused: $(head -n 1 /run/info)"
before=$(vcpu_ticks)
check "[ $before -gt 0 ]" "the vCPUs have used the processor before: $before ticks"
sleep 3
check_eq "$(vcpu_ticks)" "$before" "no vCPU has used the processor in 3 s"
check_eq "$(field guest_state) $(field host_state)" "off D3cold" "power can be asked"
host "coldvm ctl $api metrics | grep -q '^coldvm_vcpus 2$'"
coldvm ctl $api pause 2>/run/api.err
check_eq "$? $(cat /run/api.err)" "1 coldvm: ctl: $api: the VM is paused already" "a second pause is refused"
check_eq "$(power_state "$device") $(power_new | wc -l)" "D3cold 0" "the device stays cold"

# The host wakes the device: the guest is told when it can hear it.
host "od -An -tx1 -N4 $(pci_dir "$device")/config >/dev/null"
wait_event power-wake
check_eq "$(events power-on-asked)" 0 "a paused guest does not answer a wake"
host "coldvm ctl $api resume"
wait_event resuming
wait_event resumed
wait_event power-on-asked
wait_event power-d3cold
wait_state "$device" D3cold
ok "the wake is told after it, and the device goes cold again"
gout first cat /dev/shm/count
guest "usleep 300000"
gout second cat /dev/shm/count
check "[ $second -gt $first ]" "the guest counts on: $first, $second"

# Ten pauses under load; the guest's clock goes forwards only.
guest "(last=0; while [ -e /run/counter ]; do now=\$(probe now); [ \$now -ge \$last ] || echo \$last \$now; last=\$now; done >/run/backwards 2>&1) & "
n=0
while [ $n -lt 10 ]; do
	host "coldvm ctl $api pause && usleep 50000 && coldvm ctl $api resume"
	n=$((n + 1))
done
guest 'kill $(cat /run/counter); rm /run/counter; usleep 300000'
gout text cat /run/backwards
check_eq "$text" "" "the clock never went back"
guest touch_dev
gout sum "disk >/dev/null; disk_sum 3"
check_eq "$sum" "$(expected_sum 3)" "the device works"
guest_log_clean

# The power button, pressed while the guest cannot hear it.
host "coldvm ctl $api pause && coldvm ctl $api power-button"
coldvm ctl $api info >/run/info
check "grep -q '^Paused ' /run/info" "the button alone does not end a pause"
host "coldvm ctl $api resume"
vm_wait 0
ok "the guest hears of it afterwards"

# A CPU that computes and stands still for 8 s is a soft lockup for this guest, unless it is told to forgive
# (kernel/watchdog.c).
VM_DEVICES= vm_start --cpus boot=2 --api-socket "path=$api"
guest "echo 4 >/proc/sys/kernel/watchdog_thresh; (while :; do :; done) >/dev/null 2>&1 & "
gout thresh cat /proc/sys/kernel/watchdog_thresh
check_eq "$thresh" 4 "the guest watches for soft lockups of 8 s"
host "coldvm ctl $api pause; sleep 20; coldvm ctl $api resume"
guest "usleep 3000000; echo 10 >/proc/sys/kernel/watchdog_thresh"
guest_log_clean
ok "its watchdog for lockups has forgiven a pause of 20 s"
host "coldvm ctl $api pause"
vm_signal TERM
vm_wait 0
ok "SIGTERM ends the pause, and the guest switches off"
VM_DEVICES= vm_start --api-socket "path=$api"
host "coldvm ctl $api pause && coldvm ctl $api stop"
vm_wait 5
ok "a paused VM stops"
host_log_clean
