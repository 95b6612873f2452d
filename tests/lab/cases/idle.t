# SPDX-License-Identifier: BSD-3-Clause
# rule: an idle guest causes no exit but for its own timer, and wakes no thread of coldvm but its vCPU
# kernels: 6.12
# needs: coldvm
# icount: yes
# timeout: 120

SECONDS_IDLE=30
. /lab/exits

# With a device that is idle too, in D3cold, and virtio devices that wait for both sides.
vm_start --disk path=/dev/nullb0 --vsock cid=3,socket=/run/vsock
guest idle
wait_event power-d3cold
# What a start leaves to be done later is done by then.
sleep 30
idle_count "$(vm_pid)" $SECONDS_IDLE >/run/counts || fail "no counts of exits"
note "$(cat /run/counts)"
check "grep -q '^exit hlt ' /run/counts" "the guest halts, and is seen to"
check_eq "$(idle_wrong $SECONDS_IDLE </run/counts)" "" "nothing but the guest's timer in $SECONDS_IDLE s"

# The same eyes see what is not the timer's: a character on the serial port.
(sleep 2; echo >$RUN/vm.in) &
idle_count "$(vm_pid)" 4 >/run/counts || fail "no counts of exits"
idle_wrong 4 </run/counts >/run/wrong
note "$(cat /run/wrong)"
check "grep -q '^userspace KVM_EXIT_IO ' /run/wrong" "a character makes exits to coldvm, which are seen"
check "grep -q '^thread coldvm ' /run/wrong" "and wakes coldvm's main thread, which is seen too"
vm_stop
host_log_clean
