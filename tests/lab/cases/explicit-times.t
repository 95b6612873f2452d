# SPDX-License-Identifier: BSD-3-Clause
# rule: ENTER has device and port in D3cold within 25 ms, and EXIT takes at most 2 ms more than mainline's exit
# kernels: 6.12 6.1
# driver: patched
# icount: yes
# timeout: 120

set -- $LAB_DEVICES
conform times "$1" >/run/rows
status=$?
cat /run/rows
check_eq "$status" 0 "each ENTER returns with device and port in D3cold"
check "grep -q '^times pass: ' /run/rows" "over all rounds"

# figure WHAT KEY
figure() { sed -n "s/^$1 .*$2 \([0-9]*\).*/\1/p" /run/rows; }

for awake in 0 20 500; do
	check_le "$(figure "enter awake_ms $awake" most_us)" 25000 "ENTER, awake for $awake ms before, the slowest in us"
done
explicit=$(figure "exit explicit" median_us)
mainline=$(figure "exit mainline" median_us)
check_le $((explicit - mainline)) 2000 "EXIT less mainline's exit, medians, in us"
host_log_clean
