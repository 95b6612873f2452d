# SPDX-License-Identifier: BSD-3-Clause
# rule: whatever users and host do at once to a slot, nothing hangs, and the device is usable afterwards
# kernels: 6.12 6.1
# driver: patched
# devices: pair
# timeout: 240

conform storm $LAB_DEVICES 20 >/run/rows
status=$?
cat /run/rows
check_eq "$status" 0 "nothing hangs, and the device is usable afterwards"
check "grep -q '^storm pass: ' /run/rows" "both functions reach D3cold and come back"
host_log_clean
