# SPDX-License-Identifier: BSD-3-Clause
# rule: with on-failure=stop a device that does not come back ends the VM in order, with one line and status 1
# kernels: 6.12
# needs: coldvm
# alone: yes
# timeout: 300

set -- $LAB_DEVICES
device=$1

vm_launch --device "path=$device,on-failure=stop"
vm_ready 120
guest disk
guest idle
wait_event power-d3cold
wait_state "$device" D3cold

# As in lost-power.t: the port's _ON does not undo this.
host "monitor 'o /4 0xcf8 0x8000086c'"
host "monitor 'o /2 0xcfc 0x07c0'"
guest_send touch_dev
wait_event power-failed 60
check "echo '$EVENT' | grep -q '\"tried\"'" "the event lists what was tried: $(echo "$EVENT" | sed 's/.*"tried" *: *\(\[[^]]*\]\).*/\1/')"
vm_wait 1 90
ok "coldvm ends with 1"
check_eq "$(grep -c 'on-failure=stop' $RUN/vm.err)" 1 "one line says why"
check "grep '\"shutdown\"' $RUN/events.json | grep -q host-error" "and so does the last event"
