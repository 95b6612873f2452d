# SPDX-License-Identifier: BSD-3-Clause
# rule: EXIT from D3cold says that a device did not come back, and the request is withdrawn all the same
# kernels: 6.12 6.1
# driver: patched
# alone: yes
# timeout: 120

# No guest runs here: the clock shall not jump while an answer is on its way.
export CONTROL_SPIN=1
set -- $LAB_DEVICES
device=$1

# Slot Control of port 1.0, from outside: indicator and power off. The port's _ON does not undo this.
conform dead "$device" "monitor 'o /4 0xcf8 0x8000086c' && monitor 'o /2 0xcfc 0x07c0'" >/run/rows
status=$?
cat /run/rows
check_eq "$status" 0 "the verdict is an error"
check "grep -q '^exit-dead pass: ' /run/rows" "which names what is wrong"

