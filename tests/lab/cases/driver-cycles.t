# SPDX-License-Identifier: BSD-3-Clause
# rule: a thousand entries to D3cold and exits leave no memory behind in the kernel
# kernels: 6.12 6.1
# driver: patched
# icount: yes
# timeout: 300

set -- $LAB_DEVICES
conform cycles "$1" 1000 >/run/rows
status=$?
cat /run/rows
check_eq "$status" 0 "no cache grows"
check "grep -q '^cycles pass: ' /run/rows" "over all cycles"

# The check itself, with an object a cycle left behind.
conform cycles --leak "$1" 200 >/run/rows
status=$?
cat /run/rows
check_eq "$status" 1 "a leak is seen"
host_log_clean
