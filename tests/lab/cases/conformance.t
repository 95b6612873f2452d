# SPDX-License-Identifier: BSD-3-Clause
# rule: the host's vfio-pci keeps each promise about power that it makes, and a stock one those of mainline
# kernels: 6.12 6.1
# devices: nvme pair
# icount: yes
# timeout: 600
# variant: stock driver=stock OFFERED=no
# variant: patched driver=patched OFFERED=yes

# No guest runs here: the clock shall not jump while an answer is on its way.
export CONTROL_SPIN=1
conform --power-log powerlog $LAB_DEVICES >/run/rows
status=$?
cat /run/rows
check_eq "$status" 0 "no promise is broken"
check_eq "$(grep -c ' pass: ' /run/rows)" "$([ $OFFERED = yes ] && grep -c : /run/rows || echo 5)" \
	"each promise of this driver was asked for and kept"
host_log_clean
